import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Lane, LaneItem, LaneRecord } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { type PackedSample, unpackSamples } from "./sample-packing.ts";

/** Where a lane stands. Offsets begin with 1, so that an ack of 0 says "nothing yet". */
export interface LaneState {
  /** Offset the next sample or item gets. */
  next: number;
  /** Highest offset the cloud has acknowledged in this epoch. */
  acked: number;
  /** Rows in the file, and the samples or items they hold. */
  rows: number;
  count: number;
  bytes: number;
}

/** States of all lanes. */
export type LaneStates = Record<Lane, LaneState>;

export const LANES: readonly Lane[] = ["events", "telemetry", "ledger"];

/** Lanes whose rows are single items. */
export type ItemLane = Exclude<Lane, "telemetry">;

/** One telemetry row: a batch of one device, offsets `first` to `last` in the order of `samples`. */
export interface TelemetryRow {
  readonly first: number;
  readonly last: number;
  /** Device id <site>/<gateway>/<device>. */
  readonly device: string;
  /** Size of the row in the file. */
  readonly bytes: number;
  readonly samples: readonly PackedSample[];
}

/** One queued write: an item of a lane, or a record that must survive with it. Both as JSON: nothing that cannot be written may be queued. */
export type Operation =
  | { readonly kind: "item"; readonly lane: ItemLane; readonly at: number; readonly item: string }
  | { readonly kind: "put"; readonly table: string; readonly key: string; readonly value: string }
  | { readonly kind: "remove"; readonly table: string; readonly key: string };

/** What became of an ack. `restored`: it named offsets this file never sent, so a new epoch was minted and all is offered again. */
export type AckOutcome = "trimmed" | "known" | "foreign" | "restored";

const WEIGHT: Record<Lane, string> = {
  telemetry: "length(payload)",
  events: "length(item)",
  ledger: "length(item)",
};
const LAST: Record<Lane, string> = { telemetry: "last", events: "first", ledger: "first" };

/** The statements that write rows, by what they write. */
export type WritingStatements = Readonly<
  Record<"meta" | "telemetry" | "events" | "ledger" | "put" | "remove", StatementSync>
>;

/** Prepares them. */
export function writingStatements(db: DatabaseSync): WritingStatements {
  return {
    meta: db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"),
    telemetry: db.prepare("INSERT INTO telemetry VALUES (?, ?, ?, ?)"),
    events: db.prepare("INSERT INTO events VALUES (?, ?, ?)"),
    ledger: db.prepare("INSERT INTO ledger VALUES (?, ?, ?)"),
    put: db.prepare("INSERT OR REPLACE INTO record VALUES (?, ?, ?)"),
    remove: db.prepare("DELETE FROM record WHERE kind = ? AND key = ?"),
  };
}

/** The statements of one lane's table. Every method belongs inside a transaction of the caller. */
export class LaneTable {
  readonly lane: Lane;
  readonly #sum: StatementSync;
  readonly #delete: StatementSync;
  readonly #oldest: StatementSync;

  constructor(db: DatabaseSync, lane: Lane) {
    const totals = `count(*) AS rows, coalesce(sum(${LAST[lane]} - first + 1), 0) AS count, coalesce(sum(${WEIGHT[lane]}), 0) AS bytes`;
    this.lane = lane;
    this.#sum = db.prepare(`SELECT ${totals} FROM ${lane} WHERE first <= ?1 AND ${LAST[lane]} <= ?1`);
    this.#delete = db.prepare(`DELETE FROM ${lane} WHERE first <= ?1 AND ${LAST[lane]} <= ?1`);
    this.#oldest = db.prepare(
      `SELECT first, ${LAST[lane]} AS last, ${WEIGHT[lane]} AS bytes FROM ${lane} ORDER BY first LIMIT 1000`,
    );
  }

  /** Rows, samples or items, and bytes up to and with an offset. */
  sum(upTo: number): Pick<LaneState, "rows" | "count" | "bytes"> {
    const found = this.#sum.get(upTo);
    return { rows: Number(found?.["rows"]), count: Number(found?.["count"]), bytes: Number(found?.["bytes"]) };
  }

  /** Deletes every row that lies wholly at or below `upTo`. */
  trim(state: LaneState, upTo: number): void {
    const gone = this.sum(upTo);
    if (gone.rows === 0) return;
    this.#delete.run(upTo);
    state.rows -= gone.rows;
    state.count -= gone.count;
    state.bytes -= gone.bytes;
  }

  /** Deletes the oldest rows until at least `bytes` are freed; gives the range of offsets that is gone. */
  dropOldest(state: LaneState, bytes: number): { from: number; to: number } | undefined {
    let freed = 0;
    let from: number | undefined;
    let to = 0;
    for (const row of this.#oldest.all()) {
      if (freed >= bytes) break;
      from ??= Number(row["first"]);
      to = Number(row["last"]);
      freed += Number(row["bytes"]);
    }
    if (from === undefined) return undefined;
    this.trim(state, to);
    return { from, to };
  }
}

const stored = (db: DatabaseSync, key: string): number =>
  Number(db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"] ?? 0);

/** Reads where every lane stands. A new file begins at offset 1. */
export function readLaneStates(db: DatabaseSync, tables: Readonly<Record<Lane, LaneTable>>): LaneStates {
  const read = (lane: Lane): LaneState => ({
    next: Math.max(1, stored(db, `next.${lane}`)),
    acked: stored(db, `acked.${lane}`),
    ...tables[lane].sum(Number.MAX_SAFE_INTEGER),
  });
  return { events: read("events"), telemetry: read("telemetry"), ledger: read("ledger") };
}

/** A row that cannot be read is sent without samples: the cloud puts it aside and acks, and the lane goes on. */
function unpack(payload: Uint8Array, logger: Logger): PackedSample[] {
  try {
    return unpackSamples(payload);
  } catch (error) {
    logger.error({ cause: errorMessage(error) }, "outbox row unreadable");
    return [];
  }
}

/** Reads committed rows and items. */
export class LaneReader {
  readonly #telemetry: StatementSync;
  readonly #items: Readonly<Record<ItemLane, StatementSync>>;
  readonly #logger: Logger;

  constructor(db: DatabaseSync, logger: Logger) {
    const select = (lane: Lane): StatementSync =>
      db.prepare(`SELECT * FROM ${lane} WHERE first > ? ORDER BY first LIMIT ?`);
    this.#telemetry = select("telemetry");
    this.#items = { events: select("events"), ledger: select("ledger") };
    this.#logger = logger;
  }

  /** Telemetry rows after an offset, oldest first. */
  telemetry(offset: number, limit: number): TelemetryRow[] {
    return this.#telemetry.all(offset, limit).map((row) => ({
      first: Number(row["first"]),
      last: Number(row["last"]),
      device: String(row["device"]),
      bytes: (row["payload"] as Uint8Array).length,
      samples: unpack(row["payload"] as Uint8Array, this.#logger),
    }));
  }

  /** Items after an offset, oldest first. */
  items(lane: ItemLane, offset: number, limit: number): LaneItem[] {
    return this.#items[lane].all(offset, limit).map((row) => ({
      offset: Number(row["first"]),
      at: Number(row["at"]),
      // written by the outbox from a LaneRecord
      ...(JSON.parse(String(row["item"])) as LaneRecord),
    }));
  }
}
