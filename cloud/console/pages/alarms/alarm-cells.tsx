// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { memo } from "react";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { shortTime } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";
import { type ShownState, shownState } from "../../live/alarm-order.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";
import { PriorityLabel } from "../../ui/priority-mark.tsx";
import type { NamesShown } from "../../ui/use-names.ts";
import type { RowWords } from "./row-words.ts";
import { shelvedText } from "./shelved-text.ts";

/** Symbol of a state; it stands beside its text. */
export const STATE_ICONS: Readonly<Record<ShownState, IconName>> = {
  normal: "check",
  unacknowledged: "bell",
  acknowledged: "check",
  clearedUnacknowledged: "back",
  latchedUnacknowledged: "lock",
  latched: "lock",
  shelved: "pause",
  byDesign: "pause",
  outOfService: "wrench",
};

interface Props {
  readonly alarm: AlarmView;
  readonly ticked: boolean;
  /** It has left the list and stays only until the order is released. */
  readonly gone: boolean;
  readonly names: NamesShown;
  readonly t: Translate;
  readonly words: RowWords;
  readonly now: number;
  readonly onTick: (alarm: AlarmView) => void;
}

/** Who looks after it, how long it is shelved, and that nobody came in time. */
function Duty({ alarm, t, now }: Pick<Props, "alarm" | "t" | "now">) {
  const { assignee, escalatedAt } = alarm;
  const shelved = shelvedText(alarm, t, now);
  return (
    <>
      {escalatedAt !== undefined && (
        <small className="duty duty-escalated" title={t("alarm.escalated", { time: shortTime(escalatedAt, now) })}>
          ↑ {t("alarm.transition.escalated")}
        </small>
      )}
      {assignee !== undefined && <small className="duty">@{assignee}</small>}
      {shelved !== undefined && <small className="duty">{shelved}</small>}
    </>
  );
}

/** The cells of one row. Plain elements and drawn anew only when the alarm changes: the list stays quick with ten thousand rows. */
export const AlarmCells = memo(function AlarmCells({ alarm, ticked, gone, names, t, words, now, onTick }: Props) {
  const state = shownState(alarm);
  const message = names.language === "en" ? alarm.messageEn : alarm.message;
  return (
    <>
      <span role="gridcell" className="cell-tick">
        <input
          type="checkbox"
          checked={ticked}
          tabIndex={-1}
          data-testid="alarm-tick"
          aria-label={words.select(message)}
          onChange={() => onTick(alarm)}
          onClick={(event) => event.stopPropagation()}
        />
      </span>
      <span role="gridcell" className="cell-priority">
        <PriorityLabel
          priority={alarm.priority}
          quiet={alarm.acknowledged || gone}
          text={words.of(`alarm.priority.${alarm.priority}`)}
        />
      </span>
      <span role="gridcell" className={`cell-state alarm-state state-${state}`}>
        <Icon name={gone ? "check" : STATE_ICONS[state]} />
        {words.of(gone ? "alarm.state.closed" : `alarm.state.${state}`)}
        {alarm.stale && <span className="tag tag-bad">{t("alarm.state.stale")}</span>}
      </span>
      <span role="gridcell" className="cell-time">
        {shortTime(alarm.raisedAt, now)}
      </span>
      <span role="gridcell" className="cell-message cut" title={message}>
        {message}
        {alarm.occurrence > 1 && (
          <small className="soft"> {t("alarm.detail.occurrence", { count: alarm.occurrence })}</small>
        )}
        <Duty alarm={alarm} t={t} now={now} />
      </span>
      <span role="gridcell" className="cut cell-area" title={names.place(alarm.area)}>
        {names.space(alarm.area)}
      </span>
      <span role="gridcell" className="cut soft cell-source">
        {names.device(alarm.device ?? alarm.source)}
      </span>
      <span role="gridcell" className="soft cell-category">
        {words.of(`alarm.category.${alarm.category}`)}
      </span>
    </>
  );
});
