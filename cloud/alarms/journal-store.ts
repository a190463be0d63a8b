import type { JournalEntry } from "#core/contracts/alarms.ts";
import type { JournalRecord } from "#core/contracts/journal.ts";
import { JOURNAL_GENESIS } from "#core/journal-chain.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import { pieces } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import { storedText } from "../db/dialect.ts";
import { iso } from "../time.ts";
import { type JournalRow, journalHash } from "./journal-chain.ts";
import { JournalQueries, type JournalStand, MANY } from "./journal-queries.ts";

/** What happened to an alarm, as it goes into the journal. Times are Unix ms. */
export interface Happening {
  readonly alarm: Alarm;
  readonly transition: AlarmTransition;
  readonly at: number;
  readonly receivedAt: number;
  readonly actor?: string;
  readonly comment?: string;
  /** Workplace at which somebody acted. */
  readonly station?: string;
  /** Tells one comment from another. */
  readonly key?: string;
  /** The gateway that told it; absent where the cloud itself saw it or somebody did it here. */
  readonly toldBy?: string;
}

/**
 * Names a happening. An act of a person bears the same name at both sides of a cut, because both know who acted and
 * when; everything else is named by the minting side's version.
 */
function nameOf({ alarm, transition, key }: Happening): string {
  const { id, occurrence, version, acknowledgedAt, acknowledgedBy, resetAt, resetBy } = alarm;
  if (transition === "acknowledged")
    return JSON.stringify([id, occurrence, transition, acknowledgedAt, acknowledgedBy]);
  if (transition === "reset") return JSON.stringify([id, occurrence, transition, resetAt, resetBy]);
  return JSON.stringify([id, occurrence, transition, key ?? version]);
}

/** Writes the journal: append-only and chained. */
export class AlarmJournal {
  readonly #db: Db;
  readonly #clockOffsetOf: (gateway: string) => number | undefined;
  readonly #queries: JournalQueries;

  /** `clockOffsetOf`: clock of a gateway minus ours, ms; undefined where it is not known. */
  constructor(db: Db, clockOffsetOf: (gateway: string) => number | undefined = () => undefined) {
    this.#db = db;
    this.#queries = new JournalQueries(db);
    this.#clockOffsetOf = clockOffsetOf;
  }

  /** Writes a happening down. False when it was already known. */
  write(happening: Happening): boolean {
    const { sync } = this.#db;
    return sync.inTransaction ? this.#append(happening) : sync.transaction(() => this.#append(happening));
  }

