import { SampleAppender } from "#core/model/sample-columns.ts";
import type { TelemetrySpan } from "../telemetry-ports.ts";

/** Samples of one commit: large enough to share the disk's flush, small enough to keep latency. */
export const GROUP_SAMPLES = 65_536;
/** Qualities of one commit: with those of one more message the dictionary stays below what its column can count. */
const GROUP_QUALITIES = 16_384;
/** Groups that are kept to be used again. */
const KEPT_GROUPS = 4;

/** A batch on its way into the store. */
export interface QueuedBatch {
  readonly span: TelemetrySpan;
  /** The broker's connection. */
  readonly session: number;
  readonly topic: string;
}

/** Batches that share a commit. */
export class TelemetryGroup {
  readonly appender = new SampleAppender();
  readonly batches: QueuedBatch[] = [];
  #closed = false;

  get samples(): number {
    return this.appender.columns.length;
  }

  get isFull(): boolean {
    const { length, qualities } = this.appender.columns;
    return this.#closed || length >= GROUP_SAMPLES || qualities.length >= GROUP_QUALITIES;
  }

  /** Entries of both dictionaries. */
  get entries(): number {
    const { texts, qualities } = this.appender.columns;
    return texts.length + qualities.length;
  }

  /**
   * A message was read into the columns and is none of this group after all. What it left in the dictionaries, which had so
   * many entries before, must not pile up with those of others.
   */
  rejected(entriesBefore: number): void {
    if (this.entries === entriesBefore) return;
    if (this.batches.length === 0) this.clear();
    else this.#closed = true;
  }

  clear(): void {
    this.appender.clear();
    this.batches.length = 0;
    this.#closed = false;
  }
}

/** Groups in the order in which they filled, their memory used again. */
export class TelemetryGroups {
  readonly #waiting: TelemetryGroup[] = [];
  readonly #spare: TelemetryGroup[] = [];

  /** The group that takes the next batch. */
  filling(): TelemetryGroup {
    const last = this.#waiting.at(-1);
    if (last?.isFull === true && last.batches.length === 0) last.clear();
    if (last !== undefined && !last.isFull) return last;
    const group = this.#spare.pop() ?? new TelemetryGroup();
    this.#waiting.push(group);
    return group;
  }

  /** The oldest group that holds anything. */
  get oldest(): TelemetryGroup | undefined {
    const first = this.#waiting[0];
    return first === undefined || first.batches.length === 0 ? undefined : first;
  }

  /** Takes the oldest group out: it is the taker's until `giveBack`. */
  take(): TelemetryGroup | undefined {
    return this.oldest === undefined ? undefined : this.#waiting.shift();
  }

  /** The group is done with. */
  giveBack(group: TelemetryGroup): void {
    // One message may be larger than a group: such memory is not kept.
    if (this.#spare.length >= KEPT_GROUPS || group.appender.columns.time.length > 4 * GROUP_SAMPLES) return;
    group.clear();
    this.#spare.push(group);
  }
}
