import { errorMessage, InvalidInputError } from "#core/errors.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverDeps,
  WriteRequest,
  WriteResult,
} from "../../driver.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, OBJECT_TYPES, PROPERTIES, REJECT, UNCONFIRMED } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import type { Endpoint } from "../codec/link.ts";
import { type CovNotification, decodeCovNotification } from "../codec/services/cov.ts";
import { decodeIAm, encodeWhoIs } from "../codec/services/discovery.ts";
import { encodeError } from "../codec/services/error.ts";
import { decodeEventNotification } from "../codec/services/event-notification.ts";
import { objectIdWord } from "../codec/values.ts";
import type { BacnetAddress, BacnetDevice } from "../config.ts";
import type { Counters } from "../counters.ts";
import { Ears } from "../discovery/ears.ts";
import type { Settings } from "../settings.ts";
import type { Announcement, Question, Reply, Station, StationHandlers } from "../station/ports.ts";
import { type ActionDeps, actOn } from "./actions.ts";
import { ownRecipient, withdraw } from "./alarms/alarm-recipients.ts";
import { WhoHasAsker } from "./control/who-has.ts";
import { DeviceLink } from "./device-link.ts";
import { targetOf } from "./map.ts";
import { DeviceMemory } from "./memory.ts";
import { TrendMemory } from "./trends/trend-memory.ts";
import { type Lease, peerOf } from "./writing/lease.ts";
import { LeaseKeeper } from "./writing/lease-keeper.ts";

type Binding = DeviceBinding<BacnetDevice, BacnetAddress>;

/** What the client of one channel needs. */
export interface ClientDeps {
  readonly driver: DriverDeps;
  readonly settings: Settings;
  readonly counters: Counters;
  readonly station: Station & { readonly endpoints: readonly Endpoint[] };
}

const MAX_PROCESS_ID = 0xffff_ffff;
/** How long a channel that ends waits for what it is giving back. */
const SETTLE_MS = 2000;
/** How often it is noted when devices were last heard. */
const NOTE_MS = 10_000;

/** Everything that a channel does with its devices; the network below it is the station's. */
export class BacnetClient implements StationHandlers {
  readonly #deps: ClientDeps;
  // one subscriber process per start: subscriptions of an earlier run are told apart from ours [BACnet 13.14.1.1]
  readonly #processId = 1 + Math.floor(Math.random() * MAX_PROCESS_ID);
  readonly #formerProcessId: number | undefined;
  readonly #memory: DeviceMemory;
  readonly #leases: LeaseKeeper;
  readonly #trends: TrendMemory;
  readonly #whoHas: WhoHasAsker;
  readonly #cancelNotes: () => void;
  readonly #ears = new Ears();
  readonly #ending = new AbortController();
  #links: readonly DeviceLink[] = [];
  #byInstance = new Map<number, DeviceLink>();

