import type { Selectable, SelectQueryBuilder } from "kysely";
import { isClosed } from "#core/alarm/lifecycle.ts";
import type { JournalEntry } from "#core/contracts/http.ts";
import { newEpoch } from "#core/ids.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";
import { holdsText } from "../db/dialect.ts";
import type { Tables } from "../db/tables.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { AlarmQuery, PageRequest, PageResult, Visible } from "../ports.ts";
import { iso } from "../time.ts";
import type { AlarmTables } from "./tables.ts";

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

type JournalRow = Selectable<AlarmTables["alarm_journal"]>;
type AlarmSelect<O> = SelectQueryBuilder<Tables, "alarms", O>;

/** Alarms and their journal in the record database. */
export class AlarmStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  get(id: string): Alarm | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("alarms").select("document").where("id", "=", id));
    return row && alarmOf(row);
  }

  /** Writes the alarm over what is held. `endsShelving`: this side has to end its shelving. */
  put(alarm: Alarm, endsShelving: boolean): void {
    const { kysely, sync } = this.#db;
    const row = {
      origin: alarm.origin,
      definition: alarm.definition,
      occurrence: alarm.occurrence,
      law: alarm.law,
      category: alarm.category,
      priority: alarm.priority,
      condition: alarm.condition,
      acknowledged: alarm.acknowledged ? 1 : 0,
      open: isClosed(alarm) ? 0 : 1,
      area: alarm.area ?? null,
      raised_at: alarm.raisedAt,
      shelved_until: endsShelving ? (alarm.shelvedUntil ?? null) : null,
      search: searchText(alarm),
      document: JSON.stringify(alarm),
    };
    sync.run(
      kysely
        .insertInto("alarms")
        .values({ id: alarm.id, ...row })
        .onConflict((c) => c.column("id").doUpdateSet(row)),
    );
  }

  /** Writes a happening down. False when it was already known. */
  journal(happening: Happening): boolean {
    const { kysely, sync } = this.#db;
    const { alarm, transition, at, receivedAt, actor, comment } = happening;
    const { changes } = sync.run(
      kysely
        .insertInto("alarm_journal")
        .values({
          happening: nameOf(happening),
          alarm: alarm.id,
          occurrence: alarm.occurrence,
          transition,
          at,
          received_at: receivedAt,
          actor: actor ?? null,
          comment: comment ?? null,
        })
        .onConflict((c) => c.doNothing()),
    );
    return changes > 0;
  }

  /** Order: raisedAt descending, then id descending. `below`: a space with all that lies in it. @throws CURSOR_INVALID */
  list(query: AlarmQuery, below: (space: string) => ReadonlySet<string>): PageResult<Alarm> {
    const { kysely, sync } = this.#db;
    const cursor = decodeCursor(query.cursor, ["number", "string"]);
    let page = filtered(kysely.selectFrom("alarms").select(["id", "raised_at", "document"]), query, below);
    if (cursor !== undefined) {
      const [raisedAt, id] = [Number(cursor[0]), String(cursor[1])];
      page = page.where((e) =>
        e.or([e("raised_at", "<", raisedAt), e.and([e("raised_at", "=", raisedAt), e("id", "<", id)])]),
      );
    }
    const rows = sync.all(
      page
        .orderBy("raised_at", "desc")
        .orderBy("id", "desc")
        .limit(query.limit + 1),
    );
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    const counted = (): number =>
      sync.get(
        filtered(
          kysely.selectFrom("alarms").select((e) => e.fn.countAll<number>().as("n")),
          query,
          below,
        ),
      )?.n ?? 0;
    return {
      items: items.map(alarmOf),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.raised_at, last.id]) } : {}),
      ...(query.count === true ? { total: counted() } : {}),
    };
  }

  /** Newest first: in the order in which it came to be known. @throws CURSOR_INVALID */
  journalPage(query: PageRequest & { visible: Visible; alarm?: string }): PageResult<JournalEntry> {
    const { kysely, sync } = this.#db;
    const { visible, alarm, limit, count } = query;
    const [before] = decodeCursor(query.cursor, ["number"]) ?? [];
    let seen = kysely.selectFrom("alarm_journal");
    if (alarm !== undefined) seen = seen.where("alarm_journal.alarm", "=", alarm);
    if (visible !== "all") {
      const theirs = kysely
        .selectFrom("alarms")
        .select("id")
        .where("area", "in", [...visible]);
      seen = seen.where("alarm_journal.alarm", "in", theirs);
    }
    let page = seen
      .selectAll()
      .orderBy("seq", "desc")
      .limit(limit + 1);
    if (before !== undefined) page = page.where("seq", "<", Number(before));
    const rows = sync.all(page);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(entryOf),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.seq]) } : {}),
      ...(count === true ? { total: sync.get(seen.select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0 } : {}),
    };
  }

  /** The whole journal of one alarm, oldest first. */
  journalOf(alarm: string): readonly JournalEntry[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(kysely.selectFrom("alarm_journal").selectAll().where("alarm", "=", alarm).orderBy("seq"))
      .map(entryOf);
  }

  /** Open alarms minted by one side. */
  openOf(origin: string): readonly Alarm[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(kysely.selectFrom("alarms").select("document").where("origin", "=", origin).where("open", "=", 1))
      .map(alarmOf);
  }

  /** The open alarm of a definition, minted by one side. */
  openOfDefinition(origin: string, definition: string): Alarm | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(
      kysely
        .selectFrom("alarms")
        .select("document")
        .where("definition", "=", definition)
        .where("open", "=", 1)
        .where("origin", "=", origin),
    );
    return row && alarmOf(row);
  }

  /** Alarms whose shelving this side has to end by now. */
  shelvingOver(now: number): readonly Alarm[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("alarms").select("document").where("shelved_until", "<=", now)).map(alarmOf);
  }

  /** Opens the next episode of a definition that the cloud mints. */
  nextEpisode(definition: string): { epoch: string; episode: number } {
    const { kysely, sync } = this.#db;
    const held = sync.get(
      kysely.selectFrom("alarm_episodes").select(["epoch", "episode"]).where("definition", "=", definition),
    );
    const next = { epoch: held?.epoch ?? newEpoch(), episode: (held?.episode ?? 0) + 1 };
    sync.run(
      kysely
        .insertInto("alarm_episodes")
        .values({ definition, ...next })
        .onConflict((c) => c.column("definition").doUpdateSet(next)),
    );
    return next;
  }

  /** The act that a person did under an idempotency key. */
  act(actor: string, key: string): Pick<AlarmTables["alarm_acts"], "alarm" | "occurrence" | "kind"> | undefined {
    const { kysely, sync } = this.#db;
    return sync.get(
      kysely
        .selectFrom("alarm_acts")
        .select(["alarm", "occurrence", "kind"])
        .where("actor", "=", actor)
        .where("idempotency_key", "=", key),
    );
  }

  rememberAct(act: AlarmTables["alarm_acts"]): void {
    this.#db.sync.run(this.#db.kysely.insertInto("alarm_acts").values(act));
  }
}

