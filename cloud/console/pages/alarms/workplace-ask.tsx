import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useCell } from "../../live/hooks.ts";
import { LONGEST_WORKPLACE } from "../../preferences.ts";
import { useServices } from "../../services-context.ts";

/** Asks once what this workplace is called; until then its made-up name is used. It blocks nothing. */
export function WorkplaceAsk() {
  const { t } = useTranslation();
  const { preferences } = useServices();
  const kept = useCell(preferences.workplaceKept);
  const [name, setName] = useState(preferences.workplace.get());
  if (kept) return null;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    preferences.setWorkplace(name);
    document.getElementById("alarm-grid")?.focus();
  };
  return (
    <form className="workplace-ask" onSubmit={submit} data-testid="workplace-ask">
      <label>
        {t("alarm.workplace.ask")}{" "}
        <input
          className="text-input"
          data-testid="workplace-name"
          maxLength={LONGEST_WORKPLACE}
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
      </label>
      <button type="submit" className="plain" data-testid="workplace-keep">
        {t("alarm.workplace.keep")}
      </button>
    </form>
  );
}
