import type { AggregateQuery } from "../telemetry-ports.ts";
import type { SeriesBuckets } from "./bucket-list.ts";
import type { BucketSlab } from "./bucket-slab.ts";
import { BucketWalk, type WalkOptions } from "./bucket-walk.ts";
import type { ChunkReader } from "./chunk-store.ts";
import { HOUR_MS, numberOf } from "./hour-summary.ts";
import type { MemorySnapshot } from "./memory-snapshot.ts";
import type { PackedDay } from "./packed-hours.ts";
import { compareKeys, lowerBound, mergeRows, type SampleRows, sliceRows, usableQualities } from "./sample-rows.ts";
import { groupOf, memberOf, type SummaryDay, type SummaryReader } from "./summary-store.ts";

const DAY_MS = 24 * HOUR_MS;
/** With so many series of a group or more, of which hours are asked for, its days go over packed, and not series by series. */
const PACKED_FROM = 16;

/** One moment of the store: what a reader's transaction sees, and what was in memory then. */
export interface Moment {
  readonly chunks: ChunkReader;
  readonly summaries: SummaryReader;
  readonly memory: MemorySnapshot;
  /** Samples before this time are out of retention. */
  readonly rawBefore: number;
}

/** The newest row at or before a time (with `numbers`: of usable numbers), of chunks and memory. */
export function newestBefore(
  moment: Moment,
  series: number,
  time: number,
  numbers = false,
): { readonly rows: SampleRows; readonly at: number } | undefined {
  const inChunk = lastInChunks(moment.chunks, series, time, numbers);
  const memory = moment.memory.rows(series);
  const inMemory = lastOf(memory, time, numbers);
  const newest = pickNewest(inChunk, inMemory < 0 ? undefined : { rows: memory, at: inMemory });
  return newest === undefined || (newest.rows.time[newest.at] ?? 0) < moment.rawBefore ? undefined : newest;
}

type Place = { readonly rows: SampleRows; readonly at: number };

function pickNewest(a: Place | undefined, b: Place | undefined): Place | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const order = (a.rows.time[a.at] ?? 0) - (b.rows.time[b.at] ?? 0);
  return order > 0 || (order === 0 && compareKeys(a.rows, a.at, b.rows, b.at) <= 0) ? a : b;
}

/** Last row at or before a time; -1 when there is none. */
function lastOf(rows: SampleRows, time: number, numbers: boolean): number {
  let at = lowerBound(rows, time + 1) - 1;
  if (!numbers) return at;
  const usable = usableQualities(rows.qualities);
  while (at >= 0 && (usable[rows.quality[at] ?? 0] !== 1 || Number.isNaN(numberOrNot(rows, at)))) at--;
  return at;
}

function numberOrNot(rows: SampleRows, at: number): number {
  return rows.kind[at] === 0 ? Number.NaN : numberOf(rows, at);
}

function lastInChunks(chunks: ChunkReader, series: number, time: number, numbers: boolean): Place | undefined {
  let chunk = numbers ? chunks.withNumbersBefore(series, time + 1) : chunks.atOrBefore(series, time);
  while (chunk !== undefined) {
    const rows = chunks.rows(chunk);
    const at = lastOf(rows, time, numbers);
    if (at >= 0) return { rows, at };
    chunk = chunks.withNumbersBefore(series, chunk.from);
  }
  return undefined;
}

interface SeriesOptions extends WalkOptions {
  /** Every hour is a bucket. */
  readonly hourly: boolean;
  /** Days may go over packed. */
  readonly packs: boolean;
  /** Last day of which there are summaries. */
  readonly lastDay: number;
}

/** The buckets of one series while they are being filled. */
class SeriesWalk {
  readonly member: number;
  /** Days before this one go over packed: nothing of theirs is in memory. */
  readonly packedBefore: number;
  readonly #moment: Moment;
  readonly #series: number;
  readonly #from: number;
  readonly #to: number;
  readonly #edges: readonly number[];
  readonly #options: SeriesOptions;
  /** Made when there is something for it: most series of many are packed as a whole. */
  #made: BucketWalk | undefined;
  readonly #memory: SampleRows;
  /** First row in memory that nothing was done for yet, and the time of it. */
  #next: number;
  #nextTime = Infinity;
  /** What has to be read sample by sample before anything later is added. */
  #pendingFrom = Infinity;
  #pendingTo = -Infinity;

