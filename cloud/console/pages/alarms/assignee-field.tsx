import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { useLoad } from "../../api/use-load.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";

interface Props {
  readonly alarms: readonly AlarmView[];
  /** undefined: nobody chosen yet; null: taken back. */
  readonly value: string | null | undefined;
  readonly onValue: (value: string | null | undefined) => void;
}

/** Who shall look after it: oneself, somebody who may see the place, or nobody any more. */
export function AssigneeField({ alarms, value, onValue }: Props) {
  const { t } = useTranslation();
  const { api, session } = useServices();
  const state = useCell(session.state);
  const id = useId();
  const me = state.is === "in" ? state.session.user.name : "";
  const [typed, setTyped] = useState("");
  const [first] = alarms;
  const people = useLoad(first?.id, (signal) => api.assignees(first?.id ?? "", signal));
  const choose = (name: string): void => {
    setTyped(name);
    onValue(name.trim() === "" ? undefined : name.trim());
  };
  return (
    <>
      <label className="field-label" htmlFor={id}>
        {t("alarm.dialog.assignee")}
      </label>
      <div className="act-assignee">
        <input
          id={id}
          className="text-input"
          data-testid="act-assignee"
          data-first=""
          list={`${id}-people`}
          autoComplete="off"
          maxLength={64}
          value={typed}
          onChange={({ target }) => choose(target.value)}
        />
        <datalist id={`${id}-people`}>
          {people.data?.items.map(({ name, displayName }) => (
            <option key={name} value={name}>
              {displayName}
            </option>
          ))}
        </datalist>
        <button type="button" className="tag" data-testid="assign-me" onClick={() => choose(me)}>
          {t("alarm.dialog.assignMe")}
        </button>
        <button
          type="button"
          className="tag"
          aria-pressed={value === null}
          onClick={() => {
            setTyped("");
            onValue(null);
          }}
        >
          {t("alarm.dialog.assignNobody")}
        </button>
      </div>
    </>
  );
}
