import type { NotifyItem } from "#core/contracts/lanes.ts";
import type { LiveMessage } from "#core/contracts/live.ts";
import { Cell } from "./cell.ts";

/** What a linkage told the console. */
export type Notice = Omit<NotifyItem, "offset" | "at" | "kind"> & { readonly id: string };

/** So many are shown at once; older ones give way. */
const MOST_SHOWN = 3;
/** So many ids are remembered, so that a notice told twice opens once. */
const MOST_REMEMBERED = 500;

/** The notices that opened by themselves and that nobody has closed yet, newest last. */
export class Notices {
  readonly open = new Cell<readonly Notice[]>([]);
  readonly #seen = new Set<string>();

  /** Takes a live message: each notice with popup opens once. */
  apply(message: LiveMessage<Notice>): void {
    if (message.t !== "delta") return;
    const fresh = message.up.filter((notice) => notice.popup && !this.#seen.has(notice.id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.#seen.add(id);
    for (const id of this.#seen) {
      if (this.#seen.size <= MOST_REMEMBERED) break;
      this.#seen.delete(id);
    }
    this.open.set([...this.open.get(), ...fresh].slice(-MOST_SHOWN));
  }

  /** Closes one. */
  close(id: string): void {
    this.open.set(this.open.get().filter((notice) => notice.id !== id));
  }

  /** Closes all: the session has ended. */
  clear(): void {
    this.open.set([]);
  }
}
