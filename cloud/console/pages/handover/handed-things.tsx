import { useTranslation } from "react-i18next";
import type { HandoverContent } from "#core/contracts/shift.ts";
import { fullTime } from "../../i18n/format.ts";
import { type ShownState, shownState } from "../../live/alarm-order.ts";
import { modeOf } from "../../live/door-order.ts";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import { useNames } from "../../ui/use-names.ts";

const minute = (iso: string): string => fullTime(iso).slice(5, 16);

function stateOf({ state, acknowledgedBy }: HandoverContent["open"]["items"][number]): ShownState {
  return shownState({ state, acknowledged: acknowledgedBy !== undefined });
}

/** Alarms of one state, the most pressing first. */
export function HandedAlarms(props: { readonly title: string; readonly alarms: HandoverContent["open"] }) {
  const { t } = useTranslation();
  const names = useNames();
  const { title, alarms } = props;
  return (
    <section className="handed" aria-label={title}>
      <h3>
        {title} ({alarms.total})
      </h3>
      {alarms.items.length === 0 ? (
        <p className="soft">{t("alarmQuality.handover.none")}</p>
      ) : (
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">{t("alarm.filter.priority")}</th>
              <th scope="col">{t("alarmQuality.handover.raised")}</th>
              <th scope="col">{t("alarmQuality.handover.message")}</th>
              <th scope="col">{t("alarmQuality.handover.place")}</th>
              <th scope="col">{t("alarmQuality.handover.state")}</th>
            </tr>
          </thead>
          <tbody>
            {alarms.items.map((alarm) => (
              <tr key={alarm.id} data-testid="handed-alarm">
                <td>
                  <PriorityMark priority={alarm.priority} quiet />
                </td>
                <td className="one-line">{minute(alarm.raisedAt)}</td>
                <td>{names.language === "en" ? alarm.messageEn : alarm.message}</td>
                <td>{names.place(alarm.area)}</td>
                <td>
                  <span className="one-line">{t(`alarm.state.${stateOf(alarm)}`)}</span>
                  {alarm.shelvedUntil !== undefined && (
                    <span className="soft">
                      {" "}
                      {alarm.shelvedOnce === true
                        ? t("alarm.untilNormal")
                        : t("alarmQuality.handover.until", { time: minute(alarm.shelvedUntil) })}
                    </span>
                  )}
                  {alarm.assignee !== undefined && <span className="soft"> {alarm.assignee}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {alarms.total > alarms.items.length && (
        <p className="soft">{t("alarmQuality.handover.more", { count: alarms.total - alarms.items.length })}</p>
      )}
    </section>
  );
}

/** Permits, overridden points and doors. */
export function HandedList({ content }: { readonly content: HandoverContent }) {
  const { t } = useTranslation();
  const { language } = useNames();
  const { permits, overrides, doors } = content;
  const named = (thing: { readonly name: string; readonly nameEn: string }): string =>
    language === "en" ? thing.nameEn : thing.name;
  const lists = [
    {
      title: t("alarmQuality.handover.permits"),
      lines: permits.map(({ id, reason, until, requestedBy }) => ({
        id,
        text: `${reason} · ${requestedBy} · ${t("alarmQuality.handover.until", { time: minute(until) })}`,
      })),
    },
    {
      title: t("alarmQuality.handover.overrides"),
      lines: overrides.map((one) => ({
        id: one.point,
        text: `${named(one)} = ${String(one.value)} · ${one.by} · ${minute(one.at)}`,
      })),
    },
    {
      title: t("alarmQuality.handover.doors"),
      lines: doors.map((door) => ({
        id: door.id,
        text: `${named(door)} · ${t(`door.mode.${modeOf({ ...door, quality: "good" })}`)}`,
      })),
    },
  ];
  return (
    <>
      {lists.map(({ title, lines }) => (
        <section key={title} className="handed" aria-label={title}>
          <h3>
            {title} ({lines.length})
          </h3>
          {lines.length === 0 ? (
            <p className="soft">{t("alarmQuality.handover.none")}</p>
          ) : (
            <ul className="handed-lines">
              {lines.map(({ id, text }) => (
                <li key={id}>{text}</li>
              ))}
            </ul>
          )}
        </section>
      ))}
    </>
  );
}
