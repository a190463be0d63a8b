// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { memo } from "react";
import type { Translate } from "../../i18n/index.ts";
import { isGroup, type ListRow } from "../../live/alarm-groups.ts";
import type { NamesShown } from "../../ui/use-names.ts";
import { AlarmCells } from "./alarm-cells.tsx";
import { GroupCells } from "./group-cells.tsx";
import type { RowWords } from "./row-words.ts";

interface Props {
  readonly row: ListRow;
  readonly index: number;
  readonly rowPx: number;
  readonly cursor: boolean;
  readonly ticked: boolean;
  /** It has left the list and stays only until the order is released. */
  readonly gone: boolean;
  /** It stands below the open cause that it belongs to. */
  readonly member: boolean;
  readonly names: NamesShown;
  readonly t: Translate;
  readonly words: RowWords;
  readonly now: number;
  readonly onChoose: (row: ListRow) => void;
  readonly onFold: (group: string, open: boolean) => void;
  readonly onTick: (row: ListRow) => void;
}

/** How a row looks: loud while nobody has acknowledged it. */
function rowClass(row: ListRow, is: { cursor: boolean; ticked: boolean; gone: boolean; member: boolean }): string {
  const quiet = isGroup(row) ? row.unacknowledged === 0 : row.acknowledged;
  const priority = isGroup(row) ? row.members[0]?.priority : row.priority;
  const loudness = quiet || is.gone ? "row-quiet" : `row-loud row-${priority}`;
  const marks = [
    is.cursor && "row-cursor",
    is.ticked && "row-ticked",
    is.gone && "row-gone",
    is.member && "row-member",
    isGroup(row) && "row-group",
  ].filter(Boolean);
  return ["alarm-row", loudness, ...marks].join(" ");
}

/** One row in its place. It is drawn anew only when what it shows has changed. */
export const GridRow = memo(function GridRow(props: Props) {
  const { row, index, rowPx, cursor, ticked, gone, member, names, t, words, now, onChoose, onFold, onTick } = props;
  const group = isGroup(row);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself takes the keys.
    <div
      id={`alarm-row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={ticked || cursor}
      aria-expanded={group ? row.open : undefined}
      className={rowClass(row, { cursor, ticked, gone, member })}
      style={{ transform: `translateY(${index * rowPx}px)` }}
      data-testid={group ? "alarm-group" : "alarm-row"}
      data-alarm={row.id}
      data-state={group ? undefined : row.state}
      onClick={() => onChoose(row)}
      onDoubleClick={group ? () => onFold(row.id, !row.open) : undefined}
    >
      {group ? (
        <GroupCells group={row} ticked={ticked} names={names} t={t} now={now} onTick={onTick} onFold={onFold} />
      ) : (
        <AlarmCells
          alarm={row}
          ticked={ticked}
          gone={gone}
          names={names}
          t={t}
          words={words}
          now={now}
          onTick={onTick}
        />
      )}
    </div>
  );
});
