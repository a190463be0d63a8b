import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type AlarmFilter, isFiltering } from "../../live/alarm-filter.ts";
import {
  LONGEST_NAME,
  packFilters,
  type SavedFilter,
  unpackFilters,
  withFilter,
} from "../../live/alarm-saved-filters.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  readonly filter: AlarmFilter;
  readonly onFilter: (filter: AlarmFilter) => void;
}

/** The filters that this user has named in this browser. */
export function SavedFilters({ filter, onFilter }: Props) {
  const { t } = useTranslation();
  const { preferences, session } = useServices();
  const state = useCell(session.state);
  const user = state.is === "in" ? state.session.user.name : "";
  const [saved, setSaved] = useState(() => unpackFilters(preferences.readFilters(user)));
  const [name, setName] = useState<string>();
  const keep = (next: readonly SavedFilter[] | undefined): void => {
    if (next === undefined) return;
    preferences.writeFilters(user, packFilters(next));
    setSaved(next);
    setName(undefined);
  };
  const current = saved.find(
    (one) => packFilters([{ name: "", filter: one.filter }]) === packFilters([{ name: "", filter }]),
  );
  if (name !== undefined)
    return (
      <form
        className="choice"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "") keep(withFilter(saved, name.trim(), filter));
        }}
      >
        <input
          // biome-ignore lint/a11y/noAutofocus: it stands in the place of the button that was just pressed.
          autoFocus
          className="filter-name"
          data-testid="filter-name"
          aria-label={t("alarm.saved.name")}
          placeholder={t("alarm.saved.name")}
          maxLength={LONGEST_NAME}
          value={name}
          onChange={({ target }) => setName(target.value)}
          onKeyDown={({ key }) => {
            if (key === "Escape") setName(undefined);
          }}
        />
        <button type="submit" className="plain" data-testid="filter-save" disabled={name.trim() === ""}>
          {t("alarm.saved.save")}
        </button>
      </form>
    );
  return (
    <>
      {saved.length > 0 && (
        <label className="choice">
          <span>{t("alarm.saved.label")}</span>
          <select
            data-testid="saved-filters"
            value={current?.name ?? ""}
            onChange={({ target }) => {
              const chosen = saved.find((one) => one.name === target.value);
              if (chosen !== undefined) onFilter(chosen.filter);
            }}
          >
            <option value="">{t("common.none")}</option>
            {saved.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        </label>
      )}
      {isFiltering(filter) &&
        (current === undefined ? (
          <button type="button" className="plain" data-testid="filter-keep" onClick={() => setName("")}>
            <Icon name="plus" />
            {t("alarm.saved.keep")}
          </button>
        ) : (
          <button
            type="button"
            className="plain"
            data-testid="filter-forget"
            onClick={() => keep(saved.filter((one) => one !== current))}
          >
            <Icon name="minus" />
            {t("alarm.saved.forget")}
          </button>
        ))}
    </>
  );
}
