import type { Redis } from "ioredis";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { LiveBus, LiveChange } from "../ports.ts";
import { ProcessLiveBus } from "./bus.ts";
import { heardChange, type LiveMessage, readLiveMessage, toldChange } from "./live-message.ts";
import type { RedisConnect } from "./redis-connection.ts";

/** Changes are gathered so long before they are told to other processes. */
const FLUSH_MS = 100;
/** Changes in one message. */
const BATCH = 500;
/** Changes that wait while Redis is slow, of each item the newest. Beyond it all of them are dropped: who listens looks anew. */
const MOST_WAITING = 20_000;
/** A process says so often that it lives and listens. */
const HEARTBEAT_MS = 2000;
/** One that was not heard for so long is told nothing more. */
const SILENT_MS = 7000;
/** After a gap everybody looks anew, at most so often. */
const GAP_MS = 1000;

export interface RedisBusDeps {
  readonly connect: RedisConnect;
  /** Begins the name of the channel; two hubs on one Redis need two. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the bus counts, for metrics. */
export interface BusCounters {
  /** Changes told to other processes, heard from them, and not told because Redis was away or too slow. */
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
  /** Times that changes of others were missed. */
  readonly gaps: number;
  /** Messages on the channel that were none. */
  readonly malformed: number;
  /** Other processes that listen. */
  readonly peers: number;
}

interface Peer {
  readonly seq: number;
  readonly heardAt: number;
}

/**
 * Changes inside this process at once, and to the other processes of the hub through Redis. Items are built for others only when
 * there are others. Nothing waits for Redis: what it could not carry is a gap, and whoever missed something learns that it did.
 */
export class RedisLiveBus implements LiveBus {
  readonly #deps: RedisBusDeps;
  readonly #local: ProcessLiveBus;
  readonly #me = newEpoch();
  readonly #channel: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #waiting = new Map<string, LiveChange>();
  readonly #peers = new Map<string, Peer>();
  readonly #gapListeners = new Set<() => void>();
  readonly #stops: (() => void)[] = [];
  readonly #counts = { sent: 0, received: 0, dropped: 0, gaps: 0, malformed: 0 };
  #seq = 0;
  #sending = false;
  /** Something has changed while nobody else was known to listen. */
  #unheard = false;
  /** Our own messages come back, too: where they do not, the subscription is dead. */
  #heardAt: number;
  #gapTold = Number.NEGATIVE_INFINITY;
  #stopGap: (() => void) | undefined;
  #failing = false;

  constructor(deps: RedisBusDeps) {
    const { connect, prefix, clock, logger } = deps;
    this.#deps = deps;
    this.#local = new ProcessLiveBus((error) => logger.error({ err: error }, "a live listener failed"));
    this.#channel = `${prefix}:live`;
    this.#heardAt = clock.monotonic();
    this.#publisher = connect("live", "brief");
    this.#subscriber = connect("live-listen", "listen");
    this.#subscriber.on("message", (_channel, text: string) => this.#hear(text));
    // Subscribing is what a connection forgets: it is done again each time, and others learn at once who listens.
    this.#subscriber.on("ready", () => this.#listen());
    this.#publisher.on("ready", () => this.#sayHello());
    this.#stops.push(
      clock.every(FLUSH_MS, () => this.#flush()),
      clock.every(HEARTBEAT_MS, () => this.#sayHello()),
    );
  }

  get counters(): BusCounters {
    return { ...this.#counts, peers: this.#peers.size };
  }

  publish(change: LiveChange): void {
    this.#local.publish(change);
    if (this.#peers.size === 0) {
      this.#unheard = true;
      return;
    }
    if (this.#waiting.size >= MOST_WAITING) this.#drop();
    this.#waiting.set(`${change.kind} ${change.id}`, change);
  }

  subscribe(listener: (change: LiveChange) => void): () => void {
    return this.#local.subscribe(listener);
  }

  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener);
    return () => void this.#gapListeners.delete(listener);
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#stopGap?.();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  #listen(): void {
    this.#subscriber.subscribe(this.#channel).then(
      () => this.#sayHello(),
      (error: unknown) =>
        this.#deps.logger.warn({ reason: errorMessage(error) }, "live changes of other processes are not heard"),
    );
  }

