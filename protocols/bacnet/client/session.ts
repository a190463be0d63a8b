import type { Clock } from "#core/clock.ts";
import type { WriteRequest } from "../../driver.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import type { CovNotification } from "../codec/services/cov.ts";
import type { BacnetValue } from "../codec/values.ts";
import type { Counters } from "../counters.ts";
import type { Settings } from "../settings.ts";
import type { PeerLimits, Station } from "../station/ports.ts";
import type { Abilities } from "./abilities.ts";
import type { Contact } from "./contact.ts";
import { CovSubscriptions } from "./cov.ts";
import type { Reading } from "./map.ts";
import { type BoundPoint, PointBoard } from "./point-board.ts";
import { type Ask, PropertyReader } from "./polling.ts";
import { Vitals } from "./vitals.ts";
import type { Lease } from "./writing/lease.ts";
import { viewPriorities } from "./writing/priority-array.ts";
import { type WriteEnd, writeTarget } from "./writing/write.ts";
import { WriteQueue } from "./writing/write-queue.ts";

/** What a session needs. */
export interface SessionDeps {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly station: Station;
  readonly processId: number;
  readonly formerProcessId: number | undefined;
  readonly instance: number;
  readonly limits: PeerLimits;
  readonly abilities: Abilities;
  readonly deliver: (point: BoundPoint, reading: Reading) => void;
  /** The device lives and told no change of these points: their values still hold. */
  readonly vouch: (points: readonly BoundPoint[]) => void;
  /** The device told that it has restarted. */
  readonly onRestarted: () => void;
  /** The device answered or notified. */
  readonly onHeard: () => void;
  /** All was read and subscribed for the first time: what else is asked of the device delays no value any more. */
  readonly onObserving: (contact: Contact) => void;
  /** The device may have started again or have other objects; its points were read and subscribed. */
  readonly onRenewed: () => void;
  /** Told once when the device stopped answering; the session has ended itself by then. */
  readonly onLost: () => void;
}

/** Longest time between two signs of life: with `vouch` after each, every point is told within 60 s. */
const LONGEST_PULSE_MS = 25_000;
// where a lost notification is sent again and a restart is told, little is left for a safety poll to find
const SAFETY_POLL_SURE_MS = 900_000;
// a restart that nobody told shows here at the latest: within a minute
const SAFETY_POLL_MS = 50_000;

/**
 * One time of being in touch with a device at one address: a first read of all, COV with renewal, polling of what COV does not
 * cover, a slow read of what it does, writes. Ends for good when the device is silent, or by `end`.
 */
export class Session {
  readonly peer: Peer;
  readonly #deps: SessionDeps;
  readonly #ending = new AbortController();
  readonly #board: PointBoard;
  readonly #reader: PropertyReader;
  readonly #cov: CovSubscriptions;
  readonly #vitals: Vitals;
  readonly #writes: WriteQueue;
  readonly #contact: Contact;
  #pulseAt = Number.NEGATIVE_INFINITY;
  #polledAt = Number.NEGATIVE_INFINITY;

