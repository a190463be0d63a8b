import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import { newEpoch } from "#core/ids.ts";
import { type DraftTools, OutboxDraft } from "./outbox-draft.ts";
import { inTransaction, SQLITE_FULL, sqliteCode } from "./outbox-file.ts";
import { type OpenGaps, readGaps } from "./outbox-gaps.ts";
import {
  type LaneStates,
  LaneTable,
  readLaneStates,
  type WritingStatements,
  writingStatements,
} from "./outbox-lanes.ts";
import { DEFAULT_OUTBOX_LIMITS, type OutboxOptions } from "./outbox-limits.ts";
import { PointNumbers } from "./outbox-numbers.ts";
import { OutboxSpace } from "./outbox-space.ts";

/**
 * Writes to an outbox file, also when the disk is full: then old telemetry gives way to what must not be lost. Where the lanes and
 * gaps stand follows the file: it changes when a transaction is committed, never before.
 */
export class OutboxWriter {
  readonly space: OutboxSpace;
  /** The persistent numbers of the points. */
  readonly numbers: PointNumbers;
  readonly sql: WritingStatements;
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #tables: Readonly<Record<Lane, LaneTable>>;
  #states: LaneStates;
  #gaps: OpenGaps;
  #epoch: string;
  #dropped = 0;

  constructor(db: DatabaseSync, options: OutboxOptions) {
    this.#db = db;
    this.#clock = options.clock;
    this.space = new OutboxSpace(db, options, { ...DEFAULT_OUTBOX_LIMITS, ...options.limits });
    this.#tables = {
      events: new LaneTable(db, "events"),
      telemetry: new LaneTable(db, "telemetry"),
      ledger: new LaneTable(db, "ledger"),
    };
    this.sql = writingStatements(db);
    this.#states = readLaneStates(db, this.#tables);
    this.#gaps = readGaps(db);
    this.#epoch = String(this.meta("epoch"));
    this.numbers = new PointNumbers(db, (work) => this.makingRoom(() => inTransaction(db, work)));
  }

  /** Where the lanes stand. */
  get states(): LaneStates {
    return this.#states;
  }

  /** Are there gaps that are no items yet? */
  get hasGaps(): boolean {
    return this.#gaps.size > 0;
  }

  /** Samples that gave way, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** 32 hex digits; changes when this file turns out to be a restored copy. */
  get epoch(): string {
    return this.#epoch;
  }

  /** What the file says of itself under a key. */
  meta(key: string): unknown {
    return this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
  }

  /** Gives the file an epoch of its own, together with what `alongside` writes. */
  mintEpoch(alongside: () => void): void {
    const epoch = newEpoch();
    this.makingRoom(() =>
      inTransaction(this.#db, () => {
        this.sql.meta.run("epoch", epoch);
        alongside();
      }),
    );
    this.#epoch = epoch;
  }

  /** Runs a write; where it finds no page, what must not be lost gets the place of old telemetry. */
  makingRoom(write: () => void): void {
    for (;;) {
      try {
        write();
        return;
      } catch (error) {
        if (sqliteCode(error) !== SQLITE_FULL) throw error;
        if (this.space.relieve()) continue;
        if (this.#states.telemetry.rows === 0) throw error;
      }
      this.space.settle();
      this.draft((draft) => draft.drop("telemetry", Math.ceil(this.#states.telemetry.bytes / 10), "diskFull"));
    }
  }

  /** Runs a write that can do without the newest samples, should there be no place for them. */
  writeAll(write: (withSamples: boolean) => void): void {
    if (this.#isWritten(write)) return;
    // no old telemetry is left to give way: now the file may take what the disk still has, and then the newest goes too
    this.space.thaw();
    if (this.#isWritten(write)) return;
    this.makingRoom(() => write(false));
  }

  #isWritten(write: (withSamples: boolean) => void): boolean {
    try {
      this.makingRoom(() => write(true));
      return true;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_FULL) throw error;
      return false;
    }
  }

  /** One transaction over the lanes. Memory follows the file. */
  draft(work: (draft: OutboxDraft) => void): void {
    const tools: DraftTools = {
      tables: this.#tables,
      sql: this.sql,
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
    this.#dropped += draft.dropped;
  }
}