  /** Writes happenings down in their order, as `write` does each of them. Of each: false when it was already known. */
  writeMany(happenings: readonly Happening[]): readonly boolean[] {
    const { sync } = this.#db;
    // An activation is known by more than its name.
    const work = (): boolean[] =>
      happenings.some(({ transition }) => transition === "raised")
        ? happenings.map((one) => this.#append(one))
        : this.#appendMany(happenings);
    return sync.inTransaction ? work() : sync.transaction<boolean[]>(work);
  }

  /** The whole journal of one alarm, oldest first. */
  of(alarm: string): readonly JournalRecord[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(kysely.selectFrom("alarm_journal").selectAll().where("alarm", "=", alarm).orderBy("seq"))
      .map(recordOf);
  }

  #append(happening: Happening): boolean {
    const { sync } = this.#db;
    const { alarm, transition } = happening;
    const name = storedText(nameOf(happening));
    const raised = transition === "raised" ? alarm.occurrence : undefined;
    const stand = sync.get(this.#queries.stand(name, storedText(alarm.id), raised));
    if (stand?.known === 1) return false;
    const row = this.#chained(happening, name, stand);
    sync.run(this.#queries.insert([row]));
    sync.run(this.#queries.head(row.seq, row.hash));
    return true;
  }

  #appendMany(happenings: readonly Happening[]): boolean[] {
    const { sync } = this.#db;
    const named = happenings.map((happening) => ({ happening, name: storedText(nameOf(happening)) }));
    const known = this.#known(named.map(({ name }) => name));
    let stand: Omit<JournalStand, "known"> | undefined = sync.get(this.#queries.bareStand());
    const rows: JournalRow[] = [];
    const news = named.map(({ happening, name }) => {
      if (known.has(name)) return false;
      known.add(name);
      const row = this.#chained(happening, name, stand);
      stand = { seq: row.seq, hash: row.hash, last: row.seq };
      rows.push(row);
      return true;
    });
    for (const some of pieces(rows, MANY)) sync.run(this.#queries.insert(some));
    const last = rows.at(-1);
    if (last !== undefined) sync.run(this.#queries.head(last.seq, last.hash));
    return news;
  }

  #known(names: readonly string[]): Set<string> {
    const known = new Set<string>();
    for (let from = 0; from < names.length; from += MANY)
      for (const { happening } of this.#db.sync.all(this.#queries.known(names.slice(from, from + MANY))))
        known.add(happening);
    return known;
  }

  /** The row behind where the journal stands. */
  #chained(happening: Happening, name: string, stand: Omit<JournalStand, "known"> | undefined): JournalRow {
    // Past a row that is none of ours: it stays as the break that it is, and recording goes on.
    const seq = Math.max(stand?.seq ?? 0, stand?.last ?? 0) + 1;
    const chained = { ...this.#row(happening, name), seq, prev_hash: stand?.hash ?? JOURNAL_GENESIS };
    return { ...chained, search: searchText(chained), hash: journalHash(chained) };
  }

  #row(happening: Happening, name: string) {
    const { alarm, transition, at, receivedAt, actor, station, comment, toldBy } = happening;
    const text = (value: string | undefined): string | null => (value === undefined ? null : storedText(value));
    return {
      happening: name,
      alarm: storedText(alarm.id),
      occurrence: alarm.occurrence,
      transition,
      at,
      received_at: receivedAt,
      clock_offset_ms: (toldBy === undefined ? undefined : this.#clockOffsetOf(toldBy)) ?? null,
      actor: text(actor),
      station: text(station),
      comment: text(comment),
      ...factsOf(alarm),
    };
  }
}

/** What the journal keeps of the alarm itself. */
export function factsOf(alarm: Alarm) {
  const text = (value: string | undefined): string | null => (value === undefined ? null : storedText(value));
  return {
    law: alarm.law,
    category: alarm.category,
    priority: alarm.priority,
    definition: storedText(alarm.definition),
    source: storedText(alarm.source),
    point: text(alarm.point),
    device: text(alarm.device),
    zone: text(alarm.zone),
    area: text(alarm.area),
    message: storedText(alarm.message),
    message_en: storedText(alarm.messageEn),
  };
}

/** What the free search looks through. */
export function searchText(row: Omit<JournalRow, "hash" | "prev_hash" | "search" | "seq">): string {
  const { message, message_en, source, definition, zone, area, actor, station, comment } = row;
  return [message, message_en, source, definition, zone, area, actor, station, comment]
    .filter((part) => part !== null && part !== "")
    .join("\n")
    .toLowerCase();
}

/** An entry as it stands with its alarm. */
function entryOf(row: JournalRow): JournalEntry {
  return {
    id: String(row.seq),
    alarm: row.alarm,
    occurrence: row.occurrence,
    transition: row.transition as AlarmTransition,
    at: iso(row.at),
    receivedAt: iso(row.received_at),
    ...(row.actor === null ? {} : { actor: row.actor }),
    ...(row.station === null ? {} : { station: row.station }),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

/** A row in the shape of the HTTP API. */
export function recordOf(row: JournalRow): JournalRecord {
  const { point, device, zone, area } = row;
  return {
    ...entryOf(row),
    ...(row.clock_offset_ms === null ? {} : { clockOffsetMs: row.clock_offset_ms }),
    law: row.law as Alarm["law"],
    category: row.category as Alarm["category"],
    priority: row.priority as Alarm["priority"],
    definition: row.definition,
    source: row.source,
    ...(point === null ? {} : { point }),
    ...(device === null ? {} : { device }),
    ...(zone === null ? {} : { zone }),
    ...(area === null ? {} : { area }),
    message: row.message,
    messageEn: row.message_en,
    hash: row.hash,
  };
}
