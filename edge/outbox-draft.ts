import type { GapItem, Lane, LaneRecord } from "#core/contracts/lanes.ts";
import { addGap, type Gap, type OpenGaps, writeGaps } from "./outbox-gaps.ts";
import {
  type ItemLane,
  LANES,
  type LaneState,
  type LaneStates,
  type LaneTable,
  type Operation,
  type WritingStatements,
} from "./outbox-lanes.ts";
import type { PointNumbers } from "./outbox-numbers.ts";
import type { PendingSamples } from "./outbox-pending.ts";
import { packSamples } from "./sample-packing.ts";

/** What a transaction writes with. */
export interface DraftTools {
  readonly tables: Readonly<Record<Lane, LaneTable>>;
  readonly sql: WritingStatements;
  readonly numbers: PointNumbers;
  readonly epoch: string;
  /** Unix ms. */
  readonly now: number;
}

/**
 * Lanes and gaps as they will be when the running transaction is committed. Memory takes them over only when COMMIT has returned:
 * what it says must never be ahead of the file. Every method belongs inside the transaction.
 */
export class OutboxDraft {
  readonly states: LaneStates;
  readonly gaps: OpenGaps;
  /** Samples that were given up. */
  dropped = 0;
  /** Highest observedAt of what was written, Unix ms. */
  observedAt = 0;
  readonly #tools: DraftTools;
  readonly #before: LaneStates;
  readonly #gapsBefore: OpenGaps;

  constructor(tools: DraftTools, states: LaneStates, gaps: OpenGaps) {
    this.#tools = tools;
    this.#before = states;
    this.#gapsBefore = gaps;
    this.states = structuredClone(states);
    this.gaps = new Map(gaps);
  }

  /** Removes what the cloud has. */
  trim(lane: Lane, upTo: number): void {
    this.#tools.tables[lane].trim(this.states[lane], upTo);
    this.#tools.sql.meta.run(`acked.${lane}`, upTo);
  }

  /** Performs one queued write. */
  apply(operation: Operation): void {
    const { sql } = this.#tools;
    switch (operation.kind) {
      case "item":
        this.#item(this.states[operation.lane], operation.lane, operation.at, operation.item);
        return;
      case "put":
        sql.put.run(operation.table, operation.key, operation.value);
        return;
      case "remove":
        sql.remove.run(operation.table, operation.key);
        return;
      default:
        operation satisfies never;
    }
  }

  #item(state: LaneState, lane: ItemLane, at: number, item: string): void {
    this.#tools.sql[lane].run(state.next, at, item);
    state.next++;
    state.rows++;
    state.count++;
    state.bytes += item.length;
  }

  /** Writes samples as rows of one device each. */
  write(pending: PendingSamples): void {
    const { numbers, sql } = this.#tools;
    const state = this.states.telemetry;
    for (const { device, samples } of pending.rows()) {
      const packed = packSamples(samples, ({ point }) => numbers.numberOf(point));
      sql.telemetry.run(state.next, state.next + samples.length - 1, device, packed);
      for (const { observedAt } of samples) this.observedAt = Math.max(this.observedAt, observedAt);
      state.next += samples.length;
      state.rows++;
      state.count += samples.length;
      state.bytes += packed.length;
    }
  }

  /** Numbers samples that are not written: they are accounted for as a gap. */
  spend(count: number): void {
    if (count === 0) return;
    const state = this.states.telemetry;
    const from = state.next;
    state.next += count;
    this.#gap("telemetry", { from, to: state.next - 1, reason: "diskFull" });
  }

  /** Gives up the oldest rows of a lane until at least `bytes` are freed. */
  drop(lane: Lane, bytes: number, reason: GapItem["reason"]): void {
    const range = this.#tools.tables[lane].dropOldest(this.states[lane], bytes);
    if (range === undefined) return;
    if (lane === "telemetry") this.dropped += range.to - range.from + 1;
    this.#gap(lane, { ...range, reason });
  }

  /** Gives up the oldest of a lane that is over its cap. */
  keepCap(lane: Lane, cap: number): void {
    const over = this.states[lane].bytes - cap;
    // a little more than needed, so that a lane at its cap is not trimmed at every tick
    if (over > 0) this.drop(lane, over + Math.floor(cap / 50), "cap");
  }

  #gap(lane: Lane, found: Omit<Gap, "epoch">): void {
    const complete = addGap(this.gaps, lane, { epoch: this.#tools.epoch, ...found });
    if (complete !== undefined) this.#tellGap(lane, complete);
  }

  #tellGap(lane: Lane, gap: Gap): void {
    const item = { kind: "gap", lane, ...gap } satisfies LaneRecord;
    this.#item(this.states.events, "events", this.#tools.now, JSON.stringify(item));
  }

  /** The gaps recorded so far become items of the events lane. */
  closeGaps(): void {
    for (const [lane, gap] of this.gaps) this.#tellGap(lane, gap);
    this.gaps.clear();
  }

  /** Writes where the lanes and gaps stand now. The last step. */
  finish(): void {
    const { meta } = this.#tools.sql;
    for (const lane of LANES)
      if (this.states[lane].next !== this.#before[lane].next) meta.run(`next.${lane}`, this.states[lane].next);
    writeGaps(meta, this.#gapsBefore, this.gaps);
  }
}

/** What is queued, with only the last word on each record: behind a disk that refuses for hours the queue must not grow with time. */
export function compacted(operations: readonly Operation[]): Operation[] {
  const last = new Map<string, Operation>();
  for (const operation of operations)
    if (operation.kind !== "item") last.set(JSON.stringify([operation.table, operation.key]), operation);
  return operations.filter(
    (operation) =>
      operation.kind === "item" || last.get(JSON.stringify([operation.table, operation.key])) === operation,
  );
}
