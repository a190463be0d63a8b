// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { memo } from "react";
import { shortTime } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";
import type { AlarmGroup } from "../../live/alarm-groups.ts";
import { Icon } from "../../ui/icon.tsx";
import { PriorityMark } from "../../ui/priority-mark.tsx";
import type { NamesShown } from "../../ui/use-names.ts";

interface Props {
  readonly group: AlarmGroup;
  readonly ticked: boolean;
  readonly names: NamesShown;
  readonly t: Translate;
  readonly now: number;
  readonly onTick: (group: AlarmGroup) => void;
  readonly onFold: (group: string, open: boolean) => void;
}

/** The cells of a folded cause: how many alarms, how many of them nobody has acknowledged, and which came first. */
export const GroupCells = memo(function GroupCells({ group, ticked, names, t, now, onTick, onFold }: Props) {
  const { first, members, unacknowledged, open } = group;
  const [best] = members;
  const message = names.language === "en" ? first.messageEn : first.message;
  return (
    <>
      <span role="gridcell" className="cell-tick">
        <input
          type="checkbox"
          checked={ticked}
          tabIndex={-1}
          data-testid="group-tick"
          aria-label={t("alarm.selectGroup", { count: members.length, message })}
          onChange={() => onTick(group)}
          onClick={(event) => event.stopPropagation()}
        />
      </span>
      <span role="gridcell" className="cell-priority">
        {best && <PriorityMark priority={best.priority} quiet={unacknowledged === 0} />}
      </span>
      <span role="gridcell" className="cell-state group-count">
        {t("alarm.groupCount", { count: members.length, unacknowledged })}
      </span>
      <span role="gridcell" className="cell-time">
        {shortTime(first.raisedAt, now)}
      </span>
      <span role="gridcell" className="cell-message cut" title={message}>
        <button
          type="button"
          className="fold"
          tabIndex={-1}
          data-testid="group-fold"
          aria-label={t(open ? "alarm.groupClose" : "alarm.groupOpen")}
          // The grid keeps the focus: its keys go on working.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onFold(group.id, !open)}
        >
          <Icon name={open ? "minus" : "plus"} />
        </button>
        <span className="soft">{t("alarm.groupFirst")}</span> {message}
      </span>
      <span role="gridcell" className="cut cell-area" title={names.place(first.area)}>
        {names.space(first.area)}
      </span>
      <span role="gridcell" className="cut soft cell-source">
        {names.device(first.device ?? first.source)}
      </span>
      <span role="gridcell" className="soft cell-category">
        {t(`alarm.category.${first.category}`)}
      </span>
    </>
  );
});
