import type { Clock } from "#core/clock.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How much one peer, or one network behind a router, is asked at a time. */
export interface Pace {
  /** Requests in flight. */
  readonly window: number;
  /** Requests per second, retries included; no limit when absent. */
  readonly requestsPerS?: number;
}

/** How everybody is paced. */
export interface PacerOptions {
  readonly peer: Pace;
  /** A network behind a router that `networks` does not name. */
  readonly network: Pace;
  readonly networks: ReadonlyMap<number, Pace>;
}

type Job = () => void;

/** Requests to one peer. */
interface Lane {
  readonly key: string;
  readonly group: Group;
  readonly bucket: TokenBucket;
  readonly waiting: Set<Job>;
  active: number;
}

/** What shares a limit: the peers behind one router's port, or one peer of our own network. */
interface Group {
  readonly key: string;
  readonly window: number;
  readonly bucket: TokenBucket;
  /** Lanes in which somebody waits; the first is served next and then goes to the end. */
  readonly turn: Set<Lane>;
  lanes: number;
  active: number;
  /** Monotonic ms until which the network takes nothing; its router said so. */
  pausedUntil: number;
  pausedSince: number;
  cancelTimer: () => void;
}

const SWEEP_AT_LEAST = 64;
const LONGEST_PAUSE_MS = 120_000;

/**
 * Lets requests begin: at most `window` at a time and so many per second, for each peer and for each network behind a router, in
 * turn among the peers of a network. What waits is bounded by those who wait for its end.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #options: PacerOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #groups = new Map<string, Group>();
  #sweepAt = SWEEP_AT_LEAST;

  constructor(clock: Clock, options: PacerOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Peers that are remembered. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Calls `begin` once the request may go, at once if possible. The function given back takes a waiting one out again. */
  enter(peer: Peer, begin: () => void): () => void {
    const lane = this.#laneOf(peer);
    const job: Job = () => begin();
    lane.waiting.add(job);
    lane.group.turn.add(lane);
    this.#pump(lane.group);
    return () => {
      lane.waiting.delete(job);
      if (lane.waiting.size === 0) lane.group.turn.delete(lane);
    };
  }

  /** A request that had begun is over. */
  leave(peer: Peer): void {
    const lane = this.#lanes.get(peerKey(peer));
    if (lane === undefined) return;
    lane.active -= 1;
    lane.group.active -= 1;
    this.#pump(lane.group);
  }

  /** A request goes out again: it counts for the rate, and waits for nobody. */
  repeated(peer: Peer): void {
    const lane = this.#lanes.get(peerKey(peer));
    lane?.bucket.take();
    lane?.group.bucket.take();
  }

  /** How long the peer's network still takes nothing, ms; 0 when it does. */
  pausedMs({ station }: Peer): number {
    if (station === undefined) return 0;
    const until = this.#groups.get(networkKey(station.net))?.pausedUntil ?? 0;
    return Math.max(0, until - this.#clock.monotonic());
  }

  /** A router is busy: nothing begins on that network for `ms`; 0 ends a pause. A network that nobody asks is not remembered. */
  pause(net: number, ms: number): void {
    const group = this.#groups.get(networkKey(net));
    if (group === undefined) return;
    const now = this.#clock.monotonic();
    if (group.pausedUntil <= now) group.pausedSince = now;
    // a router that goes on saying so must not hold requests for ever
    if (ms === 0 || now - group.pausedSince < LONGEST_PAUSE_MS) group.pausedUntil = now + ms;
    this.#pump(group);
  }

  /** Lets nothing begin any more. */
  close(): void {
    for (const group of this.#groups.values()) {
      group.cancelTimer();
      group.turn.clear();
    }
    this.#groups.clear();
    this.#lanes.clear();
  }

  #laneOf(peer: Peer): Lane {
    const key = peerKey(peer);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    this.#sweep();
    const group = this.#groupOf(peer, key);
    group.lanes += 1;
    const bucket = new TokenBucket(this.#options.peer.requestsPerS, this.#clock);
    const lane: Lane = { key, group, bucket, waiting: new Set(), active: 0 };
    this.#lanes.set(key, lane);
    return lane;
  }

  #groupOf({ station }: Peer, laneKey: string): Group {
    const key = station === undefined ? laneKey : networkKey(station.net);
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const { networks, network } = this.#options;
    const pace = station === undefined ? undefined : (networks.get(station.net) ?? network);
    const group: Group = {
      key,
      window: pace?.window ?? Number.POSITIVE_INFINITY,
      bucket: new TokenBucket(pace?.requestsPerS, this.#clock),
      turn: new Set(),
      lanes: 0,
      active: 0,
      pausedUntil: 0,
      pausedSince: 0,
      cancelTimer: () => {},
    };
    this.#groups.set(key, group);
    return group;
  }

  // those who were asked once and are at rest are forgotten, as soon as so many are new that it is worth looking
  #sweep(): void {
    if (this.#lanes.size < this.#sweepAt) return;
    const now = this.#clock.monotonic();
    for (const lane of this.#lanes.values()) {
      const { group } = lane;
      if (lane.active > 0 || lane.waiting.size > 0 || !lane.bucket.full || !group.bucket.full) continue;
      if (group.pausedUntil > now) continue;
      this.#lanes.delete(lane.key);
      group.lanes -= 1;
      if (group.lanes === 0) this.#groups.delete(group.key);
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#lanes.size);
  }

  #pump(group: Group): void {
    group.cancelTimer();
    group.cancelTimer = () => {};
    while (group.turn.size > 0 && group.active < group.window) {
      const waitMs = Math.max(group.pausedUntil - this.#clock.monotonic(), group.bucket.waitMs());
      if (waitMs > 0) {
        this.#pumpIn(group, waitMs);
        return;
      }
      const lane = this.#next(group);
      if (lane === undefined) return;
      this.#beginOne(lane);
    }
  }

  /** The lane whose turn it is and which may; arms the timer when none may but one will. */
  #next(group: Group): Lane | undefined {
    let soonest = Number.POSITIVE_INFINITY;
    for (const lane of group.turn) {
      if (lane.active >= this.#options.peer.window) continue;
      const waitMs = lane.bucket.waitMs();
      if (waitMs === 0) return lane;
      soonest = Math.min(soonest, waitMs);
    }
    if (soonest < Number.POSITIVE_INFINITY) this.#pumpIn(group, soonest);
    return undefined;
  }

  #beginOne(lane: Lane): void {
    const { group } = lane;
    const [job] = lane.waiting;
    group.turn.delete(lane);
    if (job === undefined) return;
    lane.waiting.delete(job);
    if (lane.waiting.size > 0) group.turn.add(lane);
    lane.active += 1;
    group.active += 1;
    lane.bucket.take();
    group.bucket.take();
    job();
  }

  #pumpIn(group: Group, ms: number): void {
    group.cancelTimer = this.#clock.after(Math.ceil(ms), () => this.#pump(group));
  }
}

function networkKey(net: number): string {
  return `/${net}`;
}
