import type { MemoryBlock } from "./memory-block.ts";
import { mergeRows, newRows, type SampleRows } from "./sample-rows.ts";

/** Rows in memory as they are at one moment: appending to their block later does not change them. */
export interface HeldRows {
  readonly block: MemoryBlock;
  readonly length: number;
  /** Series up to this one are in chunks and count no more; 0: none. */
  readonly done: number;
}

const NONE = newRows(0);

/** What of the samples is in no chunk at the moment a question comes. */
export class MemorySnapshot {
  readonly #held: readonly HeldRows[];

  constructor(held: readonly HeldRows[]) {
    this.#held = held;
  }

  /** Rows of a series in order of time, one of each time. */
  rows(series: number): SampleRows {
    let all = NONE;
    for (const { block, length, done } of this.#held)
      if (series > done && block.count(series) > 0) all = mergeRows(all, block.rowsOf(series, length));
    return all;
  }
}
