// biome-ignore-all lint/a11y/useSemanticElements: a virtual grid of positioned rows can be no <table>; the roles are those of the ARIA grid pattern.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid keeps the focus and names its active row, as the pattern allows.
import { useVirtualizer } from "@tanstack/react-virtual";
import { Button } from "antd";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/http.ts";
import { isInside } from "../../api/site-names.ts";
import { type AlarmFilter, filterAlarms, isFiltering } from "../../live/alarm-filter.ts";
import { FrozenOrder } from "../../live/frozen-order.ts";
import { useCell, useItems, useLoaded, useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, LoadingState } from "../../ui/states.tsx";
import { useNames } from "../../ui/use-names.ts";
import { AlarmCells } from "./alarm-cells.tsx";
import { type GridAct, gridAct } from "./grid-keys.ts";
import { ListStatus } from "./list-status.tsx";
import { useAiming } from "./use-aiming.ts";

const ROW_PX = 40;
const COLUMNS = ["priority", "state", "raisedAt", "message", "area", "source", "category"] as const;
const LARGEST_BULK = 1000;

interface Props {
  readonly filter: AlarmFilter;
  readonly onClearFilter: () => void;
  readonly cursor: string | undefined;
  readonly onCursor: (id: string) => void;
  readonly ticked: ReadonlySet<string>;
  readonly onTicked: (change: (old: ReadonlySet<string>) => ReadonlySet<string>) => void;
  readonly onAcknowledge: (ids: readonly string[]) => void;
  readonly onReset: (id: string) => void;
}