  constructor(peer: Peer, points: readonly BoundPoint[], deps: SessionDeps) {
    this.peer = peer;
    this.#deps = deps;
    const { clock, counters, settings, processId, formerProcessId, abilities } = deps;
    const ask: Ask = (service, body) => this.ask(service, body, this.#ending.signal);
    this.#board = new PointBoard(points, abilities, deps.deliver);
    this.#reader = new PropertyReader(ask, abilities, counters);
    this.#vitals = new Vitals(this.#reader, deps.instance, abilities);
    this.#writes = new WriteQueue(ask, abilities);
    const startedAt = (): string | undefined => this.#vitals.startedAt;
    this.#contact = { peer, signal: this.#ending.signal, ask, reader: this.#reader, abilities, startedAt };
    this.#cov = new CovSubscriptions(
      points.map(({ target }) => target),
      {
        ask,
        abilities,
        clock,
        counters,
        signal: this.#ending.signal,
        processId,
        formerProcessId,
        confirmed: settings.covConfirmed,
        lifetimeS: settings.covLifetimeS,
        window: settings.window,
      },
    );
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Reads all and gives true once the device answered; then observes until the end. */
  async begin(): Promise<boolean> {
    const { points } = this.#board;
    const answered = points.length === 0 ? (await this.#pulse()) !== "silent" : await this.#readPoints(points, true);
    if (!answered) return false;
    void this.#observe();
    return true;
  }

  /** The device may have restarted: everything is read and subscribed anew. */
  async resync(): Promise<void> {
    this.#deps.counters.add("resyncs");
    if (!(await this.#readPoints(this.#board.points))) return;
    await this.#cov.subscribeAll();
    if (!this.#ending.signal.aborted) this.#deps.onRenewed();
  }

  /** The device announced itself: a restart, unless it tells its restarts and tells none. */
  async announced(): Promise<void> {
    if (this.#vitals.tellsRestarts && (await this.#pulse()) === "steady") return;
    if (!this.#ending.signal.aborted) await this.resync();
  }

  /** Takes a notification; false when it belongs to none of our subscriptions. */
  notified(from: Peer, notification: CovNotification): boolean {
    const { processId, instance } = this.#deps;
    const ours = notification.processId === processId && notification.device.instance === instance;
    if (!ours || peerKey(from) !== peerKey(this.peer)) return false;
    this.#deps.onHeard();
    return this.#board.notified(notification);
  }

  /** Writes and reads back. */
  async write(point: BoundPoint, request: WriteRequest, signal: AbortSignal): Promise<WriteEnd> {
    const until = AbortSignal.any([this.#ending.signal, signal]);
    const ask: Ask = (service, body) => this.ask(service, body, until);
    const end = await writeTarget(point.target, request, {
      clock: this.#deps.clock,
      send: (write) => this.#writes.write(write, until),
      reader: new PropertyReader(ask, this.#deps.abilities, this.#deps.counters),
      lastRead: this.#board.lastRead(point),
    });
    // the sample with its status follows at once, whatever the outcome was
    if (end.result.status !== "rejected") void this.#readPoints([point]);
    return end;
  }

  /** The slots of a point's object; see `viewPriorities`. */
  priorities(point: BoundPoint, held: readonly Lease[]): ReturnType<typeof viewPriorities> {
    return viewPriorities(point.target, this.#reader, held);
  }

  /** Type of the value last read from a point. */
  lastRead(point: BoundPoint): BacnetValue | undefined {
    return this.#board.lastRead(point);
  }

  /** Stops everything; nothing is delivered afterwards. */
  end(): void {
    this.#ending.abort();
  }

  /** Asks the device; a device that does not answer ends the session. */
  async ask(service: number, body: Uint8Array, signal: AbortSignal): ReturnType<Ask> {
    const { station, limits } = this.#deps;
    const outcome = await station.request({ peer: this.peer, service, body, signal, limits });
    if (outcome.kind === "timeout" && !this.#ending.signal.aborted) {
      this.#ending.abort();
      this.#deps.onLost();
    }
    if (outcome.kind !== "timeout" && outcome.kind !== "cancelled") this.#deps.onHeard();
    return outcome;
  }

  async #observe(): Promise<void> {
    const { pollMs, safetyPollMs, covConfirmed } = this.#deps.settings;
    if ((await this.#pulse()) === "silent") return;
    await this.#cov.begin();
    if (!this.#ending.signal.aborted) this.#deps.onObserving(this.#contact);
    // each device at its own place in the period, so that many do not burst
    this.#repeat(Math.min(pollMs, LONGEST_PULSE_MS), () => this.#pollIfDue(), Math.random());
    const sure = covConfirmed && this.#vitals.tellsRestarts;
    this.#repeat(safetyPollMs ?? (sure ? SAFETY_POLL_SURE_MS : SAFETY_POLL_MS), () => this.#safetyPoll());
  }

  /** Runs `work` again and again, each time `periodMs` after it ended; the first time after `share` of it. */
  #repeat(periodMs: number, work: () => Promise<void>, share = 0.9 + 0.1 * Math.random()): void {
    const { signal } = this.#ending;
    if (signal.aborted) return;
    const cancel = this.#deps.clock.after(periodMs * share, () => {
      signal.removeEventListener("abort", cancel);
      void work().then(() => this.#repeat(periodMs, work));
    });
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** Polls what COV does not cover; looks for a sign of life where nothing was polled, or not for long. */
  async #pollIfDue(): Promise<void> {
    const { clock, settings } = this.#deps;
    const now = clock.monotonic();
    const polled = this.#board.points.filter(({ target }) => !this.#cov.covers(target));
    // called more often than every pollMs where that is long: the nearest turn is taken
    const turnMs = Math.min(settings.pollMs, LONGEST_PULSE_MS);
    if (polled.length > 0 && now - this.#polledAt >= settings.pollMs - turnMs / 2) {
      this.#polledAt = now;
      if (!(await this.#readPoints(polled))) return;
    }
    const covered = polled.length < this.#board.points.length;
    if (polled.length === 0 || (covered && now - this.#pulseAt >= LONGEST_PULSE_MS / 2)) await this.#lookForLife();
  }

  async #lookForLife(): Promise<void> {
    const pulse = await this.#pulse();
    if (pulse === "restarted" || pulse === "changed") await this.resync();
    else if (pulse === "steady") this.#deps.vouch(this.#board.points.filter(({ target }) => this.#cov.covers(target)));
  }

  async #pulse(): ReturnType<Vitals["take"]> {
    this.#pulseAt = this.#deps.clock.monotonic();
    const pulse = await this.#vitals.take();
    if (pulse === "restarted") this.#deps.onRestarted();
    return pulse;
  }

  /** Reads what COV covers: a check that no notification was lost. */
  async #safetyPoll(): Promise<void> {
    const covered = this.#board.points.filter(({ target }) => this.#cov.covers(target));
    const before = new Map(covered.map((point) => [point, this.#board.toldAt(point)]));
    if (covered.length === 0 || !(await this.#readPoints(covered))) return;
    const missed = covered.filter(
      (point) => this.#board.toldAt(point) === before.get(point) && this.#board.missed(point),
    );
    if (missed.length === 0) return;
    for (const _ of missed) this.#deps.counters.add("covMissed");
    // one notification was lost, or the device restarted and forgot all: where it would have told that, it is the former
    if (!this.#vitals.tellsRestarts) await this.#cov.subscribeAll();
    else for (const { target } of missed) await this.#cov.subscribe(target);
  }

  /** Reads and delivers; false when the device did not answer or the session ended. */
  async #readPoints(points: readonly BoundPoint[], first = false): Promise<boolean> {
    const { moment } = this.#board;
    const answers = await this.#reader.read(this.#board.specifications(points, first));
    if (answers === undefined || this.#ending.signal.aborted) return false;
    this.#board.take(points, answers, moment);
    return true;
  }
}
