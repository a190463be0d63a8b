import type { Clock } from "#core/clock.ts";
import { type DeviceId, newId, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverDeps,
  WriteRequest,
  WriteResult,
} from "../../driver.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, SEGMENTATION } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import type { CovNotification } from "../codec/services/cov.ts";
import type { IAm } from "../codec/services/discovery.ts";
import type { EventNotification } from "../codec/services/event-notification.ts";
import { encodeReadProperty } from "../codec/services/property.ts";
import type { BacnetAddress, BacnetDevice } from "../config.ts";
import type { Counters } from "../counters.ts";
import type { Settings } from "../settings.ts";
import type { Station } from "../station/ports.ts";
import { Abilities } from "./abilities.ts";
import { deviceCommunicationControl, reinitializeDevice } from "./control/control.ts";
import { type DeviceServiceDeps, DeviceServices } from "./device-services.ts";
import { type Reading, targetOf } from "./map.ts";
import type { DeviceMemory } from "./memory.ts";
import type { BoundPoint } from "./point-board.ts";
import { SampleBook } from "./sample-book.ts";
import { Session } from "./session.ts";
import { Healer } from "./trends/healing.ts";
import type { TrendMemory } from "./trends/trend-memory.ts";
import { hasLeft, Whereabouts } from "./whereabouts.ts";
import type { LeaseKeeper } from "./writing/lease-keeper.ts";
import { writeLeased } from "./writing/leased-write.ts";
import type { PriorityView } from "./writing/priority-array.ts";

/** What a link needs of the client. */
export interface LinkDeps
  extends Pick<DriverDeps, "onSamples" | "onDevice" | "onConditions" | "onEvent" | "onHistory" | "storeEvent">,
    Pick<DeviceServiceDeps, "recipientAt"> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly station: Station;
  readonly processId: number;
  readonly formerProcessId: number | undefined;
  readonly memory: DeviceMemory;
  readonly leases: LeaseKeeper;
  readonly trends: TrendMemory;
}

/** Condition of a device whose instance a second device claims too. */
export const DUPLICATE_INSTANCE = "duplicateInstance";

// restarts are taken from I-Am, which others may provoke with a Who-Is: not more often than this, and ever more rarely
const RESYNC_PAUSE_MS = 5000;
const LONGEST_RESYNC_PAUSE_MS = 60_000;
const QUIET_MS = 600_000;

/** Keeps in touch with one device: finds it by its instance, observes it, loses it, finds it again. Delivers all its samples. */
export class DeviceLink {
  readonly device: DeviceId;
  readonly instance: number;
  readonly #deps: LinkDeps;
  readonly #whereabouts: Whereabouts;
  readonly #points: ReadonlyMap<PointId, BoundPoint>;
  readonly #samples: SampleBook;
  readonly #healer: Healer;
  readonly #services: DeviceServices;
  readonly #password: string | undefined;
  #abilities: Abilities | undefined;
  #session: Session | undefined;
  #online: boolean | undefined;
  #reason = "the device does not answer Who-Is";
  #searches = 0;
  #cancelTimer: () => void = () => {};
  #cancelResync: (() => void) | undefined;
  #resyncAllowedAt = 0;
  #resyncPauseMs = RESYNC_PAUSE_MS;
  #duplicate: { readonly condition: FieldCondition; readonly cancel: () => void } | undefined;
  #verifying = false;
  #closed = false;

