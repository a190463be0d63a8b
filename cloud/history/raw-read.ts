import { type Moment, newestBefore } from "./aggregate.ts";
import { lowerBound, mergeRows, RowAppender, type SampleRows, sliceRows } from "./sample-rows.ts";

/**
 * The first `limit` rows of a series in [from, to), by time, of each time one. Yields where others may be served.
 * @throws HISTORY_CORRUPT
 */
export function* readRaw(
  moment: Moment,
  series: number,
  range: { readonly from: number; readonly to: number; readonly limit: number },
): Generator<undefined, SampleRows> {
  const from = Math.max(range.from, moment.rawBefore);
  const { to, limit } = range;
  const memory = moment.memory.rows(series);
  const end = lowerBound(memory, to);
  let at = lowerBound(memory, from);
  const answer = new RowAppender(Math.min(limit, 1024));
  const take = (rows: SampleRows): void => {
    for (let i = 0; i < rows.length && answer.rows.length < limit; i++) answer.add(rows, i);
  };
  for (const chunk of moment.chunks.overlapping(series, from, to)) {
    if (answer.rows.length >= limit) break;
    const rows = moment.chunks.rows(chunk);
    const until = Math.min(end, lowerBound(memory, chunk.to + 1));
    const inside = sliceRows(rows, lowerBound(rows, from), lowerBound(rows, to));
    take(until > at ? mergeRows(inside, sliceRows(memory, at, until)) : inside);
    at = Math.max(at, until);
    yield;
  }
  if (at < end) take(sliceRows(memory, at, end));
  return answer.rows;
}

/** The newest row of each series at or before a time; `found[i]` is its place in `rows`, or -1. @throws HISTORY_CORRUPT */
export function* readAt(
  moment: Moment,
  series: readonly (number | undefined)[],
  time: number,
): Generator<undefined, { readonly rows: SampleRows; readonly found: Int32Array }> {
  const answer = new RowAppender(series.length);
  const found = new Int32Array(series.length).fill(-1);
  for (const [i, one] of series.entries()) {
    const newest = one === undefined ? undefined : newestBefore(moment, one, time);
    if (newest === undefined) continue;
    found[i] = answer.rows.length;
    answer.add(newest.rows, newest.at);
    yield;
  }
  return { rows: answer.rows, found };
}
