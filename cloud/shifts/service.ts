import { createHash } from "node:crypto";
import type { Selectable } from "kysely";
import type { Period } from "#core/alarm/periods.ts";
import type {
  Discarded,
  Handover,
  HandoverChange,
  HandoverContent,
  HandoverDiscard,
  HandoverEntry,
  ShiftPlan,
  ShiftPlanChange,
} from "#core/contracts/shift.ts";
import { HubError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import { personOf } from "#core/person.ts";
import type { PositionDirectory } from "../alarm-ports.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { Actor, AuditLog, PageRequest, PageResult, Visible } from "../ports.ts";
import type { ShiftService } from "../quality-ports.ts";
import { iso } from "../time.ts";
import { type ContentDeps, handoverContent } from "./content.ts";
import type { ShiftPlans } from "./plan.ts";
import type { ShiftTables } from "./tables.ts";

/** So long after its end the shift before is the one that is handed over, ms. */
const LATE_MS = 2 * 3_600_000;

type Row = Selectable<ShiftTables["shift_handovers"]>;

export interface ShiftDeps extends ContentDeps {
  readonly plans: ShiftPlans;
  readonly positions: PositionDirectory;
  readonly audit: Pick<AuditLog, "append">;
  /** A space and all that lies below it. */
  readonly below: (space: string) => ReadonlySet<string>;
}

/** Shift handovers: drawn up, signed by the one who goes and the one who comes, and frozen. */
export class Shifts implements ShiftService {
  readonly #deps: ShiftDeps;

  constructor(deps: ShiftDeps) {
    this.#deps = deps;
  }

  plan(): ShiftPlan {
    return this.#deps.plans.plan();
  }

  setPlan(change: ShiftPlanChange, actor: Actor): ShiftPlan {
    return this.#deps.plans.setPlan(change, actor);
  }

  current(): { readonly from: string; readonly to: string } {
    const { from, to } = this.#deps.plans.shiftAt(this.#deps.clock.now());
    return { from: iso(from), to: iso(to) };
  }

  areasOf(position: string | undefined): "all" | readonly string[] {
    if (position === undefined) return "all";
    const found = this.#deps.positions.positions().find(({ id }) => id === position);
    if (found === undefined) throw new HubError("POSITION_UNKNOWN", `operator position ${position}: no such position`);
    return found.areas.length === 0 ? "all" : found.areas;
  }

  positionOf(id: string): string | undefined {
    return this.#row(id).position ?? undefined;
  }

  list({
    limit,
    cursor,
    count,
    mayRead,
  }: PageRequest & { readonly mayRead: (position: string | undefined) => boolean }): PageResult<HandoverEntry> {
    const { kysely, sync } = this.#deps.db;
    const after = decodeCursor(cursor, ["number", "string"]);
    const positions = sync
      .all(kysely.selectFrom("shift_handovers").select("position").distinct())
      .map(({ position }) => position)
      .filter((position) => mayRead(position ?? undefined));
    const named = positions.filter((position) => position !== null);
    const seen = kysely
      .selectFrom("shift_handovers")
      .where((e) =>
        e.or([
          ...(named.length === 0 ? [] : [e("position", "in", named)]),
          ...(positions.includes(null) ? [e("position", "is", null)] : []),
        ]),
      );
    let page = seen.selectAll();
    if (after !== undefined) {
      const [at, id] = [Number(after[0]), String(after[1])];
      page = page.where((e) => e.or([e("created_at", "<", at), e.and([e("created_at", "=", at), e("id", "<", id)])]));
    }
    const rows = sync.all(
      page
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1),
    );
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(entryOf),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.created_at, last.id]) } : {}),
      ...(count === true ? { total: sync.get(seen.select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0 } : {}),
    };
  }

  get(id: string): Handover {
    return handoverOf(this.#row(id));
  }

  preview(position: string | undefined): Promise<HandoverContent> {
    return this.#content(position, this.#ending(position));
  }

  async draft(position: string | undefined, actor: Actor): Promise<Handover> {
    const { db, clock } = this.#deps;
    const shift = this.#ending(position);
    const content = await this.#content(position, shift);
    const now = clock.now();
    const id = newId(now);
    db.sync.transaction(() => {
      if (this.#openOf(position) !== undefined)
        throw new HubError("HANDOVER_OPEN", "a handover of this position has been drawn up and is not closed yet");
      db.sync.run(
        db.kysely.insertInto("shift_handovers").values({
          id,
          position: position ?? null,
          shift_from: shift.from,
          shift_to: shift.to,
          status: "draft",
          revision: 1,
          notes: "",
          drafted_by: actor.name,
          outgoing: null,
          outgoing_at: null,
          incoming: null,
          incoming_at: null,
          content: JSON.stringify(content),
          sha256: null,
          created_at: now,
          open: 1,
        }),
      );
      this.#record("shift.draft", id, actor);
    });
    return this.get(id);
  }

  async change(id: string, { revision, notes }: HandoverChange, actor: Actor): Promise<Handover> {
    const content = await this.#fresh(id, revision);
    return this.#update(id, revision, "shift.change", actor, () => ({
      notes,
      content,
      // What the outgoing signed is no longer what stands there.
      status: "draft",
      outgoing: null,
      outgoing_at: null,
    }));
  }

  async sign(id: string, revision: number, actor: Actor): Promise<Handover> {
    const content = await this.#fresh(id, revision);
    const now = this.#deps.clock.now();
    return this.#update(id, revision, "shift.sign", actor, () => ({
      content,
      status: "signed",
      outgoing: actor.name,
      outgoing_at: now,
    }));
  }

  discard(id: string, { revision, reason }: HandoverDiscard, actor: Actor): Handover {
    const at = iso(this.#deps.clock.now());
    const discarded: Discarded = { by: actor.name, at, reason };
    return this.#update(
      id,
      revision,
      "shift.discard",
      actor,
      (row) => {
        if (row.status === "signed")
          throw new HubError("HANDOVER_SIGNED", `handover ${id}: the outgoing has signed it, the incoming is to sign`);
        return { status: "discarded", open: 0, content: JSON.stringify({ ...JSON.parse(row.content), discarded }) };
      },
      { reason },
    );
  }

  confirm(id: string, revision: number, incoming: Actor): Handover {
    const now = this.#deps.clock.now();
    return this.#update(id, revision, "shift.confirm", incoming, (row) => {
      if (row.status !== "signed")
        throw new HubError("HANDOVER_NOT_SIGNED", `handover ${id}: the outgoing has not signed it yet`);
      if (row.outgoing !== null && personOf(row.outgoing) === personOf(incoming.name))
        throw new HubError(
          "HANDOVER_SAME_PERSON",
          `handover ${id}: the incoming must be another person than the outgoing`,
        );
      const signed = { incoming: incoming.name, incoming_at: now };
      return {
        ...signed,
        status: "closed",
        open: 0,
        sha256: hashOf({ ...row, ...signed, revision: row.revision + 1 }),
      };
    });
  }

  /** The shift that ends: the one that is on, or for a while the one before if nobody has handed it over. */
  #ending(position: string | undefined): Period {
    const { plans, clock, db } = this.#deps;
    const now = clock.now();
    const current = plans.shiftAt(now);
    if (now - current.from > LATE_MS) return current;
    const before = plans.shiftAt(current.from - 1);
    const closed = db.sync.get(
      db.kysely
        .selectFrom("shift_handovers")
        .select("id")
        .where("shift_from", "=", before.from)
        .where("position", position === undefined ? "is" : "=", position ?? null)
        .where("status", "=", "closed"),
    );
    return closed === undefined ? before : current;
  }

  #content(position: string | undefined, shift: Period): Promise<HandoverContent> {
    return handoverContent(this.#deps, this.#visible(position), shift, position);
  }

  #visible(position: string | undefined): Visible {
    const areas = this.areasOf(position);
    return areas === "all" ? "all" : new Set(areas.flatMap((area) => [...this.#deps.below(area)]));
  }

  /** What is to be handed over right now. @throws HANDOVER_UNKNOWN, HANDOVER_STALE, HANDOVER_CLOSED */
  async #fresh(id: string, revision: number): Promise<string> {
    const row = this.#row(id);
    check(row, revision);
    const content = await this.#content(row.position ?? undefined, { from: row.shift_from, to: row.shift_to });
    return JSON.stringify(content);
  }

  #update(
    id: string,
    revision: number,
    action: string,
    actor: Actor,
    change: (row: Row) => Partial<Row>,
    detail?: Readonly<Record<string, string>>,
  ): Handover {
    const { kysely, sync } = this.#deps.db;
    sync.transaction(() => {
      const row = this.#row(id);
      check(row, revision);
      const changed = { ...change(row), revision: row.revision + 1 };
      sync.run(kysely.updateTable("shift_handovers").set(changed).where("id", "=", id));
      const { sha256 } = changed;
      this.#record(action, id, actor, sha256 === undefined || sha256 === null ? detail : { ...detail, sha256 });
    });
    return this.get(id);
  }

  #record(action: string, target: string, { name, ip }: Actor, detail?: Readonly<Record<string, string>>): void {
    this.#deps.audit.append({
      actor: name,
      action,
      target,
      result: "ok",
      ...(detail === undefined ? {} : { detail }),
      ...(ip === undefined ? {} : { ip }),
    });
  }

  #openOf(position: string | undefined) {
    const { kysely, sync } = this.#deps.db;
    return sync.get(
      kysely
        .selectFrom("shift_handovers")
        .select("id")
        .where("open", "=", 1)
        .where("position", position === undefined ? "is" : "=", position ?? null),
    );
  }

  #row(id: string): Row {
    const { kysely, sync } = this.#deps.db;
    const row = sync.get(kysely.selectFrom("shift_handovers").selectAll().where("id", "=", id));
    if (row === undefined) throw new HubError("HANDOVER_UNKNOWN", `handover ${id}: no such handover`);
    return row;
  }
}

