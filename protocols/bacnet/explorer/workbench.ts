import { networkInterfaces } from "node:os";
import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import { silentLogger } from "#core/logger.ts";
import { endOf } from "../client/contact.ts";
import { OBJECT_TYPES, PROPERTIES, REJECT, SEGMENTATION } from "../codec/enums.ts";
import type { Endpoint } from "../codec/link.ts";
import { objectIdWord } from "../codec/values.ts";
import { Counters } from "../counters.ts";
import { Ears } from "../discovery/ears.ts";
import { peerText } from "../discovery/peer-text.ts";
import { readWanted } from "../discovery/reading.ts";
import { byObject, numberOf } from "../discovery/results.ts";
import { limitsOf, readerOf, type ScanDeps } from "../discovery/scan.ts";
import { type FoundDevice, type SearchDeps, searchDevices } from "../discovery/search.ts";
import { BACNET_PORT } from "../settings.ts";
import type { Destination, Question, Reply } from "../station/ports.ts";
import { type BacnetStation, openStation, type StationOptions } from "../station/station.ts";
import type { NetworkOptions } from "./command-line.ts";
import { FailedError, UsageError } from "./usage.ts";

/** What the explorer speaks to the world with. */
export interface ExplorerIo {
  readonly clock: Clock;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** What was asked for. */
  out(text: string): void;
  /** What is said beside it: progress, notes, faults. */
  note(text: string): void;
}

/** A device to work with. */
export interface Device {
  readonly found: FoundDevice;
  /** Body of the acknowledgement. @throws BACNET_FAILED with what the device said */
  ask(service: number, body: Uint8Array, what: string): Promise<Uint8Array>;
}

const BEHIND_BBMD_MS = 1000;
const TTL_S = 60;

/** The explorer's own station, and how it finds devices. */
export class Workbench implements ScanDeps {
  readonly io: ExplorerIo;
  readonly clock: Clock;
  readonly counters = new Counters();
  readonly station: BacnetStation;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Answers confirmed questions; rejected as unknown where absent. */
  answer: ((question: Question) => Reply) | undefined;
  readonly #network: NetworkOptions;
  readonly #ears: Ears;

  private constructor(io: ExplorerIo, network: NetworkOptions, station: BacnetStation, ears: Ears) {
    this.io = io;
    this.clock = io.clock;
    this.signal = io.signal;
    this.#network = network;
    this.station = station;
    this.#ears = ears;
  }

  /** Opens the station and registers with the BBMD where one is named. @throws BACNET_BIND_FAILED, BACNET_USAGE */
  static async open(network: NetworkOptions, io: ExplorerIo): Promise<Workbench> {
    if ((network.to ?? network.bbmd ?? network.broadcast ?? broadcastOf(network.interface)) === undefined) {
      throw new UsageError(`${network.interface} is in no network with broadcasts: name --to, --broadcast or --bbmd`);
    }
    const ears = new Ears();
    const answering: { bench?: Workbench } = {};
    const refused: Reply = { kind: "reject", reason: REJECT.unrecognizedService };
    const open = (port: number): Promise<BacnetStation> =>
      openStation(optionsOf(network, port), {
        logger: silentLogger,
        clock: io.clock,
        handlers: {
          announced: (message) => ears.tell(message),
          asked: (question) => answering.bench?.answer?.(question) ?? refused,
        },
      });
    const bench = new Workbench(io, network, await openAt(network.port, open, io), ears);
    answering.bench = bench;
    if (network.bbmd !== undefined) await bench.#registered();
    return bench;
  }

  get hear(): SearchDeps["hear"] {
    return this.#ears.hear;
  }

  get timeoutMs(): number {
    return this.#network.timeoutMs;
  }

  /** Where Who-Is goes. */
  places(net?: number): readonly Destination[] {
    if (net !== undefined) return [{ broadcast: net }];
    return this.#network.to === undefined ? [{ broadcast: "global" }] : [this.#network.to];
  }

  /** Finds a device by its instance. @throws BACNET_FAILED when it does not answer */
  async find(instance: number): Promise<Device> {
    const search = { to: this.places(), low: instance, high: instance, enough: 1, pauseMs: 0 };
    for (let attempt = 0; attempt <= this.#network.retries && !this.signal.aborted; attempt++) {
      const { devices } = await searchDevices({ ...search, waitMs: this.timeoutMs }, this);
      const [found] = devices;
      if (found !== undefined) return this.at(found);
      const silent = await this.#probed(instance);
      if (silent !== undefined) return this.at(silent);
    }
    const { to } = this.#network;
    const where = to === undefined ? "nobody answered the broadcast Who-Is" : `${peerText(to)} does not answer for it`;
    throw new FailedError(`device ${instance} was not found: ${where}`);
  }

