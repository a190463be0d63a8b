import type { Selectable } from "kysely";
import { chooseProcedure, type ProcedureQuestion } from "#core/alarm/choose-procedure.ts";
import type { Clock } from "#core/clock.ts";
import type { ProcedureVersion, ProcedureView } from "#core/contracts/procedures.ts";
import { HubError } from "#core/errors.ts";
import type { Procedure } from "#core/model/procedure.ts";
import type { Db } from "../db/database.ts";
import type { Actor, AuditLog } from "../ports.ts";
import { iso } from "../time.ts";
import { type ProcedureSurroundings, requireSound } from "./check.ts";
import type { ProcedureTables } from "./tables.ts";

type Row = Selectable<ProcedureTables["procedures"]>;
type VersionRow = Selectable<ProcedureTables["procedure_versions"]>;

export interface ProcedureLibraryDeps {
  readonly db: Db;
  readonly catalog: ProcedureSurroundings;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
}

/** The response procedures of the site: drafts that are written, and versions that are in force. */
export class ProcedureLibrary {
  readonly #deps: ProcedureLibraryDeps;
  /** What is in force, while it is known. */
  #inForce: readonly ProcedureVersion[] | undefined;

  constructor(deps: ProcedureLibraryDeps) {
    this.#deps = deps;
  }

  /** Publishes what the site's files hold, when there is no procedure yet. */
  seed(procedures: () => readonly Procedure[]): void {
    const { kysely, sync } = this.#deps.db;
    if (sync.get(kysely.selectFrom("procedures").select("id").limit(1)) !== undefined) return;
    sync.transaction(() => {
      for (const procedure of procedures()) {
        const row = {
          id: procedure.id,
          draft: null,
          revision: 0,
          draft_at: null,
          draft_by: null,
          version: 1,
          retired: 0,
        };
        sync.run(kysely.insertInto("procedures").values(row));
        this.#addVersion(procedure, 1, "system", "seeded from the site's files");
      }
    });
    this.#inForce = undefined;
  }

