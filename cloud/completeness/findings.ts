import type { Clock } from "#core/clock.ts";
import type { FindingKind, FindingView } from "#core/contracts/completeness.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import { type GatewayId, newId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import type { PageRequest, PageResult } from "../ports.ts";
import type { IngestFinding, IngestWatch } from "../telemetry-ports.ts";
import { iso } from "../time.ts";

/** A finding like the last one within so long belongs to it. */
const QUIET_MS = 60_000;
const WRITE_MS = 5000;
/** Most findings that go on at once; beyond it the oldest ends. Most that are kept for a gateway. */
const MAX_OPEN = 1000;
const KEPT = 10_000;

interface Episode {
  readonly id: string;
  readonly gateway: GatewayId;
  readonly kind: FindingKind;
  readonly lane: Lane | null;
  readonly epoch: string | null;
  readonly startedAt: number;
  from: number | null;
  to: number | null;
  times: number;
  count: number;
  reason: string | null;
  lastAt: number;
  endedAt: number | null;
  /** Said to go on until it is said to be over: silence about it ends nothing. */
  goesOn: boolean;
  dirty: boolean;
}

/** What distinguishes one anomaly from another. */
function keyOf(gateway: GatewayId, finding: IngestFinding): string {
  const parts = "lane" in finding ? [finding.lane, finding.epoch] : [];
  const reason = finding.kind === "gap" ? [finding.reason] : [];
  return [gateway, finding.kind, ...parts, ...reason].join(" ");
}

/** Does it only tell the end of something? */
function isOver(finding: IngestFinding): boolean {
  return finding.kind === "silence"
    ? finding.until !== undefined
    : finding.kind === "clone" && finding.goesOn === false;
}

/** Keeps account of what ingest notices: anomalies with their beginning, their end and their counts. */
export class Findings implements IngestWatch {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #open = new Map<string, Episode>();
  readonly #ended: Episode[] = [];
  readonly #listeners: ((gateway: GatewayId, kind: FindingKind, begun: boolean) => void)[] = [];
  readonly #stop: () => void;
  #failing = false;

  constructor(deps: { readonly db: Db; readonly clock: Clock; readonly logger: Logger }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#endThoseOfBefore();
    this.#stop = deps.clock.every(WRITE_MS, () => this.save());
  }

  /** Told when an episode begins and when it ends. */
  onEpisode(listener: (gateway: GatewayId, kind: FindingKind, begun: boolean) => void): void {
    this.#listeners.push(listener);
  }

  found(gateway: GatewayId, finding: IngestFinding): void {
    const now = this.#clock.now();
    const key = keyOf(gateway, finding);
    const known = this.#open.get(key);
    if (known === undefined && isOver(finding)) return;
    const episode = known ?? this.#begin(key, gateway, finding, now);
    episode.lastAt = now;
    episode.dirty = true;
    switch (finding.kind) {
      case "silence":
        if (finding.until !== undefined) this.#end(key, episode, finding.until);
        break;
      case "clockJump":
        episode.times++;
        episode.count += Math.round(finding.byMs);
        break;
      case "clone":
        episode.goesOn = finding.goesOn ?? episode.goesOn;
        if (finding.goesOn !== false) episode.times++;
        break;
      default: {
        episode.times++;
        episode.count += finding.to - finding.from + 1;
        episode.from = Math.min(episode.from ?? finding.from, finding.from);
        episode.to = Math.max(episode.to ?? finding.to, finding.to);
      }
    }
    if (known === undefined) this.#tell(episode, true);
  }

  /** Newest first. @throws CURSOR_INVALID */
  list(gateway: string, { limit, cursor }: PageRequest): PageResult<FindingView> {
    this.save();
    const [at, id] = decodeCursor(cursor, ["number", "string"]) ?? [];
    const { kysely, sync } = this.#db;
    let query = kysely.selectFrom("findings").selectAll().where("gateway", "=", gateway);
    if (at !== undefined && id !== undefined)
      query = query.where((e) =>
        e.or([e("started_at", "<", Number(at)), e.and([e("started_at", "=", Number(at)), e("id", "<", String(id))])]),
      );
    const rows = sync.all(
      query
        .orderBy("started_at", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1),
    );
    const items = rows.slice(0, limit).map(
      (row): FindingView => ({
        id: row.id,
        gateway: row.gateway,
        kind: row.kind,
        ...(row.lane === null ? {} : { lane: row.lane }),
        ...(row.epoch === null ? {} : { epoch: row.epoch }),
        ...(row.from_offset === null ? {} : { from: row.from_offset }),
        ...(row.to_offset === null ? {} : { to: row.to_offset }),
        times: row.times,
        count: row.count,
        ...(row.reason === null ? {} : { reason: row.reason }),
        startedAt: iso(row.started_at),
        endedAt: row.ended_at === null ? null : iso(row.ended_at),
      }),
    );
    const last = rows[limit - 1];
    const more = rows.length > limit && last !== undefined;
    return { items, ...(more ? { nextCursor: encodeCursor([last.started_at, last.id]) } : {}) };
  }