function toggled(old: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(old);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** How a row looks: loud while nobody has acknowledged it. */
function rowClass(alarm: AlarmView, is: { cursor: boolean; ticked: boolean; gone: boolean }): string {
  const loudness = alarm.acknowledged || is.gone ? "row-quiet" : `row-loud row-${alarm.priority}`;
  const marks = [is.cursor && "row-cursor", is.ticked && "row-ticked", is.gone && "row-gone"].filter(Boolean);
  return ["alarm-row", loudness, ...marks].join(" ");
}

/** The alarms that pass the filter, in order; the order stands still while it is frozen. */
function useRows(filter: AlarmFilter, frozen: boolean) {
  const { alarms, site } = useServices();
  const items = useItems(alarms);
  const { spaces } = useCell(site.names);
  const names = useNames();
  const shown = useMemo(
    () =>
      filterAlarms(
        items,
        filter,
        (space, area) => isInside(spaces, space, area),
        (alarm) =>
          [alarm.message, alarm.messageEn, alarm.source, names.place(alarm.area), names.device(alarm.source)].join(" "),
      ),
    [items, filter, spaces, names],
  );
  const [order] = useState(() => new FrozenOrder<AlarmView>((alarm) => alarm.id));
  const [round, setRound] = useState(0);
  // Another filter, or a release, is another order.
  useMemo(() => order.release(), [order, filter, round]);
  // A release arranges anew.
  const arranged = useMemo(() => order.arrange(shown, frozen), [order, shown, frozen, round]);
  const release = useCallback(() => setRound((value) => value + 1), []);
  return { ...arranged, total: items.length, release, names };
}

/** The list of alarms: a grid of which only the rows in sight exist. */
export function AlarmGrid(props: Props) {
  const { filter, cursor, onCursor, ticked, onTicked, onAcknowledge, onReset } = props;
  const { t } = useTranslation();
  const { alarms } = useServices();
  const loaded = useLoaded(alarms);
  const now = useNow(60_000);
  const { aiming, move, stop } = useAiming();
  const { rows, held, gone, total, release, names } = useRows(filter, aiming || ticked.size > 0);
  const viewport = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_PX,
    overscan: 6,
    useFlushSync: false,
  });
  const at = cursor === undefined ? -1 : rows.findIndex(({ id }) => id === cursor);
  const tick = useCallback((id: string) => onTicked((old) => toggled(old, id)), [onTicked]);

  useEffect(() => viewport.current?.focus({ preventScroll: true }), []);
  // Only a moved cursor scrolls, never a list that changes under it.
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [cursor]);

  const chosen = (): readonly string[] => {
    if (ticked.size > 0) return [...ticked];
    return cursor === undefined ? [] : [cursor];
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = gridAct(event.key, at, rows.length);
    if (act === undefined) return;
    event.preventDefault();
    perform(act);
  };
  const perform = (act: GridAct): void => {
    switch (act.do) {
      case "move": {
        const target = rows[act.to];
        if (target !== undefined) onCursor(target.id);
        return;
      }
      case "tick":
        if (cursor !== undefined) tick(cursor);
        return;
      case "acknowledge":
        onAcknowledge(chosen());
        return;
      case "reset":
        if (cursor !== undefined) onReset(cursor);
        return;
      case "search":
        document.getElementById("alarm-search")?.focus();
        return;
      case "untick":
        onTicked(() => new Set());
        return;
      default:
        act satisfies never;
    }
  };
  const allTicked = rows.length > 0 && rows.every(({ id }) => ticked.has(id));
  const tickAll = (): void =>
    onTicked(() => (allTicked ? new Set() : new Set(rows.slice(0, LARGEST_BULK).map(({ id }) => id))));

  return (
    <>
      <ListStatus
        shown={rows.length}
        total={total}
        filtering={isFiltering(filter)}
        onClearFilter={props.onClearFilter}
        held={held}
        onRelease={release}
        ticked={ticked.size}
        onUntick={() => onTicked(() => new Set())}
        onAcknowledge={() => onAcknowledge([...ticked])}
      />
      <div
        id="alarm-grid"
        ref={viewport}
        className="alarm-grid"
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
        <div role="row" aria-rowindex={1} className="alarm-row alarm-head">
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
            style={{ height: virtual.getTotalSize() }}
            onPointerMove={move}
            onPointerLeave={stop}
          >
            {virtual.getVirtualItems().map(({ index, start }) => {
              const alarm = rows[index];
              if (alarm === undefined) return null;
              const { id } = alarm;
              const isGone = gone.has(id);
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid itself takes the keys.
                <div
                  key={id}
                  id={`alarm-row-${index}`}
                  role="row"
                  aria-rowindex={index + 2}
                  aria-selected={ticked.has(id) || id === cursor}
                  className={rowClass(alarm, { cursor: id === cursor, ticked: ticked.has(id), gone: isGone })}
                  style={{ transform: `translateY(${start}px)` }}
                  data-testid="alarm-row"
                  data-alarm={id}
                  data-state={alarm.state}
                  onClick={() => {
                    onCursor(id);
                    viewport.current?.focus({ preventScroll: true });
                  }}
                >
                  <AlarmCells
                    alarm={alarm}
                    ticked={ticked.has(id)}
                    gone={isGone}
                    names={names}
                    t={t}
                    now={now}
                    onTick={tick}
                  />
                </div>
              );
            })}
          </div>
        )}
      </div>
      {rows.length === 0 && (
        <div className="alarm-none">
          <NoRows loaded={loaded} filtering={isFiltering(filter)} onClearFilter={props.onClearFilter} />
        </div>
      )}
    </>
  );
}

function NoRows(props: { readonly loaded: boolean; readonly filtering: boolean; readonly onClearFilter: () => void }) {
  const { t } = useTranslation();
  if (!props.loaded) return <LoadingState />;
  if (!props.filtering) return <EmptyState icon="check" title={t("alarm.empty")} hint={t("alarm.emptyHint")} />;
  return (
    <EmptyState icon="filter" title={t("alarm.emptyFiltered")}>
      <Button onClick={props.onClearFilter}>{t("alarm.clearFilters")}</Button>
    </EmptyState>
  );
}
