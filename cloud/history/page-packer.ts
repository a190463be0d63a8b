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

  /** The rows in the order to write them in. */
  order(rows: readonly T[]): T[] {
    const bySize = [...rows].sort((a, b) => b.data.length - a.data.length);
    const ordered: T[] = [];
    while (bySize.length > 0) {
      const fits = bySize.findIndex(({ data }) => data.length + ROW_BYTES <= this.#left);
      if (fits < 0) this.#left = this.#room;
      const [row] = bySize.splice(Math.max(0, fits), 1);
      if (row === undefined) break;
      this.#left -= row.data.length + ROW_BYTES;
      ordered.push(row);
    }
    return ordered;
  }
}
