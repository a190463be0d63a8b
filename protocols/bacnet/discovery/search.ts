import type { Clock } from "#core/clock.ts";
import { errorCode, InvalidInputError } from "#core/errors.ts";
import { OBJECT_TYPES, UNCONFIRMED } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import { decodeIAm, encodeWhoIs, type IAm } from "../codec/services/discovery.ts";
import type { Announcement, Destination, Station } from "../station/ports.ts";
import { pause } from "./pause.ts";

/** A device that said who it is. */
export interface FoundDevice {
  readonly instance: number;
  readonly peer: Peer;
  /** Largest APDU it takes, bytes. */
  readonly maxApdu: number;
  /** SEGMENTATION. */
  readonly segmentation: number;
  readonly vendorId: number;
  /** Other addresses that claim the same instance: a fault of the site, only the first is looked at. */
  readonly alsoAt: readonly Peer[];
}

/** Hears the unconfirmed messages that come to a station; the returned function ends it. */
export type Hear = (listener: (message: Announcement) => void) => () => void;

/** What a search needs. */
export interface SearchDeps {
  readonly station: Station;
  readonly clock: Clock;
  readonly hear: Hear;
  readonly signal: AbortSignal;
}

/** Where and for whom is searched. */
export interface SearchOptions {
  readonly to: readonly Destination[];
  /** Instances, both ends included; all when absent. */
  readonly low?: number;
  readonly high?: number;
  /** Instances asked for at a time; decades when absent, so that the answers of a large site do not all come at once. */
  readonly slice?: number;
  /** Wait for answers after the last question, ms. */
  readonly waitMs: number;
  /** Pause between two questions, ms; 250 when absent. */
  readonly pauseMs?: number;
  /** Ends as soon as so many devices were found. */
  readonly enough?: number;
  readonly onFound?: (device: FoundDevice) => void;
}

/** Largest instance number of a device. [BACnet 12.11.1] */
export const HIGHEST_INSTANCE = 4_194_302;
const DECADES = [0, 1000, 10_000, 100_000, 1_000_000];
const PAUSE_MS = 250;
const MOST_SLICES = 5000;
/** Devices, and addresses of one instance, that a search keeps. */
const MOST_DEVICES = 20_000;
const MOST_CLAIMS = 16;

/** Devices by instance, in the order found. */
class Registry {
  readonly #devices = new Map<number, FoundDevice>();
  /** Answers that were not kept because there were too many. */
  dropped = 0;

  get all(): readonly FoundDevice[] {
    return [...this.#devices.values()];
  }

  get size(): number {
    return this.#devices.size;
  }

  /** The device where it is a new one. */
  take({ device, maxApdu, segmentation, vendorId }: IAm, peer: Peer): FoundDevice | undefined {
    const { instance } = device;
    const known = this.#devices.get(instance);
    if (known === undefined) return this.#add({ instance, peer, maxApdu, segmentation, vendorId, alsoAt: [] });
    const places = [known.peer, ...known.alsoAt];
    if (places.some((place) => peerKey(place) === peerKey(peer)) || places.length >= MOST_CLAIMS) return undefined;
    this.#devices.set(instance, { ...known, alsoAt: [...known.alsoAt, peer] });
    return undefined;
  }

  #add(device: FoundDevice): FoundDevice | undefined {
    if (this.#devices.size >= MOST_DEVICES) {
      this.dropped += 1;
      return undefined;
    }
    this.#devices.set(device.instance, device);
    return device;
  }
}

/** What a search gave. */
export interface SearchResult {
  /** By instance. */
  readonly devices: readonly FoundDevice[];
  /** What was left out, or could not be asked. */
  readonly problems: readonly string[];
}

/**
 * Asks who is there by Who-Is, slice by slice, and collects the answers; a device is its instance. Ends early when the signal
 * aborts. [BACnet 16.10] @throws BACNET_RANGE_INVALID
 */
export async function searchDevices(options: SearchOptions, deps: SearchDeps): Promise<SearchResult> {
  const slices = slicesOf(options);
  const {
    low = 0,
    high = HIGHEST_INSTANCE,
    to,
    waitMs,
    pauseMs = PAUSE_MS,
    enough = Number.POSITIVE_INFINITY,
  } = options;
  const { station, clock, hear } = deps;
  const registry = new Registry();
  const found = new AbortController();
  const signal = AbortSignal.any([deps.signal, found.signal]);
  const deaf = hear(({ peer, service, body }) => {
    const iAm = service === UNCONFIRMED.iAm ? iAmOf(body) : undefined;
    if (iAm === undefined || iAm.device.type !== OBJECT_TYPES.device) return;
    const { instance } = iAm.device;
    if (instance < low || instance > high) return;
    const device = registry.take(iAm, peer);
    if (device !== undefined) options.onFound?.(device);
    if (registry.size >= enough) found.abort();
  });
  try {
    for (const [at, slice] of slices.entries()) {
      if (at > 0) await pause(clock, pauseMs, signal);
      if (signal.aborted) break;
      for (const place of to) station.announce(UNCONFIRMED.whoIs, encodeWhoIs(slice), place);
    }
    await pause(clock, waitMs, signal);
  } finally {
    deaf();
  }
  const devices = [...registry.all].sort((a, b) => a.instance - b.instance);
  const problems =
    registry.dropped === 0 ? [] : [`${registry.dropped} answers beyond ${MOST_DEVICES} devices were left out`];
  return { devices, problems };
}

// what does not decode is the station's to count
function iAmOf(body: Uint8Array): IAm | undefined {
  try {
    return decodeIAm(body);
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return undefined;
  }
}

type Slice = { readonly low: number; readonly high: number };

function slicesOf({ low = 0, high = HIGHEST_INSTANCE, slice }: SearchOptions): readonly Slice[] {
  const valid = [low, high].every((end) => Number.isInteger(end) && end >= 0 && end <= HIGHEST_INSTANCE) && low <= high;
  if (!valid) {
    const expected = `expected device instances from 0 to ${HIGHEST_INSTANCE}, the lower first`;
    throw new InvalidInputError("BACNET_RANGE_INVALID", `${expected}, got ${low} to ${high}`);
  }
  if (slice === undefined) return clipped(low, high, DECADES);
  const count = Math.ceil((high - low + 1) / slice);
  if (!Number.isInteger(slice) || slice < 1 || count > MOST_SLICES) {
    const expected = `expected a slice that makes at most ${MOST_SLICES} questions of ${low} to ${high}`;
    throw new InvalidInputError("BACNET_RANGE_INVALID", `${expected}, got ${slice}`);
  }
  return clipped(
    low,
    high,
    Array.from({ length: count }, (_, at) => low + at * slice),
  );
}

function clipped(low: number, high: number, starts: readonly number[]): readonly Slice[] {
  return starts.flatMap((start, at) => {
    const end = Math.min(high, (starts[at + 1] ?? HIGHEST_INSTANCE + 1) - 1);
    const begin = Math.max(low, start);
    return begin <= end ? [{ low: begin, high: end }] : [];
  });
}
