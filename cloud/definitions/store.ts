import type { Insertable, Selectable } from "kysely";
import { changedFields } from "#core/alarm/definition-law.ts";
import type { DefinitionProposal, DefinitionRevision } from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";
import { iso } from "../time.ts";
import type { DefinitionTables } from "./tables.ts";

type ChangeRow = Selectable<DefinitionTables["definition_changes"]>;
type ProposalRow = Selectable<DefinitionTables["definition_proposals"]>;

/** The newest change of a definition. */
export interface LastChange {
  readonly revision: number;
  readonly at: number;
  readonly actor: string;
  /** Was the definition made at the console? */
  readonly byConsole: boolean;
  readonly before: AlarmDefinition | undefined;
  readonly after: AlarmDefinition | undefined;
}

const definitionOf = (text: string | null): AlarmDefinition | null =>
  text === null ? null : (JSON.parse(text) as AlarmDefinition);

/** The history of the definitions, and the changes that wait. */
export class DefinitionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The newest change of each definition that was ever changed, with one question to the database. */
  last(): ReadonlyMap<string, LastChange> {
    const { kysely, sync } = this.#db;
    const newest = kysely
      .selectFrom("definition_changes")
      .select((e) => e.fn.max("seq").as("seq"))
      .groupBy("definition");
    const rows = sync.all(kysely.selectFrom("definition_changes").selectAll().where("seq", "in", newest));
    const made = new Set(
      sync
        .all(kysely.selectFrom("definition_changes").select("definition").where("revision", "=", 1))
        .map(({ definition }) => definition),
    );
    return new Map(
      rows.map((row) => [
        row.definition,
        {
          revision: row.revision,
          at: row.at,
          actor: row.actor,
          byConsole: made.has(row.definition),
          before: definitionOf(row.before) ?? undefined,
          after: definitionOf(row.after) ?? undefined,
        },
      ]),
    );
  }

  /** All changes of a definition, newest first. */
  history(definition: string): readonly DefinitionRevision[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(
        kysely
          .selectFrom("definition_changes")
          .selectAll()
          .where("definition", "=", definition)
          .orderBy("revision", "desc"),
      )
      .map(revisionOf);
  }

  /** Writes a change down, in the running transaction. */
  add(row: Insertable<DefinitionTables["definition_changes"]>): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.insertInto("definition_changes").values(row));
  }

  /** What waits for a second person, by definition. */
  pending(): ReadonlyMap<string, DefinitionProposal> {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely.selectFrom("definition_proposals").selectAll().where("status", "=", "pending").orderBy("requested_at"),
    );
    return new Map(rows.map((row) => [row.definition, proposalOf(row)]));
  }

  proposal(id: string): DefinitionProposal | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("definition_proposals").selectAll().where("id", "=", id));
    return row && proposalOf(row);
  }

  propose(row: Insertable<DefinitionTables["definition_proposals"]>): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.insertInto("definition_proposals").values(row));
  }

  /** Ends a proposal that waits; false when it does not wait any more. */
  decide(
    id: string,
    status: Exclude<DefinitionProposal["status"], "pending">,
    by: { readonly actor: string; readonly at: number; readonly reason: string | undefined },
  ): boolean {
    const { kysely, sync } = this.#db;
    const decided = { status, decided_by: by.actor, decided_at: by.at, decision_reason: by.reason ?? null };
    const query = kysely.updateTable("definition_proposals").set(decided).where("id", "=", id);
    return sync.run(query.where("status", "=", "pending")).changes === 1;
  }
}

function revisionOf(row: ChangeRow): DefinitionRevision {
  const before = definitionOf(row.before);
  const after = definitionOf(row.after);
  return {
    definition: row.definition,
    revision: row.revision,
    kind: row.kind,
    at: iso(row.at),
    actor: row.actor,
    ...(row.approved_by === null ? {} : { approvedBy: row.approved_by }),
    why: row.reason,
    fields: [...changedFields(before ?? undefined, after ?? undefined)],
    before,
    after,
    siteVersion: row.site_version,
  };
}

function proposalOf(row: ProposalRow): DefinitionProposal {
  return {
    id: row.id,
    definition: row.definition,
    kind: row.kind,
    revision: row.revision,
    before: definitionOf(row.before),
    after: definitionOf(row.after),
    why: row.reason,
    requestedBy: row.requested_by,
    requestedAt: iso(row.requested_at),
    status: row.status,
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAt: iso(row.decided_at) }),
    ...(row.decision_reason === null ? {} : { decisionReason: row.decision_reason }),
  };
}
