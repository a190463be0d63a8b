import type { Value } from "#core/model/sample.ts";
import { KIND, valueAt } from "#core/model/sample-columns.ts";
import { type SampleRows, usableQualities } from "./sample-rows.ts";

export const HOUR_MS = 3_600_000;

/**
 * What the samples of one series in one hour (UTC) come to: all that any bucket of whole hours needs, exactly. Two
 * summaries of one hour, of which the second is of later samples, join to that of both.
 */
export interface HourSummary {
  /** Hours since 1970. */
  readonly hour: number;
  /** Usable samples, and the others. */
  count: number;
  bad: number;
  /** Usable numbers and booleans (as 0 and 1): how many, their sum, least, greatest, first and last. */
  numeric: number;
  sum: number;
  min: number;
  max: number;
  firstNumber: number;
  lastNumber: number;
  /** First and last usable value. */
  first: Value;
  last: Value;
  /** Times of the first and the last sample of any quality, ms in the hour. */
  firstAt: number;
  lastAt: number;
  /** Between these: the usable number that held, summed up over ms, and for how many ms there was one. */
  integral: number;
  known: number;
  /** The number that holds after the last sample; NaN when that sample was none. */
  held: number;
  /** How often a number was less than the one before, and the sum of those before: what a counter that starts again needs. */
  falls: number;
  fallFrom: number;
}

/** The summary of nothing in an hour. */
export function newHourSummary(hour: number): HourSummary {
  return {
    hour,
    count: 0,
    bad: 0,
    numeric: 0,
    sum: 0,
    min: Infinity,
    max: -Infinity,
    firstNumber: Number.NaN,
    lastNumber: Number.NaN,
    first: null,
    last: null,
    firstAt: 0,
    lastAt: -1,
    integral: 0,
    known: 0,
    held: Number.NaN,
    falls: 0,
    fallFrom: 0,
  };
}

/** Number of a row as summaries take it; NaN for a text. */
export function numberOf(rows: SampleRows, i: number): number {
  const kind = rows.kind[i];
  if (kind === KIND.number) return rows.number[i] ?? 0;
  return kind === KIND.true ? 1 : kind === KIND.false ? 0 : Number.NaN;
}

function addNumber(s: HourSummary, number: number): void {
  if (s.numeric === 0) s.firstNumber = number;
  else if (number < s.lastNumber) {
    s.falls++;
    s.fallFrom += s.lastNumber;
  }
  s.numeric++;
  s.sum += number;
  s.lastNumber = number;
  if (number < s.min) s.min = number;
  if (number > s.max) s.max = number;
}

/** The time goes on to `at` with what held until then. */
function advance(s: HourSummary, at: number): void {
  if (s.lastAt < 0) s.firstAt = at;
  else if (!Number.isNaN(s.held)) {
    s.integral += s.held * (at - s.lastAt);
    s.known += at - s.lastAt;
  }
  s.lastAt = at;
}

function addRow(s: HourSummary, rows: SampleRows, i: number, usable: boolean): void {
  advance(s, (rows.time[i] ?? 0) - s.hour * HOUR_MS);
  s.held = Number.NaN;
  if (!usable) {
    s.bad++;
    return;
  }
  // Most rows are numbers: their value is read without a look at their kind again.
  const number = numberOf(rows, i);
  if (s.count === 0) s.first = valueAt(rows, i);
  s.count++;
  if (Number.isNaN(number)) return;
  addNumber(s, number);
  s.held = number;
}

/**
 * Adds rows that are usable numbers, as nearly all are, from `from` on and as long as they are before `end`, as addRow does, which
 * has just added one. Gives the first row that is none.
 */
function addNumbers(s: HourSummary, rows: SampleRows, from: number, to: number, usable: Uint8Array): number {
  const { time, kind, number: numbers, quality } = rows;
  const start = s.hour * HOUR_MS;
  const end = start + HOUR_MS;
  let { lastAt, lastNumber: last, sum, min, max, integral, known } = s;
  let i = from;
  for (; i < to; i++) {
    const at = (time[i] ?? 0) - start;
    const number = numbers[i] ?? Number.NaN;
    const isPlain = kind[i] === KIND.number && usable[quality[i] ?? 0] === 1 && !Number.isNaN(number);
    if (!isPlain || start + at >= end) break;
    integral += last * (at - lastAt);
    known += at - lastAt;
    lastAt = at;
    if (number < last) {
      s.falls++;
      s.fallFrom += last;
    }
    sum += number;
    if (number < min) min = number;
    if (number > max) max = number;
    last = number;
  }
  s.count += i - from;
  s.numeric += i - from;
  Object.assign(s, { lastAt, lastNumber: last, held: last, sum, min, max, integral, known });
  return i;
}

/** Hands over the summary of each hour of rows in order of time, `from` to `to` (exclusive). */
export function summarizeHours(rows: SampleRows, from: number, to: number, each: (summary: HourSummary) => void): void {
  const usable = usableQualities(rows.qualities);
  let i = from;
  while (i < to) {
    const summary = newHourSummary(Math.floor((rows.time[i] ?? 0) / HOUR_MS));
    const end = (summary.hour + 1) * HOUR_MS;
    let lastUsable = -1;
    for (; i < to && (rows.time[i] ?? 0) < end; i++) {
      const use = usable[rows.quality[i] ?? 0] === 1 && rows.kind[i] !== KIND.null;
      addRow(summary, rows, i, use);
      if (!use) continue;
      if (!Number.isNaN(summary.held)) i = addNumbers(summary, rows, i + 1, to, usable) - 1;
      lastUsable = i;
    }
    if (lastUsable >= 0) summary.last = valueAt(rows, lastUsable);
    each(summary);
  }
}

/** Adds the summary of later samples of the same hour. */
export function joinHours(into: HourSummary, later: HourSummary): void {
  advance(into, later.firstAt);
  into.lastAt = later.lastAt;
  into.integral += later.integral;
  into.known += later.known;
  into.held = later.held;
  if (later.count > 0) {
    if (into.count === 0) into.first = later.first;
    into.last = later.last;
  }
  into.bad += later.bad;
  into.count += later.count;
  if (later.numeric === 0) return;
  if (into.numeric === 0) into.firstNumber = later.firstNumber;
  else if (later.firstNumber < into.lastNumber) {
    into.falls++;
    into.fallFrom += into.lastNumber;
  }
  into.lastNumber = later.lastNumber;
  into.falls += later.falls;
  into.fallFrom += later.fallFrom;
  into.numeric += later.numeric;
  into.sum += later.sum;
  into.min = Math.min(into.min, later.min);
  into.max = Math.max(into.max, later.max);
}
