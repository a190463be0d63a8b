import type { Clock } from "#core/clock.ts";

/** Waits, at most until the signal is aborted; never throws. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
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

/** Delay before attempt `failures` + 1: doubles from `firstMs` up to `longestMs`, then cut by up to a quarter at random. */
export function backOffMs(failures: number, firstMs: number, longestMs: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16));
  return full * (0.75 + Math.random() / 4);
}
