// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmActName } from "../../live/alarm-acts.ts";
import { isFiltering } from "../../live/alarm-filter.ts";
import { isGroup, type ListRow } from "../../live/alarm-groups.ts";
import { useLoaded, useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { type GridAct, gridAct } from "./grid-keys.ts";
import { GridRow } from "./grid-row.tsx";
import { ListStatus } from "./list-status.tsx";
import { NoRows } from "./no-rows.tsx";
import { rowWords } from "./row-words.ts";
import { useAiming } from "./use-aiming.ts";
import { useBlink } from "./use-blink.ts";
import { alarmsOfRow, useRows, type Wanted } from "./use-rows.ts";
import { useWindow } from "./use-window.ts";

const ROW_PX = 40;
const CARD_PX = 88;
const COLUMNS = ["priority", "state", "raisedAt", "message", "area", "source", "category"] as const;

interface Props {
  readonly wanted: Wanted;
  readonly onClearFilter: () => void;
  /** Row that the keys work on: id of an alarm or of a folded cause. */
  readonly cursor: string | undefined;
  readonly onCursor: (row: ListRow) => void;
  /** Opens or closes a folded cause. */
  readonly onFold: (group: string, open: boolean) => void;
  readonly ticked: ReadonlySet<string>;
  readonly onTicked: (change: (old: ReadonlySet<string>) => ReadonlySet<string>) => void;
  readonly onAct: (act: AlarmActName, ids: readonly string[]) => void;
  readonly onHelp: () => void;
  /** Rows are cards, as high as a thumb needs. */
  readonly cards: boolean;
}

/** All of them ticked, or none any more when all were. */
function toggled(old: ReadonlySet<string>, alarms: readonly AlarmView[]): ReadonlySet<string> {
  const next = new Set(old);
  const all = alarms.every(({ id }) => old.has(id));
  for (const { id } of alarms)
    if (all) next.delete(id);
    else next.add(id);
  return next;
}

/** Place of the cursor; an alarm inside a closed cause is where its cause is. */
function placeOf(rows: readonly ListRow[], cursor: string | undefined): number {
  if (cursor === undefined) return -1;
  const at = rows.findIndex(({ id }) => id === cursor);
  return at >= 0 ? at : rows.findIndex((row) => isGroup(row) && row.members.some(({ id }) => id === cursor));
}

/** `shelving` and `service` go the way that the first alarm has not gone yet. */
function actOf(act: AlarmActName | "shelving" | "service", first: AlarmView | undefined): AlarmActName {
  if (act === "shelving") return first?.suppression.includes("shelved") === true ? "unshelve" : "shelve";
  if (act === "service")
    return first?.suppression.includes("outOfService") === true ? "returnToService" : "outOfService";
  return act;
}

/** The list of alarms: a grid of which only the rows in sight exist. */
export function AlarmGrid(props: Props) {
  const { wanted, cursor, onCursor, onFold, ticked, onTicked, onAct, cards } = props;
  const { t } = useTranslation();
  const { alarms, sound } = useServices();
  const loaded = useLoaded(alarms);
  const now = useNow(60_000);
  const { aiming, move, stop } = useAiming();
  const { rows, held, gone, total, passing, release, names } = useRows(wanted, aiming || ticked.size > 0);
  const viewport = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  useBlink(viewport);
  const rowPx = cards ? CARD_PX : ROW_PX;
  const { range, reveal } = useWindow(viewport, rows.length, rowPx);
  const words = useMemo(() => rowWords(t), [t]);
  const at = placeOf(rows, cursor);
  const current = rows[at];
  const choose = useCallback(
    (row: ListRow) => {
      onCursor(row);
      viewport.current?.focus({ preventScroll: true });
    },
    [onCursor],
  );
  const tick = useCallback((row: ListRow) => onTicked((old) => toggled(old, alarmsOfRow(row))), [onTicked]);

  useEffect(() => viewport.current?.focus({ preventScroll: true }), []);
  // Only a moved cursor scrolls, never a list that changes under it.
  useEffect(() => {
    if (at >= 0) reveal(at, head.current?.offsetHeight ?? 0);
  }, [cursor]);

  const chosen = (): readonly string[] => {
    if (ticked.size > 0) return [...ticked];
    return current === undefined ? [] : alarmsOfRow(current).map(({ id }) => id);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.target !== event.currentTarget) return;
    const control = event.ctrlKey || event.metaKey;
    const act = gridAct({ key: event.key, shift: event.shiftKey, control }, at, rows.length);
    if (act === undefined) return;
    event.preventDefault();
    perform(act);
  };
  const moveTo = (to: number, ticking: boolean): void => {
    const target = rows[to];
    if (target === undefined) return;
    if (ticking) {
      const passed = [current, target].flatMap((row) => (row === undefined ? [] : alarmsOfRow(row)));
      onTicked((old) => new Set([...old, ...passed.map(({ id }) => id)]));
    }
    onCursor(target);
  };
  const allOf = (): readonly AlarmView[] => rows.flatMap((row) => (isGroup(row) && row.open ? [] : alarmsOfRow(row)));
  const tickAll = (): void => onTicked((old) => toggled(old, allOf()));
  const fold = (open: boolean): void => {
    if (current === undefined) return;
    if (isGroup(current)) onFold(current.id, open);
    else if (open) onCursor(current);
    else closeAround(current);
  };
  const closeAround = (alarm: AlarmView): void => {
    const around = rows.find((row) => isGroup(row) && row.members.some(({ id }) => id === alarm.id));
    if (around === undefined) return;
    onFold(around.id, false);
    onCursor(around);
  };
  const perform = (act: GridAct): void => {
    switch (act.do) {
      case "move":
        moveTo(act.to, act.ticking === true);
        return;
      case "tick":
        if (current !== undefined) tick(current);
        return;
      case "tickAll":
        tickAll();
        return;
      case "act": {
        const ids = chosen();
        onAct(actOf(act.act, alarms.get(ids[0] ?? "")), ids);
        return;
      }
      case "search":
        document.getElementById("alarm-search")?.focus();
        return;
      case "untick":
        onTicked(() => new Set());
        return;
      case "open":
      case "close":
        fold(act.do === "open");
        return;
      case "silence":
        sound.silence();
        return;
      case "help":
        props.onHelp();
        return;
      default:
        act satisfies never;
    }
  };
  const isTicked = (row: ListRow): boolean => ticked.size > 0 && alarmsOfRow(row).every(({ id }) => ticked.has(id));
  const allTicked = ticked.size > 0 && rows.length > 0 && rows.every(isTicked);
  const filtering = isFiltering(wanted.filter);

  return (
    <>
      <ListStatus
        passing={passing}
        total={total}
        filtering={filtering}
        onClearFilter={props.onClearFilter}
        held={held}
        onRelease={release}
        ticked={ticked}
        onUntick={() => onTicked(() => new Set())}
        onAct={(act) => onAct(act, [...ticked])}
      />
      <div
        id="alarm-grid"
        ref={viewport}
        className={at >= range.from && at < range.to ? "alarm-grid" : "alarm-grid no-cursor"}
        role="grid"
        aria-label={t("alarm.grid")}
        aria-rowcount={rows.length + 1}
        aria-colcount={COLUMNS.length + 1}
        aria-multiselectable="true"
        aria-activedescendant={at >= 0 ? `alarm-row-${at}` : undefined}
        tabIndex={0}
        data-testid="alarm-grid"
        onKeyDown={onKeyDown}
      >
        <div ref={head} role="row" aria-rowindex={1} className="alarm-row alarm-head">
          <span role="columnheader" className="cell-tick">
            <input
              type="checkbox"
              checked={allTicked}
              tabIndex={-1}
              aria-label={t("alarm.selectAll")}
              data-testid="alarm-tick-all"
              onChange={tickAll}
            />
          </span>
          {COLUMNS.map((column) => (
            <span key={column} role="columnheader" className={`cell-${column}`}>
              {t(`alarm.column.${column}`)}
            </span>
          ))}
        </div>
        {rows.length > 0 && (
          <div
            role="rowgroup"
            className="alarm-rows"
            style={{ height: rows.length * rowPx }}
            onPointerMove={move}
            onPointerLeave={stop}
          >
            {rows.slice(range.from, range.to).map((row, offset) => {
              const index = range.from + offset;
              return (
                <GridRow
                  // A place in the list, not an alarm: when new ones come, the elements stay and only their texts change.
                  key={index}
                  row={row}
                  index={index}
                  rowPx={rowPx}
                  cursor={index === at}
                  ticked={isTicked(row)}
                  gone={gone.has(row.id)}
                  member={wanted.folded && wanted.opened.size > 0 && rowIsMember(rows, index, wanted.opened)}
                  names={names}
                  t={t}
                  words={words}
                  now={now}
                  onChoose={choose}
                  onFold={onFold}
                  onTick={tick}
                />
              );
            })}
          </div>
        )}
      </div>
      {rows.length === 0 && (
        <div className="alarm-none">
          <NoRows loaded={loaded} tab={wanted.tab} filtering={filtering} onClearFilter={props.onClearFilter} />
        </div>
      )}
    </>
  );
}

/** Does the row stand below an open cause that it belongs to? Members follow their cause without a break. */
function rowIsMember(rows: readonly ListRow[], index: number, opened: ReadonlySet<string>): boolean {
  const row = rows[index];
  if (row === undefined || isGroup(row)) return false;
  for (let before = index - 1; before >= 0; before--) {
    const one = rows[before];
    if (one !== undefined && isGroup(one)) return opened.has(one.id) && one.members.includes(row);
  }
  return false;
}
