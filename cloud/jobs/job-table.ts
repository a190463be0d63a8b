import type { Selectable } from "kysely";
import { newId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { DeadJob, Job, JobCounts } from "../job-ports.ts";
import type { JobTables } from "./tables.ts";

/** One job as kept. */
export type JobRow = Selectable<JobTables["jobs"]>;
/** What a job must have to be known as the same try of the same adding. */
export type JobTry = Pick<JobRow, "id" | "fence">;

/** So many dead jobs are listed. */
const MOST_LISTED = 100;

/** The jobs in the record database: the truth about them, whatever engine gets them done. */
export class JobTable {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Keeps a job; one of the same kind and key is replaced. Part of the running transaction. */
  add(job: Pick<Job, "kind" | "key" | "data" | "runAt">, now: number): void {
    const { kysely, sync } = this.#db;
    const { kind, key, data, runAt } = job;
    const fresh = {
      id: newId(now),
      data: JSON.stringify(data),
      run_at: runAt,
      next_at: runAt,
      failures: 0,
      crashes: 0,
      lease_until: null,
      fence: 0,
      handed_over: 0,
    };
    sync.run(
      kysely
        .insertInto("jobs")
        .values({ kind, key, ...fresh })
        .onConflict((c) => c.columns(["kind", "key"]).doUpdateSet(fresh)),
    );
  }

  /** Takes a job away. */
  remove(kind: string, key: string): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.deleteFrom("jobs").where("kind", "=", kind).where("key", "=", key));
  }

  get(id: string): JobRow | undefined {
    return this.#db.sync.get(this.#db.kysely.selectFrom("jobs").selectAll().where("id", "=", id));
  }

  /** The job of a kind and key that waits or is under way. */
  of(kind: string, key: string): JobRow | undefined {
    const { kysely, sync } = this.#db;
    return sync.get(kysely.selectFrom("jobs").selectAll().where("kind", "=", kind).where("key", "=", key));
  }

  /** Jobs of these kinds that are due and held by nobody, the longest due first. */
  due(kinds: readonly string[], now: number, limit: number): readonly JobRow[] {
    if (kinds.length === 0 || limit < 1) return [];
    const { kysely, sync } = this.#db;
    return sync.all(
      kysely
        .selectFrom("jobs")
        .selectAll()
        .where("kind", "in", kinds)
        .where("next_at", "<=", now)
        .where((e) => e.or([e("lease_until", "is", null), e("lease_until", "<=", now)]))
        .orderBy("next_at")
        .orderBy("id")
        .limit(limit),
    );
  }

  /** When the next job of these kinds may be due: one that waits, or one whose worker does not answer. */
  nextDueAt(kinds: readonly string[]): number | undefined {
    if (kinds.length === 0) return undefined;
    const { kysely, sync } = this.#db;
    const jobs = kysely.selectFrom("jobs").where("kind", "in", kinds);
    const waiting = sync.get(
      jobs.select((e) => e.fn.min<number | null>("next_at").as("at")).where("lease_until", "is", null),
    );
    const held = sync.get(jobs.select((e) => e.fn.min<number | null>("lease_until").as("at")));
    const times = [waiting?.at, held?.at].filter((at) => at !== null && at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Begins the next try. A job that was held until now counts one crash more: its worker never told how it ended. */
  begin(row: JobRow, leaseUntil: number): JobRow {
    const { kysely, sync } = this.#db;
    const begun = {
      fence: row.fence + 1,
      crashes: row.crashes + (row.lease_until === null ? 0 : 1),
      lease_until: leaseUntil,
    };
    sync.run(kysely.updateTable("jobs").set(begun).where("id", "=", row.id));
    return { ...row, ...begun };
  }

  /** Holds the tries under way for longer. */
  renew(tries: readonly JobTry[], leaseUntil: number): void {
    if (tries.length === 0) return;
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      for (const { id, fence } of tries)
        sync.run(
          kysely.updateTable("jobs").set({ lease_until: leaseUntil }).where("id", "=", id).where("fence", "=", fence),
        );
    });
  }

  /** The job is done and goes. */
  done({ id, fence }: JobTry): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.deleteFrom("jobs").where("id", "=", id).where("fence", "=", fence));
  }

  /** The try failed; the job waits for the next one. */
  failed({ id, fence }: JobTry, failures: number, nextAt: number): void {
    const { kysely, sync } = this.#db;
    sync.run(
      kysely
        .updateTable("jobs")
        .set({ failures, next_at: nextAt, lease_until: null })
        .where("id", "=", id)
        .where("fence", "=", fence),
    );
  }

  /** The job is tried no more and kept as a dead one. Nothing happens when it was replaced or taken away meanwhile. */
  bury(row: JobRow, attempt: number, error: string, now: number): void {
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      const gone = sync.run(kysely.deleteFrom("jobs").where("id", "=", row.id).where("fence", "=", row.fence));
      if (gone.changes === 0) return;
      const dead = { data: row.data, run_at: row.run_at, attempt, failed_at: now, error };
      sync.run(
        kysely
          .insertInto("dead_jobs")
          .values({ kind: row.kind, key: row.key, ...dead })
          .onConflict((c) => c.columns(["kind", "key"]).doUpdateSet(dead)),
      );
    });
  }

  /** Puts a dead job back, due as it was, unless a newer one of its key waits anyway. False when there is none. */
  revive(kind: string, key: string, now: number): boolean {
    const { kysely, sync } = this.#db;
    return sync.transaction(() => {
      const dead = kysely.selectFrom("dead_jobs").selectAll().where("kind", "=", kind).where("key", "=", key);
      const row = sync.get(dead);
      if (row === undefined) return false;
      sync.run(kysely.deleteFrom("dead_jobs").where("kind", "=", kind).where("key", "=", key));
      if (this.of(kind, key) === undefined) this.add({ kind, key, data: dataOf(row), runAt: row.run_at }, now);
      return true;
    });
  }

  /** Dead jobs, newest first. */
  dead(): readonly DeadJob[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(
        kysely
          .selectFrom("dead_jobs")
          .selectAll()
          .orderBy("failed_at", "desc")
          .orderBy("kind")
          .orderBy("key")
          .limit(MOST_LISTED),
      )
      .map((row) => ({
        kind: row.kind,
        key: row.key,
        data: dataOf(row),
        attempt: row.attempt,
        runAt: row.run_at,
        failedAt: row.failed_at,
        error: row.error,
      }));
  }

  counts(): JobCounts {
    const { kysely, sync } = this.#db;
    const count = kysely.selectFrom("jobs").select((e) => e.fn.countAll<number>().as("n"));
    const waiting = sync.get(count.where("lease_until", "is", null))?.n ?? 0;
    const active = sync.get(count.where("lease_until", "is not", null))?.n ?? 0;
    const dead = sync.get(kysely.selectFrom("dead_jobs").select((e) => e.fn.countAll<number>().as("n")))?.n ?? 0;
    return { waiting: Number(waiting), active: Number(active), dead: Number(dead) };
  }

  /** Jobs that the engine beside the database does not know yet, the soonest due first. */
  toHandOver(kinds: readonly string[], limit: number): readonly JobRow[] {
    if (kinds.length === 0) return [];
    const { kysely, sync } = this.#db;
    return sync.all(
      kysely
        .selectFrom("jobs")
        .selectAll()
        .where("handed_over", "=", 0)
        .where("kind", "in", kinds)
        .orderBy("next_at")
        .orderBy("id")
        .limit(limit),
    );
  }

  /** Which of these are still to be done. */
  known(ids: readonly string[]): ReadonlySet<string> {
    if (ids.length === 0) return new Set();
    const { kysely, sync } = this.#db;
    return new Set(sync.all(kysely.selectFrom("jobs").select("id").where("id", "in", ids)).map(({ id }) => id));
  }

  /** The engine knows them now. */
  handedOver(ids: readonly string[]): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("jobs").set({ handed_over: 1 }).where("id", "in", ids));
  }

  /** The engine may have forgotten what was due before this time (everything when absent), but for these: hand over again. */
  handOverAgain(dueBefore?: number, but: readonly string[] = []): void {
    const { kysely, sync } = this.#db;
    let query = kysely.updateTable("jobs").set({ handed_over: 0 }).where("handed_over", "=", 1);
    if (dueBefore !== undefined) query = query.where("next_at", "<", dueBefore);
    if (but.length > 0) query = query.where("id", "not in", but);
    sync.run(query);
  }
}

/** What a job was added with. */
export function dataOf({ data }: Pick<JobRow, "data">): Job["data"] {
  return JSON.parse(data) as Job["data"];
}
