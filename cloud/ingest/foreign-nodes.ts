import type { Clock } from "#core/clock.ts";
import type { BatchIdentity } from "#core/contracts/batch.ts";
import { deviceOf, type GatewayId, newEpoch, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import { DataType } from "#core/sparkplug/datatype.ts";
import type { ResolvedMetric } from "#core/sparkplug/metric-table.ts";
import { UNITS, unitByHaystack, unitById } from "#core/units.ts";
import { BuiltQueries } from "../db/built.ts";
import type { Db } from "../db/database.ts";
import type { Compilable } from "../db/sync.ts";
import { isPointMetric, pointIdOf } from "./samples.ts";
import type { IngestTables } from "./tables.ts";

/** Points kept of one foreign node and of all. */
const MAX_NODE_POINTS = 20_000;
const MAX_POINTS = 100_000;
/** How often a point that is declared again and again is written down as seen. */
const WRITE_SEEN_MS = 24 * 3_600_000;
const MAX_NAME = 200;
/** Metric properties that name a unit: ours, and that of Ignition. */
const UNIT_PROPERTIES = ["unit", "engUnit"];
const PROTOCOL = "sparkplug";

/** What ForeignNodes works with. */
export interface ForeignNodesDeps {
  readonly db: Db;
  /** Is `<site>/<edge node>` registered as foreign, and where do its points lie? Asked for each of its messages. */
  readonly nodeOf: (id: string) => { readonly space: string } | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Row = IngestTables["foreign_points"];

function kindOf(datatype: DataType | undefined): Row["kind"] | undefined {
  if (datatype === undefined) return undefined;
  if (datatype === DataType.Boolean) return "boolean";
  if (datatype === DataType.String || datatype === DataType.Text || datatype === DataType.UUID) return "string";
  return datatype <= DataType.Double || datatype === DataType.DateTime ? "number" : undefined;
}

function unitOf({ properties }: ResolvedMetric): string | null {
  for (const name of UNIT_PROPERTIES) {
    const text = properties?.[name]?.value;
    if (typeof text !== "string") continue;
    const unit = unitById(text) ?? UNITS.find(({ symbol }) => symbol === text) ?? unitByHaystack(text);
    if (unit !== undefined) return unit.id;
  }
  return null;
}

const byId = <T extends { readonly id: string }>(entries: T[]): readonly T[] =>
  entries.sort((a, b) => (a.id < b.id ? -1 : 1));

/**
 * Edge nodes of other makers: what their births declare becomes points, listed beside those of the site, and what they send
 * is stored under offsets that the cloud mints, in an epoch of this run of the cloud. They number nothing themselves, so
 * nobody can tell what of theirs is missing: completeness is unknown.
 */
export class ForeignNodes {
  readonly #deps: ForeignNodesDeps;
  readonly #queries = new BuiltQueries();
  readonly #rows = new Map<PointId, Row>();
  /** Points by node. */
  readonly #counts = new Map<string, number>();
  /** Offsets given out, by node. Only registered nodes. */
  readonly #offsets = new Map<GatewayId, { readonly epoch: string; last: number }>();
  readonly #listeners = new Set<() => void>();
  #devices: ReadonlyMap<string, Device> | undefined;
  #points: ReadonlyMap<string, Point> | undefined;

  constructor(deps: ForeignNodesDeps) {
    this.#deps = deps;
    const { db } = deps;
    for (const row of db.sync.all(db.kysely.selectFrom("foreign_points").selectAll())) this.#keep(row);
  }

  /** Is this a registered edge node of somebody else? */
  isForeign(node: string): boolean {
    return this.#deps.nodeOf(node) !== undefined;
  }

  /** Notes the points of a birth, before their values are told. `device` is undefined for the node itself. */
  born(node: string, device: string | undefined, metrics: readonly ResolvedMetric[]): void {
    const { db, clock, logger } = this.#deps;
    const now = clock.now();
    const changed = metrics.flatMap((metric) => this.#changed(node, device, metric, now));
    const room = Math.max(0, Math.min(MAX_NODE_POINTS - (this.#counts.get(node) ?? 0), MAX_POINTS - this.#rows.size));
    const added = changed.filter(({ id }) => !this.#rows.has(id as PointId));
    const refused = new Set(added.slice(room));
    if (refused.size > 0) logger.warn({ node, device, refused: refused.size }, "too many points of a foreign node");
    const written = changed.filter((row) => !refused.has(row));
    if (written.length === 0) return;
    db.sync.transaction(() => {
      for (const row of written) db.sync.run(this.#upsert(row));
    });
    const listed = written.some((row) => !sameListing(this.#rows.get(row.id as PointId), row));
    for (const row of written) this.#keep(row);
    if (listed) this.#tell();
  }

  #upsert({ id, node, device, metric, kind, unit, seen_at: seenAt }: Row): Compilable<unknown> {
    return this.#queries.with("upsert", [id, node, device, metric, kind, unit, seenAt], () =>
      this.#deps.db.kysely
        .insertInto("foreign_points")
        .values({ id, node, device, metric, kind, unit, seen_at: seenAt })
        .onConflict((conflict) =>
          conflict.column("id").doUpdateSet((e) => ({
            node: e.ref("excluded.node"),
            device: e.ref("excluded.device"),
            metric: e.ref("excluded.metric"),
            kind: e.ref("excluded.kind"),
            unit: e.ref("excluded.unit"),
            seen_at: e.ref("excluded.seen_at"),
          })),
        ),
    );
  }

  /** Those metrics of a message whose points are known. */
  known(node: string, device: string | undefined, metrics: readonly ResolvedMetric[]): ResolvedMetric[] {
    return metrics.filter(({ name }) => isPointMetric(name) && this.#rows.has(pointIdOf(node, device, name)));
  }

  /** Offsets for so many samples of a node. */
  mint(node: GatewayId, count: number): BatchIdentity {
    const offsets = this.#offsets.get(node) ?? { epoch: newEpoch(), last: 0 };
    this.#offsets.set(node, offsets);
    const first = offsets.last + 1;
    offsets.last += count;
    return { epoch: offsets.epoch, first, last: offsets.last };
  }

  /** The node is no longer registered: its points are not listed any more. What is stored of them stays. */
  forget(node: GatewayId): void {
    const { db } = this.#deps;
    db.sync.run(db.kysely.deleteFrom("foreign_points").where("node", "=", node));
    for (const [id, row] of this.#rows) if (row.node === node) this.#rows.delete(id);
    this.#counts.delete(node);
    this.#offsets.delete(node);
    this.#tell();
  }

  /** Calls back when devices or points have changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** One device for each Sparkplug device, and one for the node itself where it has metrics; by id. */
  devices(): ReadonlyMap<string, Device> {
    if (this.#devices !== undefined) return this.#devices;
    const devices = new Map<string, Device>();
    for (const [point, { node, device }] of this.#rows) {
      const id = deviceOf(point);
      const space = this.#deps.nodeOf(node)?.space;
      if (devices.has(id) || space === undefined) continue;
      const name = (device === "" ? node.slice(node.indexOf("/") + 1) : device).slice(0, MAX_NAME);
      const names = { name, nameEn: name };
      devices.set(id, { id, channel: PROTOCOL, protocol: PROTOCOL, ...names, space, kind: "foreign", config: {} });
    }
    this.#devices = new Map(byId([...devices.values()]).map((device) => [device.id, device]));
    return this.#devices;
  }

  /** Points of registered foreign nodes by id. None can be written. */
  points(): ReadonlyMap<string, Point> {
    if (this.#points !== undefined) return this.#points;
    const points: Point[] = [];
    for (const [id, { node, metric, kind, unit }] of this.#rows) {
      const space = this.#deps.nodeOf(node)?.space;
      if (space === undefined) continue;
      const name = metric.slice(0, MAX_NAME);
      points.push({
        id,
        name,
        nameEn: name,
        kind,
        ...(unit === null ? {} : { unit }),
        space,
        tags: [],
        writable: false,
        revision: 1,
        address: { metric },
      });
    }
    this.#points = new Map(byId(points).map((point) => [point.id, point]));
    return this.#points;
  }

  /** The row of a metric where it is new, or differs from what is kept. */
  #changed(node: string, device: string | undefined, metric: ResolvedMetric, now: number): Row[] {
    const kind = isPointMetric(metric.name) ? kindOf(metric.datatype) : undefined;
    if (kind === undefined) return [];
    const id = pointIdOf(node, device, metric.name);
    const unit = unitOf(metric);
    const row: Row = { id, node, device: device ?? "", metric: metric.name, kind, unit, seen_at: now };
    const kept = this.#rows.get(id);
    return sameListing(kept, row) && now - (kept?.seen_at ?? 0) < WRITE_SEEN_MS ? [] : [row];
  }

  #keep(row: Row): void {
    const id = row.id as PointId;
    if (!this.#rows.has(id)) this.#counts.set(row.node, (this.#counts.get(row.node) ?? 0) + 1);
    this.#rows.set(id, row);
  }

  #tell(): void {
    this.#devices = undefined;
    this.#points = undefined;
    for (const listener of this.#listeners) listener();
  }
}

function sameListing(a: Row | undefined, b: Row): boolean {
  return a !== undefined && a.kind === b.kind && a.unit === b.unit;
}
