import { sql } from "kysely";
import type { KpiEntry } from "#core/alarm/annunciations.ts";
import { DAY_MS } from "#core/alarm/kpi-numbers.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";

/** Rows in one read: whoever waits for the database waits for no more than that. */
const SLICE = 200;
/** The clock of the hub may have been set back: rows that much before count as perhaps later ones, ms. */
const CLOCK_SLACK_MS = 3_600_000;

/** Transitions that say how long something lasts or who was called. */
const COUNTED = [
  "raised",
  "reAlarmed",
  "cleared",
  "acknowledged",
  "shelved",
  "unshelved",
  "suppressed",
  "unsuppressed",
  "outOfService",
  "returnedToService",
] as const satisfies readonly AlarmTransition[];
const COUNTED_SET: ReadonlySet<string> = new Set(COUNTED);
/** Those that hide an alarm, or no longer. */
const HIDING = COUNTED.slice(4);

/** Shelving ends within a day; what logic or a permit hides for longer than this before a period is taken for announced, ms. */
export const LEAD_IN_MS = 31 * DAY_MS;

interface Row {
  readonly seq: number;
  readonly alarm: string;
  readonly occurrence: number;
  readonly transition: string;
  readonly at: number;
  readonly received_at: number;
  readonly actor: string | null;
  readonly law: string;
  readonly category: string;
  readonly priority: string;
  readonly definition: string;
  readonly source: string;
  readonly area: string | null;
  readonly raised_at: number | null;
}

/** Lets others have their turn. */
export const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const isCounted = ({ transition }: Row): boolean => COUNTED_SET.has(transition);

function entryOf(row: Row): KpiEntry {
  return {
    alarm: row.alarm,
    occurrence: row.occurrence,
    transition: row.transition as AlarmTransition,
    at: row.at,
    receivedAt: row.received_at,
    law: row.law as Alarm["law"],
    category: row.category as Alarm["category"],
    priority: row.priority as Alarm["priority"],
    definition: row.definition,
    source: row.source,
    ...(row.area === null ? {} : { area: row.area }),
    ...(row.raised_at === null ? {} : { raisedAt: row.raised_at }),
    ...(row.actor === null ? {} : { actor: row.actor }),
  };
}

/** The journal of the alarms as the key figures read it: in slices, others have their turn in between. */
export class JournalRows {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** What counts and was received in [from, to), in the order in which it came to be known. Times are Unix ms. */
  async *counted(from: number, to: number): AsyncGenerator<readonly KpiEntry[]> {
    for await (const rows of this.#slices(from, to)) yield rows.filter(isCounted).map(entryOf);
  }

  /** What hid alarms in [from, to), in that order. Transition by transition by its index, of each no more than a slice at once. */
  async *hiding(from: number, to: number): AsyncGenerator<readonly KpiEntry[]> {
    const sources = HIDING.map((transition) => ({ slices: this.#slices(from, to, transition), held: [] as Row[] }));
    const open = new Set(sources);
    while (open.size > 0) {
      for (const source of open) {
        if (source.held.length > 0) continue;
        const next = await source.slices.next();
        if (next.done === true) open.delete(source);
        else source.held = [...next.value];
      }
      // Up to the nearest of their ends nothing is missing any more.
      const known = Math.min(...[...open].map(({ held }) => held.at(-1)?.seq ?? Infinity));
      const rows = sources.flatMap(({ held }) => held.filter(({ seq }) => seq <= known));
      for (const source of sources) source.held = source.held.filter(({ seq }) => seq > known);
      if (rows.length > 0) yield rows.sort((a, b) => a.seq - b.seq).map(entryOf);
    }
  }

  /** Ends of activations in [from, to). */
  async *ends(from: number, to: number): AsyncGenerator<readonly KpiEntry[]> {
    for await (const rows of this.#slices(from, to, "cleared")) yield rows.map(entryOf);
  }

  /** Alarms that are active now and came before a time. */
  async *activeSince(before: number): AsyncGenerator<readonly Alarm[]> {
    const { kysely, sync } = this.#db;
    for (let after = ""; ; ) {
      const rows = sync.all(
        kysely
          .selectFrom("alarms")
          .select(["id", "document"])
          .where("open", "=", 1)
          .where("condition", "=", "active")
          .where("raised_at", "<", before)
          .where("id", ">", after)
          .orderBy("id")
          .limit(SLICE),
      );
      yield rows.map(({ document }) => JSON.parse(document) as Alarm);
      await breath();
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE) return;
      after = last.id;
    }
  }

  /** Words of an alarm, from its last raise. */
  wordsOf(alarm: string): { readonly message: string; readonly messageEn: string } | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(
      kysely
        .selectFrom("alarm_journal")
        .select(["message", "message_en"])
        .where("alarm", "=", alarm)
        .orderBy("seq", "desc")
        .limit(1),
    );
    return row && { message: row.message, messageEn: row.message_en };
  }

  /** Rows of all transitions, or of one. */
  async *#slices(from: number, to: number, transition?: AlarmTransition): AsyncGenerator<readonly Row[]> {
    let after = this.#before(from - CLOCK_SLACK_MS);
    const end = this.#before(to + CLOCK_SLACK_MS);
    for (;;) {
      const rows = this.#slice(after, end, transition);
      const inside = rows.filter(({ received_at: at }) => at >= from && at < to);
      if (inside.length > 0) yield inside;
      await breath();
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE) return;
      after = last.seq;
    }
  }

  #slice(after: number, end: number, transition: AlarmTransition | undefined): readonly Row[] {
    const { kysely, sync } = this.#db;
    const rows = kysely
      .selectFrom("alarm_journal as j")
      // Literal, so that the partial index of raises is found to fit.
      .leftJoin("alarm_journal as r", (join) =>
        join
          .onRef("r.alarm", "=", "j.alarm")
          .onRef("r.occurrence", "=", "j.occurrence")
          .on(sql.ref("r.transition"), "=", sql.lit("raised")),
      )
      .select([
        "j.seq",
        "j.alarm",
        "j.occurrence",
        "j.transition",
        "j.at",
        "j.received_at",
        "j.actor",
        "j.law",
        "j.category",
        "j.priority",
        "j.definition",
        "j.source",
        "j.area",
        "r.at as raised_at",
      ])
      .where("j.seq", ">", after)
      .where("j.seq", "<=", end)
      .orderBy("j.seq")
      .limit(SLICE);
    // One at a time: of several the database would sort all there are, for each slice anew.
    return sync.all(transition === undefined ? rows : rows.where("j.transition", "=", transition));
  }

  /** The last row that was received before a time, by bisection: rows are numbered as they are received. 0 for none. */
  #before(time: number): number {
    const { kysely, sync } = this.#db;
    const rows = kysely.selectFrom("alarm_journal").select(["seq", "received_at"]);
    const last = sync.get(rows.orderBy("seq", "desc").limit(1));
    if (last === undefined) return 0;
    if (last.received_at < time) return last.seq;
    let [low, high] = [0, last.seq];
    while (low + 1 < high) {
      const middle = Math.floor((low + high) / 2);
      const row = sync.get(rows.where("seq", "<=", middle).orderBy("seq", "desc").limit(1));
      if (row === undefined || row.received_at < time) low = middle;
      else high = middle;
    }
    return low;
  }
}
