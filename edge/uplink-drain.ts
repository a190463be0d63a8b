import type { Clock } from "#core/clock.ts";
import { REWIND_AFTER_MS, WINDOW } from "./uplink-lane.ts";

/** Which part of the telemetry lane: what waited before the births, or what came after them. */
export type Part = "backlog" | "live";

/** Most backlog batches under way, and while events wait as well: a bounded share, so that what is live never queues behind it. */
const BACKLOG_SHARE = 24;
const BACKLOG_BESIDE_EVENTS = 2;
/** Most live batches under way beside a backlog. */
const LIVE_SHARE = WINDOW - BACKLOG_SHARE;
/** Most bytes under way of each part; one batch always may. */
const PART_BYTES = 2 * 1024 * 1024;

interface UnderWay {
  readonly last: number;
  readonly bytes: number;
  readonly part: Part;
}

/**
 * How far the telemetry lane has been sent and acked on this connection, in two parts that go side by side: the backlog from the
 * last ack on, and what is live from `liveFrom` on. The cloud's ack is cumulative and so stays in the backlog until that is
 * drained; but it takes batches in the order they were sent, so a live batch counts as arrived once a later one of the backlog
 * is acked. Should it have been lost all the same, the ack stops in front of it and the lane goes back there.
 *
 * The very first batch after a connection or a rewind is always the oldest one, alone until an ack: the cloud tells by it whether
 * something in front of it is gone for good, and whether this outbox is a copy.
 */
export class TelemetryWindow {
  readonly #clock: Clock;
  #backlog = 0;
  #live = 0;
  #liveFrom = 1;
  #acked = 0;
  #sentTo = 0;
  #open = false;
  #underWay: UnderWay[] = [];
  #progressAt = 0;
  #rewinds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often it went back, since the start. */
  get rewinds(): number {
    return this.#rewinds;
  }
  /** Offsets below this one are history: the births told what holds now. */
  get liveFrom(): number {
    return this.#liveFrom;
  }
  /** Samples of the backlog that the cloud has not acked. */
  get remaining(): number {
    return Math.max(0, this.#liveFrom - 1 - this.#acked);
  }

  /** Everything after the last ack is to be sent; below `liveFrom` as history. */
  reset(acked: number, liveFrom: number): void {
    this.#acked = acked;
    this.#backlog = acked;
    this.#liveFrom = Math.max(liveFrom, acked + 1);
    this.#live = this.#liveFrom - 1;
    this.#sentTo = acked;
    this.#underWay = [];
    this.#open = false;
    this.#progressAt = this.#clock.monotonic();
  }

  /** Births were sent again. What waits unacked for long is history from now on; the rest is sent once more as it was. */
  reborn(acked: number, next: number): void {
    const stalled = acked < this.#sentTo && this.#clock.monotonic() - this.#progressAt >= 2 * REWIND_AFTER_MS;
    this.reset(acked, stalled ? next : this.#liveFrom);
  }

  get #drained(): boolean {
    return this.#backlog >= this.#liveFrom - 1;
  }

  /** Offset after which a part goes on. */
  cursor(part: Part): number {
    return part === "live" ? this.#live : this.#backlog;
  }

  /** May a batch of this part be sent? `besideEvents`: events wait as well. */
  room(part: Part, besideEvents: boolean): boolean {
    if (part === "backlog" && this.#drained) return false;
    // the oldest one first, and alone
    if (!this.#open) return this.#underWay.length === 0 && (part === "backlog" || this.#drained);
    const own = this.#underWay.filter((batch) => batch.part === part);
    if (own.reduce((sum, { bytes }) => sum + bytes, 0) >= PART_BYTES) return false;
    return own.length < this.#share(part, besideEvents);
  }

  #share(part: Part, besideEvents: boolean): number {
    if (part === "backlog") return besideEvents ? BACKLOG_BESIDE_EVENTS : BACKLOG_SHARE;
    return this.#drained ? WINDOW : LIVE_SHARE;
  }

  /** A batch up to `last` was sent. */
  sent(part: Part, last: number, bytes: number): void {
    if (this.#acked >= this.#sentTo) this.#progressAt = this.#clock.monotonic();
    this.#underWay.push({ last, bytes, part });
    this.#sentTo = Math.max(this.#sentTo, last);
    if (part === "live") this.#live = last;
    else this.#backlog = last;
  }

  /** Nothing of this part is in the file beyond the cursor: it ends here. */
  exhausted(part: Part): void {
    if (part === "backlog") this.#backlog = Math.max(this.#backlog, this.#liveFrom - 1);
  }

  /** The cloud has stored everything up to `upTo`. */
  acked(upTo: number): void {
    if (upTo > this.#acked) this.#progressAt = this.#clock.monotonic();
    this.#acked = Math.max(this.#acked, upTo);
    this.#backlog = Math.max(this.#backlog, Math.min(upTo, this.#liveFrom - 1));
    this.#live = Math.max(this.#live, upTo);
    // the greeting answers no batch
    if (this.#underWay.length > 0) this.#open = true;
    const arrived = this.#underWay.findLastIndex(({ last }) => last <= upTo);
    this.#underWay = this.#underWay.slice(arrived + 1);
  }

  /** Goes back to the last ack when nothing was acked for too long. True when it did. */
  rewindIfStalled(acked: number): boolean {
    if (acked >= this.#sentTo || this.#clock.monotonic() - this.#progressAt < REWIND_AFTER_MS) return false;
    this.#rewinds++;
    this.reset(acked, this.#liveFrom);
    return true;
  }
}

/** A rate is told over about so long, ms. */
const SMOOTH_MS = 20_000;

/** How fast a backlog shrinks, from looks at it every few seconds. */
export class DrainMeter {
  readonly #clock: Clock;
  #at: number | undefined;
  #acked = 0;
  #perS = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A look at the lane: the cloud's ack, and how many samples of the backlog are left.
   * @returns samples acked a second; seconds until the backlog is drained, 0 when there is none and -1 when it does not shrink
   */
  look(acked: number, remaining: number): { readonly perS: number; readonly drainedInS: number } {
    const now = this.#clock.monotonic();
    if (this.#at === undefined) {
      this.#at = now;
      this.#acked = acked;
    }
    const elapsedMs = now - this.#at;
    if (elapsedMs >= 1_000) {
      // after a new epoch the ack may be lower than before
      const perS = (Math.max(0, acked - this.#acked) * 1_000) / elapsedMs;
      const weight = 1 - Math.exp(-elapsedMs / SMOOTH_MS);
      this.#perS = this.#perS === 0 ? perS : this.#perS + (perS - this.#perS) * weight;
      this.#at = now;
      this.#acked = acked;
    }
    if (remaining === 0) return { perS: this.#perS, drainedInS: 0 };
    return { perS: this.#perS, drainedInS: this.#perS < 0.1 ? -1 : Math.ceil(remaining / this.#perS) };
  }
}
