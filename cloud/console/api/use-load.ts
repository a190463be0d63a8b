import { useCallback, useEffect, useRef, useState } from "react";

/** Something that is loaded: the last good answer stays while it is asked for again. */
export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Loads for `key`, anew when the key changes or `reload` is called; undefined loads nothing. */
export function useLoad<T>(key: string | undefined, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{
    key: string | undefined;
    data: T | undefined;
    error: unknown;
    loading: boolean;
  }>({
    key,
    data: undefined,
    error: undefined,
    loading: key !== undefined,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // `round` asks again for the same key.
  useEffect(() => {
    if (key === undefined) {
      setState({ key, data: undefined, error: undefined, loading: false });
      return undefined;
    }
    const abort = new AbortController();
    setState((old) => ({ key, data: old.key === key ? old.data : undefined, error: undefined, loading: true }));
    latest.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ key, data, error: undefined, loading: false });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((old) => ({ ...old, error, loading: false }));
      },
    );
    return () => abort.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((value) => value + 1), []);
  const fresh = state.key === key;
  return {
    data: fresh ? state.data : undefined,
    error: fresh ? state.error : undefined,
    loading: fresh ? state.loading : key !== undefined,
    reload,
  };
}
