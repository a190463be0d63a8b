import type { ClipView } from "#core/contracts/clips.ts";
import type { RunView } from "#core/contracts/runs.ts";
import { EMPTY_MEMORY, type PlannedStep, type RuleMemory } from "#core/linkage/evaluate.ts";
import type { Run } from "#core/linkage/rule.ts";
import type { Db } from "../db/database.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult, RunService } from "../ports.ts";
import { iso } from "../time.ts";

/** How many runs of one rule in which nothing was done are kept, for each outcome. */
const DULL_KEPT = 200;
/** Outcomes in which something was done, or should have been. */
const TOLD: ReadonlySet<string> = new Set(["fired", "actionRefused", "actionFailed", "rateLimited"]);

/** A run of the cloud that has begun. */
export interface OpenRun extends Omit<Run, "outcome" | "finishedAt" | "steps" | "ranOn"> {
  readonly steps: readonly PlannedStep[];
}

/** Clips that were made in each of these runs. */
export type ClipsOfRuns = (runs: readonly string[]) => ReadonlyMap<string, readonly ClipView[]>;

/** Runs of rules in the record database: those of gateways and those of the cloud. */
export class RunStore implements RunService {
  readonly #db: Db;
  readonly #clipsOf: ClipsOfRuns;

  constructor(db: Db, clipsOf: ClipsOfRuns) {
    this.#db = db;
    this.#clipsOf = clipsOf;
  }

  /** Keeps a finished run. False when it is already known. */
  add(run: Run): boolean {
    const { kysely, sync } = this.#db;
    const { id, rule, outcome, startedAt } = run;
    return sync.transaction(() => {
      const { changes } = sync.run(
        kysely
          .insertInto("runs")
          .values({ id, rule, alarm: run.alarm ?? null, outcome, started_at: startedAt, document: JSON.stringify(run) })
          .onConflict((c) => c.column("id").doNothing()),
      );
      if (changes > 0 && !TOLD.has(outcome)) this.#prune(rule, outcome);
      return changes > 0;
    });
  }

  /** Order: startedAt descending, then id descending. @throws CURSOR_INVALID */
  runsOf(rule: string, query: PageRequest): PageResult<RunView> {
    const { kysely, sync } = this.#db;
    const cursor = decodeCursor(query.cursor, ["number", "string"]);
    let page = kysely.selectFrom("runs").select(["id", "started_at", "document"]).where("rule", "=", rule);
    if (cursor !== undefined) {
      const [startedAt, id] = [Number(cursor[0]), String(cursor[1])];
      page = page.where((e) =>
        e.or([e("started_at", "<", startedAt), e.and([e("started_at", "=", startedAt), e("id", "<", id)])]),
      );
    }
    const rows = sync.all(
      page
        .orderBy("started_at", "desc")
        .orderBy("id", "desc")
        .limit(query.limit + 1),
    );
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    const counted = kysely
      .selectFrom("runs")
      .select((e) => e.fn.countAll<number>().as("n"))
      .where("rule", "=", rule);
    const runs = items.map(({ document }) => JSON.parse(document) as Run);
    const clips = this.#clipsOf(runs.map(({ id }) => id));
    return {
      items: runs.map((run) => runView(run, clips.get(run.id) ?? [])),
      ...(rows.length > items.length && last ? { nextCursor: encodeCursor([last.started_at, last.id]) } : {}),
      ...(query.count === true ? { total: sync.get(counted)?.n ?? 0 } : {}),
    };
  }

  run(id: string): RunView | undefined {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("runs").select("document").where("id", "=", id));
    return row && this.view(JSON.parse(row.document) as Run);
  }

  /** A run in the shape of the HTTP API. */
  view(run: Run): RunView {
    return runView(run, this.#clipsOf([run.id]).get(run.id) ?? []);
  }

  /** Ids of the runs in which something was done for each alarm, oldest first. */
  idsOfAlarms(alarms: readonly string[]): ReadonlyMap<string, readonly string[]> {
    if (alarms.length === 0) return new Map();
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("runs")
        .select(["id", "alarm"])
        .where("alarm", "in", alarms)
        .where("outcome", "in", [...TOLD])
        .orderBy("started_at")
        .orderBy("id"),
    );
    const byAlarm = Map.groupBy(rows, ({ alarm }) => alarm ?? "");
    return new Map([...byAlarm].map(([alarm, found]) => [alarm, found.map(({ id }) => id)]));
  }

  /** Keeps that a run has begun, in the transaction of what started it. */
  open(run: OpenRun): void {
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("open_runs")
        .values({ id: run.id, started_at: run.startedAt, document: JSON.stringify(run) }),
    );
  }

  /** Runs that have begun and not ended, oldest first. */
  opened(): readonly OpenRun[] {
    return this.#db.sync
      .all(this.#db.kysely.selectFrom("open_runs").select("document").orderBy("started_at").orderBy("id"))
      .map(({ document }) => JSON.parse(document) as OpenRun);
  }

  /** Turns a begun run into a finished one. */
  close(run: Run): void {
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      sync.run(kysely.deleteFrom("open_runs").where("id", "=", run.id));
      this.add(run);
    });
  }

  memory(rule: string): RuleMemory {
    const { kysely, sync } = this.#db;
    const row = sync.get(kysely.selectFrom("rule_memory").select("document").where("rule", "=", rule));
    return row === undefined ? EMPTY_MEMORY : (JSON.parse(row.document) as RuleMemory);
  }

  remember(rule: string, memory: RuleMemory): void {
    const document = JSON.stringify(memory);
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("rule_memory")
        .values({ rule, document })
        .onConflict((c) => c.column("rule").doUpdateSet({ document })),
    );
  }

  #prune(rule: string, outcome: string): void {
    const { kysely, sync } = this.#db;
    const same = kysely.selectFrom("runs").select("id").where("rule", "=", rule).where("outcome", "=", outcome);
    const kept = same.orderBy("started_at", "desc").orderBy("id", "desc").limit(DULL_KEPT);
    sync.run(
      kysely.deleteFrom("runs").where("rule", "=", rule).where("outcome", "=", outcome).where("id", "not in", kept),
    );
  }
}

/** Each step that recorded has the clip of its camera that was made in the run. */
function runView({ occurrence: _occurrence, zone: _zone, ...run }: Run, clips: readonly ClipView[]): RunView {
  return {
    ...run,
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
    steps: run.steps.map(({ blob, ...step }) => {
      const clip = step.action === "recordClip" ? clips.find(({ camera }) => camera === step.target) : undefined;
      return {
        ...step,
        startedAt: iso(step.startedAt),
        finishedAt: iso(step.finishedAt),
        ...(blob === undefined ? {} : { snapshot: `/api/v1/blobs/${blob}` }),
        ...(clip === undefined ? {} : { clip }),
      };
    }),
  };
}
