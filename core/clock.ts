/** Time as the hub sees it. Injected everywhere, so that a test can move it. */
export interface Clock {
  /** Unix milliseconds, UTC. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start; never jumps. For delays and time-outs. */
  monotonic(): number;
  /** Calls back once after `delayMs`; the returned function cancels. The timer keeps no process alive. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back every `periodMs`; the returned function cancels. The timer keeps no process alive. */
  every(periodMs: number, callback: () => void): () => void;
}

interface Timer {
  unref?(): void;
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    (timer as Timer).unref?.();
    return () => clearTimeout(timer);
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    (timer as Timer).unref?.();
    return () => clearInterval(timer);
  },
};
