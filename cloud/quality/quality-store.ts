import type { Selectable } from "kysely";
import type { Flood } from "#core/alarm/flood.ts";
import type { ProposalDecision } from "#core/contracts/alarm-quality.ts";
import type { Db } from "../db/database.ts";
import { iso } from "../time.ts";
import type { QualityTables } from "./tables.ts";

/** Rows in one transaction. */
const SLICE = 500;

type DecisionRow = Selectable<QualityTables["alarm_proposal_decisions"]>;

/** Floods and decisions in the record database. */
export class QualityStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Floods that have not ended, by scope. */
  lasting(): ReadonlyMap<string, Omit<Flood, "to">> {
    const { kysely, sync } = this.#db;
    const rows = sync.all(kysely.selectFrom("alarm_floods").selectAll().where("ended_at", "is", null));
    return new Map(rows.map(({ scope, began_at: from, count, peak }) => [scope, { from, count, peak }]));
  }

  saveFlood(scope: string, { from, to, count, peak }: Flood): void {
    const { kysely, sync } = this.#db;
    const figures = { ended_at: to ?? null, count, peak };
    sync.run(
      kysely
        .insertInto("alarm_floods")
        .values({ scope, began_at: from, ...figures })
        .onConflict((c) => c.columns(["scope", "began_at"]).doUpdateSet(figures)),
    );
  }

  /** Removes a slice of floods that ended before a time, and says how many. */
  pruneFloods(before: number): number {
    const { kysely, sync } = this.#db;
    return sync.transaction(() => {
      const due = sync.all(
        kysely
          .selectFrom("alarm_floods")
          .select(["scope", "began_at"])
          .where("ended_at", "<", before)
          .orderBy("began_at")
          .limit(SLICE),
      );
      for (const { scope, began_at: from } of due)
        sync.run(kysely.deleteFrom("alarm_floods").where("scope", "=", scope).where("began_at", "=", from));
      return due.length;
    });
  }

  /** What was decided last, by definition and kind. */
  decisions(): readonly ProposalDecision[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("alarm_proposal_decisions").selectAll()).map(decisionOf);
  }

  decide(row: DecisionRow): ProposalDecision {
    const { kysely, sync } = this.#db;
    const { definition, kind, ...rest } = row;
    sync.run(
      kysely
        .insertInto("alarm_proposal_decisions")
        .values({ definition, kind, ...rest })
        .onConflict((c) => c.columns(["definition", "kind"]).doUpdateSet(rest)),
    );
    return decisionOf(row);
  }
}

function decisionOf(row: DecisionRow): ProposalDecision {
  const { definition, kind, value, decision, reason, decided_by: by, decided_at: at } = row;
  return { definition, kind, value, decision, reason, by, at: iso(at) };
}
