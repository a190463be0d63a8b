import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { JobQueue } from "../job-ports.ts";
import type { AuditLog } from "../ports.ts";

const KIND = "records-retention";
/** Half past two at night, local time: few are at work. */
const NIGHTLY_MINUTE = 150;
const DAY_MS = 86_400_000;
/** Rows in one transaction: whoever waits for the database waits for no more than that. */
const SLICE = 500;
/** The rest of a mountain is left to the next night. */
const MOST_SLICES = 2000;

/** How long records are kept, days. Alarms, their journal and the audit log are never pruned here. */
export interface RecordLimits {
  /** Commands with a result. */
  readonly commands: number;
  /** Runs of rules. */
  readonly runs: number;
  /** Idempotency keys of what people did to alarms. */
  readonly alarmActs: number;
  /** Jobs that failed for the last time. */
  readonly deadJobs: number;
  /** Maintenance permits that are over, with what they held back. */
  readonly permits: number;
}

/** What was removed. */
export type Pruned = Readonly<Record<keyof RecordLimits, number>>;

export interface RecordRetentionDeps {
  readonly db: Db;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: RecordLimits;
}

/** Removes one slice of what is older than `before` (Unix ms) and says how many rows it held. */
type Slice = (before: number) => number;

function slicesOf({ kysely, sync }: Db): Readonly<Record<keyof RecordLimits, Slice>> {
  const openAlarms = kysely.selectFrom("alarms").select("id").where("open", "=", 1);
  return {
    commands: (before) => {
      const due = kysely
        .selectFrom("commands")
        .select("id")
        .where("finished_at", "<", before)
        .where("status", "not in", ["pending", "sent"])
        .orderBy("finished_at")
        .limit(SLICE);
      return sync.run(kysely.deleteFrom("commands").where("id", "in", due)).changes;
    },
    // What was done for an alarm is told for as long as it is open.
    runs: (before) => {
      const due = kysely
        .selectFrom("runs")
        .select("id")
        .where("started_at", "<", before)
        .where((e) => e.or([e("alarm", "is", null), e("alarm", "not in", openAlarms)]))
        .orderBy("started_at")
        .limit(SLICE);
      return sync.run(kysely.deleteFrom("runs").where("id", "in", due)).changes;
    },
    alarmActs: (before) => {
      const due = kysely
        .selectFrom("alarm_acts")
        .select(["actor", "idempotency_key"])
        .where("at", "<", before)
        .where("alarm", "not in", openAlarms)
        .orderBy("at")
        .limit(SLICE);
      return sync.transaction(() => {
        const acts = sync.all(due);
        for (const { actor, idempotency_key: key } of acts)
          sync.run(kysely.deleteFrom("alarm_acts").where("actor", "=", actor).where("idempotency_key", "=", key));
        return acts.length;
      });
    },
    permits: (before) => {
      const due = kysely
        .selectFrom("permits")
        .select("id")
        .where("until_at", "<", before)
        .where("status", "not in", ["requested", "approved", "active"])
        .orderBy("until_at")
        .limit(SLICE);
      return sync.transaction(() => {
        const ids = sync.all(due).map(({ id }) => id);
        if (ids.length === 0) return 0;
        sync.run(kysely.deleteFrom("permit_alarms").where("permit", "in", ids));
        sync.run(kysely.deleteFrom("permits").where("id", "in", ids));
        return ids.length;
      });
    },
    deadJobs: (before) => {
      const due = kysely
        .selectFrom("dead_jobs")
        .select(["kind", "key"])
        .where("failed_at", "<", before)
        .orderBy("failed_at")
        .limit(SLICE);
      return sync.transaction(() => {
        const jobs = sync.all(due);
        for (const { kind, key } of jobs)
          sync.run(kysely.deleteFrom("dead_jobs").where("kind", "=", kind).where("key", "=", key));
        return jobs.length;
      });
    },
  };
}

/** Removes all records that are too old, slice by slice; others have their turn in between. Idempotent. */
export async function pruneRecords({ db, audit, clock, logger, limits }: RecordRetentionDeps): Promise<Pruned> {
  const slices = slicesOf(db);
  const prune = async (what: keyof RecordLimits): Promise<number> => {
    const before = clock.now() - limits[what] * DAY_MS;
    let removed = 0;
    for (let slice = 0; slice < MOST_SLICES; slice++) {
      const found = slices[what](before);
      removed += found;
      if (found < SLICE) break;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return removed;
  };
  const pruned = {
    commands: await prune("commands"),
    runs: await prune("runs"),
    alarmActs: await prune("alarmActs"),
    deadJobs: await prune("deadJobs"),
    permits: await prune("permits"),
  };
  if (Object.values(pruned).some((count) => count > 0)) {
    audit.append({ actor: "system", action: "records.prune", result: "ok", detail: pruned });
    logger.info(pruned, "old records removed");
  }
  return pruned;
}

/** Has the records pruned every night of the site. Before the queue is started. */
export function scheduleRecordRetention(
  jobs: Pick<JobQueue, "work" | "repeat">,
  timeZone: string,
  deps: RecordRetentionDeps,
): void {
  jobs.work(KIND, async () => {
    await pruneRecords(deps);
  });
  jobs.repeat(KIND, { dailyAtMinute: NIGHTLY_MINUTE, timeZone });
}
