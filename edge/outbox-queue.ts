import type { Lane } from "#core/contracts/lanes.ts";
import type { Sample } from "#core/model/sample.ts";
import { compacted, type OutboxDraft } from "./outbox-draft.ts";
import type { Operation } from "./outbox-lanes.ts";
import { PendingSamples } from "./outbox-pending.ts";

/** Operations that wait behind a disk that refuses before they are gone through for what has been overtaken. */
const COMPACT_FROM = 1_000;

/** What waits in memory for the next commit of an outbox. */
export class OutboxQueue {
  readonly #samples = new PendingSamples();
  readonly #trims = new Map<Lane, number>();
  #operations: Operation[] = [];
  #skipped = 0;
  #gapsClosing = false;
  #compactAt = COMPACT_FROM;

  /** Does nothing wait? */
  get idle(): boolean {
    const queued = this.#operations.length + this.#samples.count + this.#trims.size + this.#skipped;
    return queued === 0 && !this.#gapsClosing;
  }

  /** Items and records that wait. */
  get operations(): number {
    return this.#operations.length;
  }

  /** Samples that wait. */
  get samples(): number {
    return this.#samples.count;
  }

  /** Queues a write of an item or a record. */
  push(operation: Operation): void {
    this.#operations.push(operation);
  }

  /** Queues samples of registered points. */
  addSamples(samples: readonly Sample[]): void {
    this.#samples.add(samples);
  }

  /** Queues the removal of what the cloud has of a lane. */
  trim(lane: Lane, upTo: number): void {
    this.#trims.set(lane, upTo);
  }

  /** Are the gaps recorded so far to become items of the events lane? */
  closeGaps(closing: boolean): void {
    this.#gapsClosing = closing;
  }

  /**
   * Gives up the samples that wait: their offsets are spent at the next commit that succeeds, and recorded as a gap.
   * @returns how many they were
   */
  giveUpSamples(): number {
    const { count } = this.#samples;
    this.#skipped += count;
    this.#samples.clear();
    return count;
  }

  /** Writes all that waits, inside a transaction; without the samples, which then count as lost, where there is no place for them. */
  write(draft: OutboxDraft, withSamples: boolean): void {
    for (const [lane, upTo] of this.#trims) draft.trim(lane, upTo);
    if (this.#gapsClosing) draft.closeGaps();
    draft.spend(this.#skipped);
    for (const operation of this.#operations) draft.apply(operation);
    if (withSamples) draft.write(this.#samples);
    else {
      draft.spend(this.#samples.count);
      draft.dropped += this.#samples.count;
    }
  }

  /** The transaction of `write` is committed. */
  committed(): void {
    this.#operations = [];
    this.#samples.clear();
    this.#skipped = 0;
    this.#gapsClosing = false;
    this.#trims.clear();
  }

  /** The disk refused the commit: all stays, of each record the last word only. */
  refused(): void {
    if (this.#operations.length < this.#compactAt) return;
    this.#operations = compacted(this.#operations);
    this.#compactAt = Math.max(COMPACT_FROM, this.#operations.length * 2);
  }
}
