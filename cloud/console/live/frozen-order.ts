/** A list whose order stands still while it is frozen. */
export interface OrderedRows<T> {
  readonly rows: readonly T[];
  /** How many items are held back until the order is released. */
  readonly held: number;
  /** Ids of rows that have left the list meanwhile; they stay in their place until the order is released. */
  readonly gone: ReadonlySet<string>;
}

const NOTHING_GONE: ReadonlySet<string> = new Set();

/**
 * Keeps rows where they are while a person aims at them: no row may move under the pointer between looking and clicking. What a row
 * shows stays fresh. New items are counted, not inserted.
 */
export class FrozenOrder<T> {
  readonly #idOf: (item: T) => string;
  #held: readonly T[] | undefined;

  constructor(idOf: (item: T) => string) {
    this.#idOf = idOf;
  }

  /** The rows to show for the items in their present order. */
  arrange(items: readonly T[], frozen: boolean): OrderedRows<T> {
    if (!frozen || this.#held === undefined) {
      this.#held = frozen ? items : undefined;
      return { rows: items, held: 0, gone: NOTHING_GONE };
    }
    const fresh = new Map(items.map((item) => [this.#idOf(item), item]));
    const gone = new Set<string>();
    const rows = this.#held.map((old) => {
      const id = this.#idOf(old);
      const now = fresh.get(id);
      if (now === undefined) gone.add(id);
      else fresh.delete(id);
      return now ?? old;
    });
    this.#held = rows;
    return { rows, held: fresh.size, gone };
  }

  /** Lets the next arrangement take the present order, also when it is frozen again. */
  release(): void {
    this.#held = undefined;
  }
}
