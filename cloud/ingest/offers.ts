import type { CursorChanges, CursorKey } from "./cursors.ts";
import type { GapStore } from "./gap-store.ts";

interface Offer {
  readonly session: number;
  readonly lowest: number;
  readonly times: number;
}

/**
 * Notices that a gateway no longer has what a cursor waits for. A gateway without progress offers again, from the oldest
 * row it holds, in the same connection. When that lowest offset comes a second time and still lies beyond the cursor, the
 * offsets between are not there any more: the outbox was trimmed for another cloud, or is a restored copy in a new epoch.
 * One sighting proves nothing, because single messages may be lost or overtaken.
 */
export class Offers {
  readonly #gaps: GapStore;
  #offers = new Map<string, Offer>();
  constructor(gaps: GapStore) {
    this.#gaps = gaps;
  }

  /** Runs a transaction that takes notes. When it fails they are forgotten: its second try must not pass for a second sighting. */
  during<T>(transaction: () => T): T {
    const before = new Map(this.#offers);
    try {
      return transaction();
    } catch (error) {
      this.#offers = before;
      throw error;
    }
  }

  /** Takes note of one offered batch and moves the cursor over what is no longer held; inside `during`. */
  note(changes: CursorChanges, key: CursorKey, session: number, first: number): void {
    const name = `${key.gateway} ${key.lane}`;
    const cursor = changes.get(key);
    const upTo = cursor?.upTo ?? (first === 0 ? -1 : 0);
    if (first <= upTo + 1) {
      this.#offers.delete(name);
      return;
    }
    const known = this.#offers.get(name);
    const same = known?.session === session;
    if (!same || first < known.lowest) this.#offers.set(name, { session, lowest: first, times: 1 });
    else if (first === known.lowest) this.#offers.set(name, { ...known, times: known.times + 1 });
    if (!same || first !== known.lowest) return;
    const nothingYet =
      cursor === undefined || (cursor.upTo === cursor.from - 1 && (cursor.covered[0]?.from ?? first) >= first);
    if (nothingYet) changes.beginAt(key, first);
    else this.#gaps.add(changes, key, { from: upTo + 1, to: first - 1 }, "notOffered");
    this.#offers.delete(name);
  }
}
