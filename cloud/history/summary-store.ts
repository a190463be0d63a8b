import type { DatabaseSync, StatementSync } from "node:sqlite";
import { errorCode, HubError } from "#core/errors.ts";
import { type HourSummary, joinHours } from "./hour-summary.ts";
import {
  checkSummaries,
  columnsOf,
  decodeExtras,
  decodeSummaries,
  encodeMain,
  encodeSummaries,
  extrasOf,
  type PlacedSummary,
  type SummaryColumns,
  type SummaryExtras,
  SummaryRoom,
  summaryAt,
} from "./summary-codec.ts";

/**
 * Hourly summaries are kept by day (UTC), group of series and part: what a compaction adds is a new part, and parts are joined
 * when there are many, so that adding is cheap and reading a month is one blob a day for many series. The row's id is
 * (day * 2^22 + group) * 2^10 + part.
 */
const GROUP_SERIES = 64;
const GROUPS = 2 ** 22;
const PARTS = 1024;
/** More parts are joined when the next one comes. */
const MANY_PARTS = 8;

const NO_EXTRAS: SummaryExtras = {
  firstAt: new Float64Array(0),
  lastAt: new Float64Array(0),
  integral: new Float64Array(0),
  known: new Float64Array(0),
  held: new Float64Array(0),
  firstNumber: new Float64Array(0),
  lastNumber: new Float64Array(0),
  falls: new Float64Array(0),
  fallFrom: new Float64Array(0),
};

/** Group of a series. */
export function groupOf(series: number): number {
  return Math.floor(series / GROUP_SERIES);
}
/** Place of a series in its group. */
export function memberOf(series: number): number {
  return series % GROUP_SERIES;
}
function firstPart(day: number, group: number): number {
  return (day * GROUPS + group) * PARTS;
}
function dayOfId(id: number): number {
  return Math.floor(id / PARTS / GROUPS);
}

interface Part {
  readonly columns: SummaryColumns;
  readonly extras: SummaryExtras;
}

function join(parts: readonly Part[], day: number): PlacedSummary[] {
  const joined = new Map<number, PlacedSummary>();
  for (const { columns, extras } of parts)
    for (let i = 0; i < columns.length; i++) {
      const one = summaryAt(columns, extras, i, day);
      const place = columns.place[i] ?? 0;
      const known = joined.get(place);
      if (known === undefined || one.replaces) joined.set(place, one);
      else joinHours(known.summary, one.summary);
    }
  return [...joined].sort(([a], [b]) => a - b).map(([, one]) => one);
}

/** The summaries of a day and group cannot be read. */
export class DamagedSummaries extends HubError {
  readonly day: number;
  readonly group: number;
  constructor(day: number, group: number, cause: unknown) {
    super("HISTORY_CORRUPT", `hourly summaries of ${new Date(day * 86_400_000).toISOString()} cannot be read`, {
      cause,
    });
    this.day = day;
    this.group = group;
  }
}

/** One day of one group as one part. */
export interface SummaryDay extends Part {
  readonly day: number;
}

/** Reads hourly summaries. */
export class SummaryReader {
  readonly #main: StatementSync;
  readonly #whole: StatementSync;
  readonly #least: StatementSync;
  readonly #most: StatementSync;
  readonly #room = new SummaryRoom();

  constructor(db: DatabaseSync) {
    this.#main = db.prepare("SELECT data FROM summaries WHERE id>=? AND id<? ORDER BY id");
    this.#whole = db.prepare("SELECT data, extra FROM summaries WHERE id>=? AND id<? ORDER BY id");
    this.#least = db.prepare("SELECT min(id) AS id FROM summaries");
    this.#most = db.prepare("SELECT max(id) AS id FROM summaries");
  }

  /** First and last day of which there is a summary; undefined when there is none. */
  days(): { readonly first: number; readonly last: number } | undefined {
    const least = this.#least.get()?.["id"];
    const most = this.#most.get()?.["id"];
    if (typeof least !== "number" || typeof most !== "number") return undefined;
    return { first: dayOfId(least), last: dayOfId(most) };
  }

  /**
   * A day of a group; undefined when there is nothing. `extras` are empty unless asked for. What it gives lasts until the next
   * call. @throws DamagedSummaries
   */
  day(day: number, group: number, withExtras: boolean): SummaryDay | undefined {
    try {
      return this.#day(day, group, withExtras);
    } catch (error) {
      throw errorCode(error) === "HISTORY_CORRUPT" ? new DamagedSummaries(day, group, error) : error;
    }
  }

  /** The same without extras, as `encodeSummaries` gives `data`, to be taken apart elsewhere. @throws DamagedSummaries */
  packed(day: number, group: number): Uint8Array<ArrayBuffer> | undefined {
    const first = firstPart(day, group);
    try {
      const [only, ...others] = this.#main
        .all(first, first + PARTS)
        .map((row) => row["data"] as Uint8Array<ArrayBuffer>);
      if (only === undefined) return undefined;
      if (others.length > 0) {
        const parts = [only, ...others].map((data): Part => ({ columns: decodeSummaries(data), extras: NO_EXTRAS }));
        return encodeMain(join(parts, day));
      }
      checkSummaries(only);
      return only;
    } catch (error) {
      throw errorCode(error) === "HISTORY_CORRUPT" ? new DamagedSummaries(day, group, error) : error;
    }
  }

