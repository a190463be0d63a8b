import type { Clock } from "#core/clock.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, PROPERTIES, UNCONFIRMED } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import { type CovValue, encodeCovNotification } from "../codec/services/cov.ts";
import type { ErrorPair } from "../codec/services/error.ts";
import type { PropertyReference } from "../codec/services/property.ts";
import { type BacnetValue, encodeValues, type ObjectId, objectIdWord } from "../codec/values.ts";
import type { Station } from "../station/ports.ts";
import type { ServedObject, Written } from "./object.ts";

/** What a client asks to be told of. */
export interface CovRequest {
  readonly processId: number;
  readonly object: ServedObject;
  /** SubscribeCOVProperty; absent: Present_Value with Status_Flags. */
  readonly reference?: PropertyReference;
  /** Smallest change of a number; absent: the object's COV_Increment for Present_Value, else any change. */
  readonly increment?: number;
  readonly confirmed: boolean;
  /** 0: until cancelled. */
  readonly lifetimeS: number;
}

/** A subscription that is held. */
export interface CovSubscription extends CovRequest {
  readonly peer: Peer;
  /** 0: indefinite. */
  readonly timeRemainingS: number;
}

/** What the engine needs of its server. */
export interface CovDeps {
  readonly clock: Clock;
  readonly station: () => Station;
  readonly device: () => ObjectId;
  /** May the device speak by itself? [BACnet 16.1] */
  readonly initiates: () => boolean;
  /** Most subscriptions held at once. */
  readonly slots: () => number;
  /** A property as clients see it; undefined: it cannot be read. */
  read(object: ServedObject, reference: PropertyReference): readonly BacnetValue[] | undefined;
  /** A notification could not be sent: it is too large for one APDU. */
  failed(error: unknown): void;
}

interface Held extends CovRequest {
  readonly peer: Peer;
  readonly watched: PropertyReference;
  /** Monotonic ms; Infinity for an indefinite one. */
  readonly expiresAt: number;
  reported: readonly CovValue[] | undefined;
  /** A confirmed notification waits for its answer. */
  underWay: boolean;
}

// more cannot be told as Time_Remaining
const LONGEST_LIFETIME_S = 0xffff_ffff;
const NO_SPACE: ErrorPair = { errorClass: ERROR_CLASS.resources, errorCode: ERROR_CODE.noSpaceToAddListElement };

/** Keeps the subscriptions of one device and tells its changes. [BACnet 13.1, 13.14, 13.15] */
export class CovEngine {
  readonly #deps: CovDeps;
  readonly #subscriptions = new Map<string, Held>();
  #fresh: Held[] = [];
  #life = new AbortController();
  #muted = false;

  constructor(deps: CovDeps) {
    this.#deps = deps;
  }

