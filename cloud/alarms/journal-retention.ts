import { lawOf } from "#core/alarm/law.ts";
import type { Clock } from "#core/clock.ts";
import { ConfigError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import type { Db } from "../db/database.ts";
import type { JobQueue } from "../job-ports.ts";
import type { AlarmForgetter } from "../journal-ports.ts";
import type { AuditLog } from "../ports.ts";

const KIND = "journal-retention";
/** After the retention of other records, local time. */
const NIGHTLY_MINUTE = 165;
const DAY_MS = 86_400_000;
/** Entries in one transaction: whoever waits for the database waits for no more than that. */
const SLICE = 500;
/** Alarms looked at for one slice. */
const ALARMS = 50;
/** The rest of a mountain is left to the next night. */
const MOST_SLICES = 4000;

/** How long a journal is kept where nothing else is said, days. */
export const JOURNAL_DAYS = 400;
/** Shortest time of all, days. */
export const LEAST_DAYS = 30;
/** Shortest time for the security law, days. [网络安全法 §21: records of security events six months at least] */
export const LEAST_SECURITY_DAYS = 180;
const MOST_DAYS = 36_500;

/** How long the journal and its alarms are kept, days by category. */
export type JournalDays = Readonly<Record<AlarmCategory, number>>;

const CATEGORIES: readonly AlarmCategory[] = AlarmCategory.enum;

/**
 * Reads how long journals are kept: a number of days for all, then exceptions by category, such as `400,comfort=90,fire=1000`.
 * @throws CONFIG_INVALID with every fault: an unknown category, less than 30 days, less than 180 under the security law
 */
export function journalDays(text: string = String(JOURNAL_DAYS)): JournalDays {
  const problems: string[] = [];
  const days = Object.fromEntries(CATEGORIES.map((category) => [category, JOURNAL_DAYS])) as Record<
    AlarmCategory,
    number
  >;
  for (const [i, part] of text.split(",").entries()) {
    const match = /^\s*(?:([a-z]+)\s*=\s*)?(\d{1,5})\s*$/.exec(part);
    const named = CATEGORIES.find((category) => category === match?.[1]);
    if (match === null || (match[1] === undefined ? i > 0 : named === undefined)) {
      problems.push(`journal retention: expected days, then category=days, got ${JSON.stringify(part.slice(0, 40))}`);
      continue;
    }
    for (const category of named === undefined ? CATEGORIES : [named]) days[category] = Number(match[2]);
  }
  for (const category of CATEGORIES) {
    const least = lawOf(category) === "security" ? LEAST_SECURITY_DAYS : LEAST_DAYS;
    if (days[category] < least || days[category] > MOST_DAYS)
      problems.push(`journal retention of ${category}: expected ${least} to ${MOST_DAYS} days, got ${days[category]}`);
  }
  if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  return days;
}

export interface JournalRetentionDeps {
  readonly db: Db;
  readonly days: JournalDays;
  /** Whoever keeps something about an alarm lets go of it. */
  readonly forgetters: readonly AlarmForgetter[];
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was removed. */
export interface JournalPruned {
  readonly entries: number;
  readonly alarms: number;
}

interface Link {
  readonly seq: number;
  readonly prev_hash: string;
  readonly hash: string;
}

/** A stretch of the chain without a row in between. */
interface Stretch {
  from_seq: number;
  to_seq: number;
  entries: number;
  prev_hash: string;
  hash: string;
}

/** Joins rows that follow each other in the chain. */
function stretchesOf(links: readonly Link[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const { seq, prev_hash, hash } of links) {
    const last = stretches.at(-1);
    if (last?.hash === prev_hash) Object.assign(last, { to_seq: seq, entries: last.entries + 1, hash });
    else stretches.push({ from_seq: seq, to_seq: seq, entries: 1, prev_hash, hash });
  }
  return stretches;
}

/** Removes alarms that are over, with their journal, by the age of the last thing that happened to them. */
class JournalPruner {
  readonly #deps: JournalRetentionDeps;
  constructor(deps: JournalRetentionDeps) {
    this.#deps = deps;
  }

  /** One slice of what is due in a category; nothing is left when both are 0. */
  slice(category: AlarmCategory, before: number): JournalPruned {
    const { db, forgetters } = this.#deps;
    const { kysely, sync } = db;
    return sync.transaction(() => {
      const due = this.#due(category, before);
      if (due.length === 0) return { entries: 0, alarms: 0 };
      const links = sync.all(
        kysely
          .selectFrom("alarm_journal")
          .select(["seq", "prev_hash", "hash"])
          .where("alarm", "in", due)
          .orderBy("seq")
          .limit(SLICE),
      );
      const stretches = stretchesOf(links);
      for (const stretch of stretches) this.#cut(stretch);
      for (const { from_seq, to_seq } of stretches)
        sync.run(kysely.deleteFrom("alarm_journal").where("seq", ">=", from_seq).where("seq", "<=", to_seq));
      // An alarm goes when the last of its journal has gone.
      const left = new Set(
        sync
          .all(kysely.selectFrom("alarm_journal").select("alarm").distinct().where("alarm", "in", due))
          .map(({ alarm }) => alarm),
      );
      const gone = due.filter((alarm) => !left.has(alarm));
      if (gone.length > 0) {
        for (const forget of forgetters) forget(gone);
        sync.run(kysely.deleteFrom("alarms").where("id", "in", gone));
      }
      return { entries: links.length, alarms: gone.length };
    });
  }

  /** Closed alarms to which nothing has happened since. */
  #due(category: AlarmCategory, before: number): readonly string[] {
    const { kysely, sync } = this.#deps.db;
    return sync
      .all(
        kysely
          .selectFrom("alarms")
          .select("id")
          .where("open", "=", 0)
          .where("category", "=", category)
          .where("raised_at", "<", before)
          .where((e) =>
            e.not(
              e.exists(
                e
                  .selectFrom("alarm_journal")
                  .select("seq")
                  .whereRef("alarm_journal.alarm", "=", "alarms.id")
                  .where("alarm_journal.received_at", ">=", before),
              ),
            ),
          )
          .orderBy("raised_at")
          .limit(ALARMS),
      )
      .map(({ id }) => id);
  }

  /** Remembers a stretch before it goes, joined with the cuts that it meets: the chain stays provable over it. */
  #cut(stretch: Stretch): void {
    const { db, clock } = this.#deps;
    const { kysely, sync } = db;
    const cuts = kysely.selectFrom("alarm_journal_cuts").selectAll();
    const before = sync.get(cuts.where("hash", "=", stretch.prev_hash));
    const after = sync.get(cuts.where("prev_hash", "=", stretch.hash));
    const met = [before, after].filter((cut) => cut !== undefined);
    for (const { from_seq } of met) sync.run(kysely.deleteFrom("alarm_journal_cuts").where("from_seq", "=", from_seq));
    sync.run(
      kysely.insertInto("alarm_journal_cuts").values({
        from_seq: before?.from_seq ?? stretch.from_seq,
        to_seq: after?.to_seq ?? stretch.to_seq,
        entries: met.reduce((sum, { entries }) => sum + entries, stretch.entries),
        prev_hash: before?.prev_hash ?? stretch.prev_hash,
        hash: after?.hash ?? stretch.hash,
        cut_at: clock.now(),
      }),
    );
  }
}

