import type { LiveBus, LiveChange } from "../ports.ts";

/** Changes inside one process. A listener that throws is the listener's fault and stops nobody else. */
export class ProcessLiveBus implements LiveBus {
  readonly #listeners = new Set<(change: LiveChange) => void>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  publish(change: LiveChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  subscribe(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** There is no other process whose changes could be missed. */
  onGap(): () => void {
    return () => undefined;
  }
}