  /** A device that was found. */
  at(found: FoundDevice): Device {
    const { station, signal } = this;
    const limits = limitsOf(found);
    return {
      found,
      async ask(service, body, what) {
        const outcome = await station.request({ peer: found.peer, service, body, signal, limits });
        if (outcome.kind === "ack") return outcome.body;
        const end = endOf(outcome, what);
        throw new FailedError(end.status === "done" ? what : end.message);
      },
    };
  }

  async close(): Promise<void> {
    await this.station.close();
  }

  /** Some devices answer no Who-Is that is sent to them alone: they are asked for themselves. */
  async #probed(instance: number): Promise<FoundDevice | undefined> {
    const peer = this.#network.to;
    if (peer === undefined || peer.station?.mac.length === 0) return undefined;
    const unknown: FoundDevice = {
      instance,
      peer,
      maxApdu: 480,
      segmentation: SEGMENTATION.none,
      vendorId: 0,
      alsoAt: [],
    };
    const object = { type: OBJECT_TYPES.device, instance };
    const { maxApduLengthAccepted, segmentationSupported, vendorIdentifier } = PROPERTIES;
    const properties = [maxApduLengthAccepted, segmentationSupported, vendorIdentifier].map((property) => ({
      property,
    }));
    const { answers } = await readWanted([{ object, properties }], readerOf(unknown, this));
    const results = byObject(answers).get(objectIdWord(object)) ?? new Map();
    const maxApdu = numberOf(results, maxApduLengthAccepted);
    if (maxApdu === undefined) return undefined;
    const segmentation = numberOf(results, segmentationSupported) ?? SEGMENTATION.none;
    return { ...unknown, maxApdu, segmentation, vendorId: numberOf(results, vendorIdentifier) ?? 0 };
  }

  async #registered(): Promise<void> {
    const { clock } = this;
    const until = clock.monotonic() + Math.max(this.timeoutMs, BEHIND_BBMD_MS);
    while (this.station.foreignState === "registering" && clock.monotonic() < until && !this.signal.aborted) {
      await new Promise<void>((resolve) => clock.after(20, resolve));
    }
    const { foreignState } = this.station;
    if (foreignState === "registered" || this.#network.bbmd === undefined) return;
    await this.close();
    const said = foreignState === "refused" ? "refused the registration" : "does not answer the registration";
    throw new FailedError(`the BBMD ${peerText(this.#network.bbmd)} ${said}`);
  }
}

/** What a device is called in messages. */
export function nameOf({ found }: Device): string {
  return `device ${found.instance} at ${peerText(found.peer)}`;
}

function optionsOf(network: NetworkOptions, port: number): StationOptions {
  const { interface: host, bbmd, timeoutMs, retries } = network;
  const broadcast = network.broadcast ?? broadcastOf(host);
  return {
    interfaces: [{ host, port, ...(broadcast === undefined ? {} : { broadcast }) }],
    ...(bbmd === undefined ? {} : { foreignDevice: { ...bbmd, ttlS: TTL_S } }),
    apduTimeoutMs: timeoutMs,
    retries,
    peerPace: { window: 2 },
  };
}

/** Own port 47808 hears devices that answer by broadcast; where another program has it, most devices still answer. */
async function openAt(
  port: number | undefined,
  open: (port: number) => Promise<BacnetStation>,
  io: ExplorerIo,
): Promise<BacnetStation> {
  if (port !== undefined) return await open(port);
  try {
    return await open(BACNET_PORT);
  } catch (error) {
    if (errorCode(error) !== "BACNET_BIND_FAILED") throw error;
    io.note(`port ${BACNET_PORT} is in use: devices that answer by broadcast only are not heard\n`);
    return await open(0);
  }
}

/** Broadcast address of the network that an interface is in; of the first one where all are bound. */
function broadcastOf(host: string): Endpoint | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = all.find(
    ({ family, internal, address }) => family === "IPv4" && (host === "0.0.0.0" ? !internal : address === host),
  );
  if (own === undefined || own.internal) return undefined;
  const mask = own.netmask.split(".").map(Number);
  const octets = own.address.split(".").map((octet, at) => (Number(octet) | (~(mask[at] ?? 255) & 255)) & 255);
  return { host: octets.join("."), port: BACNET_PORT };
}
