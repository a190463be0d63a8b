import type { Clock } from "#core/clock.ts";
import type { DeviceView } from "#core/contracts/devices.ts";
import type { PointView } from "#core/contracts/points.ts";
import { type DeviceId, deviceOf, type GatewayId, gatewayOf, type PointId } from "#core/ids.ts";
import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import { SampleAppender, type SampleColumns } from "#core/model/sample-columns.ts";
import { pageById } from "../paging.ts";
import type { LiveBus, LiveChange, PageRequest, PageResult, SiteCatalog, StateService, Visible } from "../ports.ts";
import type { PointDirectory } from "../telemetry-ports.ts";
import { iso } from "../time.ts";
import type { ChangedValues } from "./kept-values.ts";
import { LiveValues, type Reachability } from "./values.ts";

/** How many changed points are told at once, and how long the others wait, ms: a flood is told as often as the bus can take it. */
const TOLD_AT_ONCE = 1000;
const TELL_MS = 10;

export interface StateDeps {
  readonly catalog: Pick<SiteCatalog, "points" | "point" | "devices" | "device" | "onChange">;
  readonly points: PointDirectory;
  readonly clock: Clock;
  readonly bus: LiveBus;
  /** Is the gateway's presence known to be good now? A point of an absent gateway is never shown as good. */
  readonly isOnline: (gateway: GatewayId) => boolean;
}

/** A changed point. Its view is built only when somebody reads it, and is of then: one serves for all changes of a point. */
class PointChange implements LiveChange {
  readonly kind = "points";
  readonly #point: Point;
  readonly #view: (point: Point) => PointView;

  constructor(point: Point, view: (point: Point) => PointView) {
    this.#point = point;
    this.#view = view;
  }

  get id(): string {
    return this.#point.id;
  }
  get space(): string {
    return this.#point.space;
  }
  get item(): PointView {
    return this.#view(this.#point);
  }
}

/** Current values and reachability of devices, from births and live samples. */
export class CurrentState implements StateService {
  readonly #deps: StateDeps;
  readonly #values = new LiveValues();
  /** Ids of devices in the order in which the values know them, and by id the numbers of their points. */
  #devices: readonly string[] = [];
  #pointsOfDevice: ReadonlyMap<string, readonly number[]> = new Map();
  /** What is told of the points of the site, by their number. */
  #byNumber: (PointChange | undefined)[] = [];
  /** Devices whose gateway says that they are gone, and since when, Unix ms. */
  readonly #dead = new Map<string, number>();
  /** Told in the running TELL_MS. */
  #told = 0;
  #toldSince = Number.NEGATIVE_INFINITY;
  #cancelTelling: (() => void) | undefined;

