import type { Insertable, Selectable } from "kysely";
import type { ProcedureAct, ProcedureRunStatus } from "#core/contracts/procedures.ts";
import type { Db } from "../db/database.ts";
import { iso } from "../time.ts";
import type { ProcedureTables } from "./tables.ts";

/** A run as it is stored. */
export type RunRow = Selectable<ProcedureTables["procedure_runs"]>;
/** An act as it is stored. */
export type ActRow = Selectable<ProcedureTables["procedure_acts"]>;

/** Runs of procedures and what was done in them. */
export class ProcedureRunStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Runs of an alarm, the newest occurrence first. */
  of(alarm: string): readonly RunRow[] {
    const { kysely, sync } = this.#db;
    const query = kysely.selectFrom("procedure_runs").selectAll().where("alarm", "=", alarm);
    return sync.all(query.orderBy("occurrence", "desc"));
  }

  at(alarm: string, occurrence: number): RunRow | undefined {
    const { kysely, sync } = this.#db;
    const query = kysely.selectFrom("procedure_runs").selectAll().where("alarm", "=", alarm);
    return sync.get(query.where("occurrence", "=", occurrence));
  }

  /** Runs under way. */
  running(): readonly RunRow[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("procedure_runs").selectAll().where("status", "=", "running"));
  }

  add(row: RunRow): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.insertInto("procedure_runs").values(row));
  }

  end(run: string, status: ProcedureRunStatus, at: number): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("procedure_runs").set({ status, ended_at: at }).where("id", "=", run));
  }

  /** In the order in which they were done. */
  acts(run: string): readonly ActRow[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("procedure_acts").selectAll().where("run", "=", run).orderBy("seq"));
  }

  addAct(row: Insertable<ProcedureTables["procedure_acts"]>): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.insertInto("procedure_acts").values(row));
  }

  /** The act that somebody did under a key of his. */
  actByKey(actor: string, key: string): ActRow | undefined {
    const { kysely, sync } = this.#db;
    const query = kysely.selectFrom("procedure_acts").selectAll().where("actor", "=", actor);
    return sync.get(query.where("idempotency_key", "=", key));
  }

  /** Removes all that was done for these alarms, in the running transaction. */
  forget(alarms: readonly string[]): void {
    const { kysely, sync } = this.#db;
    const runs = kysely.selectFrom("procedure_runs").select("id").where("alarm", "in", alarms);
    sync.run(kysely.deleteFrom("procedure_acts").where("run", "in", runs));
    sync.run(kysely.deleteFrom("procedure_runs").where("alarm", "in", alarms));
  }
}

/** An act in the shape of the API. */
export function actView({ act, step, at, actor, station, name, reason }: ActRow): ProcedureAct {
  return {
    act,
    ...(step === null ? {} : { n: step }),
    at: iso(at),
    actor,
    ...(station === null ? {} : { station }),
    ...(name === null ? {} : { name }),
    ...(reason === null ? {} : { reason }),
  };
}
