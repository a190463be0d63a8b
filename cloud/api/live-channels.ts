import type { Clock } from "#core/clock.ts";
import type { LiveKind } from "#core/contracts/live.ts";
import { newEpoch } from "#core/ids.ts";
import type { LiveBus, LiveChange } from "../ports.ts";

/** Changes are gathered so long before they are told: five messages a second and view. */
const FLUSH_MS = 200;
/** How many flushes, and how many changes in all, one can be behind and still go on without a new snapshot. */
const RING_FLUSHES = 600;
const RING_CHANGES = 50_000;

interface Flush {
  readonly seq: number;
  readonly changes: ReadonlyMap<string, LiveChange>;
}

/** The stream of one kind: numbered flushes, the last of them kept for those who come back. */
interface Channel {
  seq: number;
  pending: Map<string, LiveChange>;
  readonly ring: Flush[];
  kept: number;
  readonly listeners: Set<(seq: number, changes: ReadonlyMap<string, LiveChange>) => void>;
}

/**
 * Gathers changes per kind, the last state of each id wins, and numbers the flushes. The epoch is new with each process, and
 * whenever changes were missed: then nobody can go on from what it has.
 */
export class LiveChannels {
  #epoch = newEpoch();
  readonly #resets = new Set<() => void>();
  readonly #channels = new Map<LiveKind, Channel>();
  readonly #stop: () => void;

  constructor(bus: LiveBus, clock: Clock) {
    const unsubscribe = bus.subscribe((change) => this.#channel(change.kind).pending.set(change.id, change));
    const cancel = clock.every(FLUSH_MS, () => this.flush());
    const ungap = bus.onGap(() => this.#reset());
    this.#stop = () => {
      unsubscribe();
      ungap();
      cancel();
    };
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Called when a new epoch has begun: a view has to be told all of it again. Returns how to stop. */
  onReset(listener: () => void): () => void {
    this.#resets.add(listener);
    return () => void this.#resets.delete(listener);
  }

  /** Number of the last flush of a kind: a snapshot taken now holds everything up to it. */
  seq(kind: LiveKind): number {
    return this.#channel(kind).seq;
  }

  /** Called with each flush of a kind that holds a change. Returns how to stop. */
  listen(kind: LiveKind, listener: (seq: number, changes: ReadonlyMap<string, LiveChange>) => void): () => void {
    const { listeners } = this.#channel(kind);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** What has changed after flush `seq`, the last state of each id; undefined when that is too long ago or of another epoch. */
  since(kind: LiveKind, epoch: string, seq: number): ReadonlyMap<string, LiveChange> | undefined {
    const channel = this.#channel(kind);
    if (epoch !== this.epoch || seq > channel.seq) return undefined;
    const oldest = channel.ring[0]?.seq ?? channel.seq + 1;
    if (seq < oldest - 1) return undefined;
    const missed = new Map<string, LiveChange>();
    for (const flush of channel.ring)
      if (flush.seq > seq) for (const [id, change] of flush.changes) missed.set(id, change);
    return missed;
  }

  /** Tells what was gathered. Runs by itself every 200 ms. */
  flush(): void {
    for (const channel of this.#channels.values()) {
      if (channel.pending.size === 0) continue;
      const flush = { seq: ++channel.seq, changes: channel.pending };
      channel.pending = new Map();
      channel.ring.push(flush);
      channel.kept += flush.changes.size;
      while (channel.ring.length > RING_FLUSHES || (channel.kept > RING_CHANGES && channel.ring.length > 1))
        channel.kept -= channel.ring.shift()?.changes.size ?? 0;
      for (const listener of channel.listeners) listener(flush.seq, flush.changes);
    }
  }

  #reset(): void {
    this.#epoch = newEpoch();
    for (const channel of this.#channels.values()) {
      channel.ring.length = 0;
      channel.kept = 0;
    }
    for (const listener of this.#resets) listener();
  }

  close(): void {
    this.#stop();
    this.#channels.clear();
  }

  #channel(kind: LiveKind): Channel {
    const known = this.#channels.get(kind);
    if (known) return known;
    const made: Channel = { seq: 0, pending: new Map(), ring: [], kept: 0, listeners: new Set() };
    this.#channels.set(kind, made);
    return made;
  }
}
