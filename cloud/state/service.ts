import type { DeviceView, PointView } from "#core/contracts/http.ts";
import { deviceOf, type GatewayId, gatewayOf, type PointId } from "#core/ids.ts";
import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import { pageById } from "../paging.ts";
import type { LiveBus, PageRequest, PageResult, SiteCatalog, StateService, Visible } from "../ports.ts";
import { iso } from "../time.ts";
import { LiveValues } from "./values.ts";

export interface StateDeps {
  readonly catalog: SiteCatalog;
  readonly bus: LiveBus;
  /** Is the gateway's presence known to be good now? A point of an absent gateway is never shown as good. */
  readonly isOnline: (gateway: GatewayId) => boolean;
}

/** Current values and reachability of devices, from births and live samples. */
export class CurrentState implements StateService {
  readonly #deps: StateDeps;
  readonly #values = new LiveValues();
  #pointsOfDevice: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(deps: StateDeps) {
    this.#deps = deps;
    this.#index();
    deps.catalog.onChange(() => this.#index());
  }

  /** Takes live samples (never historical ones) and tells who looks. Samples of unknown points are kept out. */
  take(samples: readonly Sample[]): void {
    this.#take(samples, (sample) => this.#values.take(sample));
  }

  /** Takes the values of a birth: they hold now, also where their times are older than what is held. Order is never by clock. */
  takeBirth(samples: readonly Sample[]): void {
    this.#take(samples, (sample) => this.#values.takeBirth(sample));
  }

  #take(samples: readonly Sample[], takes: (sample: Sample) => boolean): void {
    const devices = new Map<string, boolean>();
    for (const sample of samples) {
      const point = this.#deps.catalog.point(sample.point);
      if (point === undefined) continue;
      const device = deviceOf(sample.point);
      if (!devices.has(device)) devices.set(device, this.#online(device));
      if (!takes(sample)) continue;
      this.#publish(point);
    }
    for (const [device, before] of devices) if (this.#online(device) !== before) this.#publishDevice(device);
  }

  /** Tells who looks that all points of a gateway have changed, because its presence has. */
  gatewayChanged(gateway: GatewayId): void {
    for (const point of this.#deps.catalog.points())
      if (gatewayOf(point.id as PointId) === gateway) this.#publish(point);
    for (const device of this.#deps.catalog.devices())
      if (device.id.startsWith(`${gateway}/`)) this.#publishDevice(device.id);
  }

  /** The newest sample of a point as it came, for rules and commands. */
  sample(point: string): Sample | undefined {
    return this.#values.get(point);
  }

  /** Everything held, for keeping it over a restart. */
  samples(): Iterable<Sample> {
    return this.#values.all();
  }

  current(point: string): PointView["current"] {
    const sample = this.#values.get(point);
    if (sample === undefined) return { value: null, quality: "bad", reason: "noValue", observedAt: null };
    const { value, quality, reason, sourceTime, observedAt } = sample;
    const times = { ...(sourceTime === undefined ? {} : { sourceTime: iso(sourceTime) }), observedAt: iso(observedAt) };
    // [ISA-18.2 AL-16] A silent source is never normal: the last value stays, marked.
    if (quality === "good" && !this.#deps.isOnline(gatewayOf(point as PointId)))
      return { value, quality: "uncertain", reason: "stale", ...times };
    return { value, quality, ...(reason === undefined ? {} : { reason }), ...times };
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
    const ids = this.#deps.catalog.points().map((point) => point.id);
    this.#pointsOfDevice = Map.groupBy(ids, (id) => deviceOf(id as PointId) as string);
  }

  #online(device: string): boolean {
    return this.#values.reachability(this.#pointsOfDevice.get(device) ?? []).online;
  }

  #publish(point: Point): void {
    const { id, space } = point;
    const view = (): PointView => this.#view(point);
    // The view is built only when somebody reads it: most changes are looked at by nobody.
    this.#deps.bus.publish({
      kind: "points",
      id,
      space,
      get item() {
        return view();
      },
    });
  }

  #publishDevice(id: string): void {
    const device = this.#deps.catalog.device(id);
    if (device) this.#deps.bus.publish({ kind: "devices", id, space: device.space, item: this.#deviceView(device) });
  }

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
    const reach = this.#values.reachability(points);
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