  /** What `packed` gave, as `day` gives it without extras. @throws HISTORY_CORRUPT */
  unpack(day: number, data: Uint8Array): SummaryDay {
    return { day, columns: decodeSummaries(data, this.#room), extras: NO_EXTRAS };
  }

  #day(day: number, group: number, withExtras: boolean): SummaryDay | undefined {
    const first = firstPart(day, group);
    const rows = (withExtras ? this.#whole : this.#main).all(first, first + PARTS);
    if (rows.length === 0) return undefined;
    const room = rows.length === 1 ? this.#room : undefined;
    const parts = rows.map((row): Part => {
      const columns = decodeSummaries(row["data"] as Uint8Array, room);
      return { columns, extras: withExtras ? decodeExtras(row["extra"] as Uint8Array, columns.length) : NO_EXTRAS };
    });
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return { day, ...only };
    const joined = join(parts, day);
    return { day, columns: columnsOf(joined), extras: withExtras ? extrasOf(joined) : NO_EXTRAS };
  }
}

/** Hands over the summaries of whole hours of a series, out of its samples. */
export type HoursOfSamples = (series: number, hours: ReadonlySet<number>, each: (summary: HourSummary) => void) => void;

/** Collects the summaries of one slice of work and writes them by day and group. Runs in the caller's transaction. */
export class SummaryWriter {
  readonly #ofSamples: HoursOfSamples;
  readonly #onRebuilt: (day: number) => void;
  readonly #ids: StatementSync;
  readonly #parts: StatementSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #unjoined: StatementSync;
  readonly #old: StatementSync;
  /** By first part of day and group, then by place. */
  readonly #collected = new Map<number, Map<number, PlacedSummary>>();

  /** Summaries that cannot be read are made anew out of the samples; `onRebuilt` is told of it. */
  constructor(db: DatabaseSync, ofSamples: HoursOfSamples, onRebuilt: (day: number) => void) {
    this.#ofSamples = ofSamples;
    this.#onRebuilt = onRebuilt;
    this.#ids = db.prepare("SELECT count(*) AS n, max(id) AS last FROM summaries WHERE id>=? AND id<?");
    this.#parts = db.prepare("SELECT data, extra FROM summaries WHERE id>=? AND id<? ORDER BY id");
    this.#insert = db.prepare("INSERT INTO summaries(id, data, extra) VALUES(?,?,?)");
    this.#remove = db.prepare("DELETE FROM summaries WHERE id>=? AND id<?");
    this.#unjoined = db.prepare("SELECT id FROM summaries WHERE id & 1023 > 0 LIMIT 1");
    this.#old = db.prepare("DELETE FROM summaries WHERE id IN (SELECT id FROM summaries WHERE id<? LIMIT ?)");
  }

  /** Takes one summary. `replaces`: it is of all samples of the hour, not of later ones than those known. */
  add(series: number, summary: HourSummary, replaces: boolean): void {
    const day = Math.floor(summary.hour / 24);
    const key = firstPart(day, groupOf(series));
    const member = memberOf(series);
    const place = member * 32 + summary.hour - day * 24;
    let places = this.#collected.get(key);
    if (places === undefined) {
      places = new Map();
      this.#collected.set(key, places);
    }
    const known = places.get(place);
    if (known === undefined || replaces) places.set(place, { member, replaces, summary });
    else joinHours(known.summary, summary);
  }

  /** Forgets what was taken. */
  discard(): void {
    this.#collected.clear();
  }

  /** Writes what was taken. */
  flush(): void {
    for (const [key, places] of this.#collected) {
      const part = [...places].sort(([a], [b]) => a - b).map(([, one]) => one);
      const row = this.#ids.get(key, key + PARTS);
      const count = Number(row?.["n"]);
      if (count >= MANY_PARTS) this.#rewrite(key, part);
      else this.#put(count === 0 ? key : Number(row?.["last"]) + 1, part);
    }
    this.#collected.clear();
  }

  #put(id: number, part: readonly PlacedSummary[]): void {
    const { data, extra } = encodeSummaries(part);
    this.#insert.run(id, data, extra);
  }

  /** Makes the summaries of a day and group anew out of the samples. */
  rebuild(day: number, group: number): void {
    const hours = new Set(Array.from({ length: 24 }, (_, hour) => day * 24 + hour));
    const all: PlacedSummary[] = [];
    for (let member = 0; member < GROUP_SERIES; member++)
      this.#ofSamples(group * GROUP_SERIES + member, hours, (summary) => all.push({ member, replaces: true, summary }));
    const key = firstPart(day, group);
    this.#remove.run(key, key + PARTS);
    if (all.length > 0) this.#put(key, all);
    this.#onRebuilt(day);
  }

  #rewrite(key: number, added: readonly PlacedSummary[]): void {
    try {
      this.#joinAll(key, added);
    } catch (error) {
      if (errorCode(error) !== "HISTORY_CORRUPT") throw error;
      this.rebuild(dayOfId(key), Math.floor(key / PARTS) % GROUPS);
    }
  }

  #joinAll(key: number, added: readonly PlacedSummary[]): void {
    const parts = this.#parts.all(key, key + PARTS).map((row): Part => {
      const columns = decodeSummaries(row["data"] as Uint8Array);
      return { columns, extras: decodeExtras(row["extra"] as Uint8Array, columns.length) };
    });
    if (added.length > 0) parts.push({ columns: columnsOf(added), extras: extrasOf(added) });
    this.#remove.run(key, key + PARTS);
    this.#put(key, join(parts, dayOfId(key)));
  }

  /** Joins the parts of some day and group that has several. False when there is none any more. */
  joinOne(): boolean {
    const id = this.#unjoined.get()?.["id"];
    if (id === undefined) return false;
    this.#rewrite(Math.floor(Number(id) / PARTS) * PARTS, []);
    return true;
  }

  /** Drops some of the days that end at or before a time. False when there is none any more. */
  dropSomeBefore(time: number): boolean {
    return Number(this.#old.run(firstPart(Math.floor(time / 86_400_000), 0), 64).changes) > 0;
  }
}
