import type { Announcement } from "../station/ports.ts";
import type { Hear } from "./search.ts";

/** Lets searches hear what a station is told, besides whom it is meant for. */
export class Ears {
  readonly #listeners = new Set<(message: Announcement) => void>();

  readonly hear: Hear = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Is anybody searching? */
  get listening(): boolean {
    return this.#listeners.size > 0;
  }

  /** Passes on what came in. */
  tell(message: Announcement): void {
    for (const listener of this.#listeners) listener(message);
  }
}
