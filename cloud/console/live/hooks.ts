import { useEffect, useState, useSyncExternalStore } from "react";
import type { LiveKind, LiveRequest } from "#core/contracts/live.ts";
import { useServices } from "../services-context.ts";
import { withNextFrame } from "./browser-socket.ts";
import type { Cell } from "./cell.ts";
import { LiveCollection } from "./collection.ts";

type Filter = NonNullable<Extract<LiveRequest, { t: "view" }>["filter"]>;

/** The value of a cell; draws again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
  return useSyncExternalStore(cell.subscribe, cell.get);
}

/** The items of a collection in order; draws again when they change. */
export function useItems<T>(collection: LiveCollection<T>): readonly T[] {
  return useSyncExternalStore(collection.subscribe, collection.items);
}

/** One item of a collection; draws again only when that one changes. */
export function useItem<T>(collection: LiveCollection<T>, id: string | undefined): T | undefined {
  return useSyncExternalStore(collection.subscribe, () => (id === undefined ? undefined : collection.get(id)));
}

/** What `of` makes of a cell's value; draws again only when that changes. For plain values: a new object would be a change. */
export function useCellPart<T, P extends string | number | boolean | undefined>(cell: Cell<T>, of: (value: T) => P): P {
  return useSyncExternalStore(cell.subscribe, () => of(cell.get()));
}

/** The first item of a collection; draws again only when it changes. */
export function useFirst<T>(collection: LiveCollection<T>): T | undefined {
  return useSyncExternalStore(collection.subscribe, () => collection.items()[0]);
}

/** Has the first snapshot of a collection arrived? */
export function useLoaded<T>(collection: LiveCollection<T>): boolean {
  return useSyncExternalStore(collection.subscribe, collection.isLoaded);
}

/** A live view for as long as the component is shown. Another `key` is another view; undefined is none. */
export function useLiveView<T extends { readonly id: string }>(
  kind: LiveKind,
  key: string | undefined,
  filter: Filter | undefined,
  compare: (a: T, b: T) => number,
): LiveCollection<T> {
  const { live } = useServices();
  const [collection] = useState(
    () => new LiveCollection<T>({ idOf: (item) => item.id, compare, schedule: withNextFrame }),
  );
  // The key stands for the filter, which is a new object each time.
  useEffect(() => {
    collection.clear();
    if (key === undefined) return undefined;
    return live.view<T>(kind, filter, (message) => collection.apply(message));
  }, [live, collection, kind, key]);
  return collection;
}

/** Unix ms, told again every `periodMs`: for ages. */
export function useNow(periodMs = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), periodMs);
    return () => clearInterval(timer);
  }, [periodMs]);
  return now;
}
