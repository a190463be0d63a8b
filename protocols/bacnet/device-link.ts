import type { Clock } from "#core/clock.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceBinding, DeviceState, WriteRequest, WriteResult } from "../driver.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES } from "./codec/enums.ts";
import { type Peer, peerKey } from "./codec/frame.ts";
import type { Endpoint } from "./codec/link.ts";
import type { CovNotification } from "./codec/services/cov.ts";
import type { IAm } from "./codec/services/discovery.ts";
import { encodeReadProperty } from "./codec/services/property.ts";
import type { BacnetAddress, BacnetDevice } from "./config.ts";
import type { Counters } from "./counters.ts";
import { type Reading, targetOf } from "./map.ts";
import { type BoundPoint, Session } from "./session.ts";
import { BACNET_PORT, type Settings } from "./settings.ts";
import type { Transactions } from "./transactions.ts";

/** What a link needs of the driver. */
export interface LinkDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly transactions: Transactions;
  readonly processId: number;
  /** Asks for one instance, at these endpoints or, when there are none, by broadcast. */
  readonly whoIs: (instance: number, targets: readonly Endpoint[]) => void;
  readonly onSamples: (samples: readonly Sample[]) => void;
  readonly onDevice: (state: DeviceState) => void;
}

// an unchanged value is told again at the first read after so long; well below the 60 s of the contract
const REPEAT_MS = 25_000;
// restarts are taken from I-Am, which others may provoke with a Who-Is: not more often than this
const RESYNC_PAUSE_MS = 5000;

/** Keeps in touch with one device: finds it by its instance, observes it, loses it, finds it again. Delivers all its samples. */
export class DeviceLink {
  readonly device: DeviceId;
  readonly instance: number;
  readonly #deps: LinkDeps;
  readonly #configured: Endpoint | undefined;
  readonly #points: ReadonlyMap<PointId, BoundPoint>;
  readonly #last = new Map<BoundPoint, Sample>();
  #batch: Sample[] = [];
  #session: Session | undefined;
  #lastPeer: Endpoint | undefined;
  #online: boolean | undefined;
  #reason = "the device does not answer Who-Is";
  #searches = 0;
  #cancelTimer: () => void = () => {};
  #cancelResync: (() => void) | undefined;
  #resyncAllowedAt = 0;
  #verifying = false;
  #closed = false;

