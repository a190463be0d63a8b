import type { Clock } from "#core/clock.ts";
import type { Apdu } from "#protocols/bacnet/codec/apdu.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { type Peer, peerKey } from "#protocols/bacnet/codec/frame.ts";
import { encodeCovNotification, type SubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import type { ErrorPair } from "#protocols/bacnet/codec/services/error.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "#protocols/bacnet/codec/values.ts";
import type { SignalObject } from "./signal-object.ts";

const RETRY_MS = 3000;
const RETRIES = 3;

interface Reported {
  readonly value: BacnetValue;
  readonly flags: readonly boolean[];
}

interface Subscription {
  readonly peer: Peer;
  readonly processId: number;
  readonly object: SignalObject;
  readonly confirmed: boolean;
  /** Monotonic ms; Infinity for an indefinite one. */
  readonly expiresAt: number;
  reported: Reported | undefined;
}

interface Pending {
  readonly subscription: Subscription;
  readonly cancel: () => void;
}

/** What the engine needs of its server. */
export interface CovDeps {
  readonly clock: Clock;
  readonly device: ObjectId;
  /** Most subscriptions held at once. */
  readonly slots: number;
  send(peer: Peer, apdu: Apdu): void;
}

function changed(object: SignalObject, last: Reported, now: Reported): boolean {
  if (last.flags.some((flag, i) => flag !== now.flags[i])) return true;
  if (last.value.type !== "real" || now.value.type !== "real") {
    return "value" in last.value && "value" in now.value && last.value.value !== now.value.value;
  }
  // [BACnet 13.1.1 Table 13-1] a change by COV_Increment or more; with increment 0 any change
  const difference = Math.abs(now.value.value - last.value.value);
  return difference > 0 && difference >= object.currentCovIncrement();
}

/** Keeps the subscriptions of one device and tells its changes. [BACnet 13.1, 13.14] */
export class CovEngine {
  readonly #deps: CovDeps;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #pending = new Map<string, Pending>();
  #fresh: Subscription[] = [];
  #nextInvokeId = 0;

  constructor(deps: CovDeps) {
    this.#deps = deps;
  }

  /** Subscriptions held now. */
  get size(): number {
    return this.#subscriptions.size;
  }

  /** Adds, renews or cancels; undefined when done. The first notification goes out with `tellFresh`, after the answer. */
  subscribe(peer: Peer, object: SignalObject, request: SubscribeCov): ErrorPair | undefined {
    const key = `${peerKey(peer)}|${request.processId}|${objectIdWord(request.object)}`;
    if (request.subscription === undefined) {
      this.#subscriptions.delete(key);
      return undefined;
    }
    const { confirmed, lifetimeS } = request.subscription;
    if (!this.#subscriptions.has(key) && this.#subscriptions.size >= this.#deps.slots) {
      // [BACnet 13.14.1.3]
      return { errorClass: ERROR_CLASS.resources, errorCode: ERROR_CODE.noSpaceToAddListElement };
    }
    if (!object.hasPresentValueCov) {
      return { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.optionalFunctionalityNotSupported };
    }
    const expiresAt = lifetimeS === 0 ? Number.POSITIVE_INFINITY : this.#deps.clock.monotonic() + lifetimeS * 1000;
    const processId = request.processId;
    // [BACnet 13.14.2] a renewal too is answered by a notification of the present value
    const subscription = { peer, processId, object, confirmed, expiresAt, reported: undefined };
    this.#subscriptions.set(key, subscription);
    this.#fresh.push(subscription);
    return undefined;
  }

  /** Drops what has expired and notifies what has changed since it was last told. */
  scan(): void {
    const now = this.#deps.clock.monotonic();
    for (const [key, subscription] of this.#subscriptions) {
      if (subscription.expiresAt <= now) this.#subscriptions.delete(key);
      else this.#check(subscription, now);
    }
  }

  /** Notifies what was subscribed since the last call. */
  tellFresh(): void {
    const now = this.#deps.clock.monotonic();
    for (const subscription of this.#fresh.splice(0)) this.#check(subscription, now);
  }

  /** The subscriber answered a confirmed notification, in whatever way. */
  settled(peer: Peer, invokeId: number): void {
    const key = `${peerKey(peer)}|${invokeId}`;
    this.#pending.get(key)?.cancel();
    this.#pending.delete(key);
  }

  /** Forgets every subscription: power loss, or the end. */
  clear(): void {
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
    this.#fresh = [];
    this.#subscriptions.clear();
  }

  #check(subscription: Subscription, now: number): void {
    const { object, reported } = subscription;
    // a confirmed notification still under way: the value that counts is told once it is answered
    if (subscription.confirmed && this.#underWay(subscription)) return;
    const current: Reported = { value: object.presentValue(), flags: object.statusFlags() };
    if (reported !== undefined && !changed(object, reported, current)) return;
    subscription.reported = current;
    this.#notify(subscription, current, now);
  }

  #underWay(subscription: Subscription): boolean {
    return [...this.#pending.values()].some((pending) => pending.subscription === subscription);
  }

  #notify(subscription: Subscription, current: Reported, now: number): void {
    const { peer, processId, object, expiresAt } = subscription;
    const body = encodeCovNotification({
      processId,
      device: this.#deps.device,
      object: object.id,
      timeRemainingS: Number.isFinite(expiresAt) ? Math.max(1, Math.round((expiresAt - now) / 1000)) : 0,
      values: [
        { property: PROPERTIES.presentValue, values: [current.value] },
        { property: PROPERTIES.statusFlags, values: [{ type: "bitString", value: current.flags }] },
      ],
    });
    if (!subscription.confirmed) {
      this.#deps.send(peer, { type: "unconfirmedRequest", service: UNCONFIRMED.unconfirmedCovNotification, body });
      return;
    }
    const invokeId = this.#nextInvokeId;
    this.#nextInvokeId = (invokeId + 1) % 256;
    const apdu: Apdu = {
      type: "confirmedRequest",
      invokeId,
      service: CONFIRMED.confirmedCovNotification,
      segmentedResponseAccepted: false,
      maxSegments: 0,
      maxApdu: 1476,
      body,
    };
    this.#attempt(subscription, apdu, invokeId, RETRIES);
  }

  #attempt(subscription: Subscription, apdu: Apdu, invokeId: number, retriesLeft: number): void {
    const key = `${peerKey(subscription.peer)}|${invokeId}`;
    const cancel = this.#deps.clock.after(RETRY_MS, () => {
      this.#pending.delete(key);
      if (retriesLeft > 0) this.#attempt(subscription, apdu, invokeId, retriesLeft - 1);
    });
    this.#pending.set(key, { subscription, cancel });
    this.#deps.send(subscription.peer, apdu);
  }
}