  /** How many findings of each kind of a gateway began in [from, to), Unix ms. */
  counts(gateway: string, from: number, to: number): Readonly<Record<string, number>> {
    this.save();
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("findings")
        .select((e) => ["kind", e.fn.countAll<number>().as("n")])
        .where("gateway", "=", gateway)
        .where("started_at", ">=", from)
        .where("started_at", "<", to)
        .groupBy("kind"),
    );
    return Object.fromEntries(rows.map(({ kind, n }) => [kind, Number(n)]));
  }

  /** Ends what was quiet for long and writes what has changed. A database that refuses is logged, and asked again. */
  save(): void {
    const now = this.#clock.now();
    for (const [key, episode] of this.#open)
      if (!episode.goesOn && now - episode.lastAt >= QUIET_MS) this.#end(key, episode, episode.lastAt);
    const dirty = [...this.#ended, ...this.#open.values()].filter((episode) => episode.dirty);
    if (dirty.length === 0) return;
    try {
      this.#db.sync.transaction(() => {
        for (const episode of dirty) this.#write(episode);
        for (const gateway of new Set(dirty.map((episode) => episode.gateway))) this.#prune(gateway);
      });
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, "findings cannot be kept, trying again");
      this.#failing = true;
      this.#ended.splice(0, Math.max(0, this.#ended.length - MAX_OPEN));
      return;
    }
    this.#failing = false;
    this.#ended.length = 0;
    for (const episode of dirty) episode.dirty = false;
  }

  close(): void {
    this.#stop();
    for (const [key, episode] of [...this.#open]) this.#end(key, episode, this.#clock.now());
    this.save();
  }

  #begin(key: string, gateway: GatewayId, finding: IngestFinding, now: number): Episode {
    const oldest = this.#open.size >= MAX_OPEN ? this.#open.entries().next().value : undefined;
    if (oldest !== undefined) this.#end(oldest[0], oldest[1], oldest[1].lastAt);
    const startedAt = finding.kind === "silence" ? finding.since : now;
    const episode: Episode = {
      id: newId(now),
      gateway,
      kind: finding.kind,
      lane: "lane" in finding ? finding.lane : null,
      epoch: "epoch" in finding ? finding.epoch : null,
      startedAt,
      from: null,
      to: null,
      times: finding.kind === "silence" ? 1 : 0,
      count: 0,
      reason: finding.kind === "gap" ? finding.reason : null,
      lastAt: now,
      endedAt: null,
      goesOn: finding.kind === "silence",
      dirty: true,
    };
    this.#open.set(key, episode);
    return episode;
  }

  #end(key: string, episode: Episode, at: number): void {
    this.#open.delete(key);
    episode.endedAt = Math.max(at, episode.startedAt);
    episode.dirty = true;
    this.#ended.push(episode);
    this.#tell(episode, false);
  }

  #tell({ gateway, kind }: Episode, begun: boolean): void {
    for (const listener of this.#listeners) listener(gateway, kind, begun);
  }

  #write(episode: Episode): void {
    const moving = {
      from_offset: episode.from,
      to_offset: episode.to,
      times: episode.times,
      count: episode.count,
      ended_at: episode.endedAt,
    };
    const { id, gateway, kind, lane, epoch, reason } = episode;
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("findings")
        .values({ id, gateway, kind, lane, epoch, reason, started_at: episode.startedAt, ...moving })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(moving)),
    );
  }

  #prune(gateway: GatewayId): void {
    const { kysely, sync } = this.#db;
    const oldest = sync.get(
      kysely
        .selectFrom("findings")
        .select("started_at")
        .where("gateway", "=", gateway)
        .orderBy("started_at", "desc")
        .offset(KEPT)
        .limit(1),
    );
    if (oldest !== undefined)
      sync.run(
        kysely.deleteFrom("findings").where("gateway", "=", gateway).where("started_at", "<=", oldest.started_at),
      );
  }

  /** A process that died could not end what went on: nothing is known of it beyond its last sign. */
  #endThoseOfBefore(): void {
    const { kysely, sync } = this.#db;
    sync.run(kysely.updateTable("findings").set({ ended_at: this.#clock.now() }).where("ended_at", "is", null));
  }
}
