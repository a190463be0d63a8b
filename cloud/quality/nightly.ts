import type { Clock } from "#core/clock.ts";
import type { Db } from "../db/database.ts";
import type { JobQueue } from "../job-ports.ts";
import { breath } from "./journal-rows.ts";
import { QualityStore } from "./quality-store.ts";

const KIND = "alarm-quality-retention";
/** After the retention of records, local time. */
const NIGHTLY_MINUTE = 165;
/** Floods are kept as long as the journal they come from, ms. */
const KEEP_FLOODS_MS = 400 * 86_400_000;

/** Removes floods that are too old, slice by slice; others have their turn in between. Idempotent. */
export async function pruneFloods(db: Db, now: number): Promise<number> {
  const store = new QualityStore(db);
  let removed = 0;
  for (;;) {
    const found = store.pruneFloods(now - KEEP_FLOODS_MS);
    removed += found;
    if (found === 0) return removed;
    await breath();
  }
}

/** Has them pruned every night of the site. Before the queue is started. */
export function scheduleQualityRetention(
  jobs: Pick<JobQueue, "work" | "repeat">,
  timeZone: string,
  { db, clock }: { readonly db: Db; readonly clock: Clock },
): void {
  jobs.work(KIND, async () => {
    await pruneFloods(db, clock.now());
  });
  jobs.repeat(KIND, { dailyAtMinute: NIGHTLY_MINUTE, timeZone });
}
