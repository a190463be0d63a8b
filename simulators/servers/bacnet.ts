import { type Clock, systemClock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { CONFIRMED, OBJECT_TYPES } from "#protocols/bacnet/codec/enums.ts";
import { type Peer, peerKey } from "#protocols/bacnet/codec/frame.ts";
import { MAX_APDU } from "#protocols/bacnet/codec/link.ts";
import type { BacnetTimeStamp } from "#protocols/bacnet/codec/timestamp.ts";
import { objectIdWord } from "#protocols/bacnet/codec/values.ts";
import type { Restart } from "#protocols/bacnet/server/lifecycle.ts";
import type { PointObject } from "#protocols/bacnet/server/points/point-object.ts";
import { ServedDevice } from "#protocols/bacnet/server/served-device.ts";
import type { Abilities } from "#protocols/bacnet/station/framing.ts";
import type { Announcement, Question, Reply, Station, StationHandlers } from "#protocols/bacnet/station/ports.ts";
import { type BacnetStation, openStation } from "#protocols/bacnet/station/station.ts";
import type { FaultMenu, FieldServer, SignalValue, SimulatedDevice } from "../device.ts";
import { seedOf } from "../devices/physics.ts";
import { type BacnetFault, BacnetFaults } from "./bacnet/faults.ts";
import { FaultyLine } from "./bacnet/faulty-line.ts";
import { FaultyService } from "./bacnet/faulty-service.ts";
import type { BacnetObjects } from "./bacnet/mapping.ts";
import { type BacnetExtras, objectsOf } from "./bacnet/objects.ts";
import { presented } from "./bacnet/presentation.ts";

export { type BacnetObjectMapping, type BacnetObjects, bacnetObjectsOf } from "./bacnet/mapping.ts";
export type { BacnetExtras, SignalTrend, SignalTrends, SignalView } from "./bacnet/objects.ts";

/** How a simulated device is put on BACnet/IP. */
export interface BacnetServerOptions extends BacnetExtras {
  /** Device instance, 0-4194302: the device's identity. */
  readonly instance: number;
  /** ASHRAE vendor identifier; 0 when absent. */
  readonly vendorId?: number;
  /** UDP port; a free one when absent or 0. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Where broadcasts go; on loopback there are none, and all who ever asked are told instead. */
  readonly broadcast?: { readonly host: string; readonly port: number };
  /** Which object each signal is; signals not named are not shown. */
  readonly objects: BacnetObjects;
  /** Largest APDU taken and sent, bytes, 50-1476; 1476 when absent. */
  readonly maxApdu?: number;
  /** Takes and sends segments; true when absent. */
  readonly segments?: boolean;
  /** Executes ReadPropertyMultiple; true when absent. */
  readonly readsMultiple?: boolean;
  /** Most COV subscriptions; 1000 when absent, 0 refuses all. */
  readonly covSlots?: number;
  /** How often changes are looked for, ms; 100 when absent. */
  readonly covScanMs?: number;
  /** Local time plus it is UTC, minutes: -480 in China; 0 when absent. [BACnet 12.11.25] */
  readonly utcOffsetMin?: number;
  /** How it stamps its events; `dateTime` when absent. */
  readonly eventTimeStamps?: BacnetTimeStamp["type"];
  /** For DeviceCommunicationControl and ReinitializeDevice; any is taken when absent. */
  readonly password?: string;
  readonly clock?: Clock;
}

/** A simulated device on BACnet/IP. */
export interface BacnetServer extends FieldServer {
  readonly faults: FaultMenu;
  /** The 16 slots of a signal's Priority_Array, highest first, null where relinquished; undefined when not commandable. */
  priorityArrayOf(signal: string): readonly (SignalValue | null)[] | undefined;
  /** COV subscriptions held now. */
  readonly subscriptions: number;
  /** Power cycle; `cold` also empties the trend logs and the recipient lists. */
  reboot(downMs: number, how?: Restart): Promise<void>;
}

const DEFAULT_COV_SLOTS = 1000;
const MAX_KNOWN_PEERS = 64;
const MIN_APDU = 50;
const APDU_TIMEOUT_MS = 3000;
const SEGMENT_TIMEOUT_MS = 2000;
const RETRIES = 3;
/** How long ReinitializeDevice takes. */
const RESTART_MS = 2000;
const HOUR_MS = 3_600_000;

/** Puts a device on BACnet/IP on its own UDP port. @throws SIM_SIGNAL_UNKNOWN, SIM_UNIT_UNKNOWN, BACNET_BIND_FAILED */
export async function serveBacnet(
  device: SimulatedDevice,
  options: BacnetServerOptions,
  logger: Logger,
): Promise<BacnetServer> {
  const server = new Server(device, options, logger.child({ simulator: device.id, protocol: "bacnet" }));
  await server.open();
  return server;
}

class Server implements BacnetServer, StationHandlers {
  readonly faults: BacnetFaults;
  readonly #options: BacnetServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #line: FaultyLine;
  readonly #served: ServedDevice;
  readonly #service: FaultyService;
  readonly #points: ReadonlyMap<string, PointObject>;
  readonly #peers = new Map<string, Peer>();
  #station: BacnetStation | undefined;
  #silent = false;
  #down = false;
  #boots = 0;
  #closed = false;
  #skewedSince = 0;
  #cancelDeath: () => void = () => {};
  /** Ends the wait of the power cycle under way. */
  #endBoot: () => void = () => {};

  constructor(device: SimulatedDevice, options: BacnetServerOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#clock = options.clock ?? systemClock;
    this.faults = new BacnetFaults((kind, on) => this.#faultChanged(kind, on));
    const seed = seedOf(options.instance, device.id);
    this.#line = new FaultyLine(this.faults, this.#clock, seed, () => this.#silent || this.#down || this.#closed);
    this.#served = new ServedDevice(definitionOf(device, options), {
      clock: this.#clock,
      logger,
      station: () => this.#speaking(),
      abilities: () => this.#abilities(),
      restart: (how) => this.#restart(RESTART_MS, how),
      executes: (service) =>
        service !== CONFIRMED.readPropertyMultiple || ((options.readsMultiple ?? true) && !this.faults.has("no-rpm")),
      covSlots: () => options.covSlots ?? DEFAULT_COV_SLOTS,
      skewMs: () => this.#skewMs(),
      shown: presented(this.faults),
      ...(options.covScanMs === undefined ? {} : { scanMs: options.covScanMs }),
    });
    this.#service = new FaultyService(this.faults, this.#clock, (question) => this.#served.asked(question));
    this.#points = pointsOf(this.#served, options.objects);
  }

  get address(): { host: string; port: number } {
    const [endpoint] = this.#station?.endpoints ?? [];
    return { host: this.#options.host ?? "127.0.0.1", port: endpoint?.port ?? 0 };
  }

  get subscriptions(): number {
    return this.#served.subscriptions;
  }

  async open(): Promise<void> {
    const { host = "127.0.0.1", port = 0, broadcast } = this.#options;
    this.#station = await openStation(
      {
        interfaces: [{ host, port, ...(broadcast === undefined ? {} : { broadcast }) }],
        apduTimeoutMs: APDU_TIMEOUT_MS,
        segmentTimeoutMs: SEGMENT_TIMEOUT_MS,
        retries: RETRIES,
        abilities: this.#abilities(),
      },
      { logger: this.#logger, handlers: this, clock: this.#clock, open: this.#line.open },
    );
    // also while silent: a device with a cut cable does not know that its notifications are lost
    this.#served.start();
  }

  priorityArrayOf(signal: string): readonly (SignalValue | null)[] | undefined {
    return this.#points.get(signal)?.priorityArray();
  }

  silence(): void {
    this.#silent = true;
  }

  restore(): void {
    this.#silent = false;
  }

  async reboot(downMs: number, how: Restart = "warm"): Promise<void> {
    this.#down = true;
    this.#boots += 1;
    const boot = this.#boots;
    this.#served.powerOff();
    this.#station?.forget();
    this.#endBoot();
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(downMs, resolve);
      this.#endBoot = () => {
        cancel();
        resolve();
      };
    });
    // a second power cycle in between counts alone
    if (this.#closed || boot !== this.#boots) return;
    this.#down = false;
    this.#served.powerOn(how);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelDeath();
    this.#endBoot();
    this.#served.close();
    this.#service.close();
    await this.#station?.close();
  }

  announced(message: Announcement): void {
    this.#know(message.peer);
    this.#served.announced(message);
  }

  asked(question: Question): Reply | Promise<Reply> {
    this.#know(question.peer);
    return this.#service.asked(question);
  }

  #know(peer: Peer): void {
    const key = peerKey(peer);
    if (this.#peers.has(key)) return;
    this.#peers.set(key, peer);
    if (this.#peers.size <= MAX_KNOWN_PEERS) return;
    const [oldest] = this.#peers.keys();
    if (oldest !== undefined) this.#peers.delete(oldest);
  }

  /** The station; what it broadcasts reaches all who ever asked, as loopback knows no broadcast. */
  #speaking(): Station {
    const station = this.#station;
    if (station === undefined) throw new TypeError("the BACnet server is not open");
    return {
      request: (request) => station.request(request),
      routeTo: (net, signal) => station.routeTo(net, signal),
      announce: (service, body, to) => {
        station.announce(service, body, to);
        if (!("broadcast" in to) || this.#options.broadcast !== undefined) return;
        for (const peer of this.#peers.values()) station.announce(service, body, peer);
      },
    };
  }

  #abilities(): Abilities {
    const { maxApdu = MAX_APDU, segments = true } = this.#options;
    const least = Math.min(maxApdu, this.faults.of("small-apdu")?.bytes ?? MAX_APDU, MAX_APDU);
    const segmented = segments && !this.faults.has("no-segmentation");
    return { maxApdu: Math.max(MIN_APDU, least), segmentsIn: segmented, segmentsOut: segmented };
  }

  #skewMs(): number {
    const skew = this.faults.of("clock-skew");
    if (skew === undefined) return 0;
    const hours = (this.#clock.monotonic() - this.#skewedSince) / HOUR_MS;
    return (skew.seconds + skew.secondsPerHour * hours) * 1000;
  }

  #faultChanged(kind: BacnetFault, on: boolean): void {
    switch (kind) {
      case "small-apdu":
      case "no-segmentation":
        this.#station?.setAbilities(this.#abilities());
        break;
      case "clock-skew":
        this.#skewedSince = this.#clock.monotonic();
        break;
      case "duplicate-instance":
        this.#served.impersonate(this.faults.of("duplicate-instance")?.instance);
        if (on) this.#served.sayIAm({ broadcast: "global" });
        break;
      case "cov-death":
        this.#covDies(this.faults.of("cov-death")?.afterS);
        break;
      case "restart": {
        const restart = this.faults.of("restart");
        if (restart !== undefined) this.#restart(restart.downMs, restart.cold ? "cold" : "warm");
        break;
      }
      default:
        // looked up where it acts
        break;
    }
  }

  #covDies(afterS: number | undefined): void {
    this.#cancelDeath();
    this.#cancelDeath = () => {};
    if (afterS === undefined) this.#served.muteCov(false);
    else if (afterS === 0) this.#served.muteCov(true);
    else this.#cancelDeath = this.#clock.after(afterS * 1000, () => this.#served.muteCov(true));
  }

  #restart(downMs: number, how: Restart): void {
    this.reboot(downMs, how).then(
      () => {
        // another power cycle may have begun
        if (!this.#down) this.faults.clear("restart");
      },
      (error: unknown) => this.#logger.error({ error: errorMessage(error) }, "device did not come back"),
    );
  }
}

function definitionOf(device: SimulatedDevice, options: BacnetServerOptions) {
  const { instance, vendorId = 0, utcOffsetMin, eventTimeStamps, password, objects } = options;
  const facts = {
    instance,
    name: device.name,
    description: device.nameEn,
    vendorId,
    vendorName: "Parkhub",
    modelName: "Parkhub simulator",
    firmwareRevision: "1",
    applicationSoftwareVersion: "1",
    ...(utcOffsetMin === undefined ? {} : { utcOffsetMin }),
    ...(eventTimeStamps === undefined ? {} : { eventTimeStamps }),
    ...(password === undefined ? {} : { password }),
  };
  return objectsOf(device, facts, objects, options);
}

function pointsOf(served: ServedDevice, objects: BacnetObjects): ReadonlyMap<string, PointObject> {
  const byId = new Map(served.points.map((point) => [objectIdWord(point.id), point]));
  return new Map(
    Object.entries(objects).flatMap(([signal, { objectType, instance }]): (readonly [string, PointObject])[] => {
      const point = byId.get(objectIdWord({ type: OBJECT_TYPES[objectType], instance }));
      return point === undefined ? [] : [[signal, point]];
    }),
  );
}