  constructor(binding: DeviceBinding<BacnetDevice, BacnetAddress>, deps: LinkDeps) {
    const { device, config, points } = binding;
    this.device = device;
    this.instance = config.instance;
    this.#deps = { ...deps, logger: deps.logger.child({ device, instance: config.instance }) };
    this.#whereabouts = new Whereabouts(config);
    this.#samples = new SampleBook(deps.clock, deps.onSamples);
    this.#password = config.password;
    this.#services = new DeviceServices({
      ...this.#deps,
      device,
      instance: config.instance,
      found: () => this.conditions,
    });
    this.#points = new Map(
      points.map(({ point, address: at, writable }) => [point, { point, writable, target: targetOf(at) }]),
    );
    this.#healer = new Healer({
      ...this.#deps,
      device,
      instance: config.instance,
      points: [...this.#points.values()],
      most: deps.settings.trendRecords,
    });
  }

  /** Begins to search. */
  begin(): void {
    this.#search(this.#deps.settings.retries);
  }

  has(point: string): boolean {
    return this.#points.has(point as PointId);
  }

  /** The session while the device is in touch. */
  get session(): Session | undefined {
    return this.#online === true ? this.#session : undefined;
  }

  /** Where it was seen last, else where it is configured; undefined where it is looked for everywhere. */
  get place(): Peer | undefined {
    return this.#whereabouts.first;
  }

  /** Conditions that the driver itself found at this device and that hold now. */
  get conditions(): readonly FieldCondition[] {
    return this.#duplicate === undefined ? [] : [this.#duplicate.condition];
  }

  /** Where the device is, was last or should be. */
  get peer(): Peer | undefined {
    return this.#session?.peer ?? this.#whereabouts.place;
  }

  /** When the device was last heard while its points were observed; undefined before the first time. */
  get heardAt(): number | undefined {
    return this.#healer.heardAt;
  }

  /** Is this the address where the device should be? */
  isExpectedAt(peer: Peer): boolean {
    return this.#whereabouts.isExpectedAt(peer);
  }

  /** The device said who it is, asked or not. */
  announced(iAm: IAm, peer: Peer): void {
    if (this.#closed) return;
    const session = this.#session;
    if (session === undefined) this.#connect(peer, iAm);
    else if (peerKey(session.peer) === peerKey(peer)) this.#resyncSoon(session);
    else void this.#verifyMove(session, peer, iAm);
  }

  /** The device told that it restarted. [BACnet 19.3] */
  restarted(from: Peer): boolean {
    const session = this.#session;
    if (session === undefined || peerKey(session.peer) !== peerKey(from)) return false;
    this.#resyncSoon(session);
    return true;
  }

  /** Another instance answered at our device's address. */
  refused(instance: number): void {
    const reason = `device ${instance} answers at the address of device ${this.instance}`;
    if (reason !== this.#reason) this.#deps.logger.warn({ found: instance }, "another device answers at this address");
    this.#reason = reason;
  }

  /** A COV notification of this device; false when it belongs to none of our subscriptions. */
  notified(from: Peer, notification: CovNotification): boolean {
    const taken = this.#session?.notified(from, notification) ?? false;
    this.#samples.flush();
    return taken;
  }

  /**
   * An alarm notification of this device; true when it is on the disk. Undefined when it comes from another address than the
   * device's. Also of a device that does not answer: it speaks, and nobody else will tell.
   */
  alarmed(from: Peer, notification: EventNotification): Promise<boolean> | undefined {
    const { peer } = this;
    if (this.#closed || peer === undefined || peerKey(peer) !== peerKey(from)) return undefined;
    return this.#services.notified(notification);
  }

  /** Performs an action on the device as a whole, on its alarms or schedules. Never rejects. */
  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const { clock, station } = this.#deps;
    const control = { clock, station, peer: this.peer, password: this.#password };
    if (request.action === "deviceCommunicationControl") return deviceCommunicationControl(request, control, signal);
    if (request.action === "reinitializeDevice") return reinitializeDevice(request, control, signal);
    return this.#services.act(request);
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const point = this.#points.get(request.point);
    if (point === undefined) return rejected("BACNET_POINT_UNKNOWN", `point ${request.point} is not bound`);
    if (!point.writable) return rejected("BACNET_POINT_READ_ONLY", `point ${request.point} is not writable`);
    const { leases, clock, settings } = this.#deps;
    const { instance } = this;
    return writeLeased(point, request, signal, { leases, clock, settings, instance, session: () => this.session });
  }

  /** Who commands a point; an error text when that cannot be told. */
  async priorities(id: string): Promise<PriorityView | string> {
    const point = this.#points.get(id as PointId);
    if (point === undefined) return `point ${id} is not bound`;
    const held = this.#deps.leases.leases.filter((lease) => lease.point === id);
    const view = await this.session?.priorities(point, held);
    if (view === undefined) return `device ${this.instance} does not answer`;
    return typeof view === "string" ? view : { at: this.#deps.clock.now(), point: id, ...view };
  }

  /** Stops; nothing is delivered afterwards. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#duplicate?.cancel();
    this.#samples.close();
    this.#services.close();
    this.#healer.close();
    this.#endSession();
    this.#abilities?.flush();
  }

  #search(retriesLeft: number): void {
    if (this.#closed) return;
    this.#whereabouts.ask(this.#deps.station);
    this.#cancelTimer = this.#deps.clock.after(this.#deps.settings.apduTimeoutMs, () => {
      if (retriesLeft > 0) this.#search(retriesLeft - 1);
      else this.#lost();
    });
  }

  #connect(peer: Peer, iAm: IAm): void {
    this.#cancelTimer();
    const { clock, counters, settings, station, processId, formerProcessId, memory } = this.#deps;
    const maxApdu = this.#whereabouts.maxApduOf(peer, iAm.maxApdu);
    this.#abilities?.flush();
    const abilities = new Abilities({ vendorId: iAm.vendorId, maxApdu }, memory.learned(this.instance), {
      clock,
      save: (learned) => memory.learn(this.instance, learned),
    });
    this.#abilities = abilities;
    const takesSegments = iAm.segmentation === SEGMENTATION.both || iAm.segmentation === SEGMENTATION.receive;
    const session: Session = new Session(peer, [...this.#points.values()], {
      clock,
      counters,
      settings,
      station,
      processId,
      formerProcessId,
      abilities,
      limits: { maxApdu, takesSegments },
      instance: this.instance,
      deliver: (point, reading) => this.#deliver(session, point, reading),
      vouch: (points) => {
        if (this.#session === session && !this.#closed) this.#samples.vouch(points);
      },
      onRestarted: () => {
        const { device } = this;
        this.#deps.onEvent({ id: newId(clock.now()), device, kind: "restarted", observedAt: clock.now() });
      },
      onRenewed: () => void this.#services.renewed(),
      onHeard: () => {
        if (this.#session === session) this.#healer.heard();
      },
      onObserving: (contact) => {
        void this.#services.begin(contact);
        void this.#healer.begin(contact);
      },
      onLost: () => this.#lost(),
    });
    this.#session = session;
    // further answers to the same search are no restart
    this.#resyncAllowedAt = clock.monotonic() + settings.apduTimeoutMs;
    void session.begin().then((reached) => {
      if (reached && this.#session === session) this.#reached(session);
    });
  }

  #reached({ peer }: Session): void {
    if (this.#online === false) this.#deps.counters.add("reconnects");
    this.#searches = 0;
    this.#whereabouts.seen(peer);
    this.#reason = "the device does not answer";
    this.#healer.reached();
    this.#tell(true);
    this.#samples.flush();
    this.#deps.leases.reachable(this.instance, peer);
  }

  /** Silent: every point is bad, and the search goes on with growing pauses. */
  #lost(): void {
    this.#endSession();
    this.#healer.lost();
    if (this.#closed) return;
    const { clock, settings } = this.#deps;
    this.#tell(false);
    for (const point of this.#points.values())
      this.#samples.take(point, { value: null, quality: "bad", reason: "commLost" });
    this.#samples.flush();
    const pauseMs = Math.min(settings.backoffMaxMs, settings.backoffMinMs * 2 ** Math.min(this.#searches, 20));
    this.#searches += 1;
    // jitter, so that devices that fell silent together are not searched together
    this.#cancelTimer = clock.after(pauseMs * (0.5 + 0.5 * Math.random()), () => this.#search(0));
  }

  #endSession(): void {
    this.#cancelResync?.();
    this.#cancelResync = undefined;
    this.#session?.end();
    this.#session = undefined;
  }

  // an I-Am without our asking is what a device sends when it starts [BACnet 16.10.3], and also what others' Who-Is brings
  #resyncSoon(session: Session): void {
    if (this.#cancelResync !== undefined || this.#online !== true) return;
    const { clock } = this.#deps;
    const now = clock.monotonic();
    if (now - this.#resyncAllowedAt > QUIET_MS) this.#resyncPauseMs = RESYNC_PAUSE_MS;
    this.#cancelResync = clock.after(Math.max(0, this.#resyncAllowedAt - now), () => {
      this.#cancelResync = undefined;
      this.#resyncAllowedAt = clock.monotonic() + this.#resyncPauseMs;
      this.#resyncPauseMs = Math.min(LONGEST_RESYNC_PAUSE_MS, 2 * this.#resyncPauseMs);
      void session.announced().then(() => this.#samples.flush());
    });
  }

  /** A second address claims our instance. While the first still answers, the claim is a duplicate and is refused. */
  async #verifyMove(session: Session, peer: Peer, iAm: IAm): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    const object = { type: OBJECT_TYPES.device, instance: this.instance };
    const outcome = await this.#deps.station.request({
      peer: session.peer,
      service: CONFIRMED.readProperty,
      body: encodeReadProperty({ object, property: PROPERTIES.objectIdentifier }),
      signal: session.signal,
    });
    this.#verifying = false;
    if (this.#closed || this.#session !== session) return;
    if (outcome.kind === "ack") this.#foundDuplicate(session.peer, peer);
    if (!hasLeft(outcome)) return;
    this.#deps.counters.add("rebinds");
    this.#deps.logger.info({ at: peerKey(session.peer), claimed: peerKey(peer) }, "device has a new address");
    this.#endSession();
    this.#connect(peer, iAm);
  }

  /** An alarm until the second device was silent for a while: two devices of one instance cannot be told apart by anybody. */
  #foundDuplicate(ours: Peer, other: Peer): void {
    const { clock, counters, logger, onConditions } = this.#deps;
    counters.add("duplicateInstance");
    const fields = { at: peerKey(ours), claimed: peerKey(other) };
    if (this.#duplicate === undefined) logger.warn(fields, "two devices claim the same instance");
    this.#duplicate?.cancel();
    const condition: FieldCondition = {
      device: this.device,
      condition: DUPLICATE_INSTANCE,
      active: true,
      category: "system",
      priority: "high",
      message: `BACnet ${this.instance}: ${fields.at} / ${fields.claimed}`,
      observedAt: clock.now(),
    };
    const cancel = clock.after(QUIET_MS, () => {
      this.#duplicate = undefined;
      const over = { ...condition, active: false, observedAt: clock.now() };
      onConditions({ device: this.device, complete: false, conditions: [over] });
    });
    const isNew = this.#duplicate === undefined;
    this.#duplicate = { condition, cancel };
    if (isNew) onConditions({ device: this.device, complete: false, conditions: [condition] });
  }

  #deliver(session: Session, point: BoundPoint, reading: Reading): void {
    if (this.#session === session && !this.#closed) this.#samples.take(point, reading);
  }

  #tell(online: boolean): void {
    if (this.#online === online) return;
    this.#online = online;
    const at = this.#deps.clock.now();
    this.#deps.logger.info({ online }, "device reachability changed");
    this.#deps.onDevice({ device: this.device, online, at, ...(online ? {} : { reason: this.#reason }) });
  }
}

function rejected(code: string, message: string): WriteResult {
  return { status: "rejected", code, message };
}
