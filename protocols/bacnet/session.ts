import type { Clock } from "#core/clock.ts";
import type { PointId } from "#core/ids.ts";
import type { WriteRequest, WriteResult } from "../driver.ts";
import { OBJECT_TYPES, PROPERTIES } from "./codec/enums.ts";
import { type Peer, peerKey } from "./codec/frame.ts";
import type { CovNotification } from "./codec/services/cov.ts";
import type { PropertyReference, PropertyResult, ReadResult, ReadSpecification } from "./codec/services/property.ts";
import { type BacnetValue, objectIdWord } from "./codec/values.ts";
import type { Counters } from "./counters.ts";
import { CovSubscriptions } from "./cov.ts";
import { hasStatus, isAnalog, type Reading, readingOf, readingOfError, type Target } from "./map.ts";
import { type Ask, PropertyReader } from "./polling.ts";
import type { Settings } from "./settings.ts";
import type { Transactions } from "./transactions.ts";
import { writeTarget } from "./write.ts";

/** One bound point. */
export interface BoundPoint {
  readonly point: PointId;
  readonly target: Target;
  readonly writable: boolean;
}

/** What a session needs. */
export interface SessionDeps {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly transactions: Transactions;
  readonly processId: number;
  readonly instance: number;
  readonly deliver: (point: BoundPoint, reading: Reading) => void;
  /** Told once when the device stopped answering; the session has ended itself by then. */
  readonly onLost: () => void;
}

/** What is known of a point besides its samples. */
interface Knowledge {
  lastRead: BacnetValue | undefined;
  covIncrement: number | undefined;
  /** Value that COV told last, undefined before the first notification of this session. */
  told: Reading["value"] | undefined;
  /** Number of the last notification, to see that a read is older than it. */
  toldAt: number;
  reliability: boolean;
}

type Results = ReadonlyMap<string, PropertyResult>;
const resultKey = (word: number, { property, index }: PropertyReference): string =>
  `${word}:${property}:${index ?? ""}`;

/**
 * One time of being in touch with a device at one address: a first read of all, COV with renewal, polling of what COV does not
 * cover, a slow read of what it does, writes. Ends for good when the device is silent, or by `end`.
 */
export class Session {
  readonly peer: Peer;
  readonly #deps: SessionDeps;
  readonly #points: readonly BoundPoint[];
  readonly #known = new Map<BoundPoint, Knowledge>();
  /** Points that COV may tell, by object. */
  readonly #watched: ReadonlyMap<number, readonly BoundPoint[]>;
  readonly #ending = new AbortController();
  readonly #reader: PropertyReader;
  readonly #cov: CovSubscriptions;
  #notifications = 0;

