import { errorCode, errorMessage } from "#core/errors.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, REJECT, UNCONFIRMED } from "../codec/enums.ts";
import type { Peer } from "../codec/frame.ts";
import { encodeCovNotification } from "../codec/services/cov.ts";
import { decodeIAm, decodeWhoIs, encodeIAm } from "../codec/services/discovery.ts";
import type { PropertyReference, PropertyResult } from "../codec/services/property.ts";
import { decodeTimeSynchronization } from "../codec/services/time-synchronization.ts";
import { decodeWhoHas, encodeIHave } from "../codec/services/who-has.ts";
import { unixMsOf } from "../codec/timestamp.ts";
import { objectIdWord } from "../codec/values.ts";
import type { Announcement, Destination, Question, Reply, StationHandlers } from "../station/ports.ts";
import { CovEngine } from "./cov-engine.ts";
import type { ServedDefinition, ServedDeps } from "./definition.ts";
import { DeviceClock } from "./device-clock.ts";
import { DeviceObject, RESTART_REASON, segmentationOf } from "./device-object.ts";
import { Notifier } from "./events/notifier.ts";
import { Lifecycle, type Restart } from "./lifecycle.ts";
import { readReferenced, type ServedObject } from "./object.ts";
import { type ServedObjects, serveObjects } from "./object-set.ts";
import { ObjectTable } from "./object-table.ts";
import type { PointObject } from "./points/point-object.ts";
import type { ServiceContext } from "./services/context.ts";
import {
  CONFIRMED_BITS,
  CONFIRMED_SERVICES,
  SUBSCRIPTIONS,
  UNCONFIRMED_BITS,
  UNCONFIRMED_SERVICES,
  WRITES,
} from "./services/table.ts";

const DEFAULT_COV_SLOTS = 1000;
const SCAN_MS = 100;
/** Services that a device whose communication is disabled still executes. [BACnet 16.1.1.1] */
const ALWAYS_EXECUTED: readonly number[] = [CONFIRMED.deviceCommunicationControl, CONFIRMED.reinitializeDevice];

/**
 * A BACnet device as its clients see it: objects, the services on them, and what it tells by itself. It knows the network only as a
 * Station, and the world behind its values only as the sources of its definition.
 */
export class ServedDevice implements StationHandlers {
  readonly #deps: ServedDeps;
  readonly #device: DeviceObject;
  readonly #objects: ServedObjects;
  readonly #clock: DeviceClock;
  readonly #cov: CovEngine;
  readonly #notifier: Notifier;
  readonly #lifecycle: Lifecycle;
  readonly #context: ServiceContext;
  #stopScan: () => void = () => {};
  /** What fails now, each told once. */
  readonly #failing = new Set<object | string>();
  #running = false;