  /** Forgets what waits: the number that is left out tells the others that they miss something. */
  #drop(): void {
    this.#counts.dropped += this.#waiting.size;
    this.#waiting.clear();
    this.#seq++;
  }

  #flush(): void {
    this.#forgetSilent();
    if (this.#unheard) this.#seq++;
    this.#unheard = false;
    if (this.#waiting.size === 0 || this.#sending) return;
    if (this.#peers.size === 0 || this.#publisher.status !== "ready") {
      this.#drop();
      return;
    }
    const batch = [...this.#waiting.entries().take(BATCH)];
    for (const [key] of batch) this.#waiting.delete(key);
    void this.#tell(batch.map(([, change]) => change));
  }

  async #tell(batch: readonly LiveChange[]): Promise<void> {
    this.#sending = true;
    const seq = ++this.#seq;
    const changes = batch.flatMap((change) => this.#told(change));
    const sent = await this.#send({ from: this.#me, seq, changes });
    this.#counts[sent ? "sent" : "dropped"] += batch.length;
    this.#sending = false;
    // Goes on at once with what did not fit.
    if (this.#waiting.size >= BATCH) this.#flush();
  }

  /** One that cannot be built is left out, and the others are told that something is missing. */
  #told(change: LiveChange): ReturnType<typeof toldChange>[] {
    try {
      return [toldChange(change)];
    } catch (error) {
      this.#deps.logger.error({ err: error, kind: change.kind, id: change.id }, "a live change cannot be told");
      this.#seq++;
      return [];
    }
  }

  #sayHello(): void {
    if (this.#publisher.status === "ready") void this.#send({ from: this.#me, seq: this.#seq });
  }

  /** Resolves to whether Redis took it. */
  async #send(message: LiveMessage): Promise<boolean> {
    try {
      await this.#publisher.publish(this.#channel, JSON.stringify(message));
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing)
        this.#deps.logger.warn({ reason: errorMessage(error) }, "live changes do not reach other processes");
      this.#failing = true;
      return false;
    }
  }

  #hear(text: string): void {
    const message = readLiveMessage(text);
    if (message === undefined) {
      if (this.#counts.malformed++ === 0)
        this.#deps.logger.warn({ bytes: text.length }, "a message on the live channel is none");
      return;
    }
    const { from, seq, changes } = message;
    this.#heardAt = this.#deps.clock.monotonic();
    if (from === this.#me) return;
    const known = this.#peers.get(from);
    this.#peers.set(from, { seq, heardAt: this.#heardAt });
    if (known === undefined) this.#sayHello();
    const before = changes === undefined ? seq : seq - 1;
    if ((known?.seq ?? 0) !== before) this.#gap();
    for (const change of changes ?? []) this.#local.publish(heardChange(change));
    this.#counts.received += changes?.length ?? 0;
  }

  #forgetSilent(): void {
    const now = this.#deps.clock.monotonic();
    const longAgo = now - SILENT_MS;
    if (this.#heardAt < longAgo && this.#publisher.status === "ready" && this.#subscriber.status === "ready") {
      this.#heardAt = now;
      this.#subscriber.disconnect(true);
    }
    for (const [from, { heardAt }] of this.#peers) if (heardAt < longAgo) this.#peers.delete(from);
  }

  #gap(): void {
    const { clock } = this.#deps;
    this.#counts.gaps++;
    if (this.#stopGap !== undefined) return;
    const waitMs = Math.max(0, this.#gapTold + GAP_MS - clock.monotonic());
    // The changes that came with the gap are handed on first: whoever looks anew then has them.
    this.#stopGap = clock.after(waitMs, () => {
      this.#stopGap = undefined;
      this.#gapTold = clock.monotonic();
      for (const listener of this.#gapListeners) this.#tellGap(listener);
    });
  }

  #tellGap(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#deps.logger.error({ err: error }, "a live listener failed");
    }
  }
}
