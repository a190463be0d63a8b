import type { Selectable, SelectQueryBuilder } from "kysely";
import { DIGEST_ALARMS, type PermitDigest, type PermitStatus, type PermitView } from "#core/contracts/maintenance.ts";
import type { AlarmCategory } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";
import { storedText } from "../db/dialect.ts";
import type { Tables } from "../db/tables.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult } from "../ports.ts";
import { iso } from "../time.ts";
import type { MaintenanceTables } from "./tables.ts";

type Row = Selectable<MaintenanceTables["permits"]>;
type PermitSelect<O> = SelectQueryBuilder<Tables, "permits", O>;

/** What a permit is about. */
export interface PermitScope {
  /** Space ids, each with all that lies below it. */
  readonly areas: readonly string[];
  readonly categories: readonly AlarmCategory[];
  readonly definitions: readonly string[];
}

/** A maintenance permit. Times are Unix ms. */
export interface Permit extends Omit<Row, "scope" | "digest"> {
  readonly scope: PermitScope;
  readonly digest: PermitDigest | null;
}

/** An alarm that a permit holds back. */
export type HeldRow = Selectable<MaintenanceTables["permit_alarms"]>;

/** Those that have yet to come to an end. */
const OPEN: readonly PermitStatus[] = ["requested", "approved", "active"];

/** Maintenance permits in the record database. */
export class PermitStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  get(id: string): Permit | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("permits").selectAll().where("id", "=", id));
    return row && permitOf(row);
  }

  put(permit: Permit): void {
    const { kysely, sync } = this.#db;
    const { id, scope, digest, ...rest } = permit;
    const text = (value: string | null): string | null => (value === null ? null : storedText(value));
    const row = {
      ...rest,
      reason: storedText(rest.reason),
      work_order: text(rest.work_order),
      decision: text(rest.decision),
      scope: JSON.stringify(scope),
      digest: digest === null ? null : JSON.stringify(digest),
    };
    sync.run(
      kysely
        .insertInto("permits")
        .values({ id, ...row })
        .onConflict((c) => c.column("id").doUpdateSet(row)),
    );
  }

  /** Those that have yet to come to an end, the oldest first. */
  open(): readonly Permit[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely.selectFrom("permits").selectAll().where("status", "in", OPEN).orderBy("requested_at").orderBy("id"),
    );
    return rows.map(permitOf);
  }

  /** Newest request first. `total` counts the visible ones. @throws CURSOR_INVALID */
  page(query: PageRequest & { readonly open?: boolean }, visible: (scope: PermitScope) => boolean): PageResult<Permit> {
    const { kysely, sync } = this.#db;
    let cursor = decodeCursor(query.cursor, ["number", "string"]);
    const asked = <O>(select: PermitSelect<O>): PermitSelect<O> =>
      query.open === undefined ? select : select.where("status", query.open ? "in" : "not in", OPEN);
    const items: Permit[] = [];
    let more = false;
    while (items.length < query.limit) {
      const rows = sync.all(after(asked(kysely.selectFrom("permits").selectAll()), cursor).limit(query.limit + 1));
      for (const row of rows.slice(0, query.limit)) {
        cursor = [row.requested_at, row.id];
        const permit = permitOf(row);
        if (visible(permit.scope)) items.push(permit);
        if (items.length === query.limit) break;
      }
      more = rows.length > 1 && (cursor?.[1] ?? "") !== rows.at(-1)?.id;
      if (rows.length <= query.limit) break;
    }
    const scopes = (): readonly string[] =>
      sync.all(asked(kysely.selectFrom("permits").select("scope"))).map(({ scope }) => scope);
    return {
      items,
      ...(more && cursor !== undefined ? { nextCursor: encodeCursor(cursor) } : {}),
      ...(query.count === true
        ? { total: scopes().filter((scope) => visible(JSON.parse(scope) as PermitScope)).length }
        : {}),
    };
  }

  held(permit: string): readonly HeldRow[] {
    const { kysely, sync } = this.#db;
    return sync.all(
      kysely.selectFrom("permit_alarms").selectAll().where("permit", "=", permit).orderBy("held_at").orderBy("alarm"),
    );
  }

  heldOf(permit: string, alarm: string): HeldRow | undefined {
    const { kysely, sync } = this.#db;
    return sync.get(
      kysely.selectFrom("permit_alarms").selectAll().where("permit", "=", permit).where("alarm", "=", alarm),
    );
  }

  putHeld(row: HeldRow): void {
    const { kysely, sync } = this.#db;
    const { permit: _permit, alarm: _alarm, ...rest } = row;
    sync.run(
      kysely
        .insertInto("permit_alarms")
        .values(row)
        .onConflict((c) => c.columns(["permit", "alarm"]).doUpdateSet(rest)),
    );
  }
}

function after<O>(select: PermitSelect<O>, cursor: readonly (number | string)[] | undefined): PermitSelect<O> {
  const ordered = select.orderBy("requested_at", "desc").orderBy("id", "desc");
  if (cursor === undefined) return ordered;
  const [at, id] = [Number(cursor[0]), String(cursor[1])];
  return ordered.where((e) =>
    e.or([e("requested_at", "<", at), e.and([e("requested_at", "=", at), e("id", "<", id)])]),
  );
}

function permitOf({ scope, digest, ...row }: Row): Permit {
  return {
    ...row,
    scope: JSON.parse(scope) as PermitScope,
    digest: digest === null ? null : (JSON.parse(digest) as PermitDigest),
  };
}

/** A permit in the shape of the HTTP API, with the digest as it is to be shown. */
export function permitView(permit: Permit, digest: PermitDigest | null = permit.digest): PermitView {
  const { scope, work_order: workOrder, decided_by: decidedBy, decided_at: decidedAt, decision } = permit;
  const { started_at: startedAt, ended_at: endedAt, ended_by: endedBy } = permit;
  return {
    id: permit.id,
    status: permit.status,
    areas: [...scope.areas],
    categories: [...scope.categories],
    definitions: [...scope.definitions],
    from: iso(permit.from_at),
    until: iso(permit.until_at),
    reason: permit.reason,
    ...(workOrder === null ? {} : { workOrder }),
    requestedBy: permit.requested_by,
    requestedAt: iso(permit.requested_at),
    ...(decidedBy === null ? {} : { decidedBy }),
    ...(decidedAt === null ? {} : { decidedAt: iso(decidedAt) }),
    ...(decision === null ? {} : { decision }),
    ...(startedAt === null ? {} : { startedAt: iso(startedAt) }),
    ...(endedAt === null ? {} : { endedAt: iso(endedAt) }),
    ...(endedBy === null ? {} : { endedBy }),
    ...(digest === null ? {} : { digest: { ...digest, items: digest.items.slice(0, DIGEST_ALARMS) } }),
  };
}
