import type { Db } from "../db/database.ts";
import type { JobSchedule } from "../job-ports.ts";
import type { JobTable } from "./job-table.ts";
import { checkSchedule, nextTime } from "./schedule.ts";

/** Key of the jobs that a schedule makes: of each kind one waits at most. */
const REPEAT_KEY = "repeat";

/** Makes the jobs that come again and again. Their times are kept, so that what was missed while nothing ran is known. */
export class Repeats {
  readonly #db: Db;
  readonly #table: JobTable;
  readonly #schedules = new Map<string, JobSchedule>();

  constructor(db: Db, table: JobTable) {
    this.#db = db;
    this.#table = table;
  }

  /** Takes a schedule up where it was left; a changed one begins now. @throws JOB_SCHEDULE_INVALID */
  set(kind: string, schedule: JobSchedule, now: number): void {
    checkSchedule(kind, schedule);
    const { kysely, sync } = this.#db;
    const text = JSON.stringify(schedule);
    sync.transaction(() => {
      const row = { schedule: text, next_at: nextTime(schedule, now) };
      const kept = sync.get(kysely.selectFrom("job_repeats").selectAll().where("kind", "=", kind));
      // A time further away than the next one was reckoned with a clock that ran ahead.
      if (kept?.schedule === text && kept.next_at <= row.next_at) return;
      sync.run(
        kysely
          .insertInto("job_repeats")
          .values({ kind, ...row })
          .onConflict((c) => c.column("kind").doUpdateSet(row)),
      );
    });
    this.#schedules.set(kind, schedule);
  }

  /** Adds the jobs whose time has come, each once however often it came. */
  addDue(now: number): void {
    const { kysely, sync } = this.#db;
    if (this.#schedules.size === 0) return;
    const due = kysely.selectFrom("job_repeats").select(["kind", "next_at"]).where("next_at", "<=", now);
    for (const { kind, next_at: at } of sync.all(due)) {
      const schedule = this.#schedules.get(kind);
      if (schedule === undefined) continue;
      sync.transaction(() => {
        this.#table.add({ kind, key: REPEAT_KEY, data: {}, runAt: at }, now);
        const next = { next_at: nextTime(schedule, now, at) };
        sync.run(kysely.updateTable("job_repeats").set(next).where("kind", "=", kind));
      });
    }
  }

  /** When the next one comes. */
  nextAt(): number | undefined {
    const kinds = [...this.#schedules.keys()];
    if (kinds.length === 0) return undefined;
    const { kysely, sync } = this.#db;
    const next = kysely.selectFrom("job_repeats").select((e) => e.fn.min<number | null>("next_at").as("at"));
    return sync.get(next.where("kind", "in", kinds))?.at ?? undefined;
  }
}
