import type { Bucket } from "../telemetry-ports.ts";
import { newSlabBuffer, plainBucket, slabColumns } from "./bucket-slab.ts";
import { viewSummaries } from "./summary-codec.ts";
import type { SummaryColumn } from "./summary-column.ts";

/** Hours of a day, whose rows lie in `place` 32 apart from one series to the next. */
const DAY_HOURS = 24;
/** Series of a group. */
const MEMBERS = 64;

/** One day of a group of series, as it lies in the file. */
export interface PackedDay {
  /** The bucket of the day's first hour; less than 0 where the question begins later. */
  readonly first: number;
  /** What `encodeSummaries` gives as `data`. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * The hours of one series, each a bucket of its own, inside those of its group: the first `count` of `days`, which all series of
 * the group share. Half of what the store's thread would have to do for many series is to take such days apart; instead they
 * cross over as they are, and the rows of a series are read when somebody looks at it.
 */
export interface PackedHours {
  readonly days: readonly PackedDay[];
  readonly count: number;
  /** Place of the series in the group. */
  readonly member: number;
}

interface DayView {
  readonly first: number;
  /** Columns in the order of COPIED. */
  readonly columns: readonly SummaryColumn[];
  readonly texts: readonly string[];
  /** Hour of the day of each row. */
  readonly hours: Uint8Array;
  /** First row of each series of the group; one more for the end. */
  readonly starts: Uint32Array;
}

const COPIED = ["count", "bad", "numeric", "sum", "min", "max", "kinds", "first", "last"] as const;
const scratch = slabColumns({ buffer: newSlabBuffer(DAY_HOURS, false), capacity: DAY_HOURS, full: false });
const targets = COPIED.map((name) => scratch[name]);

function viewOf({ first, data }: PackedDay): DayView {
  const { length, columns, texts } = viewSummaries(data);
  const places = new Float64Array(length);
  columns.place.copy(0, length, places);
  const hours = new Uint8Array(length);
  const starts = new Uint32Array(MEMBERS + 1).fill(length);
  for (let i = length - 1; i >= 0; i--) {
    const place = places[i] ?? 0;
    hours[i] = place & 31;
    starts[place >> 5] = i;
  }
  // A series without a row begins where the next one does.
  for (let member = MEMBERS - 1; member >= 0; member--)
    if (starts[member] === length) starts[member] = starts[member + 1] ?? length;
  return { first, columns: COPIED.map((name) => columns[name]), texts, hours, starts };
}

/** Reads series out of packed days. A day is looked into once for all series of its group. */
export class PackedHoursReader {
  readonly #edges: readonly number[];
  readonly #views = new Map<PackedDay, DayView>();

  constructor(edges: readonly number[]) {
    this.#edges = edges;
  }

  /** The buckets of a series. @throws HISTORY_CORRUPT */
  buckets({ days, count, member }: PackedHours): Bucket[] {
    const buckets: Bucket[] = [];
    for (let i = 0; i < count; i++) {
      const day = days[i];
      if (day !== undefined) this.#addDay(this.#view(day), member, buckets);
    }
    return buckets;
  }

  #view(day: PackedDay): DayView {
    let view = this.#views.get(day);
    if (view === undefined) {
      view = viewOf(day);
      this.#views.set(day, view);
    }
    return view;
  }

  #addDay({ first, columns, texts, hours, starts }: DayView, member: number, into: Bucket[]): void {
    const end = this.#edges.length - 1;
    let from = starts[member] ?? 0;
    let to = starts[member + 1] ?? 0;
    while (from < to && first + (hours[from] ?? 0) < 0) from++;
    while (from < to && first + (hours[to - 1] ?? 0) >= end) to--;
    if (from === to) return;
    for (let i = 0; i < columns.length; i++) {
      const target = targets[i];
      if (target !== undefined) columns[i]?.copy(from, to, target);
    }
    for (let i = from; i < to; i++) {
      scratch.bucket[i - from] = first + (hours[i] ?? 0);
      into.push(plainBucket(scratch, i - from, this.#edges, texts));
    }
  }
}