  constructor(binding: DeviceBinding<BacnetDevice, BacnetAddress>, deps: LinkDeps) {
    const { device, config, points } = binding;
    this.device = device;
    this.instance = config.instance;
    this.#deps = { ...deps, logger: deps.logger.child({ device, instance: config.instance }) };
    const { address } = config;
    this.#configured = address === undefined ? undefined : { host: address.host, port: address.port ?? BACNET_PORT };
    this.#points = new Map(
      points.map(({ point, address: at, writable }) => [point, { point, writable, target: targetOf(at) }]),
    );
  }

  /** Where the device should be, undefined when it is found by broadcast. */
  get configured(): Endpoint | undefined {
    return this.#configured;
  }

  /** Begins to search. */
  begin(): void {
    this.#search(this.#deps.settings.retries);
  }

  has(point: PointId): boolean {
    return this.#points.has(point);
  }

  /** The device said who it is, asked or not. */
  announced(iAm: IAm, peer: Peer): void {
    if (this.#closed) return;
    const session = this.#session;
    if (session === undefined) this.#connect(peer, iAm.maxApdu);
    else if (peerKey(session.peer) === peerKey(peer)) this.#resyncSoon(session);
    else void this.#verifyMove(session, peer, iAm);
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
    this.#flush();
    return taken;
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const point = this.#points.get(request.point);
    if (point === undefined) return rejected("BACNET_POINT_UNKNOWN", `point ${request.point} is not bound`);
    if (!point.writable) return rejected("BACNET_POINT_READ_ONLY", `point ${request.point} is not writable`);
    if (this.#session === undefined || this.#online !== true) {
      return rejected("BACNET_OFFLINE", `device ${this.instance} is offline`);
    }
    return this.#session.write(point, request, signal);
  }

  /** Stops; nothing is delivered afterwards. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#endSession();
  }

  #search(retriesLeft: number): void {
    if (this.#closed) return;
    const known = [this.#configured, this.#lastPeer].filter((target) => target !== undefined);
    const targets = new Map(known.map((target) => [peerKey(target), target]));
    this.#deps.whoIs(this.instance, [...targets.values()]);
    this.#cancelTimer = this.#deps.clock.after(this.#deps.settings.apduTimeoutMs, () => {
      if (retriesLeft > 0) this.#search(retriesLeft - 1);
      else this.#lost();
    });
  }

  #connect(peer: Peer, maxApdu: number): void {
    this.#cancelTimer();
    const { clock, counters, settings, transactions, processId } = this.#deps;
    const session: Session = new Session(peer, maxApdu, [...this.#points.values()], {
      clock,
      counters,
      settings,
      transactions,
      processId,
      instance: this.instance,
      deliver: (point, reading) => this.#deliver(session, point, reading),
      onLost: () => this.#lost(),
    });
    this.#session = session;
    // further answers to the same search are no restart
    this.#resyncAllowedAt = clock.monotonic() + settings.apduTimeoutMs;
    void session.begin().then((reached) => {
      if (reached && this.#session === session) this.#reached(peer);
    });
  }

  #reached(peer: Peer): void {
    if (this.#online === false) this.#deps.counters.add("reconnects");
    this.#searches = 0;
    this.#lastPeer = { host: peer.host, port: peer.port };
    this.#reason = "the device does not answer";
    this.#tell(true);
    this.#flush();
  }

  /** Silent: every point is bad, and the search goes on with growing pauses. */
  #lost(): void {
    this.#endSession();
    if (this.#closed) return;
    const { clock, settings } = this.#deps;
    this.#tell(false);
    for (const point of this.#points.values()) this.#take(point, { value: null, quality: "bad", reason: "commLost" });
    this.#flush();
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

  // an I-Am without our asking is what a device sends when it starts [BACnet 16.10.3]
  #resyncSoon(session: Session): void {
    if (this.#cancelResync !== undefined || this.#online !== true) return;
    const { clock } = this.#deps;
    const delayMs = Math.max(0, this.#resyncAllowedAt - clock.monotonic());
    this.#cancelResync = clock.after(delayMs, () => {
      this.#cancelResync = undefined;
      this.#resyncAllowedAt = clock.monotonic() + RESYNC_PAUSE_MS;
      void session.resync().then(() => this.#flush());
    });
  }

  /** A second address claims our instance. While the first still answers, the claim is a duplicate and is refused. */
  async #verifyMove(session: Session, peer: Peer, iAm: IAm): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    const object = { type: OBJECT_TYPES.device, instance: this.instance };
    const outcome = await this.#deps.transactions.request({
      peer: session.peer,
      service: CONFIRMED.readProperty,
      body: encodeReadProperty({ object, property: PROPERTIES.objectIdentifier }),
      signal: session.signal,
    });
    this.#verifying = false;
    if (this.#closed || this.#session !== session) return;
    const fields = { at: peerKey(session.peer), claimed: peerKey(peer) };
    if (outcome.kind === "ack") {
      this.#deps.counters.add("duplicateInstance");
      this.#deps.logger.warn(fields, "two devices claim the same instance");
      return;
    }
    this.#deps.counters.add("rebinds");
    this.#deps.logger.info(fields, "device has a new address");
    this.#endSession();
    this.#connect(peer, iAm.maxApdu);
  }

  #deliver(session: Session, point: BoundPoint, reading: Reading): void {
    if (this.#session !== session || this.#closed) return;
    this.#take(point, reading);
    // samples of one answer go out together, at the end of the turn
    if (this.#batch.length === 1) queueMicrotask(() => this.#flush());
  }

  #take(point: BoundPoint, reading: Reading): void {
    const observedAt = this.#deps.clock.now();
    const last = this.#last.get(point);
    const same = last?.value === reading.value && last.quality === reading.quality && last.reason === reading.reason;
    if (same && Math.abs(observedAt - last.observedAt) < REPEAT_MS) return;
    const sample = { point: point.point, ...reading, observedAt };
    this.#last.set(point, sample);
    this.#batch.push(sample);
  }

  #flush(): void {
    if (this.#closed || this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#deps.onSamples(batch);
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
