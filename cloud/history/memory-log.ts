import { Appender, type Columns } from "./columns.ts";

/** The rows of the log that are in no chunk yet, as columns, with the rows of each series. Lost with the process and rebuilt from the log. */
export class MemoryLog {
  #appender = new Appender();
  #rows = new Map<number, number[]>();
  /** Highest log row contained. */
  lastSeq = 0;

  get length(): number {
    return this.#appender.columns.length;
  }
  get columns(): Columns {
    return this.#appender.columns;
  }
  /** Series and their rows, in the order they came. */
  get series(): ReadonlyMap<number, readonly number[]> {
    return this.#rows;
  }

  /** Takes over one row of the log. */
  append(columns: Columns, seq: number): void {
    const base = this.#appender.columns.length;
    for (let i = 0; i < columns.length; i++) {
      this.#appender.row(columns, i);
      const series = columns.series[i] ?? 0;
      const rows = this.#rows.get(series);
      if (rows === undefined) this.#rows.set(series, [base + i]);
      else rows.push(base + i);
    }
    this.lastSeq = seq;
  }

  /** Forgets everything: it is in chunks now. */
  clear(): void {
    this.#appender = new Appender();
    this.#rows = new Map();
  }
}
