import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "#core/clock.ts";
import type { Ack, Lane, LaneItem, LaneRecord } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { inTransaction, isCorruption, OutboxError, openOutboxFile, SQLITE_FULL, sqliteCode } from "./outbox-file.ts";
import { addGap, type Gap, type OpenGaps, readGaps, writeGaps } from "./outbox-gaps.ts";
import {
  type AckOutcome,
  type ItemLane,
  LANES,
  type LaneState,
  type LaneStates,
  LaneTable,
  type Operation,
  readItems,
  readLaneStates,
  readTelemetry,
  type TelemetryRow,
  type WritingStatements,
  writingStatements,
} from "./outbox-lanes.ts";
import {
  DEFAULT_OUTBOX_LIMITS,
  MAX_ITEM_CHARS,
  type OutboxLimits,
  type OutboxOptions,
  outboxCounters,
  pageLimit,
} from "./outbox-limits.ts";
import { PublishedMarks } from "./outbox-marks.ts";
import { PointNumbers } from "./outbox-numbers.ts";
import { PendingSamples } from "./outbox-pending.ts";
import { packSamples } from "./sample-packing.ts";

/**
 * The gateway's durable memory: three lanes on their way to the cloud and the records that must survive with them (alarms,
 * leases, seen commands). Writes are queued and committed together by `commit`, with a full sync: what was queued between two
 * commits is there wholly or not at all. Only what is committed can be read, so only that is ever sent.
 */
export class Outbox {
  /** The persistent numbers of the points. Samples can be appended only of registered ones. */
  readonly numbers: PointNumbers;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: OutboxLimits;
  readonly #tables: Readonly<Record<Lane, LaneTable>>;
  readonly #sql: WritingStatements;
  readonly #marks: PublishedMarks;
  readonly #trims = new Map<Lane, number>();
  readonly #listeners: (() => void)[] = [];
  #states: LaneStates;
  #epoch: string;
  #operations: Operation[] = [];
  readonly #samples = new PendingSamples();
  #skipped = 0;
  #gapsClosing = false;
  #gaps: OpenGaps;
  #lastObservedAt: number;
  #failing = false;
  #minted = false;
  #counters = outboxCounters();