  constructor(peer: Peer, maxApdu: number, points: readonly BoundPoint[], deps: SessionDeps) {
    this.peer = peer;
    this.#points = points;
    this.#deps = deps;
    const { clock, counters, settings, processId } = deps;
    for (const point of points) {
      const unknown = { lastRead: undefined, covIncrement: undefined, told: undefined, toldAt: 0, reliability: true };
      this.#known.set(point, unknown);
    }
    const ask: Ask = (service, body) => this.#ask(service, body, this.#ending.signal);
    this.#reader = new PropertyReader(ask, maxApdu, counters);
    const watched = points.filter(({ target }) => target.cov);
    this.#watched = Map.groupBy(watched, ({ target }) => objectIdWord(target.object));
    const objects = watched.map(({ target }) => target.object);
    this.#cov = new CovSubscriptions(objects, {
      ask,
      clock,
      counters,
      signal: this.#ending.signal,
      processId,
      confirmed: settings.covConfirmed,
      lifetimeS: settings.covLifetimeS,
    });
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Reads all and gives true once the device answered; then observes until the end. */
  async begin(): Promise<boolean> {
    const answered = this.#points.length === 0 ? await this.#heartbeat() : await this.#readPoints(this.#points, true);
    if (!answered) return false;
    void this.#observe();
    return true;
  }

  /** The device may have restarted: everything is read and subscribed anew. */
  async resync(): Promise<void> {
    this.#deps.counters.add("resyncs");
    if (await this.#readPoints(this.#points)) await this.#cov.subscribeAll();
  }

  /** Takes a notification; false when it belongs to none of our subscriptions. */
  notified(from: Peer, notification: CovNotification): boolean {
    const { processId, instance, deliver } = this.#deps;
    const ours = notification.processId === processId && notification.device.instance === instance;
    if (!ours || peerKey(from) !== peerKey(this.peer)) return false;
    const value = notification.values.find(({ property }) => property === PROPERTIES.presentValue);
    const flags = notification.values.find(({ property }) => property === PROPERTIES.statusFlags)?.values[0];
    const word = objectIdWord(notification.object);
    const points = this.#watched.get(word);
    if (points === undefined || value === undefined) return false;
    this.#notifications += 1;
    for (const point of points) {
      const reading = readingOf(point.target, value.values, flags);
      const known = this.#known.get(point);
      if (known !== undefined) {
        known.told = reading.value;
        known.toldAt = this.#notifications;
      }
      deliver(point, reading);
    }
    return true;
  }

  /** Writes and reads back. */
  async write(point: BoundPoint, request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const until = AbortSignal.any([this.#ending.signal, signal]);
    const ask: Ask = (service, body) => this.#ask(service, body, until);
    const result = await writeTarget(point.target, request, {
      clock: this.#deps.clock,
      ask,
      reader: new PropertyReader(ask, 0, this.#deps.counters),
      lastRead: this.#known.get(point)?.lastRead,
    });
    // the sample with its status follows at once, whatever the outcome was
    if (result.status !== "rejected") void this.#readPoints([point]);
    return result;
  }

  /** Stops everything; nothing is delivered afterwards. */
  end(): void {
    this.#ending.abort();
  }

  async #ask(service: number, body: Uint8Array, signal: AbortSignal): ReturnType<Ask> {
    const outcome = await this.#deps.transactions.request({ peer: this.peer, service, body, signal });
    if (outcome.kind === "timeout" && !this.#ending.signal.aborted) {
      this.#ending.abort();
      this.#deps.onLost();
    }
    return outcome;
  }

  async #observe(): Promise<void> {
    const { pollMs, safetyPollMs } = this.#deps.settings;
    await this.#cov.begin();
    this.#repeat(pollMs, async () => {
      const polled = this.#points.filter(({ target }) => !this.#cov.covers(target.object) || !target.cov);
      if (polled.length === 0) await this.#heartbeat();
      else await this.#readPoints(polled);
    });
    this.#repeat(safetyPollMs, () => this.#safetyPoll());
  }

  /** Runs `work` again and again, each time `periodMs` after it ended. */
  #repeat(periodMs: number, work: () => Promise<void>): void {
    if (this.#ending.signal.aborted) return;
    const cancel = this.#deps.clock.after(periodMs * (0.9 + 0.1 * Math.random()), () => {
      this.#ending.signal.removeEventListener("abort", cancel);
      void work().then(() => this.#repeat(periodMs, work));
    });
    this.#ending.signal.addEventListener("abort", cancel, { once: true });
  }

  /** Reads what COV covers: a sign of life for each point, and a check that no notification was lost. */
  async #safetyPoll(): Promise<void> {
    const covered = this.#points.filter(({ target }) => target.cov && this.#cov.covers(target.object));
    const before = new Map(covered.map((point) => [point, this.#known.get(point)?.toldAt]));
    if (covered.length === 0 || !(await this.#readPoints(covered))) return;
    for (const point of covered) {
      const known = this.#known.get(point);
      if (known === undefined || known.toldAt !== before.get(point) || !this.#missed(point, known)) continue;
      this.#deps.counters.add("covMissed");
      await this.#cov.subscribe(point.target.object);
    }
  }

  // the value differs from what COV told by more than COV allows: the subscription is gone, e.g. after a restart
  #missed({ target }: BoundPoint, { told, lastRead, covIncrement }: Knowledge): boolean {
    if (lastRead === undefined) return false;
    if (told === undefined) return true;
    const { value } = readingOf(target, [lastRead]);
    if (!isAnalog(target.object) || typeof value !== "number" || typeof told !== "number") return value !== told;
    return covIncrement !== undefined && Math.abs(value - told) >= covIncrement && value !== told;
  }

  async #heartbeat(): Promise<boolean> {
    const { instance } = this.#deps;
    const object = { type: OBJECT_TYPES.device, instance };
    return (await this.#reader.readOne({ object, property: PROPERTIES.systemStatus })) !== undefined;
  }

  /** Reads and delivers; false when the device did not answer or the session ended. */
  async #readPoints(points: readonly BoundPoint[], first = false): Promise<boolean> {
    const begun = this.#notifications;
    const answers = await this.#reader.read(this.#specifications(points, first));
    if (answers === undefined || this.#ending.signal.aborted) return false;
    const results = indexed(answers);
    for (const point of points) this.#take(point, results, begun);
    return true;
  }

  #specifications(points: readonly BoundPoint[], first: boolean): readonly ReadSpecification[] {
    const objects = new Map<number, { object: Target["object"]; properties: Map<string, PropertyReference> }>();
    for (const point of points) {
      const { target } = point;
      const word = objectIdWord(target.object);
      const entry = objects.get(word) ?? { object: target.object, properties: new Map() };
      objects.set(word, entry);
      for (const reference of this.#references(point, first))
        entry.properties.set(resultKey(word, reference), reference);
    }
    return [...objects.values()].map(({ object, properties }) => ({ object, properties: [...properties.values()] }));
  }

  #references(point: BoundPoint, first: boolean): readonly PropertyReference[] {
    const { target } = point;
    const { property, index } = target;
    const references: PropertyReference[] = [{ property, ...(index === undefined ? {} : { index }) }];
    if (hasStatus(target)) references.push({ property: PROPERTIES.statusFlags });
    if (hasStatus(target) && this.#known.get(point)?.reliability) references.push({ property: PROPERTIES.reliability });
    if (first && target.cov && isAnalog(target.object)) references.push({ property: PROPERTIES.covIncrement });
    return references;
  }

  #take(point: BoundPoint, results: Results, begun: number): void {
    const { target } = point;
    const known = this.#known.get(point);
    if (known === undefined) return;
    const word = objectIdWord(target.object);
    const single = (property: number): BacnetValue | undefined => {
      const result = results.get(resultKey(word, { property }));
      return result !== undefined && "values" in result ? result.values[0] : undefined;
    };
    const increment = single(PROPERTIES.covIncrement);
    if (increment?.type === "real") known.covIncrement = increment.value;
    const reliability = results.get(resultKey(word, { property: PROPERTIES.reliability }));
    // optional in the standard: not asked again where the device has none
    if (reliability !== undefined && "error" in reliability) known.reliability = false;
    const result = results.get(resultKey(word, target));
    if (result !== undefined && "values" in result) known.lastRead = result.values[0];
    // a notification came after this read was sent: it is the newer one
    if (known.toldAt > begun) return;
    this.#deps.deliver(point, this.#readingFrom(target, result, single));
  }

  #readingFrom(
    target: Target,
    result: PropertyResult | undefined,
    single: (property: number) => BacnetValue | undefined,
  ): Reading {
    if (result === undefined) return { value: null, quality: "bad", reason: "noValue" };
    if ("error" in result) return readingOfError(result.error);
    return readingOf(target, result.values, single(PROPERTIES.statusFlags), single(PROPERTIES.reliability));
  }
}

function indexed(answers: readonly ReadResult[]): Results {
  const entries = answers.flatMap(({ object, results }) => {
    const word = objectIdWord(object);
    return results.map((result) => [resultKey(word, result), result] as const);
  });
  return new Map(entries);
}