  /** @throws TypeError when two objects have the same identifier */
  constructor(definition: ServedDefinition, deps: ServedDeps) {
    this.#deps = deps;
    const { clock, logger, station } = deps;
    this.#clock = new DeviceClock(clock, definition.device.utcOffsetMin ?? 0, deps.skewMs);
    this.#lifecycle = new Lifecycle(clock, definition.device.password);
    const deviceId = () => this.#device.id;
    this.#cov = new CovEngine({
      clock,
      station,
      device: deviceId,
      initiates: () => this.#lifecycle.initiates,
      slots: deps.covSlots ?? (() => DEFAULT_COV_SLOTS),
      read: (object, reference) => {
        const part = `${objectIdWord(object.id)} ${reference.property}`;
        const result = this.#guarded(part, () => this.#read(object, reference));
        return result !== undefined && "values" in result ? result.values : undefined;
      },
      failed: (error) => logger.warn({ error: errorMessage(error) }, "BACnet COV notification not sent"),
    });
    this.#device = new DeviceObject(definition.device, {
      clock: this.#clock,
      objects: () => this.#objects.all,
      abilities: deps.abilities,
      services: () => this.#serviceBits(),
      subscriptions: () => this.#cov.active,
    });
    this.#notifier = new Notifier({
      clock,
      deviceClock: this.#clock,
      logger,
      station,
      device: deviceId,
      initiates: () => this.#lifecycle.initiates,
    });
    this.#objects = serveObjects(definition, {
      clock: this.#clock,
      device: deviceId,
      tell: (transition, notificationClass) => this.#notifier.tell(transition, notificationClass),
      read: (object, reference) => this.#read(object, reference),
    });
    const objects = new ObjectTable(this.#device, this.#objects.all);
    this.#context = {
      objects,
      cov: this.#cov,
      clock: this.#clock,
      lifecycle: this.#lifecycle,
      events: this.#objects.events,
      maxApdu: () => deps.abilities().maxApdu,
      restart: (how) => setImmediate(() => deps.restart(how)),
      read: (object, reference) => this.#read(object, reference),
    };
  }

  /** COV subscriptions held now. */
  get subscriptions(): number {
    return this.#cov.size;
  }

  /** Begins to look for changes. */
  start(): void {
    this.#stopScan();
    this.#running = true;
    this.#stopScan = this.#deps.clock.every(this.#deps.scanMs ?? SCAN_MS, () => this.#scan());
  }

  /** Its input, output and value objects. */
  get points(): readonly PointObject[] {
    return this.#objects.points;
  }

  /** Keeps subscriptions without telling anything, as a device whose notification task has died. */
  muteCov(muted: boolean): void {
    this.#cov.mute(muted);
  }

  /** Gives itself out as another device; undefined ends it. */
  impersonate(instance: number | undefined): void {
    this.#device.impersonate(instance);
  }

  /** Says who it is. */
  sayIAm(to: Destination): void {
    const abilities = this.#deps.abilities();
    const body = encodeIAm({
      device: this.#device.id,
      maxApdu: abilities.maxApdu,
      segmentation: segmentationOf(abilities),
      vendorId: this.#device.vendorId,
    });
    this.#deps.station().announce(UNCONFIRMED.iAm, body, to);
  }

  /** Power is lost: subscriptions, commands and event states are gone. */
  powerOff(): void {
    this.#stop();
    for (const point of this.#objects.points) point.powerCycle();
  }

  /** Power is back. `cold`: logs and recipient lists were lost too. It announces itself, and judges every alarm anew. */
  powerOn(how: Restart): void {
    const cold = how === "cold";
    for (const log of this.#objects.logs) log.restarted(cold);
    for (const schedule of this.#objects.schedules) schedule.restarted();
    if (cold) for (const notificationClass of this.#objects.classes.values()) notificationClass.clear();
    this.#device.restarted(cold ? RESTART_REASON.coldstart : RESTART_REASON.warmstart);
    this.start();
    // [BACnet 16.10.3] a device broadcasts I-Am when it starts
    this.sayIAm({ broadcast: "global" });
    this.#tellRestart();
  }

  /** Ends everything that it does by itself. */
  close(): void {
    this.#stop();
  }

  #stop(): void {
    this.#running = false;
    this.#stopScan();
    this.#stopScan = () => {};
    this.#cov.clear();
    this.#notifier.clear();
    this.#lifecycle.reset();
  }

  announced({ peer, service, body }: Announcement): void {
    if (this.#lifecycle.communication === "disabled" || !this.#hears(service)) return;
    switch (service) {
      case UNCONFIRMED.whoIs:
        this.#whoIs(peer, body);
        break;
      case UNCONFIRMED.whoHas:
        this.#whoHas(peer, body);
        break;
      case UNCONFIRMED.iAm:
        this.#notifier.heard(decodeIAm(body).device.instance, peer);
        break;
      case UNCONFIRMED.timeSynchronization:
        this.#setClock(this.#clock.unixMsOf(decodeTimeSynchronization(body)));
        break;
      case UNCONFIRMED.utcTimeSynchronization:
        this.#setClock(unixMsOf(decodeTimeSynchronization(body), 0));
        break;
      default:
        // [BACnet 5.4.5.1] an unconfirmed request that is not executed is passed over in silence
        break;
    }
  }

  asked(question: Question): Reply {
    const { service } = question;
    const disabled = this.#lifecycle.communication === "disabled" && !ALWAYS_EXECUTED.includes(service);
    if (disabled) return { kind: "silence" };
    const handler = this.#executes(service) ? CONFIRMED_SERVICES.get(service) : undefined;
    if (handler === undefined) return { kind: "reject", reason: REJECT.unrecognizedService };
    try {
      const reply = handler(this.#context, question);
      // what a write changes and what a subscription asks for is told after the answer
      if (WRITES.has(service)) setImmediate(() => this.#scan());
      else if (SUBSCRIPTIONS.has(service)) setImmediate(() => this.#guarded(this.#cov, () => this.#cov.tellFresh()));
      return reply;
    } catch (error) {
      if (errorCode(error) !== "BACNET_MALFORMED") throw error;
      // [BACnet 18.9] a request that cannot be parsed is rejected, never met by silence
      return { kind: "reject", reason: REJECT.invalidTag };
    }
  }

  #executes(service: number): boolean {
    return this.#deps.executes?.(service) ?? true;
  }

  #hears(service: number): boolean {
    return this.#deps.hears?.(service) ?? true;
  }

  #serviceBits(): readonly number[] {
    const confirmed = [...CONFIRMED_SERVICES.keys()].filter((service) => this.#executes(service));
    return [
      ...confirmed.map((service) => CONFIRMED_BITS[service] ?? service),
      ...UNCONFIRMED_SERVICES.filter((service) => this.#hears(service)).flatMap(
        (service) => UNCONFIRMED_BITS[service] ?? [],
      ),
    ];
  }

  #read(object: ServedObject, reference: PropertyReference): PropertyResult {
    const result = readReferenced(object, reference);
    return this.#deps.shown?.(object, result) ?? result;
  }

  #scan(): void {
    // a write just before the power went or the end
    if (!this.#running) return;
    const { schedules, points, logs } = this.#objects;
    for (const schedule of schedules) this.#guarded(schedule, () => schedule.scan());
    for (const { events } of points) if (events !== undefined) this.#guarded(events, () => events.scan());
    for (const log of logs) this.#guarded(log, () => log.scan());
    this.#guarded(this.#cov, () => this.#cov.scan());
  }

  // it runs on a timer: what goes wrong with one source must end neither the process nor the others, and is told once
  #guarded<T>(part: object | string, work: () => T): T | undefined {
    try {
      const done = work();
      this.#failing.delete(part);
      return done;
    } catch (error) {
      if (!this.#failing.has(part))
        this.#deps.logger.error({ error: errorMessage(error) }, "served BACnet device fails");
      this.#failing.add(part);
      return undefined;
    }
  }

  #inRange(range: { readonly low: number; readonly high: number } | undefined): boolean {
    const { instance } = this.#device.id;
    return range === undefined || (instance >= range.low && instance <= range.high);
  }

  #whoIs(peer: Peer, body: Uint8Array): void {
    if (this.#inRange(decodeWhoIs(body))) this.sayIAm(peer);
  }

  #whoHas(peer: Peer, body: Uint8Array): void {
    const { range, object: asked } = decodeWhoHas(body);
    if (!this.#inRange(range)) return;
    const { objects } = this.#context;
    const object = asked.type === "name" ? objects.named(asked.value) : objects.find(asked.value);
    if (object === undefined) return;
    const answer = encodeIHave({ device: this.#device.id, object: object.id, objectName: object.name });
    this.#deps.station().announce(UNCONFIRMED.iHave, answer, peer);
  }

  #setClock(at: number | undefined): void {
    if (at === undefined) return;
    const moved = this.#clock.set(at);
    if (moved === 0) return;
    for (const log of this.#objects.logs) log.clockSet(moved);
  }

  // [BACnet 19.3] an unconfirmed COV notification of the Device object with process 0
  #tellRestart(): void {
    const properties = [PROPERTIES.systemStatus, PROPERTIES.timeOfDeviceRestart, PROPERTIES.lastRestartReason];
    const values = properties.map((property) => {
      const result = readReferenced(this.#device, { property });
      return { property, values: "values" in result ? result.values : [] };
    });
    const device = { type: OBJECT_TYPES.device, instance: this.#device.id.instance };
    const body = encodeCovNotification({ processId: 0, device, object: device, timeRemainingS: 0, values });
    this.#notifier.announce(UNCONFIRMED.unconfirmedCovNotification, body, this.#device.restartRecipients);
  }
}
