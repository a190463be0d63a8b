import type { SelectQueryBuilder } from "kysely";
import { MAX_SHELVE_MS } from "#core/alarm/law.ts";
import { isClosed } from "#core/alarm/lifecycle.ts";
import { newEpoch } from "#core/ids.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { BuiltQueries } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import { holdsText } from "../db/dialect.ts";
import type { Tables } from "../db/tables.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { AlarmQuery, PageResult } from "../ports.ts";
import type { AlarmTables } from "./tables.ts";

/** Ids in one question: far below what either database takes. */
const AT_ONCE = 1000;
/** A clock may be steered back by so much without an end of today's seeming too far away, ms. */
const SHELVING_SLACK_MS = 60_000;

type AlarmSelect<O> = SelectQueryBuilder<Tables, "alarms", O>;

/** Does somebody have to acknowledge it? What is hidden waits for nobody. */
export function waitsForSomebody(alarm: Alarm): boolean {
  return !alarm.acknowledged && alarm.suppression.length === 0 && !isClosed(alarm);
}

/** Alarms in the record database; what happened to them is in journal-store.ts. */
export class AlarmStore {
  readonly #db: Db;
  readonly #built = new BuiltQueries();

  constructor(db: Db) {
    this.#db = db;
  }

  get(id: string): Alarm | undefined {
    const { kysely, sync } = this.#db;
    const build = () => kysely.selectFrom("alarms").select("document").where("id", "=", id);
    const row = sync.get(this.#built.with("get", [id], build));
    return row && alarmOf(row);
  }

  /** Those of these alarms that are held, by id. */
  getMany(ids: readonly string[]): ReadonlyMap<string, Alarm> {
    const { kysely, sync } = this.#db;
    const found = new Map<string, Alarm>();
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const rows = sync.all(kysely.selectFrom("alarms").select(["id", "document"]).where("id", "in", some));
      for (const row of rows) found.set(row.id, alarmOf(row));
    }
    return found;
  }

  /** The space of each of these alarms that is held. */
  areasOf(ids: readonly string[]): ReadonlyMap<string, string | undefined> {
    const { kysely, sync } = this.#db;
    const found = new Map<string, string | undefined>();
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      const rows = sync.all(kysely.selectFrom("alarms").select(["id", "area"]).where("id", "in", some));
      for (const { id, area } of rows) found.set(id, area ?? undefined);
    }
    return found;
  }

  /** Every open alarm. */
  open(): readonly Alarm[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("alarms").select("document").where("open", "=", 1)).map(alarmOf);
  }

  /** Writes the alarm over what is held. `endsShelving`: this side has to end its shelving. */
  put(alarm: Alarm, endsShelving: boolean): void {
    const { kysely, sync } = this.#db;
    const row = {
      id: alarm.id,
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
      // Nothing is told further of what waits for nobody.
      ...(waitsForSomebody(alarm) ? {} : { escalate_at: null }),
    };
    const columns = (Object.keys(row) as (keyof typeof row)[]).filter((column) => column !== "id");
    const build = () =>
      kysely
        .insertInto("alarms")
        .values(row)
        .onConflict((c) =>
          c
            .column("id")
            .doUpdateSet((e) => Object.fromEntries(columns.map((column) => [column, e.ref(`excluded.${column}`)]))),
        );
    sync.run(this.#built.with(`put ${columns.length}`, Object.values(row), build));
  }

  /**
   * Writes what an act of a person has changed of an alarm that is held. What it is, where and since when, no act changes: no index
   * of that is touched.
   */
  acted(alarm: Alarm, endsShelving: boolean): void {
    const { kysely, sync } = this.#db;
    const row = {
      condition: alarm.condition,
      acknowledged: alarm.acknowledged ? 1 : 0,
      document: JSON.stringify(alarm),
      ...(isClosed(alarm) ? { open: 0 } : {}),
      ...(endsShelving ? { shelved_until: alarm.shelvedUntil ?? null } : {}),
      ...(waitsForSomebody(alarm) ? {} : { escalate_at: null }),
    };
    const build = () => kysely.updateTable("alarms").set(row).where("id", "=", alarm.id);
    sync.run(this.#built.with(`acted ${Object.keys(row).join(" ")}`, [...Object.values(row), alarm.id], build));
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

  /** Alarms whose shelving this side has to end by now: its time has come, or is so far away that the clock was set back since. */
  shelvingOver(now: number, limit: number): readonly Alarm[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(
        kysely
          .selectFrom("alarms")
          .select("document")
          .where((e) =>
            e.or([e("shelved_until", "<=", now), e("shelved_until", ">", now + MAX_SHELVE_MS + SHELVING_SLACK_MS)]),
          )
          .orderBy("shelved_until")
          .limit(limit),
      )
      .map(alarmOf);
  }

  /** When the next shelving ends that this side has to end, Unix ms. */
  nextShelvingEnd(): number | undefined {
    const { kysely, sync } = this.#db;
    const ends = kysely.selectFrom("alarms").select((e) => e.fn.min<number | null>("shelved_until").as("at"));
    return sync.get(ends)?.at ?? undefined;
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