  /** By id, retired ones too. */
  list(): readonly ProcedureView[] {
    const { kysely, sync } = this.#deps.db;
    const force = new Map(this.#allInForce().map((version) => [version.procedure.id, version]));
    return sync
      .all(kysely.selectFrom("procedures").selectAll().orderBy("id"))
      .map((row) => viewOf(row, force.get(row.id) ?? this.version(row.id, row.version)));
  }

  get(id: string): ProcedureView | undefined {
    const row = this.#row(id);
    return row && viewOf(row, this.version(row.id, row.version));
  }

  /** All versions that were published, newest first. */
  versions(id: string): readonly ProcedureVersion[] {
    const { kysely, sync } = this.#deps.db;
    const query = kysely.selectFrom("procedure_versions").selectAll().where("procedure", "=", id);
    return sync.all(query.orderBy("version", "desc")).map(versionOf);
  }

  version(id: string, version: number | null): ProcedureVersion | undefined {
    if (version === null) return undefined;
    const { kysely, sync } = this.#deps.db;
    const query = kysely.selectFrom("procedure_versions").selectAll().where("procedure", "=", id);
    const row = sync.get(query.where("version", "=", version));
    return row && versionOf(row);
  }

  /** The version in force that is for this alarm, if there is one. */
  choose(alarm: ProcedureQuestion): ProcedureVersion | undefined {
    const force = this.#allInForce();
    const chosen = chooseProcedure(
      force.map(({ procedure }) => procedure),
      alarm,
    );
    return force.find(({ procedure }) => procedure === chosen);
  }

  /** A new procedure, as a draft. @throws PROCEDURE_EXISTS */
  create(procedure: Procedure, actor: Actor): ProcedureView {
    const { kysely, sync } = this.#deps.db;
    const { id } = procedure;
    sync.transaction(() => {
      if (this.#row(id) !== undefined) throw new HubError("PROCEDURE_EXISTS", `procedure ${id}: the id is in use`);
      const row = { id, revision: 1, version: null, retired: 0, ...this.#draft(procedure, actor) };
      sync.run(kysely.insertInto("procedures").values(row));
      this.#audit(actor, "procedure.create", id, {});
    });
    return this.#known(id);
  }

  /** Keeps a draft. `revision` is that of the draft that was looked at. @throws PROCEDURE_UNKNOWN, PROCEDURE_STALE, ID_INVALID */
  save(id: string, procedure: Procedure, revision: number, actor: Actor): ProcedureView {
    if (procedure.id !== id) throw new HubError("ID_INVALID", `procedure ${id}: a procedure keeps its id`);
    const { kysely, sync } = this.#deps.db;
    sync.transaction(() => {
      this.#at(id, revision);
      const set = { revision: revision + 1, ...this.#draft(procedure, actor) };
      sync.run(kysely.updateTable("procedures").set(set).where("id", "=", id));
      this.#audit(actor, "procedure.save", id, { revision: revision + 1 });
    });
    return this.#known(id);
  }

  /**
   * Puts the draft in force. Runs that are under way go on with the version they began with.
   * @throws PROCEDURE_UNKNOWN, PROCEDURE_STALE, PROCEDURE_NO_DRAFT, PROCEDURE_INVALID
   */
  publish(id: string, revision: number, reason: string, actor: Actor): ProcedureView {
    const { kysely, sync } = this.#deps.db;
    sync.transaction(() => {
      const row = this.#at(id, revision);
      if (row.draft === null) throw new HubError("PROCEDURE_NO_DRAFT", `procedure ${id} has no draft`);
      const procedure = JSON.parse(row.draft) as Procedure;
      requireSound(procedure, this.#deps.catalog);
      const version = (row.version ?? 0) + 1;
      this.#addVersion(procedure, version, actor.name, reason);
      const set = { draft: null, draft_at: null, draft_by: null, version, retired: 0 };
      sync.run(kysely.updateTable("procedures").set(set).where("id", "=", id));
      this.#audit(actor, "procedure.publish", id, { version, reason });
    });
    this.#inForce = undefined;
    return this.#known(id);
  }

  /** Takes a procedure out of force. Its versions are kept; a new draft brings it back. @throws PROCEDURE_UNKNOWN */
  retire(id: string, reason: string, actor: Actor): ProcedureView {
    const { kysely, sync } = this.#deps.db;
    if (this.#known(id).retired) return this.#known(id);
    sync.transaction(() => {
      sync.run(kysely.updateTable("procedures").set({ retired: 1 }).where("id", "=", id));
      this.#audit(actor, "procedure.retire", id, { reason });
    });
    this.#inForce = undefined;
    return this.#known(id);
  }

  #allInForce(): readonly ProcedureVersion[] {
    const { kysely, sync } = this.#deps.db;
    this.#inForce ??= sync
      .all(
        kysely
          .selectFrom("procedures")
          .innerJoin("procedure_versions as v", (join) =>
            join.onRef("v.procedure", "=", "procedures.id").onRef("v.version", "=", "procedures.version"),
          )
          .selectAll("v")
          .where("procedures.retired", "=", 0)
          .orderBy("procedures.id"),
      )
      .map(versionOf);
    return this.#inForce;
  }

  #row(id: string): Row | undefined {
    const { kysely, sync } = this.#deps.db;
    return sync.get(kysely.selectFrom("procedures").selectAll().where("id", "=", id));
  }

  #known(id: string): ProcedureView {
    const view = this.get(id);
    if (view !== undefined) return view;
    throw new HubError("PROCEDURE_UNKNOWN", `procedure ${id}: no such procedure`);
  }

  #at(id: string, revision: number): Row {
    const row = this.#row(id);
    if (row === undefined) throw new HubError("PROCEDURE_UNKNOWN", `procedure ${id}: no such procedure`);
    if (row.revision === revision) return row;
    throw new HubError(
      "PROCEDURE_STALE",
      `procedure ${id} is at revision ${row.revision}, this was made on ${revision}`,
    );
  }

  #draft(procedure: Procedure, { name }: Actor): Pick<Row, "draft" | "draft_at" | "draft_by"> {
    return { draft: JSON.stringify(procedure), draft_at: this.#deps.clock.now(), draft_by: name };
  }

  #addVersion(procedure: Procedure, version: number, actor: string, reason: string): void {
    const { db, clock } = this.#deps;
    const document = JSON.stringify(procedure);
    const row = { procedure: procedure.id, version, at: clock.now(), actor, reason, document };
    db.sync.run(db.kysely.insertInto("procedure_versions").values(row));
  }

  #audit({ name, ip }: Actor, action: string, target: string, detail: Record<string, unknown>): void {
    this.#deps.audit.append({ actor: name, action, target, result: "ok", detail, ...(ip === undefined ? {} : { ip }) });
  }
}

function versionOf({ document, version, at, actor, reason }: VersionRow): ProcedureVersion {
  return { procedure: JSON.parse(document) as Procedure, version, at: iso(at), by: actor, reason };
}

function viewOf(row: Row, published: ProcedureVersion | undefined): ProcedureView {
  const { id, draft, revision, draft_at: at, draft_by: by } = row;
  return {
    id,
    retired: row.retired === 1,
    revision,
    ...(draft === null || at === null
      ? {}
      : { draft: { procedure: JSON.parse(draft) as Procedure, at: iso(at), by: by ?? "" } }),
    ...(published === undefined ? {} : { published }),
  };
}