function alarmOf({ document }: { readonly document: string }): Alarm {
  return JSON.parse(document) as Alarm;
}

function entryOf(row: JournalRow): JournalEntry {
  return {
    id: String(row.seq),
    alarm: row.alarm,
    occurrence: row.occurrence,
    transition: row.transition as AlarmTransition,
    at: iso(row.at),
    receivedAt: iso(row.received_at),
    ...(row.actor === null ? {} : { actor: row.actor }),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

function searchText({ message, messageEn, source, definition, zone, area }: Alarm): string {
  return [message, messageEn, source, definition, zone ?? "", area ?? ""].join("\n").toLowerCase();
}

function ofState<O>(select: AlarmSelect<O>, state: NonNullable<AlarmQuery["state"]>): AlarmSelect<O> {
  switch (state) {
    case "open":
      return select.where("open", "=", 1);
    case "active":
    case "latched":
      return select.where("open", "=", 1).where("condition", "=", state);
    case "unacknowledged":
      return select.where("open", "=", 1).where("acknowledged", "=", 0);
    case "closed":
      return select.where("open", "=", 0);
    case "all":
      return select;
    default:
      return state satisfies never;
  }
}

function filtered<O>(
  select: AlarmSelect<O>,
  { state, law, category, priority, area, q, visible }: AlarmQuery,
  below: (space: string) => ReadonlySet<string>,
): AlarmSelect<O> {
  let found = ofState(select, state ?? "open");
  if (law !== undefined) found = found.where("law", "=", law);
  if (category !== undefined) found = found.where("category", "=", category);
  if (priority !== undefined) found = found.where("priority", "=", priority);
  if (area !== undefined) found = found.where("area", "in", [...below(area)]);
  if (visible !== "all") found = found.where("area", "in", [...visible]);
  return q === undefined ? found : found.where(holdsText("search", q));
}