  constructor(deps: StateDeps) {
    this.#deps = deps;
    this.#index();
    deps.catalog.onChange(() => this.#index());
  }

  /** Takes live samples, the historical ones among the rows left out, and tells who looks. Samples of unknown points are kept out. */
  takeRows(columns: SampleColumns, from: number, to: number): void {
    this.#values.take(columns, from, to);
    this.#tell();
  }

  /** As `takeRows`, for samples that are objects already. */
  take(samples: readonly Sample[]): void {
    const columns = this.#columnsOf(samples);
    this.takeRows(columns, 0, columns.length);
  }

  /** Takes the values of a birth: they hold now, also where their times are older than what is held. Order is never by clock. */
  takeBirth(samples: readonly Sample[]): void {
    if (this.#dead.size > 0) for (const { point } of samples) this.#dead.delete(deviceOf(point));
    this.#values.takeBirth(this.#columnsOf(samples));
    this.#tell();
  }

  /**
   * A device is gone, says its gateway: its points are stale until its next birth.
   * [Sparkplug tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale]
   */
  deviceDead(device: DeviceId, at: number): void {
    if (!this.#pointsOfDevice.has(device)) return;
    this.#dead.set(device, at);
    for (const number of this.#pointsOfDevice.get(device) ?? []) this.#publish(number);
    this.#publishDevice(device);
  }

  #columnsOf(samples: readonly Sample[]): SampleColumns {
    const { catalog, points } = this.#deps;
    const appender = new SampleAppender();
    for (const sample of samples)
      if (catalog.point(sample.point) !== undefined) appender.sample(points.numberOf(sample.point), sample);
    return appender.columns;
  }

  /** Tells who looks what has changed, each point once; of more than may be told at once the rest follows. */
  #tell(): void {
    const { clock } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#toldSince >= TELL_MS) {
      this.#toldSince = now;
      this.#told = 0;
    }
    const changed = this.#values.drainChanged(TOLD_AT_ONCE - this.#told);
    this.#told += changed.length;
    for (const number of changed) this.#publish(number);
    for (const device of this.#values.drainDevices()) this.#publishDevice(this.#devices[device] ?? "");
    if (this.#values.changed === 0 || this.#cancelTelling !== undefined) return;
    this.#cancelTelling = clock.after(TELL_MS, () => {
      this.#cancelTelling = undefined;
      this.#tell();
    });
  }

  /** Tells who looks that all points of a gateway have changed, because its presence has. */
  gatewayChanged(gateway: GatewayId): void {
    const { catalog, points } = this.#deps;
    for (const { id } of catalog.points())
      if (id.startsWith(`${gateway}/`)) this.#publish(points.numberOf(id as PointId));
    for (const device of catalog.devices()) if (device.id.startsWith(`${gateway}/`)) this.#publishDevice(device.id);
  }

  /** The newest sample of a point as it came, for rules and commands. */
  sample(point: string): Sample | undefined {
    const { catalog, points } = this.#deps;
    // Only known points are asked for by number: a question must not make a number.
    if (catalog.point(point) === undefined) return undefined;
    const id = point as PointId;
    return this.#values.get(points.numberOf(id), id);
  }

  /** What has changed since a revision, for keeping it over a restart; since 0: everything held. */
  changedSince(revision: number): ChangedValues {
    return { revision: this.#values.revision, samples: this.#samplesSince(revision) };
  }

  *#samplesSince(revision: number): Generator<Sample> {
    for (const number of this.#values.since(revision)) {
      const sample = this.#values.get(number, this.#deps.points.pointOf(number));
      if (sample !== undefined) yield sample;
    }
  }

  current(point: string): PointView["current"] {
    const sample = this.sample(point);
    if (sample === undefined) return { value: null, quality: "bad", reason: "noValue", observedAt: null };
    const { value, quality, reason, sourceTime, observedAt } = sample;
    const times = { ...(sourceTime === undefined ? {} : { sourceTime: iso(sourceTime) }), observedAt: iso(observedAt) };
    // [ISA-18.2 AL-16] A silent source is never normal: the last value stays, marked.
    if (quality === "good" && !this.#isHeard(point as PointId))
      return { value, quality: "uncertain", reason: "stale", ...times };
    return { value, quality, ...(reason === undefined ? {} : { reason }), ...times };
  }

  #isHeard(point: PointId): boolean {
    return this.#deps.isOnline(gatewayOf(point)) && !this.#dead.has(deviceOf(point));
  }

  points(
    query: PageRequest & { q?: string; device?: string; gateway?: string; visible: Visible },
  ): PageResult<PointView> {
    const needle = query.q?.toLowerCase();
    const wanted = this.#deps.catalog.points().filter((point) => {
      if (query.visible !== "all" && !query.visible.has(point.space)) return false;
      if (query.device !== undefined && deviceOf(point.id as PointId) !== query.device) return false;
      if (query.gateway !== undefined && gatewayOf(point.id as PointId) !== query.gateway) return false;
      return (
        needle === undefined || [point.id, point.name, point.nameEn].some((text) => text.toLowerCase().includes(needle))
      );
    });
    const page = pageById(wanted, (point) => point.id, query);
    return { ...page, items: page.items.map((point) => this.#view(point)) };
  }

  point(id: string): PointView | undefined {
    const point = this.#deps.catalog.point(id);
    return point && this.#view(point);
  }

  devices(query: PageRequest & { visible: Visible }): PageResult<DeviceView> {
    const { visible } = query;
    const wanted = this.#deps.catalog.devices().filter((device) => visible === "all" || visible.has(device.space));
    const page = pageById(wanted, (device) => device.id, query);
    return { ...page, items: page.items.map((device) => this.#deviceView(device)) };
  }

  device(id: string): DeviceView | undefined {
    const device = this.#deps.catalog.device(id);
    return device && this.#deviceView(device);
  }

  #index(): void {
    const { catalog, points } = this.#deps;
    const ids = catalog.points().map((point) => point.id as PointId);
    this.#byNumber = [];
    for (const point of catalog.points())
      this.#byNumber[points.numberOf(point.id as PointId)] = new PointChange(point, this.#viewOf);
    const byDevice = Map.groupBy(ids, (id) => deviceOf(id) as string);
    this.#pointsOfDevice = new Map([...byDevice].map(([device, of]) => [device, of.map((id) => points.numberOf(id))]));
    this.#devices = [...this.#pointsOfDevice.keys()];
    this.#values.setDevices([...this.#pointsOfDevice.values()]);
  }

  #publish(point: number): void {
    const change = this.#byNumber[point];
    if (change !== undefined) this.#deps.bus.publish(change);
  }

  #publishDevice(id: string): void {
    const device = this.#deps.catalog.device(id);
    if (device) this.#deps.bus.publish({ kind: "devices", id, space: device.space, item: this.#deviceView(device) });
  }

  readonly #viewOf = (point: Point): PointView => this.#view(point);

  #view(point: Point): PointView {
    const id = point.id as PointId;
    const device = deviceOf(id);
    const {
      address: _address,
      scale: _scale,
      offset: _offset,
      deadband: _deadband,
      staleAfterMs: _stale,
      priority: _priority,
      ...shown
    } = point;
    return {
      ...shown,
      device,
      gateway: gatewayOf(id),
      protocol: this.#deps.catalog.device(device)?.protocol ?? "",
      unit: point.unit ?? null,
      current: this.current(point.id),
    };
  }

  #deviceView(device: Device): DeviceView {
    const points = this.#pointsOfDevice.get(device.id) ?? [];
    const gateway = gatewayOf(device.id as PointId);
    const dead = this.#dead.get(device.id);
    const reach: Reachability =
      dead === undefined
        ? this.#values.reachability(points)
        : { known: true, online: false, reason: "commLost", since: dead };
    const online = reach.online && this.#deps.isOnline(gateway);
    const reason = reach.online && !online ? "gatewayOffline" : reach.reason;
    return {
      id: device.id,
      gateway,
      protocol: device.protocol,
      kind: device.kind,
      name: device.name,
      nameEn: device.nameEn,
      space: device.space,
      online,
      ...(reason === undefined ? {} : { reason }),
      ...(reach.since === undefined ? {} : { since: iso(reach.since) }),
      points: points.length,
    };
  }
}