  /** Opens or makes the file; a broken one is moved aside. @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE */
  constructor(options: OutboxOptions) {
    const { db, quarantined } = openOutboxFile(options.path, options.clock.now(), options.logger);
    this.#db = db;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#limits = { ...DEFAULT_OUTBOX_LIMITS, ...options.limits };
    db.exec(`PRAGMA max_page_count = ${pageLimit(this.#limits)}`);
    this.#tables = {
      events: new LaneTable(db, "events"),
      telemetry: new LaneTable(db, "telemetry"),
      ledger: new LaneTable(db, "ledger"),
    };
    this.#sql = writingStatements(db);
    this.#states = readLaneStates(db, this.#tables);
    this.#marks = new PublishedMarks(db, this.#states);
    this.#epoch = String(this.#meta("epoch"));
    this.#lastObservedAt = Number(this.#meta("lastObservedAt") ?? 0);
    this.#gaps = readGaps(db);
    this.numbers = new PointNumbers(db);
    if (quarantined !== undefined) this.#tellLoss(quarantined.epoch ?? "unknown");
  }

  #meta(key: string): unknown {
    return this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  }

  #tellLoss(epoch: string): void {
    for (const lane of LANES) this.append("events", { kind: "gap", lane, epoch, from: 0, to: 0, reason: "corrupt" });
    this.commit();
  }

  /** 32 hex digits; changes when this file turns out to be a restored copy. */
  get epoch(): string {
    return this.#epoch;
  }
  /** Highest observedAt ever committed, Unix ms; 0 in a new file. Row times continue above it after a restart. */
  get lastObservedAt(): number {
    return this.#lastObservedAt;
  }
  /** Where a lane stands. */
  state(lane: Lane): Readonly<LaneState> {
    return this.#states[lane];
  }
  /** Is the events lane at its cap? Device events are refused then, all other items still go in. */
  get eventsFull(): boolean {
    return (
      this.#states.events.bytes >= this.#limits.eventsBytes || this.#operations.length >= this.#limits.pendingItems
    );
  }
  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }
  /** Samples queued and not yet committed. */
  get pendingSamples(): number {
    return this.#samples.count;
  }
  /** Calls back after each commit that wrote something. */
  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Queues samples of registered points for the telemetry lane, grouped by device, in the order given. */
  appendSamples(samples: readonly Sample[]): void {
    this.#samples.add(samples);
    if (this.#samples.count <= this.#limits.pendingSamples || this.commit()) return;
    // the disk refuses: their offsets are spent at the next commit that succeeds, and recorded as a gap
    this.#skipped += this.#samples.count;
    this.#counters.droppedSamples += this.#samples.count;
    this.#samples.clear();
  }

  /**
   * Queues an item as it is now. False when it was refused: a device event while the events lane is at its cap, or an item
   * that fits no packet.
   * @throws TypeError when it is no JSON, as with a BigInt of a driver: it must not fail the commit of everything else
   */
  append(lane: ItemLane, record: LaneRecord): boolean {
    if (lane === "events" && record.kind === "deviceEvent" && this.eventsFull) {
      this.#counters.refusedEvents++;
      return false;
    }
    const item = JSON.stringify(record);
    if (item.length > MAX_ITEM_CHARS) {
      this.#counters.oversizeItems++;
      this.#logger.error({ kind: record.kind, chars: item.length }, "item too large for the wire, refused");
      return false;
    }
    this.#operations.push({ kind: "item", lane, at: this.#clock.now(), item });
    return true;
  }

  /** Queues the writing of a record that must survive with what is queued beside it. `value` is JSON. */
  put(table: string, key: string, value: unknown): void {
    this.#operations.push({ kind: "put", table, key, value: JSON.stringify(value) });
  }
  /** Queues the removal of a record. */
  remove(table: string, key: string): void {
    this.#operations.push({ kind: "remove", table, key });
  }
  /** Every committed record of a table, by key. Whoever put it knows its shape. */
  records(table: string): ReadonlyMap<string, unknown> {
    const rows = this.#db.prepare("SELECT key, value FROM record WHERE kind = ?").all(table);
    return new Map(rows.map((row) => [String(row["key"]), JSON.parse(String(row["value"])) as unknown]));
  }

  /**
   * Makes everything queued durable in one transaction. False when the disk refused: all stays queued for the next time.
   * @throws OUTBOX_UNUSABLE when the file is found broken: only a restart, which moves it aside, helps
   */
  commit(): boolean {
    if (this.#idle()) return true;
    try {
      this.#writeMakingRoom();
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#failing) this.#logger.info({}, "outbox commits again");
    this.#failing = false;
    this.#counters.commits++;
    for (const listener of this.#listeners) listener();
    return true;
  }

  #idle(): boolean {
    const queued = this.#operations.length + this.#samples.count + this.#trims.size + this.#skipped;
    return queued === 0 && !this.#gapsClosing && !this.#marks.pending;
  }

  #writeMakingRoom(): void {
    for (;;) {
      try {
        this.#write();
        return;
      } catch (error) {
        if (sqliteCode(error) !== SQLITE_FULL || this.#states.telemetry.rows === 0) throw error;
      }
      this.#makeRoom();
    }
  }

  /** What must not be lost goes before old telemetry: a tenth of it makes room for the rest. */
  #makeRoom(): void {
    const draft = structuredClone(this.#states);
    const gaps: OpenGaps = new Map(this.#gaps);
    inTransaction(this.#db, () => {
      const range = this.#tables.telemetry.dropOldest(draft.telemetry, Math.ceil(draft.telemetry.bytes / 10));
      if (range === undefined) return;
      this.#counters.droppedSamples += range.to - range.from + 1;
      this.#addGap(draft, gaps, "telemetry", { ...range, reason: "diskFull" });
      this.#sql.meta.run("next.events", draft.events.next);
      writeGaps(this.#sql.meta, this.#gaps, gaps);
    });
    this.#states = draft;
    this.#gaps = gaps;
  }

  #write(): void {
    const draft = structuredClone(this.#states);
    const gaps: OpenGaps = new Map(this.#gaps);
    let observedAt = this.#lastObservedAt;
    inTransaction(this.#db, () => {
      for (const [lane, upTo] of this.#trims) {
        this.#tables[lane].trim(draft[lane], upTo);
        this.#sql.meta.run(`acked.${lane}`, upTo);
      }
      if (this.#gapsClosing) {
        for (const [lane, gap] of gaps) this.#writeGap(draft, lane, gap);
        gaps.clear();
      }
      this.#spendSkipped(draft, gaps);
      for (const operation of this.#operations) this.#apply(operation, draft);
      observedAt = Math.max(observedAt, this.#writeSamples(draft));
      this.#keepCap(draft, gaps, "telemetry", this.#limits.telemetryBytes);
      this.#keepCap(draft, gaps, "ledger", this.#limits.ledgerBytes);
      for (const lane of LANES)
        if (draft[lane].next !== this.#states[lane].next) this.#sql.meta.run(`next.${lane}`, draft[lane].next);
      this.#marks.write(this.#sql.meta, draft);
      writeGaps(this.#sql.meta, this.#gaps, gaps);
      if (observedAt !== this.#lastObservedAt) this.#sql.meta.run("lastObservedAt", observedAt);
    });
    // only now: what memory says must never be ahead of the file
    this.#states = draft;
    this.#gaps = gaps;
    this.#marks.committed(draft);
    this.#lastObservedAt = observedAt;
    this.#operations = [];
    this.#samples.clear();
    this.#skipped = 0;
    this.#gapsClosing = false;
    this.#trims.clear();
  }

  #refused(error: unknown): boolean {
    this.#counters.commitFailures++;
    if (isCorruption(error))
      throw new OutboxError("OUTBOX_UNUSABLE", `outbox file broken: ${errorMessage(error)}`, { cause: error });
    if (!this.#failing) this.#logger.error({ cause: errorMessage(error) }, "outbox commit refused, holding in memory");
    this.#failing = true;
    return false;
  }

  #apply(operation: Operation, draft: LaneStates): void {
    switch (operation.kind) {
      case "item":
        this.#writeItem(draft[operation.lane], operation.lane, operation.at, operation.item);
        return;
      case "put":
        this.#sql.put.run(operation.table, operation.key, operation.value);
        return;
      case "remove":
        this.#sql.remove.run(operation.table, operation.key);
        return;
      default:
        operation satisfies never;
    }
  }

  #writeItem(state: LaneState, lane: ItemLane, at: number, item: string): void {
    this.#sql[lane].run(state.next, at, item);
    state.next++;
    state.rows++;
    state.count++;
    state.bytes += item.length;
  }

  #writeSamples(draft: LaneStates): number {
    const state = draft.telemetry;
    let observedAt = 0;
    const numberOf = ({ point }: Sample): number => this.numbers.numberOf(point);
    for (const { device, samples } of this.#samples.rows()) {
      const packed = packSamples(samples, numberOf);
      this.#sql.telemetry.run(state.next, state.next + samples.length - 1, device, packed);
      for (const sample of samples) observedAt = Math.max(observedAt, sample.observedAt);
      state.next += samples.length;
      state.rows++;
      state.count += samples.length;
      state.bytes += packed.length;
    }
    return observedAt;
  }

  #spendSkipped(draft: LaneStates, gaps: OpenGaps): void {
    if (this.#skipped === 0) return;
    const from = draft.telemetry.next;
    draft.telemetry.next += this.#skipped;
    this.#addGap(draft, gaps, "telemetry", { from, to: draft.telemetry.next - 1, reason: "diskFull" });
  }

  #keepCap(draft: LaneStates, gaps: OpenGaps, lane: Lane, cap: number): void {
    const over = draft[lane].bytes - cap;
    if (over <= 0) return;
    // a little more than needed, so that a lane at its cap is not trimmed at every tick
    const range = this.#tables[lane].dropOldest(draft[lane], over + Math.floor(cap / 50));
    if (range === undefined) return;
    if (lane === "telemetry") this.#counters.droppedSamples += range.to - range.from + 1;
    this.#addGap(draft, gaps, lane, { ...range, reason: "cap" });
  }

  #addGap(draft: LaneStates, gaps: OpenGaps, lane: Lane, found: Omit<Gap, "epoch">): void {
    const complete = addGap(gaps, lane, { epoch: this.#epoch, ...found });
    if (complete !== undefined) this.#writeGap(draft, lane, complete);
  }

  #writeGap(draft: LaneStates, lane: Lane, gap: Gap): void {
    const item = { kind: "gap", lane, ...gap } satisfies LaneRecord;
    this.#writeItem(draft.events, "events", this.#clock.now(), JSON.stringify(item));
  }

  /** With the next commit the gaps recorded so far become items of the events lane. Called when the cloud is there. */
  closeGaps(): void {
    this.#gapsClosing = this.#gaps.size > 0;
  }

  /** Committed telemetry rows after an offset, oldest first. */
  telemetryAfter(offset: number, limit: number): TelemetryRow[] {
    return readTelemetry(this.#db, offset, limit, this.#logger);
  }
  /** Committed items after an offset, oldest first. */
  itemsAfter(lane: ItemLane, offset: number, limit: number): LaneItem[] {
    return readItems(this.#db, lane, offset, limit);
  }

  /** Tells that everything up to and with this offset has been published; an ack beyond it shows a restored file. */
  markSent(lane: Lane, last: number): void {
    this.#marks.sent(lane, last);
  }

  /** Takes the cloud's cumulative ack; the rows go with the next commit. */
  acknowledge({ lane, epoch, upTo }: Ack): AckOutcome {
    const beyond = upTo > this.#marks.of(lane);
    // a file cannot be exchanged under a running process: beyond an epoch minted by it, the cloud is at fault
    if (epoch !== this.#epoch || (beyond && this.#minted)) {
      this.#counters.foreignAcks++;
      return "foreign";
    }
    if (beyond) {
      this.#mintEpoch(lane, upTo);
      return "restored";
    }
    const state = this.#states[lane];
    const known = upTo <= state.acked;
    if (!known) this.#trims.set(lane, upTo);
    state.acked = Math.max(state.acked, upTo);
    // before more than the first batch goes out, so that a later process knows what may have been published
    if (this.#marks.confirm(lane)) this.commit();
    return known ? "known" : "trimmed";
  }

  #mintEpoch(lane: Lane, upTo: number): void {
    const epoch = newEpoch();
    this.#logger.warn(
      { lane, upTo, sent: this.#marks.of(lane), epoch },
      "the cloud knows offsets this outbox never sent: a restored copy, offering all again in a new epoch",
    );
    inTransaction(this.#db, () => {
      this.#sql.meta.run("epoch", epoch);
      this.#marks.begin(this.#sql.meta, this.#states);
    });
    this.#counters.newEpochs++;
    this.#minted = true;
    this.#epoch = epoch;
  }

  /** Commits what is queued and closes the file. */
  close(): void {
    this.commit();
    this.#db.close();
  }
}
