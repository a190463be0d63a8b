import type { Static } from "typebox";
import type { Completeness, QuarantineView } from "#core/contracts/completeness.ts";
import type { GapView, GatewayView } from "#core/contracts/gateways.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import type { GatewayId } from "#core/ids.ts";
import { addRange, missingIn, type Range, sizeOf } from "../db/ranges.ts";
import type { GatewayService, LiveBus, PageRequest, PageResult, SiteCatalog } from "../ports.ts";
import type { TelemetryStore } from "../telemetry-ports.ts";
import { iso } from "../time.ts";

/** One cursor as the report needs it. */
export interface LaneProgress {
  readonly lane: Lane;
  readonly epoch: string;
  readonly from: number;
  readonly upTo: number;
  readonly covered: readonly Range[];
  readonly highest: number;
  readonly stored: number;
  readonly duplicates: number;
}

/** A gap as ingest has recorded it; `at` is Unix ms. */
export interface KnownGap extends Range {
  readonly lane: Lane;
  readonly epoch: string;
  readonly reason: string;
  readonly at: number;
}

/** What ingest knows of gateways. */
export interface GatewayKnowledge {
  readonly cursors: {
    of(gateway: string): readonly LaneProgress[];
    current(gateway: string, lane: Lane): LaneProgress | undefined;
  };
  readonly gaps: { of(gateway: string): readonly KnownGap[]; recent(gateway: string): readonly KnownGap[] };
  readonly rows: {
    get(gateway: string): {
      readonly configVersion: number;
      readonly configErrors: readonly string[];
      readonly quarantined: number;
    };
  };
  readonly quarantine: {
    list(gateway: string, page: PageRequest): PageResult<QuarantineView>;
    bytesOf(gateway: string, id: number): Uint8Array | undefined;
  };
  healthOf(gateway: GatewayId): ReadonlyMap<string, number | string | boolean>;
}

/** What the service works with. */
export interface GatewayServiceDeps {
  readonly catalog: SiteCatalog;
  readonly knowledge: GatewayKnowledge;
  readonly presence: { isOnline(gateway: GatewayId): boolean; lastSeenAt(gateway: GatewayId): number | null };
  readonly store: TelemetryStore;
  readonly credentials: { verify(username: string, password: string): Promise<GatewayId | undefined> };
  readonly bus: LiveBus;
}

/** Latest time that can be written as a date. [ECMA-262 21.4.1.1] */
const LATEST_TIME_MS = 8.64e15;

type LaneReport = Completeness["lanes"][number];

/** Gateways as people see them: presence, backlog, configuration, and the proof that nothing is missing. */
export class CloudGatewayService implements GatewayService {
  readonly #deps: GatewayServiceDeps;
  constructor(deps: GatewayServiceDeps) {
    this.#deps = deps;
  }

  list(): readonly GatewayView[] {
    return this.#deps.catalog.gateways().map((gateway) => this.#view(gateway));
  }

  get(id: string): GatewayView | undefined {
    const gateway = this.#deps.catalog.gateways().find((known) => known.id === id);
    return gateway === undefined ? undefined : this.#view(gateway);
  }

  /** Publishes the gateway's present view to the pages that show it. */
  publish(id: GatewayId): void {
    const item = this.get(id);
    if (item !== undefined) this.#deps.bus.publish({ kind: "gateways", id, item });
  }

  async completeness(id: string): Promise<Completeness | undefined> {
    const gateway = this.#deps.catalog.gateways().find((known) => known.id === id);
    if (gateway === undefined) return undefined;
    const { knowledge, store } = this.#deps;
    const stored = Map.groupBy(await store.ranges(gateway.id), ({ epoch }) => epoch);
    const gaps = knowledge.gaps.of(id).map(gapView);
    const lanes = knowledge.cursors.of(id).map((progress): LaneReport => {
      const own = gaps.filter((gap) => gap.lane === progress.lane && gap.epoch === progress.epoch);
      return progress.lane === "telemetry"
        ? telemetryReport(progress, stored.get(progress.epoch) ?? [], own)
        : report(progress, progress.covered, progress.stored, own);
    });
    // A crash between the two commits leaves an epoch that only the store knows.
    for (const [epoch, ranges] of stored)
      if (!lanes.some((lane) => lane.lane === "telemetry" && lane.epoch === epoch))
        lanes.push(unknownEpoch(epoch, ranges));
    return { gateway: id, lanes };
  }