  constructor(moment: Moment, series: number, edges: readonly number[], options: SeriesOptions) {
    this.#moment = moment;
    this.#series = series;
    this.member = memberOf(series);
    this.#from = edges[0] ?? 0;
    this.#to = edges.at(-1) ?? 0;
    this.#edges = edges;
    this.#options = options;
    this.#memory = moment.memory.rows(series);
    this.#next = lowerBound(this.#memory, this.#from);
    this.#look();
    this.packedBefore = options.packs ? Math.floor(this.#nextTime / DAY_MS) : -Infinity;
  }

  get #walk(): BucketWalk {
    if (this.#made === undefined) {
      const { timeWeighted, rollover, lastDay } = this.#options;
      const needsBefore = timeWeighted || rollover !== undefined;
      const firstDay = Math.max(Math.floor(this.#from / DAY_MS), this.packedBefore);
      const guess = Math.min(this.#edges.length - 1, Math.max(1, (lastDay - firstDay + 1) * 24));
      this.#made = new BucketWalk(this.#edges, this.#options, needsBefore ? this.#before() : undefined, guess);
    }
    return this.#made;
  }

  #before(): { held: number; number: number } {
    const last = newestBefore(this.#moment, this.#series, this.#from - 1);
    const number = newestBefore(this.#moment, this.#series, this.#from - 1, true);
    const usable = last !== undefined && lastOf(sliceRows(last.rows, last.at, last.at + 1), Infinity, true) === 0;
    return {
      held: usable ? numberOf(last.rows, last.at) : Number.NaN,
      number: number === undefined ? Number.NaN : numberOf(number.rows, number.at),
    };
  }

  #look(): void {
    const time = this.#next < this.#memory.length ? (this.#memory.time[this.#next] ?? Infinity) : Infinity;
    this.#nextTime = time < this.#to ? time : Infinity;
  }

  /** Samples in memory before a time are to be read. */
  #pendMemory(before: number): void {
    if (this.#nextTime >= before) return;
    this.#pendingFrom = Math.min(this.#pendingFrom, this.#nextTime);
    this.#next = lowerBound(this.#memory, Math.min(before, this.#to));
    this.#pendingTo = Math.max(this.#pendingTo, (this.#memory.time[this.#next - 1] ?? 0) + 1);
    this.#look();
  }

  #pend(from: number, to: number): void {
    this.#pendingFrom = Math.min(this.#pendingFrom, Math.max(from, this.#from));
    this.#pendingTo = Math.max(this.#pendingTo, Math.min(to, this.#to));
  }

  #flush(): void {
    const from = Math.max(this.#pendingFrom, this.#moment.rawBefore);
    const to = this.#pendingTo;
    this.#pendingFrom = Infinity;
    this.#pendingTo = -Infinity;
    if (from >= to) return;
    let at = lowerBound(this.#memory, from);
    const end = lowerBound(this.#memory, to);
    for (const chunk of this.#moment.chunks.overlapping(this.#series, from, to)) {
      const rows = this.#moment.chunks.rows(chunk);
      const last = Math.min(end, lowerBound(this.#memory, (rows.time[rows.length - 1] ?? 0) + 1));
      const inside = sliceRows(rows, lowerBound(rows, from), lowerBound(rows, to));
      const merged = last > at ? mergeRows(inside, sliceRows(this.#memory, at, last)) : inside;
      this.#walk.addRows(merged, 0, merged.length);
      at = Math.max(at, last);
    }
    if (at < end) this.#walk.addRows(this.#memory, at, end);
  }

  /** Row `i` of a day's summaries is of this series. */
  #hour(start: number, day: SummaryDay, i: number): void {
    if (start >= this.#to || start + HOUR_MS <= this.#from) return;
    if (start > this.#nextTime) this.#pendMemory(start);
    const bucket = this.#nextTime < start + HOUR_MS ? -1 : this.#walk.bucketOfHour(start);
    if (bucket >= 0) {
      if (this.#pendingFrom < Infinity) this.#flush();
      this.#walk.addHour(bucket, start, day.columns, day.extras, i);
      return;
    }
    this.#pend(start, start + HOUR_MS);
    this.#pendMemory(start + HOUR_MS);
  }

  /** Rows `from` to `to` (exclusive) of a day's summaries are of this series. */
  hours(day: SummaryDay, from: number, to: number): void {
    if (day.day < this.packedBefore) return;
    const start = day.day * DAY_MS;
    const asIs = this.#options.hourly && this.#nextTime >= start + DAY_MS && this.#pendingFrom === Infinity;
    if (asIs && start >= this.#from && start + DAY_MS <= this.#to) {
      this.#walk.addHours((start - this.#from) / HOUR_MS, day.columns, from, to);
      return;
    }
    for (let i = from; i < to; i++) this.#hour(start + ((day.columns.place[i] ?? 0) & 31) * HOUR_MS, day, i);
  }

  /** What is not packed; undefined where that is nothing. */
  end(): BucketSlab | undefined {
    this.#pendMemory(Infinity);
    this.#flush();
    return this.#made?.end();
  }
}

/** Adds the hours of one day to the series that are asked for; `walks` by member of the group. */
function addDay(day: SummaryDay, walks: readonly (SeriesWalk | undefined)[]): void {
  const { place, length } = day.columns;
  for (let from = 0; from < length; ) {
    const member = (place[from] ?? 0) >> 5;
    let to = from + 1;
    while (to < length && (place[to] ?? 0) >> 5 === member) to++;
    walks[member]?.hours(day, from, to);
    from = to;
  }
}

/** What is asked, and of what there is something. */
interface Asked {
  readonly query: AggregateQuery;
  /** Every bucket is an hour of the clock (UTC). */
  readonly hours: boolean;
  /** Days of which there are summaries. */
  readonly firstDay: number;
  readonly lastDay: number;
}

function optionsOf({ query, hours, lastDay }: Asked, point: string, packs: boolean): SeriesOptions {
  const timeWeighted = query.timeWeighted === true;
  const rollover = query.counters?.get(point as never);
  const hourly = hours && !timeWeighted && rollover === undefined;
  const options = { timeWeighted, hourly, packs, lastDay };
  return rollover === undefined ? options : { ...options, rollover };
}

/** Is every bucket an hour of the clock (UTC)? */
function areHours(edges: readonly number[]): boolean {
  const from = edges[0] ?? 0;
  return from % HOUR_MS === 0 && edges.every((edge, i) => edge === from + i * HOUR_MS);
}

interface Member {
  readonly point: string;
  readonly series: number;
}

/** The points that were ever stored, by group of series, each once. */
function byGroup(
  points: readonly string[],
  seriesOf: (point: string) => number | undefined,
): ReadonlyMap<number, readonly Member[]> {
  const groups = new Map<number, Member[]>();
  for (const point of new Set(points)) {
    const series = seriesOf(point);
    if (series === undefined) continue;
    const members = groups.get(groupOf(series)) ?? [];
    members.push({ point, series });
    groups.set(groupOf(series), members);
  }
  return groups;
}

/** Fills the walks of a group day by day, and gives the days that go over packed. */
function* takeDays(
  { summaries }: Moment,
  group: number,
  { query, firstDay, lastDay }: Asked,
  walks: readonly SeriesWalk[],
): Generator<undefined, PackedDay[]> {
  const byMember: SeriesWalk[] = [];
  for (const walk of walks) byMember[walk.member] = walk;
  const from = query.edges[0] ?? 0;
  const walkedFrom = Math.min(...walks.map(({ packedBefore }) => packedBefore));
  const packedBefore = Math.max(...walks.map((walk) => walk.packedBefore));
  const extras = query.timeWeighted === true || query.counters !== undefined;
  const days: PackedDay[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    const data = day < packedBefore ? summaries.packed(day, group) : undefined;
    if (data !== undefined) days.push({ first: (day * DAY_MS - from) / HOUR_MS, data });
    if (day >= walkedFrom) {
      const columns = data === undefined ? summaries.day(day, group, extras) : summaries.unpack(day, data);
      if (columns !== undefined) addDay(columns, byMember);
    }
    yield;
  }
  return days;
}

/** How many of the days, of which the first buckets are told, lie before one. */
function countBefore(days: readonly PackedDay[], before: number, from: number): number {
  const found = days.findIndex(({ first }) => first * HOUR_MS + from >= before * DAY_MS);
  return found < 0 ? days.length : found;
}

/**
 * Buckets by point, in the order of the query. Whole hours come out of the summaries; hours that an edge cuts, and those of
 * which samples are still in memory, sample by sample. Yields where others may be served.
 * @throws HISTORY_CORRUPT
 */
export function* aggregate(
  moment: Moment,
  query: AggregateQuery,
  seriesOf: (point: string) => number | undefined,
): Generator<undefined, SeriesBuckets[]> {
  const { edges, points } = query;
  const from = edges[0] ?? 0;
  const to = edges.at(-1) ?? 0;
  const answers = new Map<string, SeriesBuckets>();
  const known = moment.summaries.days();
  const firstDay = Math.max(Math.floor(from / DAY_MS), known?.first ?? Infinity);
  const lastDay = Math.min(Math.ceil(to / DAY_MS) - 1, known?.last ?? -Infinity);
  const asked: Asked = { query, hours: areHours(edges), firstDay, lastDay };
  const plain = asked.hours && query.timeWeighted !== true && query.counters === undefined;
  const none: BucketSlab = { length: 0, capacity: 0, full: false, buffer: new ArrayBuffer(0), texts: [] };
  for (const [group, members] of byGroup(points, seriesOf)) {
    const packs = plain && members.length >= PACKED_FROM;
    const named: { readonly point: string; readonly walk: SeriesWalk }[] = [];
    for (const { point, series } of members) {
      named.push({ point, walk: new SeriesWalk(moment, series, edges, optionsOf(asked, point, packs)) });
      yield;
    }
    const walks = named.map(({ walk }) => walk);
    const days = yield* takeDays(moment, group, asked, walks);
    for (const { point, walk } of named) {
      const count = countBefore(days, walk.packedBefore, from);
      const slab = walk.end() ?? none;
      answers.set(point, count === 0 ? { slab } : { slab, packed: { days, count, member: walk.member } });
      yield;
    }
  }
  return points.map((point) => answers.get(point) ?? { slab: none });
}
