import { useCallback, useEffect, useRef, useState } from "react";
import type { ListPage } from "./hub-api.ts";
import { useLoad } from "./use-load.ts";

/** A list that is loaded page after page. */
export interface Paged<T> {
  /** All that was loaded; undefined until the first page is here. */
  readonly items: readonly T[] | undefined;
  /** How many there are in all, where the first page says it. */
  readonly total: number | undefined;
  /** Of the first page. */
  readonly loading: boolean;
  readonly error: unknown;
  /** Loads the next page; undefined: there is none, or the first page is asked for again and its end is not known. */
  readonly more: (() => void) | undefined;
  readonly busy: boolean;
  /** Why the next page did not come. */
  readonly failure: unknown;
  /** Begins again with the first page alone: what has moved since is neither shown twice nor left out. */
  readonly reload: () => void;
}

interface Older<T> {
  readonly of: string;
  readonly items: readonly T[];
  readonly cursor: string | undefined;
}

/** Loads the first page for `key`, anew when the key changes or `reload` is called, and older ones when asked. */
export function usePages<T>(
  key: string,
  load: (cursor: string | undefined, signal: AbortSignal) => Promise<ListPage<T>>,
): Paged<T> {
  const first = useLoad(key, (signal) => load(undefined, signal));
  const [older, setOlder] = useState<Older<T>>();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const asking = useRef<AbortController>(undefined);
  const forget = useCallback((): void => {
    asking.current?.abort();
    setOlder(undefined);
    setBusy(false);
    setFailure(undefined);
  }, []);
  // Another key is another list.
  useEffect(() => forget, [key, forget]);
  const { reload: again } = first;
  const reload = useCallback((): void => {
    forget();
    again();
  }, [forget, again]);
  const known = older?.of === key ? older : undefined;
  const cursor = known === undefined ? first.data?.nextCursor : known.cursor;
  const more = async (): Promise<void> => {
    const abort = new AbortController();
    asking.current = abort;
    setBusy(true);
    setFailure(undefined);
    try {
      const page = await load(cursor, abort.signal);
      if (abort.signal.aborted) return;
      setOlder({ of: key, items: [...(known?.items ?? []), ...page.items], cursor: page.nextCursor });
    } catch (error) {
      if (abort.signal.aborted) return;
      setFailure(error);
    }
    setBusy(false);
  };
  return {
    items: first.data === undefined ? undefined : [...first.data.items, ...(known?.items ?? [])],
    total: first.data?.total,
    loading: first.loading,
    error: first.error,
    more: cursor === undefined || first.loading ? undefined : () => void more(),
    busy,
    failure,
    reload,
  };
}
