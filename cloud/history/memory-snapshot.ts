import { gatherRows, type SortedRows, sortBySeries } from "./memory-block.ts";
import { mergeRows, newRows, type SampleRows } from "./sample-rows.ts";

/** Rows in memory as they are at one moment: appending to their block later does not change them. */
export interface HeldRows {
  readonly rows: SampleRows;
  readonly series: Uint32Array;
  readonly length: number;
  /** Where they are sorted already; of series up to `done` they are in chunks and count no more. */
  readonly sorted?: SortedRows;
  readonly done?: number;
}

/** Fewer series than this are looked for one by one; for more the rows are sorted once. */
const SORT_FROM_SERIES = 8;
const NONE = newRows(0);

function scan({ series, length }: HeldRows, wanted: number): Uint32Array {
  const found: number[] = [];
  for (let i = 0; i < length; i++) if (series[i] === wanted) found.push(i);
  return Uint32Array.from(found);
}

function find({ series, starts, order }: SortedRows, wanted: number): Uint32Array {
  let low = 0;
  let high = series.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((series[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return series[low] === wanted ? order.subarray(starts[low], starts[low + 1]) : order.subarray(0, 0);
}

/** What of the samples is in no chunk at the moment a question comes. */
export class MemorySnapshot {
  #held: readonly HeldRows[];

  /** `series`: how many of them will be asked for. */
  constructor(held: readonly HeldRows[], series: number) {
    this.#held =
      series < SORT_FROM_SERIES
        ? held
        : held.map((one) =>
            one.sorted === undefined ? { ...one, sorted: sortBySeries(one.series, one.length) } : one,
          );
  }

  /** Rows of a series in order of time, one of each time. */
  rows(series: number): SampleRows {
    let all = NONE;
    for (const one of this.#held) {
      if (one.done !== undefined && series <= one.done) continue;
      const order = one.sorted === undefined ? scan(one, series) : find(one.sorted, series);
      if (order.length > 0) all = mergeRows(all, gatherRows(one.rows, order));
    }
    return all;
  }
}
