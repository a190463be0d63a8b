import type { Quality } from "#core/model/quality.ts";
import type { Sample } from "#core/model/sample.ts";
import type { HistoryQuery } from "../ports.ts";
import { type Columns, valueAt } from "./columns.ts";

/** One stored sample without its point, as it crosses the thread. */
export interface StoredRow {
  readonly epoch: string;
  readonly offset: number;
  readonly observedAt: number;
  readonly sourceTime?: number;
  readonly value: Sample["value"];
  readonly quality: Quality;
  readonly reason?: string;
}

/** `good`, or `<quality>|<reason>`, apart. */
function splitQuality(text: string): { quality: Quality; reason?: string } {
  const bar = text.indexOf("|");
  if (bar < 0) return { quality: text as Quality };
  return { quality: text.slice(0, bar) as Quality, reason: text.slice(bar + 1) };
}

/**
 * The first `limit` samples of a query, by time, out of columns that may overlap; of each time one. Times grow strictly per
 * point, so two of one time are one sample that a restored outbox has offered again in a new epoch.
 */
export class RowCollector {
  readonly #query: HistoryQuery;
  readonly #epochName: (id: number) => string;
  #rows: StoredRow[] = [];

  constructor(query: HistoryQuery, epochName: (id: number) => string) {
    this.#query = query;
    this.#epochName = epochName;
  }

  add(c: Columns, rows: Iterable<number>): void {
    for (const at of rows) {
      const observedAt = c.time[at] ?? 0;
      if (observedAt < this.#query.from || observedAt >= this.#query.to) continue;
      const sourceTime = c.source[at] ?? Number.NaN;
      this.#rows.push({
        epoch: this.#epochName(c.epoch[at] ?? 0),
        offset: c.offset[at] ?? 0,
        observedAt,
        ...(Number.isNaN(sourceTime) ? {} : { sourceTime }),
        value: valueAt(c, at),
        ...splitQuality(c.qualities[c.quality[at] ?? 0] ?? "bad"),
      });
    }
    this.#rows.sort((a, b) => a.observedAt - b.observedAt || a.offset - b.offset);
    this.#rows = this.#rows.filter((row, i) => row.observedAt !== this.#rows[i - 1]?.observedAt);
    if (this.#rows.length > this.#query.limit) this.#rows = this.#rows.slice(0, this.#query.limit);
  }

  /** Is the limit reached by samples that are all older than `time`? Then nothing from there on can be among the first. */
  isFullBefore(time: number): boolean {
    return this.#rows.length >= this.#query.limit && (this.#rows.at(-1)?.observedAt ?? 0) < time;
  }

  result(): StoredRow[] {
    return this.#rows;
  }
}