  /** Subscriptions held now. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Active_COV_Subscriptions. [BACnet 12.11.39] */
  get active(): readonly CovSubscription[] {
    const now = this.#deps.clock.monotonic();
    return [...this.#subscriptions.values()].map((held) => ({ ...held, timeRemainingS: remainingS(held, now) }));
  }

  /** Keeps subscriptions and tells nothing, as controllers do whose notification task has died. */
  mute(muted: boolean): void {
    this.#muted = muted;
  }

  /** Adds or renews; undefined when done. The first notification goes out with `tellFresh`, after the answer. */
  subscribe(peer: Peer, request: CovRequest): Written {
    const key = keyOf(peer, request);
    if (!this.#subscriptions.has(key) && this.#subscriptions.size >= this.#deps.slots()) {
      // [BACnet 13.14.1.3]
      return NO_SPACE;
    }
    const watched = request.reference ?? { property: PROPERTIES.presentValue };
    if (this.#deps.read(request.object, watched) === undefined) {
      return request.reference === undefined
        ? { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.optionalFunctionalityNotSupported }
        : { errorClass: ERROR_CLASS.property, errorCode: ERROR_CODE.unknownProperty };
    }
    const lifetimeS = Math.min(request.lifetimeS, LONGEST_LIFETIME_S);
    const expiresAt = lifetimeS === 0 ? Number.POSITIVE_INFINITY : this.#deps.clock.monotonic() + lifetimeS * 1000;
    // [BACnet 13.14.2] a renewal too is answered by a notification of the present value
    const held: Held = { ...request, peer, watched, expiresAt, reported: undefined, underWay: false };
    this.#subscriptions.set(key, held);
    this.#fresh.push(held);
    return undefined;
  }

  /** Ends a subscription; one that does not exist is ended as well. [BACnet 13.14.1.4] */
  cancel(peer: Peer, request: Pick<CovRequest, "processId" | "object" | "reference">): void {
    this.#subscriptions.delete(keyOf(peer, request));
  }

  /** Drops what has expired and notifies what has changed since it was last told. */
  scan(): void {
    const now = this.#deps.clock.monotonic();
    for (const [key, held] of this.#subscriptions) {
      if (held.expiresAt <= now) this.#subscriptions.delete(key);
      else this.#check(held, now);
    }
  }

  /** Notifies what was subscribed since the last call. */
  tellFresh(): void {
    const now = this.#deps.clock.monotonic();
    for (const held of this.#fresh.splice(0)) this.#check(held, now);
  }

  /** Forgets every subscription: power loss, or the end. */
  clear(): void {
    this.#life.abort();
    this.#life = new AbortController();
    this.#fresh = [];
    this.#subscriptions.clear();
  }

  #check(held: Held, now: number): void {
    // a confirmed notification still under way: the value that counts is told once it is answered
    if (this.#muted || held.underWay || !this.#deps.initiates()) return;
    const values = this.#values(held);
    if (values === undefined || (held.reported !== undefined && !this.#changed(held, held.reported, values))) return;
    held.reported = values;
    this.#notify(held, values, now);
  }

  /** The watched property first, Status_Flags after it where the object has them. */
  #values({ object, watched }: Held): readonly CovValue[] | undefined {
    const watchedValues = this.#deps.read(object, watched);
    if (watchedValues === undefined) return undefined;
    const flags = { property: PROPERTIES.statusFlags };
    const flagValues = watched.property === flags.property ? undefined : this.#deps.read(object, flags);
    const told = [{ ...watched, values: watchedValues }];
    return flagValues === undefined ? told : [...told, { ...flags, values: flagValues }];
  }

  #changed(held: Held, last: readonly CovValue[], now: readonly CovValue[]): boolean {
    if (!same(last[1]?.values ?? [], now[1]?.values ?? [])) return true;
    const [before] = last[0]?.values ?? [];
    const [after] = now[0]?.values ?? [];
    if (before?.type !== "real" || after?.type !== "real") return !same(last[0]?.values ?? [], now[0]?.values ?? []);
    if (Number.isNaN(before.value) !== Number.isNaN(after.value)) return true;
    // [BACnet 13.1.1 Table 13-1] a change by COV_Increment or more; with increment 0 any change
    const difference = Math.abs(after.value - before.value);
    return difference > 0 && difference >= this.#increment(held);
  }

  #increment({ increment, object, watched }: Held): number {
    if (increment !== undefined) return increment;
    if (watched.property !== PROPERTIES.presentValue) return 0;
    const [value] = this.#deps.read(object, { property: PROPERTIES.covIncrement }) ?? [];
    return value?.type === "real" ? value.value : 0;
  }

  #notify(held: Held, values: readonly CovValue[], now: number): void {
    const body = encodeCovNotification({
      processId: held.processId,
      device: this.#deps.device(),
      object: held.object.id,
      timeRemainingS: remainingS(held, now),
      values,
    });
    const station = this.#deps.station();
    if (!held.confirmed) {
      try {
        station.announce(UNCONFIRMED.unconfirmedCovNotification, body, held.peer);
      } catch (error) {
        this.#deps.failed(error);
      }
      return;
    }
    held.underWay = true;
    const { signal } = this.#life;
    void station.request({ peer: held.peer, service: CONFIRMED.confirmedCovNotification, body, signal }).then(() => {
      held.underWay = false;
    });
  }
}

function keyOf(
  peer: Peer,
  { processId, object, reference }: Pick<CovRequest, "processId" | "object" | "reference">,
): string {
  const property = reference === undefined ? "" : `${reference.property}[${reference.index ?? ""}]`;
  return `${peerKey(peer)}|${processId}|${objectIdWord(object.id)}|${property}`;
}

function remainingS({ expiresAt }: Pick<Held, "expiresAt">, now: number): number {
  return Number.isFinite(expiresAt) ? Math.max(1, Math.round((expiresAt - now) / 1000)) : 0;
}

function same(a: readonly BacnetValue[], b: readonly BacnetValue[]): boolean {
  return a.length === b.length && a.every((value, i) => sameValue(value, b[i]));
}

function sameValue(a: BacnetValue, b: BacnetValue | undefined): boolean {
  if (b === undefined || a.type !== b.type) return false;
  if (a.type === "null" || b.type === "null") return true;
  if (a.type === "bitString" && b.type === "bitString") {
    return a.value.length === b.value.length && a.value.every((bit, i) => bit === b.value[i]);
  }
  if (typeof a.value !== "object") return Object.is(a.value, b.value);
  const [one, other] = [encodeValues([a]), encodeValues([b])];
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
