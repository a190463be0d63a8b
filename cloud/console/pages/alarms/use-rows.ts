import { useCallback, useMemo, useState } from "react";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { isInside } from "../../api/site-names.ts";
import { type AlarmFilter, type AlarmTab, alarmsOfTab, filterAlarms } from "../../live/alarm-filter.ts";
import { foldByCause, isGroup, type ListRow } from "../../live/alarm-groups.ts";
import { FrozenOrder, type OrderedRows } from "../../live/frozen-order.ts";
import { useCell, useItems } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { type NamesShown, useNames } from "../../ui/use-names.ts";

/** What the list shows. */
export interface Wanted {
  readonly tab: AlarmTab;
  readonly filter: AlarmFilter;
  /** Are causes folded? Which of them are open? */
  readonly folded: boolean;
  readonly opened: ReadonlySet<string>;
}

/** The rows, and what is to be said of them. */
export interface Rows extends OrderedRows<ListRow> {
  /** Alarms of the tab. */
  readonly total: number;
  /** Alarms of the tab that pass the filter. */
  readonly passing: number;
  readonly release: () => void;
  readonly names: NamesShown;
}

const idOf = (row: ListRow): string => row.id;

/** The alarms of a tab that pass the filter, in order; the order stands still while it is frozen. */
export function useRows({ tab, filter, folded, opened }: Wanted, frozen: boolean): Rows {
  const { alarms, site } = useServices();
  const items = useItems(alarms);
  const { spaces } = useCell(site.names);
  const names = useNames();
  const ofTab = useMemo(() => alarmsOfTab(items, tab), [items, tab]);
  const passing = useMemo(
    () =>
      filterAlarms(
        ofTab,
        filter,
        (space, area) => isInside(spaces, space, area),
        (alarm: AlarmView) =>
          [
            alarm.message,
            alarm.messageEn,
            alarm.source,
            alarm.assignee ?? "",
            names.place(alarm.area),
            names.device(alarm.source),
          ].join(" "),
      ),
    [ofTab, filter, spaces, names],
  );
  const shown = useMemo<readonly ListRow[]>(
    () => (folded ? foldByCause(passing, opened) : passing),
    [passing, folded, opened],
  );
  const [order] = useState(() => new FrozenOrder<ListRow>(idOf));
  const [round, setRound] = useState(0);
  // Another list, or a release, is another order.
  useMemo(() => order.release(), [order, tab, filter, folded, opened, round]);
  // A release arranges anew.
  const arranged = useMemo(() => order.arrange(shown, frozen), [order, shown, frozen, round]);
  const release = useCallback(() => setRound((value) => value + 1), []);
  return { ...arranged, total: ofTab.length, passing: passing.length, release, names };
}

/** The alarms that a row stands for. */
export function alarmsOfRow(row: ListRow): readonly AlarmView[] {
  return isGroup(row) ? row.members : [row];
}
