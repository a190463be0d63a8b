import { useTranslation } from "react-i18next";
import type { JournalRecord } from "#core/contracts/journal.ts";
import { fullTime } from "../../i18n/format.ts";
import { addressOf } from "../../router.ts";
import { Link } from "../../ui/link.tsx";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { type NamesShown, useNames } from "../../ui/use-names.ts";
import { EvidenceButton } from "../alarms/evidence-button.tsx";

/** A clock that is off by less is not worth a word: the way of a message takes its time. */
const NOTED_OFFSET_MS = 2000;

/** Entries of the journal. */
export function JournalTable({ items }: { readonly items: readonly JournalRecord[] }) {
  const { t } = useTranslation();
  const names = useNames();
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">{t("journal.sourceTime")}</th>
          <th scope="col">{t("journal.transition")}</th>
          <th scope="col">{t("journal.priority")}</th>
          <th scope="col">{t("journal.alarm")}</th>
          <th scope="col">{t("alarm.column.area")}</th>
          <th scope="col">{t("journal.who")}</th>
          <th scope="col">{t("journal.why")}</th>
          <th scope="col">
            <span className="visually-hidden">{t("journal.evidence.button")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((entry) => (
          <Row key={entry.id} entry={entry} names={names} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ entry, names }: { readonly entry: JournalRecord; readonly names: NamesShown }) {
  const { t } = useTranslation();
  const message = names.language === "en" ? entry.messageEn : entry.message;
  const who = [entry.actor ?? t("journal.system"), entry.station].filter((part) => part !== undefined).join(" / ");
  return (
    <tr data-testid="journal-row">
      <td className="journal-time">
        <time dateTime={entry.at}>{fullTime(entry.at)}</time>
        <Clocks entry={entry} />
      </td>
      <td className="journal-transition">{t(`alarm.transition.${entry.transition}`)}</td>
      <td>
        <PriorityMark priority={entry.priority} quiet />
      </td>
      <td className="journal-wrap">
        <Link to={addressOf("/alarms", { alarm: entry.alarm })} title={t("journal.open", { message })}>
          {message}
        </Link>
        <span className="soft journal-source">{entry.source}</span>
      </td>
      <td className="journal-place">{names.place(entry.area)}</td>
      <td className="journal-wrap">{who}</td>
      <td className="journal-wrap">{entry.comment}</td>
      <td className="journal-evidence">
        <EvidenceButton alarm={entry.alarm} compact />
      </td>
    </tr>
  );
}

/** When the cloud received it, where that tells something: it was late, or a clock was off. */
function Clocks({ entry }: { readonly entry: JournalRecord }) {
  const { t } = useTranslation();
  const late = Date.parse(entry.receivedAt) - Date.parse(entry.at);
  const offset = entry.clockOffsetMs ?? 0;
  if (Math.abs(late) < NOTED_OFFSET_MS && Math.abs(offset) < NOTED_OFFSET_MS) return null;
  return (
    <span className="soft journal-source">
      {t("journal.received")} {fullTime(entry.receivedAt)}
      {Math.abs(offset) >= NOTED_OFFSET_MS && ` · ${t("journal.offset", { seconds: (offset / 1000).toFixed(1) })}`}
    </span>
  );
}
