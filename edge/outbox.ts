import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "#core/clock.ts";
import type { Ack, Lane, LaneItem, LaneRecord } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { isCorruption, OutboxError, openOutboxFile } from "./outbox-file.ts";
import {
  type AckOutcome,
  type ItemLane,
  LANES,
  LaneReader,
  type LaneState,
  type TelemetryRow,
} from "./outbox-lanes.ts";
import { MAX_ITEM_CHARS, type OutboxOptions, outboxCounters } from "./outbox-limits.ts";
import { PublishedMarks } from "./outbox-marks.ts";
import type { PointNumbers } from "./outbox-numbers.ts";
import { OutboxQueue } from "./outbox-queue.ts";
import { OutboxWriter } from "./outbox-writer.ts";

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
  readonly #writer: OutboxWriter;
  readonly #reader: LaneReader;
  readonly #marks: PublishedMarks;
  readonly #queue = new OutboxQueue();
  readonly #listeners: (() => void)[] = [];
  #lastObservedAt: number;
  #failing = false;
  #minted = false;
  #quarantined: string | undefined;
  #counters = outboxCounters();

  /** Opens or makes the file; a broken one is moved aside. @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE */
  constructor(options: OutboxOptions) {
    const { path, clock, logger, machine } = options;
    const { db, quarantined } = openOutboxFile(path, clock.now(), logger, options.synchronous);
    this.#db = db;
    this.#clock = clock;
    this.#logger = logger;
    this.#writer = new OutboxWriter(db, options);
    this.numbers = this.#writer.numbers;
    this.#reader = new LaneReader(db, logger);
    this.#marks = new PublishedMarks(db, this.#writer.states);
    this.#lastObservedAt = Number(this.#writer.meta("lastObservedAt") ?? 0);
    if (quarantined !== undefined) this.#tellLoss(quarantined.epoch ?? "unknown");
    this.#quarantined = quarantined?.file;
    if (machine !== undefined) this.#bindTo(machine);
  }

  /** A file of another machine may have gone on there: from here on it has an epoch of its own. */
  #bindTo(machine: string): void {
    const before = this.#writer.meta("machine");
    if (before === machine) return;
    if (typeof before === "string") {
      this.#logger.warn(
        { before, machine },
        "the outbox file was written on another machine: offering all in a new epoch",
      );
      this.#mintEpoch();
    }
    this.#writer.makingRoom(() => void this.#writer.sql.meta.run("machine", machine));
  }

  #tellLoss(epoch: string): void {
    for (const lane of LANES) this.append("events", { kind: "gap", lane, epoch, from: 0, to: 0, reason: "corrupt" });
    this.commit();
  }

  /** 32 hex digits; changes when this file turns out to be a restored copy. */
  get epoch(): string {
    return this.#writer.epoch;
  }
  /** Highest observedAt ever committed, Unix ms; 0 in a new file. Row times continue above it after a restart. */
  get lastObservedAt(): number {
    return this.#lastObservedAt;
  }
  /** Where a lane stands. */
  state(lane: Lane): Readonly<LaneState> {
    return this.#writer.states[lane];
  }
  /** Is the events lane at its cap? Device events are refused then, all other items still go in. */
  get eventsFull(): boolean {
    const { states, space } = this.#writer;
    return states.events.bytes >= space.limits.eventsBytes || this.#queue.operations >= space.limits.pendingItems;
  }
  /** How full the fuller of the two lanes is, as a share of its cap. */
  get fullness(): number {
    const { states, space } = this.#writer;
    const { telemetryBytes, eventsBytes } = space.limits;
    return Math.max(states.telemetry.bytes / telemetryBytes, states.events.bytes / eventsBytes);
  }
  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    const { dropped, space } = this.#writer;
    const droppedSamples = this.#counters.droppedSamples + dropped;
    return { ...this.#counters, droppedSamples, emergencies: space.emergencies };
  }
  /** Samples queued and not yet committed. */
  get pendingSamples(): number {
    return this.#queue.samples;
  }
  /** Is the disk full, or refuses it commits? Old telemetry gives way then to what must not be lost. */
  get distressed(): boolean {
    return this.#writer.space.emergency || this.#failing;
  }
  /** Name of the broken file that was moved aside at the start, undefined when it was sound. */
  get quarantined(): string | undefined {
    return this.#quarantined;
  }
  /** Bytes of everything that waits, in all lanes. */
  get bytes(): number {
    return LANES.reduce((sum, lane) => sum + this.#writer.states[lane].bytes, 0);
  }
  /** Calls back after each commit that wrote something. */
  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Queues samples of registered points for the telemetry lane, grouped by device, in the order given. */
  appendSamples(samples: readonly Sample[]): void {
    this.#queue.addSamples(samples);
    if (this.#queue.samples <= this.#writer.space.limits.pendingSamples || this.commit()) return;
    // the disk refuses
    this.#counters.droppedSamples += this.#queue.giveUpSamples();
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
    this.#queue.push({ kind: "item", lane, at: this.#clock.now(), item });
    return true;
  }

  /** Queues the writing of a record that must survive with what is queued beside it. `value` is JSON. */
  put(table: string, key: string, value: unknown): void {
    this.#queue.push({ kind: "put", table, key, value: JSON.stringify(value) });
  }
  /** Queues the removal of a record. */
  remove(table: string, key: string): void {
    this.#queue.push({ kind: "remove", table, key });
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
    if (this.#queue.idle && !this.#marks.pending) return true;
    try {
      this.#writer.writeAll((withSamples) => this.#write(withSamples));
    } catch (error) {
      return this.#refused(error);
    }
    if (this.#failing) this.#logger.info({}, "outbox commits again");
    this.#failing = false;
    this.#counters.commits++;
    for (const listener of this.#listeners) listener();
    return true;
  }

  #write(withSamples: boolean): void {
    let observedAt = this.#lastObservedAt;
    const { limits } = this.#writer.space;
    const { meta } = this.#writer.sql;
    this.#writer.draft((draft) => {
      this.#queue.write(draft, withSamples);
      draft.keepCap("telemetry", limits.telemetryBytes);
      draft.keepCap("ledger", limits.ledgerBytes);
      this.#marks.write(meta, draft.states);
      observedAt = Math.max(observedAt, draft.observedAt);
      if (observedAt !== this.#lastObservedAt) meta.run("lastObservedAt", observedAt);
    });
    this.#marks.committed(this.#writer.states);
    this.#lastObservedAt = observedAt;
    this.#queue.committed();
  }

  #refused(error: unknown): boolean {
    this.#counters.commitFailures++;
    if (isCorruption(error))
      throw new OutboxError("OUTBOX_UNUSABLE", `outbox file broken: ${errorMessage(error)}`, { cause: error });
    if (!this.#failing) this.#logger.error({ cause: errorMessage(error) }, "outbox commit refused, holding in memory");
    this.#failing = true;
    this.#queue.refused();
    return false;
  }

  /** Looks after the disk: the reserve, and the end of an emergency. Called about once a second. */
  maintain(): void {
    this.#writer.space.maintain();
  }

  /** With the next commit the gaps recorded so far become items of the events lane. Called when the cloud is there. */
  closeGaps(): void {
    this.#queue.closeGaps(this.#writer.hasGaps);
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
    if (epoch !== this.#writer.epoch || (beyond && this.#minted)) {
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
    const state = this.#writer.states[lane];
    const known = upTo <= state.acked;
    if (!known) this.#queue.trim(lane, upTo);
    state.acked = Math.max(state.acked, upTo);
    // before more than the first batch goes out, so that a later process knows what may have been published
    if (this.#marks.confirm(lane)) this.commit();
    return known ? "known" : "trimmed";
  }

  #mintEpoch(): void {
    this.#writer.mintEpoch(() => this.#marks.begin(this.#writer.sql.meta, this.#writer.states));
    this.#counters.newEpochs++;
    this.#minted = true;
  }

  /** Commits what is queued and closes the file. */
  close(): void {
    this.commit();
    this.#db.close();
  }
}
