import { memo, useCallback } from "react";
import { useTranslation } from "react-i18next";
import { LAW_OF_CATEGORY } from "#core/alarm/law.ts";
import type { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import { spacesInOrder } from "../../api/space-tree.ts";
import { named } from "../../i18n/language.ts";
import { type AlarmFilter, STATE_FILTERS } from "../../live/alarm-filter.ts";
import { PRIORITIES } from "../../live/alarm-order.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Choice } from "../../ui/choice.tsx";
import { Icon } from "../../ui/icon.tsx";
import { PriorityShape } from "../../ui/priority-mark.tsx";
import { SavedFilters } from "./saved-filters.tsx";

const CATEGORIES = Object.keys(LAW_OF_CATEGORY) as AlarmCategory[];
const LAWS: readonly Law[] = ["facility", "security"];

interface Props {
  readonly filter: AlarmFilter;
  readonly onFilter: (filter: AlarmFilter) => void;
}

interface PillProps {
  readonly priority: AlarmPriority;
  readonly open: number;
  readonly unacknowledged: number;
  readonly pressed: boolean;
  readonly onToggle: (priority: AlarmPriority) => void;
}

const Pill = memo(function Pill({ priority, open, unacknowledged, pressed, onToggle }: PillProps) {
  const { t } = useTranslation();
  const name = t(`alarm.priority.${priority}`);
  return (
    <button
      type="button"
      className={`pill${unacknowledged > 0 ? ` pill-${priority}` : ""}`}
      aria-pressed={pressed}
      title={t("alarm.countOf", { priority: name, count: open, unacknowledged })}
      data-testid={`pill-${priority}`}
      onClick={() => onToggle(priority)}
    >
      <PriorityShape priority={priority} />
      {name}
      <b>{open}</b>
      {unacknowledged > 0 && <span className="pill-new">{t("alarm.pillNew", { count: unacknowledged })}</span>}
    </button>
  );
});

/** Counts by priority, each a filter. */
function PriorityPills({ filter, onFilter }: Props) {
  const { t } = useTranslation();
  const { tally } = useServices();
  const { priorities } = useCell(tally);
  const toggle = useCallback(
    (priority: AlarmPriority): void => {
      const wanted = new Set(filter.priorities);
      if (!wanted.delete(priority)) wanted.add(priority);
      onFilter({ ...filter, priorities: wanted });
    },
    [filter, onFilter],
  );
  return (
    <fieldset className="pills">
      <legend className="visually-hidden">{t("alarm.filter.priority")}</legend>
      {PRIORITIES.map((priority) => (
        <Pill
          key={priority}
          priority={priority}
          {...priorities[priority]}
          pressed={filter.priorities.has(priority)}
          onToggle={toggle}
        />
      ))}
    </fieldset>
  );
}

/** What of the list is shown. An active filter is seen: it hides alarms. */
export function AlarmToolbar({ filter, onFilter }: Props) {
  const { t } = useTranslation();
  const { site, preferences } = useServices();
  const { spaces } = useCell(site.names);
  const language = useCell(preferences.language);
  const any = t("common.all");
  return (
    <div className="alarm-toolbar">
      <PriorityPills filter={filter} onFilter={onFilter} />
      <div className="filters">
        <label className={`search${filter.q.trim() === "" ? "" : " filtering"}`}>
          <Icon name="search" />
          <input
            id="alarm-search"
            type="search"
            data-testid="alarm-search"
            aria-label={t("common.search")}
            placeholder={t("alarm.searchPlaceholder")}
            value={filter.q}
            maxLength={100}
            onChange={({ target }) => onFilter({ ...filter, q: target.value })}
            onKeyDown={(event) => {
              if (event.key === "Escape") document.getElementById("alarm-grid")?.focus();
            }}
          />
        </label>
        <Choice
          label={t("alarm.filter.state")}
          any={any}
          value={filter.state}
          options={STATE_FILTERS.map((value) => ({ value, label: t(`alarm.stateFilter.${value}`) }))}
          onChange={(state) => onFilter({ ...filter, state })}
        />
        <Choice
          label={t("alarm.filter.law")}
          any={any}
          value={filter.law}
          options={LAWS.map((value) => ({ value, label: t(`alarm.law.${value}`) }))}
          onChange={(law) => onFilter({ ...filter, law })}
        />
        <Choice
          label={t("alarm.filter.category")}
          any={any}
          value={filter.category}
          options={CATEGORIES.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
          onChange={(category) => onFilter({ ...filter, category })}
        />
        <Choice
          label={t("alarm.filter.area")}
          any={any}
          value={filter.area}
          options={spacesInOrder(spaces).map(({ space, depth }) => ({
            value: space.id,
            label: `${"\u2003".repeat(depth)}${named(space, language)}`,
          }))}
          onChange={(area) => onFilter({ ...filter, area })}
        />
        <SavedFilters filter={filter} onFilter={onFilter} />
      </div>
    </div>
  );
}
