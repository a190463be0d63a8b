import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { CONFIRMED, UNCONFIRMED } from "../codec/enums.ts";
import { type Endpoint, MAX_APDU } from "../codec/link.ts";
import { decodeIAm } from "../codec/services/discovery.ts";
import { Counters } from "../counters.ts";
import { ServedDevice } from "../server/served-device.ts";
import { BACNET_PORT } from "../settings.ts";
import type { Announcement, Question, Reply, StationHandlers } from "../station/ports.ts";
import { type BacnetStation, openStation } from "../station/station.ts";
import { definitionOf, PointMirror, type ShownPoint, type ShownValue } from "./shown-point.ts";

/** How the device is put on the network. */
export interface NorthboundSettings {
  /** Device instance, 0-4194302. */
  readonly instance: number;
  /** Object_Name. */
  readonly name: string;
  readonly vendorId?: number;
  /** IPv4 address to bind. */
  readonly host: string;
  /** 47808 when absent; 0 takes a free one. */
  readonly port?: number;
  readonly shared?: boolean;
  readonly broadcast?: { readonly host: string; readonly port?: number };
  readonly foreignDevice?: { readonly host: string; readonly port?: number; readonly ttlS?: number };
  /** Most COV subscriptions held; 2000 when absent. */
  readonly subscriptions?: number;
  /** Local time plus it is UTC, minutes: -480 in China; that of this machine, as it is at the time, when absent. */
  readonly utcOffsetMin?: number;
}

/** What the device needs. */
export interface NorthboundDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The points of the hub on BACnet/IP. */
export interface NorthboundDevice {
  /** As bound. */
  readonly address: Endpoint;
  readonly counters: Readonly<Record<string, number>>;
  /** Replaces the points; subscriptions end, and it announces itself anew where that is configured. */
  show(points: readonly ShownPoint[]): void;
  /** Takes values; of points that are not shown nothing. */
  tell(values: readonly ShownValue[]): void;
  close(): Promise<void>;
}

const DEFAULT_SUBSCRIPTIONS = 2000;
const DEFAULT_TTL_S = 300;
const FULL_ABILITIES = { maxApdu: MAX_APDU, segmentsIn: true, segmentsOut: true } as const;
/** Nothing that writes, commands, silences or restarts: whoever reaches the port could ask for it. */
const EXECUTED: ReadonlySet<number> = new Set([
  CONFIRMED.readProperty,
  CONFIRMED.readPropertyMultiple,
  CONFIRMED.subscribeCov,
  CONFIRMED.subscribeCovProperty,
]);
const HEARD: ReadonlySet<number> = new Set([UNCONFIRMED.whoIs, UNCONFIRMED.whoHas]);

/** Opens the port and shows no point yet. @throws BACNET_BIND_FAILED */
export async function openNorthbound(settings: NorthboundSettings, deps: NorthboundDeps): Promise<NorthboundDevice> {
  const device = new Device(settings, deps);
  await device.open();
  return device;
}

class Device implements NorthboundDevice, StationHandlers {
  readonly #settings: NorthboundSettings;
  readonly #deps: NorthboundDeps;
  readonly #counters = new Counters();
  #mirrors: ReadonlyMap<number, PointMirror> = new Map();
  #served: ServedDevice;
  #station: BacnetStation | undefined;
  #toldTwin = false;

  constructor(settings: NorthboundSettings, deps: NorthboundDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#served = this.#serve([]);
  }

  get address(): Endpoint {
    return this.#opened().endpoints[0] ?? { host: this.#settings.host, port: 0 };
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters.snapshot(), points: this.#mirrors.size, subscriptions: this.#served.subscriptions };
  }

  async open(): Promise<void> {
    const { clock, logger } = this.#deps;
    const { host, port = BACNET_PORT, shared = false, broadcast, foreignDevice } = this.#settings;
    const at = broadcast && { host: broadcast.host, port: broadcast.port ?? BACNET_PORT };
    const bbmd = foreignDevice && { port: BACNET_PORT, ttlS: DEFAULT_TTL_S, ...foreignDevice };
    this.#station = await openStation(
      {
        interfaces: [{ host, port, shared, ...(at === undefined ? {} : { broadcast: at }) }],
        ...(bbmd === undefined ? {} : { foreignDevice: bbmd }),
      },
      { clock, logger, counters: this.#counters, handlers: this },
    );
    this.#served.start();
  }

  show(points: readonly ShownPoint[]): void {
    this.#served.close();
    this.#served = this.#serve(points);
    this.#served.start();
    // [BACnet 16.10.3] whoever knew it has to subscribe again
    this.#served.sayIAm({ broadcast: "local" });
  }

  tell(values: readonly ShownValue[]): void {
    for (const value of values) this.#mirrors.get(value.number)?.take(value);
  }

  async close(): Promise<void> {
    this.#served.close();
    await this.#station?.close();
  }

  announced(message: Announcement): void {
    if (message.service === UNCONFIRMED.iAm) this.#heardOf(message);
    else this.#served.announced(message);
  }

  asked(question: Question): Reply {
    return this.#served.asked(question);
  }

  #serve(points: readonly ShownPoint[]): ServedDevice {
    const { clock, logger } = this.#deps;
    const { instance, name, vendorId = 0, utcOffsetMin = offsetHere, subscriptions } = this.#settings;
    const mirrors = new Map(points.map((point) => [point.number, new PointMirror(point)]));
    this.#mirrors = mirrors;
    const device = {
      instance,
      name,
      description: "",
      vendorId,
      vendorName: "Parkhub",
      modelName: "Parkhub gateway",
      firmwareRevision: "1",
      applicationSoftwareVersion: "1",
      utcOffsetMin,
      databaseRevision: revisionOf(points),
    };
    const shown = points.flatMap((point) => {
      const mirror = mirrors.get(point.number);
      return mirror === undefined ? [] : [definitionOf(point, mirror)];
    });
    return new ServedDevice(
      { device, points: shown },
      {
        clock,
        logger,
        station: () => this.#opened(),
        abilities: () => FULL_ABILITIES,
        restart: () => {},
        executes: (service) => EXECUTED.has(service),
        hears: (service) => HEARD.has(service),
        covSlots: () => subscriptions ?? DEFAULT_SUBSCRIPTIONS,
      },
    );
  }

  /** Another device of our instance makes both unreachable for whoever looks for it. */
  #heardOf({ peer, body }: Announcement): void {
    const { instance } = this.#settings;
    if (decodeIAm(body).device.instance !== instance) return;
    this.#counters.add("duplicateInstance");
    if (this.#toldTwin) return;
    this.#toldTwin = true;
    this.#deps.logger.error({ instance, at: `${peer.host}:${peer.port}` }, "another device has our BACnet instance");
  }

  #opened(): BacnetStation {
    if (this.#station === undefined) throw new TypeError("the BACnet device is not open");
    return this.#station;
  }
}

/** Minutes to add to the local time of this machine for UTC, as BACnet counts. [BACnet 12.11, UTC_Offset] */
function offsetHere(at: number): number {
  return new Date(at).getTimezoneOffset();
}

/** The same number for the same objects, also after a restart; another one for others. [FNV-1a, 32 bits] */
function revisionOf(points: readonly ShownPoint[]): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(points))) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
