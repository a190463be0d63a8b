import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { type JournalDays, journalDays, scheduleJournalRetention } from "./alarms/journal-retention.ts";
import { type CompletenessReports, STATEMENT_AT_MINUTE, STATEMENT_JOB } from "./completeness/service.ts";
import type { Db } from "./db/database.ts";
import type { JobQueue } from "./job-ports.ts";
import { scheduleRecordRetention } from "./jobs/records-retention.ts";
import type { AlarmForgetter } from "./journal-ports.ts";
import type { AuditLog } from "./ports.ts";
import type { TelemetryStore } from "./telemetry-ports.ts";

const DAY_MS = 86_400_000;
const TELEMETRY_JOB = "telemetry-maintenance";
/** After the retention of records, local time. */
const TELEMETRY_AT_MINUTE = 195;
/** A failed job is tried again for hours: a store may be away all night. */
const ATTEMPTS = 20;
const KEEP_DEAD_JOBS_DAYS = 90;

/** How long what is kept, days. */
export interface KeepDays {
  readonly raw: number;
  readonly hours: number;
  readonly records: number;
  /** Alarms that are over and their journal, by category; 400 days when absent. */
  readonly journal?: JournalDays;
}

/** What runs every night: the statements of the day, compaction and retention of telemetry, retention of records. Part of the composition root. */
export function scheduleNights(deps: {
  readonly jobs: JobQueue;
  readonly timeZone: string;
  readonly store: TelemetryStore;
  readonly reports: CompletenessReports;
  readonly keep: KeepDays;
  readonly db: Db;
  /** Whoever keeps something about alarms lets go of it when they are removed. */
  readonly forgetters: readonly AlarmForgetter[];
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
}): void {
  const { jobs, timeZone, store, reports, keep, db, forgetters, audit, clock, logger } = deps;
  jobs.work(STATEMENT_JOB, ({ runAt }) => reports.closeDay(runAt), { attempts: ATTEMPTS });
  jobs.repeat(STATEMENT_JOB, { dailyAtMinute: STATEMENT_AT_MINUTE, timeZone });
  const maintain = (): Promise<void> =>
    store.maintain({
      rawBefore: clock.now() - keep.raw * DAY_MS,
      summariesBefore: clock.now() - keep.hours * DAY_MS,
    });
  jobs.work(TELEMETRY_JOB, maintain, { attempts: ATTEMPTS });
  jobs.repeat(TELEMETRY_JOB, { dailyAtMinute: TELEMETRY_AT_MINUTE, timeZone });
  const limits = {
    commands: keep.records,
    runs: keep.records,
    alarmActs: keep.records,
    permits: keep.records,
    deadJobs: KEEP_DEAD_JOBS_DAYS,
  };
  const days = keep.journal ?? journalDays();
  scheduleJournalRetention(jobs, timeZone, { db, days, forgetters, audit, clock, logger });
  scheduleRecordRetention(jobs, timeZone, { db, audit, clock, logger, limits });
}
