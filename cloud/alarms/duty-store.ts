import type { AlarmTransition } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";

/** Who looks after an alarm and whether it was told further. */
export interface Duty {
  readonly assignee?: string;
  /** When this occurrence was told further, Unix ms. */
  readonly escalatedAt?: number;
}

/** Ids in one question: far below what either database takes. */
const AT_ONCE = 1000;
/** What makes an alarm wait for somebody: its whole time runs from then. */
const CALLS: readonly AlarmTransition[] = ["raised", "reAlarmed", "unshelved", "unsuppressed", "returnedToService"];

/** Assignment and escalation of alarms: the cloud's own columns beside the alarm, of which gateways know nothing. */
export class DutyStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Of each alarm that has one. */
  of(alarms: readonly string[]): ReadonlyMap<string, Duty> {
    const { kysely, sync } = this.#db;
    const found = new Map<string, Duty>();
    for (let from = 0; from < alarms.length; from += AT_ONCE) {
      const rows = sync.all(
        kysely
          .selectFrom("alarms")
          .select(["id", "assignee", "occurrence", "escalation_of", "escalated_at"])
          .where("id", "in", alarms.slice(from, from + AT_ONCE))
          .where((e) => e.or([e("assignee", "is not", null), e("escalated_at", "is not", null)])),
      );
      for (const { id, assignee, occurrence, escalation_of: of, escalated_at: at } of rows)
        found.set(id, {
          ...(assignee === null ? {} : { assignee }),
          ...(at === null || of !== occurrence ? {} : { escalatedAt: at }),
        });
    }
    return found;
  }

  assign(alarm: string, assignee: string | null): void {
    this.#db.sync.run(this.#db.kysely.updateTable("alarms").set({ assignee }).where("id", "=", alarm));
  }

  /** An occurrence waits for somebody until `at`, Unix ms. One that waits already, or was told further, stays as it is. */
  expect(alarm: string, occurrence: number, at: number): void {
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .updateTable("alarms")
        .set({ escalation_of: occurrence, escalate_at: at, escalated_at: null })
        .where("id", "=", alarm)
        .where((e) =>
          e.or([
            e("escalation_of", "is", null),
            e("escalation_of", "!=", occurrence),
            e.and([e("escalate_at", "is", null), e("escalated_at", "is", null)]),
          ]),
        ),
    );
  }

  /** Nothing is told further of this alarm as it is now. */
  settle(alarm: string): void {
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .updateTable("alarms")
        .set({ escalate_at: null })
        .where("id", "=", alarm)
        .where("escalate_at", "is not", null),
    );
  }

  postpone(alarm: string, at: number): void {
    this.#db.sync.run(this.#db.kysely.updateTable("alarms").set({ escalate_at: at }).where("id", "=", alarm));
  }

  /** All that waits is due so much earlier, ms. */
  advance(byMs: number): void {
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .updateTable("alarms")
        .set((e) => ({ escalate_at: e("escalate_at", "-", byMs) }))
        .where("escalate_at", "is not", null),
    );
  }

  /**
   * Open alarms that nobody has acknowledged and that were not told further, in the order of their ids after `after`, with when they are
   * due. `dueAfter`, Unix ms: only those that are due later.
   */
  waiting(
    after: string,
    limit: number,
    dueAfter?: number,
  ): readonly { readonly id: string; readonly at: number | null }[] {
    const { kysely, sync } = this.#db;
    let rows = kysely
      .selectFrom("alarms")
      .select(["id", "escalate_at as at"])
      .where("id", ">", after)
      .where("open", "=", 1)
      .where("acknowledged", "=", 0)
      .where((e) =>
        e.or([
          e("escalation_of", "is", null),
          e("escalation_of", "!=", e.ref("occurrence")),
          e("escalated_at", "is", null),
        ]),
      );
    if (dueAfter !== undefined) rows = rows.where("escalate_at", ">", dueAfter);
    return sync.all(rows.orderBy("id").limit(limit));
  }

  /** When each of these alarms last began to call for somebody, by the clock of the cloud, Unix ms. */
  calledAt(alarms: readonly string[]): ReadonlyMap<string, number> {
    const { kysely, sync } = this.#db;
    const found = new Map<string, number>();
    for (let from = 0; from < alarms.length; from += AT_ONCE) {
      const rows = sync.all(
        kysely
          .selectFrom("alarm_journal")
          .select("alarm")
          .select((e) => e.fn.max<number>("received_at").as("at"))
          .where("alarm", "in", alarms.slice(from, from + AT_ONCE))
          .where("transition", "in", CALLS)
          .groupBy("alarm"),
      );
      for (const { alarm, at } of rows) found.set(alarm, at);
    }
    return found;
  }

  /** An occurrence that was not told further is due at another time, Unix ms; null: never. */
  reckoned(alarm: string, occurrence: number, at: number | null): void {
    const { kysely, sync } = this.#db;
    const row = { escalation_of: occurrence, escalate_at: at, escalated_at: null };
    sync.run(kysely.updateTable("alarms").set(row).where("id", "=", alarm));
  }

  escalated(alarm: string, occurrence: number, at: number): void {
    const { kysely, sync } = this.#db;
    const row = { escalation_of: occurrence, escalate_at: null, escalated_at: at };
    sync.run(kysely.updateTable("alarms").set(row).where("id", "=", alarm));
  }

  /** Alarms that are due by now, the longest waiting first. */
  due(now: number, limit: number): readonly string[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("alarms")
        .select("id")
        .where("escalate_at", "<=", now)
        .orderBy("escalate_at")
        .orderBy("id")
        .limit(limit),
    );
    return rows.map(({ id }) => id);
  }

  /** When the next alarm is due, Unix ms. */
  next(): number | undefined {
    const { kysely, sync } = this.#db;
    return (
      sync.get(kysely.selectFrom("alarms").select((e) => e.fn.min<number | null>("escalate_at").as("at")))?.at ??
      undefined
    );
  }
}
