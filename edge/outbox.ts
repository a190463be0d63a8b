import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "#core/clock.ts";
import type { Ack, Lane, LaneItem, LaneRecord } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { compacted, type DraftTools, OutboxDraft } from "./outbox-draft.ts";
import { inTransaction, isCorruption, OutboxError, openOutboxFile, SQLITE_FULL, sqliteCode } from "./outbox-file.ts";
import { type OpenGaps, readGaps } from "./outbox-gaps.ts";
import {
  type AckOutcome,
  type ItemLane,
  LANES,
  LaneReader,
  type LaneState,
  type LaneStates,
  LaneTable,
  type Operation,
  readLaneStates,
  type TelemetryRow,
  type WritingStatements,
  writingStatements,
} from "./outbox-lanes.ts";
import { DEFAULT_OUTBOX_LIMITS, MAX_ITEM_CHARS, type OutboxOptions, outboxCounters } from "./outbox-limits.ts";
import { PublishedMarks } from "./outbox-marks.ts";
import { PointNumbers } from "./outbox-numbers.ts";
import { PendingSamples } from "./outbox-pending.ts";
import { OutboxSpace } from "./outbox-space.ts";

/** Operations that wait behind a disk that refuses before they are gone through for what has been overtaken. */
const COMPACT_FROM = 1_000;

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
  readonly #space: OutboxSpace;
  readonly #reader: LaneReader;
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
  #compactAt = COMPACT_FROM;
  #quarantined: string | undefined;
  #counters = outboxCounters();

  /** Opens or makes the file; a broken one is moved aside. @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE */
  constructor(options: OutboxOptions) {
    const { path, clock, logger, machine } = options;
    const { db, quarantined } = openOutboxFile(path, clock.now(), logger, options.synchronous);
    this.#db = db;
    this.#clock = clock;
    this.#logger = logger;
    this.#space = new OutboxSpace(db, options, { ...DEFAULT_OUTBOX_LIMITS, ...options.limits });
    this.#reader = new LaneReader(db, logger);
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
    this.numbers = new PointNumbers(db, (work) => this.#makingRoom(() => inTransaction(db, work)));
    if (quarantined !== undefined) this.#tellLoss(quarantined.epoch ?? "unknown");
    this.#quarantined = quarantined?.file;
    if (machine !== undefined) this.#bindTo(machine);
  }

  /** A file of another machine may have gone on there: from here on it has an epoch of its own. */
  #bindTo(machine: string): void {
    const before = this.#meta("machine");
    if (before === machine) return;
    if (typeof before === "string") {
      this.#logger.warn(
        { before, machine },
        "the outbox file was written on another machine: offering all in a new epoch",
      );
      this.#mintEpoch();
    }
    this.#makingRoom(() => void this.#sql.meta.run("machine", machine));
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
      this.#states.events.bytes >= this.#space.limits.eventsBytes ||
      this.#operations.length >= this.#space.limits.pendingItems
    );
  }
  /** How full the fuller of the two lanes is, as a share of its cap. */
  get fullness(): number {
    const { telemetryBytes, eventsBytes } = this.#space.limits;
    return Math.max(this.#states.telemetry.bytes / telemetryBytes, this.#states.events.bytes / eventsBytes);
  }
  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, emergencies: this.#space.emergencies };
  }
  /** Samples queued and not yet committed. */
  get pendingSamples(): number {
    return this.#samples.count;
  }
  /** Is the disk full, or refuses it commits? Old telemetry gives way then to what must not be lost. */
  get distressed(): boolean {
    return this.#space.emergency || this.#failing;
  }
  /** Name of the broken file that was moved aside at the start, undefined when it was sound. */
  get quarantined(): string | undefined {
    return this.#quarantined;
  }
  /** Bytes of everything that waits, in all lanes. */
  get bytes(): number {
    return LANES.reduce((sum, lane) => sum + this.#states[lane].bytes, 0);
  }
  /** Calls back after each commit that wrote something. */
  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Queues samples of registered points for the telemetry lane, grouped by device, in the order given. */
  appendSamples(samples: readonly Sample[]): void {
    this.#samples.add(samples);
    if (this.#samples.count <= this.#space.limits.pendingSamples || this.commit()) return;
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
      this.#writeAll();
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

  /** Runs a write; where it finds no page, what must not be lost gets the place of old telemetry. */
  #makingRoom(write: () => void): void {
    for (;;) {
      try {
        write();
        return;
      } catch (error) {
        if (sqliteCode(error) !== SQLITE_FULL) throw error;
        if (this.#space.relieve()) continue;
        if (this.#states.telemetry.rows === 0) throw error;
      }
      this.#space.settle();
      this.#draft((draft) => draft.drop("telemetry", Math.ceil(this.#states.telemetry.bytes / 10), "diskFull"));
    }
  }

  /** One transaction over the lanes. Memory follows the file. */
  #draft(work: (draft: OutboxDraft) => void): void {
    const tools: DraftTools = {
      tables: this.#tables,
      sql: this.#sql,
      numbers: this.numbers,
      epoch: this.#epoch,
      now: this.#clock.now(),
    };
    const draft = new OutboxDraft(tools, this.#states, this.#gaps);
    inTransaction(this.#db, () => {
      work(draft);
      draft.finish();
    });
    this.#states = draft.states;
    this.#gaps = draft.gaps;
    this.#counters.droppedSamples += draft.dropped;
  }

  #writeAll(): void {
    if (this.#isWritten(true)) return;
    // no old telemetry is left to give way: now the file may take what the disk still has, and then the newest goes too
    this.#space.thaw();
    if (this.#isWritten(true)) return;
    this.#makingRoom(() => this.#write(false));
  }

  #isWritten(withSamples: boolean): boolean {
    try {
      this.#makingRoom(() => this.#write(withSamples));
      return true;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_FULL) throw error;
      return false;
    }
  }

  #write(withSamples: boolean): void {
    let observedAt = this.#lastObservedAt;
    this.#draft((draft) => {
      for (const [lane, upTo] of this.#trims) draft.trim(lane, upTo);
      if (this.#gapsClosing) draft.closeGaps();
      draft.spend(this.#skipped);
      for (const operation of this.#operations) draft.apply(operation);
      if (withSamples) draft.write(this.#samples);
      else {
        draft.spend(this.#samples.count);
        draft.dropped += this.#samples.count;
      }
      draft.keepCap("telemetry", this.#space.limits.telemetryBytes);
      draft.keepCap("ledger", this.#space.limits.ledgerBytes);
      this.#marks.write(this.#sql.meta, draft.states);
      observedAt = Math.max(observedAt, draft.observedAt);
      if (observedAt !== this.#lastObservedAt) this.#sql.meta.run("lastObservedAt", observedAt);
    });
    this.#marks.committed(this.#states);
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
    if (this.#operations.length >= this.#compactAt) {
      this.#operations = compacted(this.#operations);
      this.#compactAt = Math.max(COMPACT_FROM, this.#operations.length * 2);
    }
    return false;
  }

  /** Looks after the disk: the reserve, and the end of an emergency. Called about once a second. */
  maintain(): void {
    this.#space.maintain();
  }

  /** With the next commit the gaps recorded so far become items of the events lane. Called when the cloud is there. */
  closeGaps(): void {
    this.#gapsClosing = this.#gaps.size > 0;
  }

  /** Committed telemetry rows after an offset, oldest first. */
  telemetryAfter(offset: number, limit: number): TelemetryRow[] {
    return this.#reader.telemetry(offset, limit);
  }
  /** Committed items after an offset, oldest first. */
  itemsAfter(lane: ItemLane, offset: number, limit: number): LaneItem[] {
    return this.#reader.items(lane, offset, limit);
  }

  /** Tells that everything up to and with this offset has been published; an ack beyond it shows a restored file. */
  markSent(lane: Lane, last: number): void {
    this.#marks.sent(lane, last);
  }

  /** A connection begins. What the cloud then says it has, it has of before. */
  connected(): void {
    this.#marks.connected();
  }

  /** Takes the cloud's cumulative ack; the rows go with the next commit. */
  acknowledge({ lane, epoch, upTo, hello }: Ack): AckOutcome {
    // a hello is of before the first batch of this connection, which may be on its way already
    const published = hello === true ? this.#marks.before(lane) : this.#marks.of(lane);
    const beyond = upTo > published;
    // a file cannot be exchanged under a running process: beyond an epoch minted by it, the cloud is at fault
    if (epoch !== this.#epoch || (beyond && this.#minted)) {
      this.#counters.foreignAcks++;
      return "foreign";
    }
    if (beyond) {
      this.#logger.warn(
        { lane, upTo, published },
        "the cloud knows offsets this outbox never sent: a copy of another, offering all again in a new epoch",
      );
      this.#mintEpoch();
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

  #mintEpoch(): void {
    const epoch = newEpoch();
    this.#makingRoom(() =>
      inTransaction(this.#db, () => {
        this.#sql.meta.run("epoch", epoch);
        this.#marks.begin(this.#sql.meta, this.#states);
      }),
    );
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
