import type { Clock } from "#core/clock.ts";
import {
  type BroadcastDistributionEntry,
  BVLC_RESULT,
  type Bvlc,
  type Endpoint,
  type ForeignDeviceEntry,
} from "../codec/link.ts";

/** A BBMD's own part: the other BBMDs, itself left out. */
export interface BbmdOptions {
  readonly peers: readonly BroadcastDistributionEntry[];
}

/** What a BBMD needs. */
export interface BbmdDeps {
  readonly clock: Clock;
  /** The address that others reach this BBMD at. */
  readonly own: Endpoint;
  send(bvlc: Bvlc, to: Endpoint): void;
  /** To all of the own IP subnet. */
  sendLocally(bvlc: Bvlc): void;
}

// [BACnet J.5.2.1] on top of the lifetime that a foreign device asked for
const GRACE_S = 30;
const MAX_FOREIGN = 128;
const NAKS = {
  writeBroadcastDistributionTable: BVLC_RESULT.writeBroadcastDistributionTableNak,
  registerForeignDevice: BVLC_RESULT.registerForeignDeviceNak,
  readForeignDeviceTable: BVLC_RESULT.readForeignDeviceTableNak,
  deleteForeignDeviceTableEntry: BVLC_RESULT.deleteForeignDeviceTableEntryNak,
  readBroadcastDistributionTable: BVLC_RESULT.readBroadcastDistributionTableNak,
  distributeBroadcast: BVLC_RESULT.distributeBroadcastNak,
} as const;

interface Foreign extends Endpoint {
  readonly ttlS: number;
  /** Monotonic ms. */
  readonly until: number;
}

/** Passes broadcasts on between IP networks. [BACnet J.4.5] */
export class Bbmd {
  readonly #options: BbmdOptions;
  readonly #deps: BbmdDeps;
  readonly #foreign = new Map<string, Foreign>();

  constructor(options: BbmdOptions, deps: BbmdDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Devices that are registered now. */
  foreignDevices(): readonly ForeignDeviceEntry[] {
    const now = this.#deps.clock.monotonic();
    for (const [key, { until }] of this.#foreign) if (until <= now) this.#foreign.delete(key);
    return [...this.#foreign.values()].map(({ host, port, ttlS, until }) => ({
      host,
      port,
      ttlS,
      remainingS: Math.min(0xffff, Math.ceil((until - now) / 1000)),
    }));
  }

  /** A broadcast of the own subnet, or the own station's. */
  original(npdu: Uint8Array, origin: Endpoint): void {
    const forwarded: Bvlc = { function: "forwarded", origin, npdu };
    for (const peer of this.#options.peers) this.#deps.send(forwarded, directed(peer));
    this.#toForeign(forwarded, origin);
  }

  /** A broadcast of another subnet, from another BBMD. */
  forwarded(bvlc: Extract<Bvlc, { function: "forwarded" }>, via: Endpoint): void {
    const peer = this.#options.peers.find(({ host, port }) => host === via.host && port === via.port);
    if (peer === undefined) return;
    // [BACnet J.4.3.2] with a mask shorter than all ones it came as a directed broadcast, and the subnet has it already
    if (peer.mask === "255.255.255.255") this.#deps.sendLocally(bvlc);
    this.#toForeign(bvlc, bvlc.origin);
  }

  /** A foreign device's broadcast; false when it is not registered. */
  distribute(npdu: Uint8Array, from: Endpoint): boolean {
    if (!this.foreignDevices().some((one) => isSame(one, from))) return false;
    const forwarded: Bvlc = { function: "forwarded", origin: from, npdu };
    this.#deps.sendLocally(forwarded);
    this.original(npdu, from);
    return true;
  }

  /** A function for BBMDs; each is answered. */
  asked(bvlc: Bvlc, from: Endpoint): void {
    switch (bvlc.function) {
      case "registerForeignDevice":
        this.#answer(this.#register(bvlc.ttlS, from) ? BVLC_RESULT.success : NAKS.registerForeignDevice, from);
        break;
      case "deleteForeignDeviceTableEntry": {
        const { host, port } = bvlc.entry;
        const was = this.#foreign.delete(`${host}:${port}`);
        this.#answer(was ? BVLC_RESULT.success : NAKS.deleteForeignDeviceTableEntry, from);
        break;
      }
      case "readForeignDeviceTable":
        this.#deps.send({ function: "readForeignDeviceTableAck", entries: this.foreignDevices() }, from);
        break;
      case "readBroadcastDistributionTable": {
        const own = { ...this.#deps.own, mask: "255.255.255.255" };
        this.#deps.send(
          { function: "readBroadcastDistributionTableAck", entries: [own, ...this.#options.peers] },
          from,
        );
        break;
      }
      case "writeBroadcastDistributionTable":
        // the configuration says who our peers are, not whoever reaches the port
        this.#answer(NAKS.writeBroadcastDistributionTable, from);
        break;
      default:
        break;
    }
  }

  #register(ttlS: number, { host, port }: Endpoint): boolean {
    const key = `${host}:${port}`;
    if (!this.#foreign.has(key) && this.foreignDevices().length >= MAX_FOREIGN) return false;
    const until = this.#deps.clock.monotonic() + (ttlS + GRACE_S) * 1000;
    this.#foreign.set(key, { host, port, ttlS, until });
    return true;
  }

  #toForeign(forwarded: Bvlc, except: Endpoint): void {
    for (const device of this.foreignDevices()) if (!isSame(device, except)) this.#deps.send(forwarded, device);
  }

  #answer(code: number, to: Endpoint): void {
    this.#deps.send({ function: "result", code }, to);
  }
}

/** The answer of a station that is no BBMD to what only a BBMD does; undefined where none is due. [BACnet J.4.5] */
export function refusalOf(bvlc: Bvlc): Bvlc | undefined {
  const code = Object.hasOwn(NAKS, bvlc.function) ? NAKS[bvlc.function as keyof typeof NAKS] : undefined;
  return code === undefined ? undefined : { function: "result", code };
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}

// [BACnet J.4.3.2] the peer's address, with all ones where its mask has none
function directed({ host, port, mask }: BroadcastDistributionEntry): Endpoint {
  const bits = mask.split(".").map(Number);
  const bytes = host.split(".").map((byte, i) => Number(byte) | (~(bits[i] ?? 255) & 0xff));
  return { host: bytes.join("."), port };
}