  /** @throws BACNET_MEMORY_NEWER */
  constructor(deps: ClientDeps) {
    this.#deps = deps;
    const { clock, logger, folder } = deps.driver;
    const { counters, station } = deps;
    this.#memory = new DeviceMemory(folder, logger);
    this.#formerProcessId = this.#memory.replaceProcess(this.#processId);
    this.#whoHas = new WhoHasAsker({
      clock,
      station,
      waitMs: deps.settings.apduTimeoutMs,
      devices: () => this.#links,
    });
    this.#leases = new LeaseKeeper({
      clock,
      logger,
      counters,
      station,
      memory: this.#memory,
      search: (lease) => this.#search(lease),
    });
    this.#trends = new TrendMemory(this.#memory);
    this.#cancelNotes = clock.every(NOTE_MS, () => this.#noteHeard());
  }

  /** Replaces the devices that are kept in touch with. @throws BACNET_INSTANCE_DUPLICATE */
  bind(devices: readonly Binding[]): void {
    const instances = devices.map(({ config }) => config.instance);
    const twice = instances.find((instance, i) => instances.indexOf(instance) !== i);
    if (twice !== undefined) {
      throw new InvalidInputError("BACNET_INSTANCE_DUPLICATE", `device instance ${twice} is bound twice`);
    }
    for (const link of this.#links) link.close();
    this.#noteHeard();
    this.#trends.keepOnly(new Set(instances));
    const { driver, counters, settings, station } = this.#deps;
    const { clock, logger, onSamples, onDevice, onConditions, onEvent, onHistory, storeEvent } = driver;
    const shared = {
      clock,
      logger,
      counters,
      settings,
      station,
      processId: this.#processId,
      formerProcessId: this.#formerProcessId,
      memory: this.#memory,
      leases: this.#leases,
      trends: this.#trends,
      onSamples,
      onDevice,
      onConditions,
      onEvent,
      onHistory,
      storeEvent,
      recipientAt: (peer: Peer) => ownRecipient(peer, settings.alarms, station.endpoints),
    };
    this.#links = devices.map((binding) => new DeviceLink(binding, shared));
    this.#byInstance = new Map(this.#links.map((link) => [link.instance, link]));
    const slots = new Set(devices.flatMap(slotsOf));
    this.#leases.begin(new Set(instances), ({ instance, object }) => slots.has(`${instance} ${objectIdWord(object)}`));
    const told = settings.alarms.take ? new Set(instances) : new Set<number>();
    withdraw(station, this.#memory, told, logger, this.#ending.signal).catch((error: unknown) =>
      logger.error({ cause: errorMessage(error) }, "devices that have left cannot be told so"),
    );
    for (const link of this.#links) link.begin();
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const link = this.#links.find((candidate) => candidate.has(request.point));
    if (link !== undefined) return link.write(request, signal);
    return { status: "rejected", code: "BACNET_POINT_UNKNOWN", message: `point ${request.point} is not bound` };
  }

  /** `device` may be the channel as a whole: whatever is none of its devices. */
  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const { clock } = this.#deps.driver;
    const shared = { clock, leases: this.#leases, links: this.#links, whoHas: this.#whoHas };
    return actOn(request, { ...shared, discovery: this.#discovery() }, AbortSignal.any([signal, this.#ending.signal]));
  }

  #discovery(): ActionDeps["discovery"] {
    const { driver, counters, settings, station } = this.#deps;
    const { clock, logger, folder } = driver;
    return {
      clock,
      logger,
      folder,
      counters,
      station,
      hear: this.#ears.hear,
      waitMs: settings.apduTimeoutMs,
      learned: (instance) => this.#memory.learned(instance),
    };
  }

  /** @throws BACNET_MALFORMED */
  announced(message: Announcement): void {
    this.#ears.tell(message);
    const { peer, service, body } = message;
    if (service === UNCONFIRMED.iAm) this.#iAm(peer, body);
    else if (service === UNCONFIRMED.unconfirmedCovNotification) this.#notified(peer, body);
    else if (service === UNCONFIRMED.iHave) this.#whoHas.answered(peer, body);
    else if (service === UNCONFIRMED.unconfirmedEventNotification) void Promise.resolve(this.#alarmed(peer, body));
    // Who-Is and the rest are for devices, which we are not
  }

  /** @throws BACNET_MALFORMED */
  asked({ peer, service, body }: Question): Reply | Promise<Reply> {
    if (service === CONFIRMED.confirmedEventNotification) return this.#alarmed(peer, body);
    if (service !== CONFIRMED.confirmedCovNotification) return { kind: "reject", reason: REJECT.unrecognizedService };
    if (this.#notified(peer, body)) return { kind: "ack" };
    // [BACnet 13.6.1.6] a notification that nobody here asked for is answered by an error, which ends it at the device
    const unknown = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.unknownSubscription };
    return { kind: "error", body: encodeError(unknown) };
  }

  /** Lets go of all devices; nothing is told afterwards. What is being given back is waited for, shortly. */
  async close(): Promise<void> {
    this.#ending.abort();
    for (const link of this.#links) link.close();
    this.#cancelNotes();
    this.#noteHeard();
    this.#links = [];
    this.#byInstance = new Map();
    await this.#leases.settle(SETTLE_MS);
    this.#leases.close();
    this.#memory.close();
  }

  /** From when on a device was not heard any more is known after a crash too. */
  #noteHeard(): void {
    const heard = this.#links.flatMap(({ instance, heardAt }) =>
      heardAt === undefined ? [] : [[instance, heardAt] as const],
    );
    this.#trends.heard(new Map(heard));
  }

  #iAm(peer: Peer, body: Uint8Array): void {
    const iAm = decodeIAm(body);
    if (iAm.device.type !== OBJECT_TYPES.device) return;
    const { instance } = iAm.device;
    const link = this.#byInstance.get(instance);
    if (link !== undefined) {
      // answers to our own search are no restarts: they would have every device of the channel read anew
      const at = this.#ears.listening ? link.session?.peer : undefined;
      if (at === undefined || peerKey(at) !== peerKey(peer)) link.announced(iAm, peer);
      return;
    }
    this.#leases.reachable(instance, peer);
    for (const other of this.#links) {
      if (!other.isExpectedAt(peer)) continue;
      this.#deps.counters.add("wrongInstance");
      other.refused(instance);
    }
  }

  /** Looks for a device that has left the configuration while something of ours still commands it. */
  #search({ instance, where }: Lease): void {
    const body = encodeWhoIs({ low: instance, high: instance });
    const { station } = this.#deps;
    station.announce(UNCONFIRMED.whoIs, body, peerOf(where));
    station.announce(UNCONFIRMED.whoIs, body, { broadcast: where.station?.net ?? "local" });
  }

  /** [BACnet 13.8] answered only for what is on the disk: the device repeats the rest. @throws BACNET_MALFORMED */
  #alarmed(peer: Peer, body: Uint8Array): Reply | Promise<Reply> {
    const notification = decodeEventNotification(body);
    const stored = this.#byInstance.get(notification.initiatingDevice.instance)?.alarmed(peer, notification);
    if (stored !== undefined) return stored.then((kept) => (kept ? { kind: "ack" } : { kind: "silence" }));
    this.#deps.counters.add("eventsUnknown");
    const stranger = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.serviceRequestDenied };
    return { kind: "error", body: encodeError(stranger) };
  }

  #notified(peer: Peer, body: Uint8Array): boolean {
    const notification = decodeCovNotification(body);
    const link = this.#byInstance.get(notification.device.instance);
    const taken =
      link !== undefined && (isRestart(notification) ? link.restarted(peer) : link.notified(peer, notification));
    this.#deps.counters.add(taken ? "covNotifications" : "covUnknown");
    return taken;
  }
}

/** [BACnet 19.3.1] a device tells its restart in the form of a notification of its Device object. */
function isRestart({ object, values }: CovNotification): boolean {
  return (
    object.type === OBJECT_TYPES.device && values.some(({ property }) => property === PROPERTIES.timeOfDeviceRestart)
  );
}

/** Objects of a device whose present value the configuration lets somebody write. */
function slotsOf({ config, points }: Binding): readonly string[] {
  return points
    .filter(({ writable }) => writable)
    .map(({ address }) => `${config.instance} ${objectIdWord(targetOf(address).object)}`);
}
