import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Range } from "../db/ranges.ts";
import type { GatewayLink, IngestSinks, TelemetryBatch, TelemetryStore } from "../ports.ts";
import type { CursorKey, LaneCursors } from "./cursors.ts";
import type { GapStore } from "./gap-store.ts";
import type { Offers } from "./offers.ts";
import type { Quarantine } from "./quarantine.ts";
import { isStoreTrouble } from "./trouble.ts";

/** Samples in the queue beyond which the gateway is not read on, and below which it is again. */
const HIGH_WATER = 50_000;
const LOW_WATER = 25_000;
/** Samples of one commit: large enough to share the disk's flush, small enough to keep latency. */
const GROUP_SAMPLES = 20_000;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5000;

/** A batch on its way into the store. */
export interface QueuedBatch {
  readonly batch: TelemetryBatch;
  readonly session: number;
  readonly topic: string;
  /** Payload as received, for the quarantine. */
  readonly payload: Uint8Array;
  /** Per sample: is it from before, for storage only? Absent when none is. */
  readonly historical: readonly boolean[] | undefined;
}

/** What the lane works with. */
export interface TelemetryLaneDeps {
  readonly store: TelemetryStore;
  readonly cursors: LaneCursors;
  readonly offers: Offers;
  readonly gaps: GapStore;
  readonly quarantine: Quarantine;
  readonly sinks: IngestSinks;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly logger: Logger;
}

const keyOf = ({ gateway, epoch }: TelemetryBatch): CursorKey => ({ gateway, lane: "telemetry", epoch });

/**
 * Telemetry batches, many in one commit: store (durable), then cursor (durable), then acknowledgement, then everyone
 * else. A failing store is tried again without end; meanwhile the gateways wait, at first in front of a full queue here
 * and then in their outboxes.
 */
export class TelemetryLane {
  readonly #deps: TelemetryLaneDeps;
  #queue: QueuedBatch[] = [];
  #queued = 0;
  #waiting: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(deps: TelemetryLaneDeps) {
    this.#deps = deps;
  }

  /** Samples taken in and not yet stored. */
  get backlog(): number {
    return this.#queued;
  }

  /** Queues a batch. A promise means: do not send more before it is fulfilled. */
  submit(queued: QueuedBatch): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#queue.push(queued);
    this.#queued += queued.batch.samples.length;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    if (this.#queued < HIGH_WATER) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stores what is queued, unless the store fails, and stops. What was not acknowledged will be offered again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#running;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    // Whatever else arrives in this turn of the event loop shares the commit.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#nextGroup();
      await this.#persist(group);
      for (const { batch } of group) this.#queued -= batch.samples.length;
      if (this.#queued < LOW_WATER) for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  #nextGroup(): readonly QueuedBatch[] {
    let samples = 0;
    let count = 0;
    for (const { batch } of this.#queue) {
      samples += batch.samples.length;
      if (count > 0 && samples > GROUP_SAMPLES) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Tries until the group is stored and its cursors are written, or until closed. */
  async #persist(group: readonly QueuedBatch[]): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    for (;;) {
      try {
        await this.#deps.store.write(group.map(({ batch }) => batch));
        this.#finish(group);
        return;
      } catch (error) {
        if (!isStoreTrouble(error)) {
          await this.#isolate(group, error);
          return;
        }
        if (waitMs === RETRY_FIRST_MS)
          this.#deps.logger.error({ err: error, batches: group.length }, "telemetry cannot be stored, trying again");
      }
      if (this.#closed) return;
      await this.#sleep(waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS);
    }
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#deps.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** One batch of the group can never be stored: find it, put it aside, store the others. */
  async #isolate(group: readonly QueuedBatch[], error: unknown): Promise<void> {
    const [only, ...others] = group;
    if (only === undefined) return;
    if (others.length > 0) {
      for (const queued of group) await this.#persist([queued]);
      return;
    }
    this.#condemn(only, errorCode(error), errorMessage(error));
  }

  #condemn({ batch, topic, payload }: QueuedBatch, code: string, reason: string): void {
    this.condemn(keyOf(batch), { from: batch.first, to: batch.last }, { topic, payload, code, reason });
  }

  /** Puts a batch aside that can never be stored, and acknowledges its offsets. */
  condemn(
    key: CursorKey,
    range: Range,
    why: { readonly topic: string; readonly payload: Uint8Array; readonly code: string; readonly reason: string },
  ): void {
    const { cursors, quarantine, gaps, logger } = this.#deps;
    const { gateway, lane, epoch } = key;
    const { topic, code, reason, payload: bytes } = why;
    try {
      cursors.change((changes) => {
        if (!gaps.add(changes, key, range, `quarantined ${code}`)) return;
        quarantine.add({ gateway, topic, code, reason, bytes, position: { lane, epoch, offset: range.from } });
      });
    } catch (error) {
      logger.error({ gateway, err: error }, "quarantine failed");
      return;
    }
    this.#acknowledge([key]);
  }

  #acknowledge(keys: Iterable<CursorKey>): void {
    for (const key of keys) {
      const cursor = this.#deps.cursors.get(key);
      if (cursor !== undefined && cursor.upTo >= 0)
        this.#deps.link.sendAck(key.gateway, { lane: "telemetry", epoch: key.epoch, upTo: cursor.upTo });
    }
  }

  #finish(group: readonly QueuedBatch[]): void {
    const { cursors, offers } = this.#deps;
    const keys = new Map<string, CursorKey>();
    const fresh = offers.during(() =>
      cursors.change((changes) =>
        group.map(({ batch, session }) => {
          const key = keyOf(batch);
          keys.set(`${key.gateway} ${key.epoch}`, key);
          offers.note(changes, key, session, batch.first);
          return changes.store(key, { from: batch.first, to: batch.last });
        }),
      ),
    );
    this.#acknowledge(keys.values());
    for (const [i, queued] of group.entries()) this.#tell(queued, fresh[i] ?? []);
  }

  #tell({ batch, historical }: QueuedBatch, fresh: readonly Range[]): void {
    const past: Sample[] = [];
    const live: Sample[] = [];
    for (const { from, to } of fresh)
      for (let offset = from; offset <= to; offset++) {
        const i = offset - batch.first;
        const sample = batch.samples[i];
        if (sample !== undefined) (historical?.[i] === true ? past : live).push(sample);
      }
    try {
      if (past.length > 0) this.#deps.sinks.onSamples(batch.gateway, past, true);
      if (live.length > 0) this.#deps.sinks.onSamples(batch.gateway, live, false);
    } catch (error) {
      this.#deps.logger.error({ gateway: batch.gateway, err: error }, "following up on stored samples failed");
    }
  }
}