/** Removes what is too old, slice by slice; others have their turn in between. Idempotent. */
export async function pruneJournal(deps: JournalRetentionDeps): Promise<JournalPruned> {
  const { days, audit, clock, logger } = deps;
  const pruner = new JournalPruner(deps);
  let slices = 0;
  let entries = 0;
  let alarms = 0;
  for (const category of CATEGORIES) {
    const before = clock.now() - days[category] * DAY_MS;
    for (; slices < MOST_SLICES; slices++) {
      const pruned = pruner.slice(category, before);
      if (pruned.entries === 0 && pruned.alarms === 0) break;
      entries += pruned.entries;
      alarms += pruned.alarms;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  const detail = { entries, alarms };
  if (entries > 0 || alarms > 0) {
    audit.append({ actor: "system", action: "journal.prune", result: "ok", detail });
    logger.info(detail, "old alarms and their journal removed");
  }
  return detail;
}

/** Has the journal pruned every night of the site. Before the queue is started. */
export function scheduleJournalRetention(
  jobs: Pick<JobQueue, "work" | "repeat">,
  timeZone: string,
  deps: JournalRetentionDeps,
): void {
  jobs.work(KIND, async () => {
    await pruneJournal(deps);
  });
  jobs.repeat(KIND, { dailyAtMinute: NIGHTLY_MINUTE, timeZone });
}
