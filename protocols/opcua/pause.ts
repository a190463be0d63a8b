import type { Clock } from "#core/clock.ts";

/** Waits, at most until the signal is aborted; never throws. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener("abort", done);
  });
}

/** What `work` gives, or a rejection with `late()` when it takes longer. What comes afterwards is left unseen. */
export function within<T>(clock: Clock, limitMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(late()));
    work.then(resolve, reject).finally(cancel);
  });
}

/** Delay before attempt `failures` + 1: doubles from `firstMs` up to `longestMs`, then cut by up to a quarter at random. */
export function backOffMs(failures: number, firstMs: number, longestMs: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16));
  return full * (0.75 + Math.random() / 4);
}
