import type { Clock } from "#core/clock.ts";

/** A clock that a test moves by hand. */
export interface ManualClock extends Clock {
  /** Lets `ms` pass; timers that come due run in their order. */
  advance(ms: number): void;
}

/** Starts at 0. */
export function manualClock(): ManualClock {
  let now = 0;
  let nextId = 0;
  const timers = new Map<number, { at: number; callback: () => void; periodMs?: number }>();
  const add = (at: number, callback: () => void, periodMs?: number): (() => void) => {
    const id = nextId++;
    timers.set(id, { at, callback, ...(periodMs === undefined ? {} : { periodMs }) });
    return () => timers.delete(id);
  };
  return {
    now: () => now,
    monotonic: () => now,
    after: (delayMs, callback) => add(now + delayMs, callback),
    every: (periodMs, callback) => add(now + periodMs, callback, periodMs),
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
        if (due === undefined) break;
        const [id, timer] = due;
        now = timer.at;
        if (timer.periodMs === undefined) timers.delete(id);
        else timers.set(id, { ...timer, at: timer.at + timer.periodMs });
        timer.callback();
      }
      now = until;
    },
  };
}
