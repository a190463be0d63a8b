import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { sampleAt } from "#core/model/sample-columns.ts";
import type { Range } from "../db/ranges.ts";
import type { GatewayLink, IngestSinks } from "../ports.ts";
import type { PointDirectory, TelemetrySpan, TelemetryStore, TelemetryWrite } from "../telemetry-ports.ts";
import type { CursorKey, LaneCursors } from "./cursors.ts";
import type { GapStore } from "./gap-store.ts";
import type { Offers } from "./offers.ts";
import type { Quarantine } from "./quarantine.ts";
import { RunCursors } from "./run-cursors.ts";
import { runsOf } from "./runs.ts";
import { GROUP_SAMPLES, type QueuedBatch, type TelemetryGroup, TelemetryGroups } from "./telemetry-group.ts";
import { ToldRows } from "./told-rows.ts";
import { isStoreTrouble } from "./trouble.ts";

/** Samples not yet stored beyond which no gateway is read on, and below which all are again. */
const HIGH_WATER = 4 * GROUP_SAMPLES;
const LOW_WATER = 2 * GROUP_SAMPLES;
/** Groups at the store at once: it begins with the next one while we follow up on the last. */
const UNDER_WAY = 2;
/**
 * A group that is not full begins so long after the one before it, ms, so that small ones do not flush the disk without end:
 * longer when writing takes long, so that it takes no larger share of the time. Only acknowledgements wait for it.
 */
const GROUP_LEAST_MS = 4;
const GROUP_MOST_MS = 20;
const WRITE_SHARE = 0.25;
/** A store that is full for a moment is no trouble but back-pressure: it is asked again soon, and told of when it lasts. */
const RETRY_FIRST_MS = 25;
const RETRY_LONGEST_MS = 1000;

/** What the lane works with. */
export interface TelemetryLaneDeps {
  readonly store: TelemetryStore;
  readonly points: PointDirectory;
  readonly cursors: LaneCursors;
  readonly offers: Offers;
  readonly gaps: GapStore;
  readonly quarantine: Quarantine;
  readonly sinks: IngestSinks;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Telemetry batches. State and rules are told of a row when it is taken in, once; then, many batches in one commit: store
 * (durable), cursor (durable), acknowledgement. A crash between makes the gateway offer again what the rules have seen. A
 * failing store is tried again without end; meanwhile the gateways wait, at first in front of full groups here and then in
 * their outboxes.
 */
export class TelemetryLane {
  readonly #deps: TelemetryLaneDeps;
  readonly #cursors: RunCursors;
  readonly #told: ToldRows;
  readonly #groups = new TelemetryGroups();
  #queued = 0;
  #waiting: (() => void)[] = [];
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();
  #pumping = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #groupMs = GROUP_LEAST_MS;
  #cancelPause: (() => void) | undefined;
  #closed = false;
  #failing = false;
  #untold = false;
  readonly #sleepers = new Set<() => void>();

