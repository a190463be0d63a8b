import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import type { DeliveryStatus, DeliveryView, NotifyLanguage } from "#core/contracts/notify.ts";
import { newId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { DeliveryQuery } from "../notify-ports.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageResult } from "../ports.ts";
import { iso } from "../time.ts";
import { type Message, render } from "./message.ts";
import type { NotifyTables } from "./tables.ts";

/** One row of the ledger. */
export type Delivery = Selectable<NotifyTables["notify_deliveries"]>;

/** What a delivery is made from. */
export interface NewDelivery {
  readonly status: DeliveryStatus;
  readonly rule?: string;
  readonly step: number;
  readonly recipient: string;
  readonly contacts: readonly string[];
  readonly channel?: string;
  readonly fallback: readonly string[];
  readonly message: Message;
  readonly reason?: string;
  readonly told?: boolean;
}

/** Who was told what by which way: what no delivery may repeat. */
export interface Mark {
  readonly alarm: string;
  readonly occurrence: number;
  readonly transition: string;
}

/** SQLite takes so many parameters in one statement without a thought. */
const PART = 400;
const SLICE = 500;

/** The messages that were to be sent, and what became of them. */
export class Ledger {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #timeZone: string;

  constructor(db: Db, clock: Clock, timeZone: string) {
    this.#db = db;
    this.#clock = clock;
    this.#timeZone = timeZone;
  }

  /** Writes a delivery, in the running transaction, and gives its id. */
  add(made: NewDelivery): string {
    const { kysely, sync } = this.#db;
    const now = this.#clock.now();
    const id = newId(now);
    sync.run(
      kysely.insertInto("notify_deliveries").values({
        id,
        status: made.status,
        rule: made.rule ?? null,
        transition: made.message.transition,
        step: made.step,
        recipient: made.recipient,
        contacts: JSON.stringify(made.contacts),
        channel: made.channel ?? null,
        fallback: JSON.stringify(made.fallback),
        alarms: made.message.total,
        alarm: made.message.alarms[0]?.id ?? null,
        document: JSON.stringify(made.message),
        attempts: 0,
        reason: made.reason ?? null,
        told: made.told === true ? 1 : 0,
        created_at: now,
        finished_at: made.status === "queued" ? null : now,
      }),
    );
    return id;
  }

  get(id: string): Delivery | undefined {
    const { kysely, sync } = this.#db;
    return sync.get(kysely.selectFrom("notify_deliveries").selectAll().where("id", "=", id));
  }

  /** Ids of what still is to be sent, the oldest first. */
  queued(): readonly string[] {
    const { kysely, sync } = this.#db;
    const rows = kysely.selectFrom("notify_deliveries").select("id").where("status", "=", "queued").orderBy("id");
    return sync.all(rows.limit(10_000)).map(({ id }) => id);
  }

  /** One more try has failed. */
  failed(id: string, attempts: number, reason: string): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("notify_deliveries").set({ attempts, reason }).where("id", "=", id));
  }

  /** The delivery is at its end. */
  finish(id: string, end: { status: DeliveryStatus; attempts: number; reason: string | null; told?: boolean }): void {
    const { kysely, sync } = this.#db;
    const { status, attempts, reason, told = false } = end;
    const set = { status, attempts, reason, told: told ? 1 : 0, finished_at: this.#clock.now() };
    sync.run(kysely.updateTable("notify_deliveries").set(set).where("id", "=", id));
  }

  /** Was a failure of this channel, or of this rule where there is no channel, told since then? */
  wasTold(of: { channel: string | null; rule: string | null }, since: number): boolean {
    const { kysely, sync } = this.#db;
    let rows = kysely
      .selectFrom("notify_deliveries")
      .select("id")
      .where("told", "=", 1)
      .where("finished_at", ">=", since);
    rows = of.channel === null ? rows.where("channel", "is", null) : rows.where("channel", "=", of.channel);
    if (of.channel === null)
      rows = of.rule === null ? rows.where("rule", "is", null) : rows.where("rule", "=", of.rule);
    return sync.get(rows.limit(1)) !== undefined;
  }

  /** Which of these were not told yet to this recipient by this channel in this step. */
  unmarked<T extends Mark>(told: readonly T[], step: number, recipient: string, channel: string): readonly T[] {
    const { kysely, sync } = this.#db;
    const nameOf = ({ alarm, occurrence, transition }: Mark): string => JSON.stringify([alarm, occurrence, transition]);
    const known = new Set<string>();
    for (let i = 0; i < told.length; i += PART) {
      const alarms = told.slice(i, i + PART).map(({ alarm }) => alarm);
      const marks = kysely
        .selectFrom("notify_marks")
        .select(["alarm", "occurrence", "transition"])
        .where("alarm", "in", alarms)
        .where("step", "=", step)
        .where("recipient", "=", recipient)
        .where("channel", "=", channel);
      for (const mark of sync.all(marks)) known.add(nameOf(mark));
    }
    return told.filter((one) => !known.has(nameOf(one)));
  }

  /** Keeps what a delivery tells. */
  mark(told: readonly Mark[], by: { step: number; recipient: string; channel: string; delivery: string }): void {
    const { kysely, sync } = this.#db;
    for (const { alarm, occurrence, transition } of told)
      sync.run(kysely.insertInto("notify_marks").values({ alarm, occurrence, transition, ...by }));
  }

  /** What a delivery tells. */
  marksOf(delivery: string): readonly Mark[] {
    const { kysely, sync } = this.#db;
    const marks = kysely.selectFrom("notify_marks").select(["alarm", "occurrence", "transition"]);
    return sync.all(marks.where("delivery", "=", delivery).orderBy("alarm"));
  }

  /** Newest first. @throws CURSOR_INVALID */
  list(query: DeliveryQuery): PageResult<DeliveryView> {
    const { kysely, sync } = this.#db;
    const [after] = decodeCursor(query.cursor, ["string"]) ?? [];
    let rows = kysely.selectFrom("notify_deliveries").selectAll();
    if (after !== undefined) rows = rows.where("id", "<", String(after));
    if (query.status !== undefined) rows = rows.where("status", "=", query.status);
    if (query.channel !== undefined) rows = rows.where("channel", "=", query.channel);
    if (query.recipient !== undefined) rows = rows.where("recipient", "=", query.recipient);
    if (query.from !== undefined) rows = rows.where("created_at", ">=", query.from);
    if (query.to !== undefined) rows = rows.where("created_at", "<", query.to);
    if (query.alarm !== undefined) {
      const { alarm } = query;
      const marked = kysely.selectFrom("notify_marks").select("delivery").where("alarm", "=", alarm);
      rows = rows.where((e) => e.or([e("alarm", "=", alarm), e("id", "in", marked)]));
    }
    const found = sync.all(rows.orderBy("id", "desc").limit(query.limit + 1));
    const items = found.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map((row) => this.#view(row, query.language ?? "zh-CN")),
      ...(found.length > items.length && last !== undefined ? { nextCursor: encodeCursor([last.id]) } : {}),
    };
  }

  /** Removes one slice of what is older and says how many rows it held. What still waits stays. */
  prune(before: number): number {
    const { kysely, sync } = this.#db;
    return sync.transaction(() => {
      const due = kysely
        .selectFrom("notify_deliveries")
        .select("id")
        .where("created_at", "<", before)
        .where("status", "!=", "queued")
        .orderBy("created_at")
        .limit(SLICE);
      const ids = sync.all(due).map(({ id }) => id);
      if (ids.length === 0) return 0;
      sync.run(kysely.deleteFrom("notify_marks").where("delivery", "in", ids));
      sync.run(kysely.deleteFrom("notify_deliveries").where("id", "in", ids));
      return ids.length;
    });
  }

  #view(row: Delivery, language: NotifyLanguage): DeliveryView {
    const { title, text } = render(JSON.parse(row.document) as Message, language, this.#timeZone);
    return {
      id: row.id,
      status: row.status as DeliveryStatus,
      transition: row.transition,
      step: row.step,
      ...(row.rule === null ? {} : { rule: row.rule }),
      ...(row.channel === null ? {} : { channel: row.channel }),
      recipient: row.recipient,
      title,
      text,
      alarms: row.alarms,
      ...(row.alarm === null ? {} : { alarm: row.alarm }),
      attempts: row.attempts,
      ...(row.reason === null ? {} : { reason: row.reason }),
      createdAt: iso(row.created_at),
      ...(row.finished_at === null ? {} : { finishedAt: iso(row.finished_at) }),
    };
  }
}