  quarantine(id: string, page: PageRequest): PageResult<QuarantineView> {
    return this.#deps.knowledge.quarantine.list(id, page);
  }

  quarantinedBytes(id: string, row: number): Uint8Array | undefined {
    return this.#deps.knowledge.quarantine.bytesOf(id, row);
  }

  async authenticate(username: string, password: string): Promise<boolean> {
    return (await this.#deps.credentials.verify(username, password)) !== undefined;
  }

  #view({ id, name, nameEn }: { id: GatewayId; name: string; nameEn: string }): GatewayView {
    const { knowledge, presence, catalog } = this.#deps;
    const { configVersion, configErrors, quarantined } = knowledge.rows.get(id);
    const health = knowledge.healthOf(id);
    const count = (metric: string): number => Math.round(Number(health.get(metric) ?? 0)) || 0;
    const acked = (lane: Lane): { epoch: string; offset: number } | null => {
      const cursor = knowledge.cursors.current(id, lane);
      return cursor === undefined ? null : { epoch: cursor.epoch, offset: cursor.upTo };
    };
    const lastSeenAt = presence.lastSeenAt(id);
    return {
      id,
      name,
      nameEn,
      online: presence.isOnline(id),
      lastSeenAt: lastSeenAt === null ? null : iso(lastSeenAt),
      configVersion,
      configWanted: catalog.bundle(id)?.bundle.version ?? catalog.version,
      configErrors: [...configErrors],
      backlog: { telemetry: count("Health/backlogTelemetry"), events: count("Health/backlogEvents") },
      ...drainOf(health),
      acked: { telemetry: acked("telemetry"), events: acked("events") },
      gaps: knowledge.gaps.recent(id).map(gapView),
      quarantined,
    };
  }
}

/** What the gateway says of how its outbox empties; nothing for one that does not say. */
function drainOf(health: ReadonlyMap<string, number | string | boolean>): Pick<GatewayView, "drain"> {
  const number = (name: string): number => Number(health.get(`Health/${name}`) ?? Number.NaN);
  const [bytes, oldestAt, perS, doneInS] = [
    number("backlogBytes"),
    number("oldestUnackedAt"),
    number("drainPerS"),
    number("drainedInS"),
  ];
  if (![bytes, oldestAt, perS, doneInS].every(Number.isFinite)) return {};
  return {
    drain: {
      bytes: Math.max(0, Math.round(bytes)),
      oldestAt: oldestAt > 0 && oldestAt < LATEST_TIME_MS ? iso(oldestAt) : null,
      perS: Math.max(0, perS),
      doneInS: doneInS < 0 ? null : doneInS,
    },
  };
}

function gapView({ lane, epoch, from, to, reason, at }: KnownGap): Static<typeof GapView> {
  return { lane, epoch, from, to, reason, at: iso(at) };
}

function report(
  { lane, epoch, from, highest, duplicates }: LaneProgress,
  present: readonly Range[],
  stored: number,
  gaps: readonly Static<typeof GapView>[],
): LaneReport {
  const missing = highest < from ? [] : missingIn(present, { from, to: highest });
  return { lane, epoch, from, upTo: highest, stored, duplicates, missing: [...missing], gaps: [...gaps] };
}

/** For telemetry the store itself is asked: a cursor that says "stored" proves nothing. */
function telemetryReport(
  progress: LaneProgress,
  ranges: readonly Range[],
  gaps: readonly Static<typeof GapView>[],
): LaneReport {
  const present = gaps.reduce((all, gap) => addRange(all, gap).ranges, ranges);
  const highest = Math.max(progress.highest, ranges.at(-1)?.to ?? 0);
  return report({ ...progress, highest }, present, sizeOf(ranges), gaps);
}

function unknownEpoch(epoch: string, ranges: readonly Range[]): LaneReport {
  const from = ranges[0]?.from ?? 0;
  const highest = ranges.at(-1)?.to ?? from;
  const progress = {
    lane: "telemetry",
    epoch,
    from,
    upTo: from,
    covered: [],
    highest,
    stored: 0,
    duplicates: 0,
  } as const;
  return telemetryReport(progress, ranges, []);
}