  constructor(deps: TelemetryLaneDeps) {
    this.#deps = deps;
    this.#told = new ToldRows(deps.cursors);
    this.#cursors = new RunCursors({
      ...deps,
      told: this.#told,
      condemn: ({ key, from, to }, code, reason) =>
        this.condemn(key, { from, to }, { topic: "", payload: new Uint8Array(), code, reason }),
      onRecovered: () => this.#pump(),
    });
  }

  /** Samples taken in and not yet stored. */
  get backlog(): number {
    return this.#queued;
  }

  /** The group whose columns the rows of the next batch are appended to, in this tick, before it is submitted. */
  filling(): TelemetryGroup {
    return this.#groups.filling();
  }

  /** Takes a batch whose rows were appended to `group`, up to its end. A promise means: do not send more before it is fulfilled. */
  submit(group: TelemetryGroup, batch: QueuedBatch): Promise<void> | undefined {
    const { first, last, start } = batch.span;
    if (this.#closed) {
      group.appender.columns.length = start;
      return undefined;
    }
    group.batches.push(batch);
    this.#queued += last - first + 1;
    this.#tell(group, batch.span);
    if (!this.#pumping) {
      this.#pumping = true;
      queueMicrotask(() => this.#pump());
    }
    if (this.#queued < HIGH_WATER) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** State and rules do not wait for the disk: what they are told of is stored, or is offered again until it is. */
  #tell({ appender: { columns } }: TelemetryGroup, span: TelemetrySpan): void {
    const { sinks, logger } = this.#deps;
    this.#told.take(span, (from, to) => {
      try {
        sinks.onSamples(columns, from, to);
        this.#untold = false;
      } catch (error) {
        if (!this.#untold) logger.error({ gateway: span.gateway, err: error }, "following up on samples failed");
        this.#untold = true;
      }
    });
  }

  /** Stores what is queued, unless the store fails, and stops. What was not acknowledged will be offered again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    for (const wake of this.#sleepers) wake();
    this.#pump();
    while (this.#underWay > 0) {
      await this.#last;
      this.#pump();
    }
    this.#cursors.close();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Sends what may be sent to the store now; else comes back when it may be. */
  #pump(): void {
    this.#pumping = false;
    const { clock } = this.#deps;
    for (;;) {
      const next = this.#groups.oldest;
      if (next === undefined || this.#underWay >= UNDER_WAY || this.#cancelPause !== undefined) return;
      if (this.#cursors.stuck && !this.#closed) return;
      const pauseMs = this.#startedAt + this.#groupMs - clock.monotonic();
      if (pauseMs > 0 && !next.isFull && !this.#closed) {
        this.#cancelPause = clock.after(pauseMs, () => {
          this.#cancelPause = undefined;
          this.#pump();
        });
        return;
      }
      this.#begin();
    }
  }

  #begin(): void {
    const group = this.#groups.take();
    if (group === undefined) return;
    this.#underWay++;
    this.#startedAt = this.#deps.clock.monotonic();
    const before = this.#last;
    this.#last = this.#persist(group, group.batches, before)
      .catch((error: unknown) => this.#deps.logger.error({ err: error }, "a group of telemetry was given up"))
      .then(() => this.#done(group));
  }

  #done(group: TelemetryGroup): void {
    this.#underWay--;
    for (const { span } of group.batches) this.#queued -= span.last - span.first + 1;
    this.#groups.giveBack(group);
    if (this.#queued < LOW_WATER) for (const resolve of this.#waiting.splice(0)) resolve();
    this.#pump();
  }

  /** Tries until the batches are stored and their cursors are written, or until closed. Cursors move in the order of the groups. */
  async #persist(group: TelemetryGroup, batches: readonly QueuedBatch[], before: Promise<void>): Promise<void> {
    const write = { columns: group.appender.columns, spans: batches.map(({ span }) => span) };
    let waitMs = RETRY_FIRST_MS;
    for (;;) {
      try {
        await this.#write(write);
        await before;
        this.#cursors.take(runsOf(batches));
        if (this.#failing) this.#deps.logger.info({}, "telemetry is stored again");
        this.#failing = false;
        return;
      } catch (error) {
        if (!isStoreTrouble(error)) {
          await before;
          await this.#isolate(group, batches, error);
          return;
        }
        if (waitMs === RETRY_LONGEST_MS && !this.#failing) {
          this.#failing = true;
          this.#deps.logger.error({ err: error, batches: batches.length }, "telemetry cannot be stored, trying again");
        }
      }
      if (this.#closed) return;
      await this.#sleep(waitMs);
      waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS);
    }
  }

  async #write(write: TelemetryWrite): Promise<void> {
    const { store, clock } = this.#deps;
    const since = clock.monotonic();
    await store.write(write);
    this.#groupMs = Math.min(Math.max(GROUP_LEAST_MS, (clock.monotonic() - since) / WRITE_SHARE), GROUP_MOST_MS);
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const cancel = this.#deps.clock.after(ms, wake);
      this.#sleepers.add(wake);
    });
  }

  /** One batch of the group can never be stored: find it, put it aside, store the others. */
  async #isolate(group: TelemetryGroup, batches: readonly QueuedBatch[], error: unknown): Promise<void> {
    const [only, ...others] = batches;
    if (only === undefined) return;
    if (others.length > 0) {
      for (const batch of batches) await this.#persist(group, [batch], Promise.resolve());
      return;
    }
    const { span, topic } = only;
    const why = { topic, payload: this.#textOf(group, span), code: errorCode(error), reason: errorMessage(error) };
    const key = { gateway: span.gateway, lane: "telemetry" as const, epoch: span.epoch };
    this.condemn(key, { from: span.first, to: span.last }, why);
  }

  /** A batch for people to look at. */
  #textOf({ appender: { columns } }: TelemetryGroup, { start, ...span }: TelemetrySpan): Uint8Array {
    const samples = Array.from({ length: span.last - span.first + 1 }, (_, i) =>
      sampleAt(columns, start + i, this.#deps.points.pointOf(columns.point[start + i] ?? 0)),
    );
    return Buffer.from(JSON.stringify({ ...span, samples }));
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
    this.#cursors.moved([key]);
  }
}