function check(row: Row, revision: number): void {
  if (row.status === "closed")
    throw new HubError("HANDOVER_CLOSED", `handover ${row.id}: both have signed, nothing is changed any more`);
  if (row.status === "discarded")
    throw new HubError("HANDOVER_DISCARDED", `handover ${row.id}: it was discarded, draw up another one`);
  if (row.revision !== revision)
    throw new HubError("HANDOVER_STALE", `handover ${row.id}: revision ${revision} was named, it is ${row.revision}`);
}

/** SHA-256 over what both have signed. */
function hashOf(row: Row): string {
  const { id, position, shift_from, shift_to, notes, content, outgoing, outgoing_at, incoming, incoming_at } = row;
  const signed = [id, position, shift_from, shift_to, notes, content, outgoing, outgoing_at, incoming, incoming_at];
  return createHash("sha256").update(JSON.stringify(signed)).digest("hex");
}

function entryOf(row: Row): HandoverEntry {
  const { outgoing, outgoing_at: outgoingAt, incoming, incoming_at: incomingAt } = row;
  return {
    id: row.id,
    ...(row.position === null ? {} : { position: row.position }),
    shift: { from: iso(row.shift_from), to: iso(row.shift_to) },
    status: row.status,
    revision: row.revision,
    draftedBy: row.drafted_by,
    createdAt: iso(row.created_at),
    ...(outgoing === null || outgoingAt === null ? {} : { outgoing: { by: outgoing, at: iso(outgoingAt) } }),
    ...(incoming === null || incomingAt === null ? {} : { incoming: { by: incoming, at: iso(incomingAt) } }),
    ...(row.sha256 === null ? {} : { sha256: row.sha256 }),
    ...(row.status === "discarded" ? { discarded: contentOf(row).discarded } : {}),
  };
}

/** What a row holds; of a discarded one with who gave it up. */
function contentOf(row: Row): HandoverContent & { readonly discarded: Discarded } {
  return JSON.parse(row.content) as HandoverContent & { readonly discarded: Discarded };
}

function handoverOf(row: Row): Handover {
  const { discarded: _, ...content } = contentOf(row);
  return {
    ...entryOf(row),
    notes: row.notes,
    content,
    ...(row.sha256 === null ? {} : { whole: hashOf(row) === row.sha256 }),
  };
}
