import { useTranslation } from "react-i18next";
import type { JournalEntry } from "#core/contracts/alarms.ts";
import { fullTime, shortTime } from "../../i18n/format.ts";
import { useNow } from "../../live/hooks.ts";

/** What happened to the alarm, newest first. */
export function AlarmJournal({ journal }: { readonly journal: readonly JournalEntry[] | undefined }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  if (journal === undefined) return null;
  const entries = journal.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return (
    <section className="section">
      <h3>{t("alarm.detail.timeline")}</h3>
      <ol className="timeline" data-testid="alarm-journal">
        {entries.map((entry) => (
          <li key={entry.id} className={`at-${entry.transition}`}>
            <time dateTime={entry.at} title={fullTime(entry.at)}>
              {shortTime(entry.at, now)}
            </time>
            <span>
              <strong>{t(`alarm.transition.${entry.transition}`)}</strong>{" "}
              <span className="soft">
                {entry.actor ?? t("alarm.detail.bySystem")}
                {entry.station !== undefined && ` · ${entry.station}`}
              </span>
              {entry.comment !== undefined && <q>{entry.comment}</q>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
