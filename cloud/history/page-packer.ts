/** What a row of the table of chunks takes beside its blob: the header of its cell and the other columns, about. */
const ROW_BYTES = 34;
/** What a page has for cells. */
const HEAD_BYTES = 8;

/** A row that is to be written, with the bytes of its blob. */
export interface Packed {
  readonly data: Uint8Array;
}

/**
 * Puts rows that are appended to a table into an order in which they fill its pages: a row that does not fit what is left of a
 * page begins the next one, and what is left stays empty for good. Only the order is chosen here, so a wrong guess about a
 * page costs some bytes and nothing else.
 */
export class PagePacker<T extends Packed> {
  readonly #room: number;
  #left = 0;

  /** `pageBytes`: size of a page of the file. */
  constructor(pageBytes: number) {
    this.#room = pageBytes - HEAD_BYTES;
  }

  /** The rows in the order to write them in: the longest first, and at the end of a page those that fill it best. */
  order(rows: readonly T[]): T[] {
    const waiting = [...rows].sort((a, b) => b.data.length - a.data.length);
    const ordered: T[] = [];
    for (let longest = waiting[0]; longest !== undefined; longest = waiting[0]) {
      const chosen = this.#left >= 3 * sizeOf(longest) ? [0] : this.#bestFit(waiting);
      if (chosen.length === 0) {
        this.#left = this.#room;
        // What is longer than a page goes on elsewhere; it has this one for itself.
        if (sizeOf(longest) > this.#room) ordered.push(...waiting.splice(0, 1));
        continue;
      }
      for (const at of chosen.toReversed()) {
        const [row] = waiting.splice(at, 1);
        if (row === undefined) continue;
        this.#left -= sizeOf(row);
        ordered.push(row);
      }
    }
    return ordered;
  }

  /** Places, ascending, of the one row or the two rows that leave the least of the page empty; none where none fits. */
  #bestFit(waiting: readonly T[]): number[] {
    const sizes = waiting.map(sizeOf);
    let best: number[] = [];
    let most = 0;
    for (const [i, one] of sizes.entries()) {
      if (one > this.#left) continue;
      if (one > most) {
        most = one;
        best = [i];
      }
      for (let k = i + 1; k < sizes.length; k++) {
        const both = one + (sizes[k] ?? 0);
        if (both > this.#left || both <= most) continue;
        most = both;
        best = [i, k];
      }
    }
    return best;
  }
}

function sizeOf({ data }: Packed): number {
  return data.length + ROW_BYTES;
}
