import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Lane } from "#core/contracts/lanes.ts";
import { LANES, type LaneStates } from "./outbox-lanes.ts";

const keyOf = (lane: Lane): string => `offered.${lane}`;

/**
 * Highest offset of each lane that any process may have published from a file: an ack beyond it shows that the file is a
 * restored copy. What lies in the file is no measure: a copy that was written to while the cloud was away has offsets of its
 * own that the cloud knows of another file. So the mark follows the file's end only once the cloud's ack has fitted.
 */
export class PublishedMarks {
  readonly #sent: Record<Lane, number>;
  /** The marks as they were when the connection began. */
  #before: Readonly<Record<Lane, number>>;
  /** Lanes whose ack has fitted in this process, with the mark that the file holds. */
  readonly #kept = new Map<Lane, number>();
  #pending = false;

  /** Reads the marks. A file without them is of an earlier version: all of it counts. */
  constructor(db: DatabaseSync, states: LaneStates) {
    const select = db.prepare("SELECT value FROM meta WHERE key = ?");
    const read = (lane: Lane): number => Number(select.get(keyOf(lane))?.["value"] ?? states[lane].next - 1);
    this.#sent = { events: read("events"), telemetry: read("telemetry"), ledger: read("ledger") };
    this.#before = { ...this.#sent };
  }

  /** A connection begins: what the cloud knows at its beginning was published before it. */
  connected(): void {
    this.#before = { ...this.#sent };
  }

  /** Is there a mark to be written? */
  get pending(): boolean {
    return this.#pending;
  }

  /** Highest offset that may have been published. */
  of(lane: Lane): number {
    return this.#sent[lane];
  }

  /** Highest offset that may have been published before this connection. */
  before(lane: Lane): number {
    return this.#before[lane];
  }

  /** Everything up to and with this offset has been published. */
  sent(lane: Lane, last: number): void {
    this.#sent[lane] = Math.max(this.#sent[lane], last);
  }

  /** The cloud's ack fits this file. True when that is news: the marks are then to be committed before more is published. */
  confirm(lane: Lane): boolean {
    if (this.#kept.has(lane)) return false;
    this.#kept.set(lane, Number.NaN);
    this.#pending = true;
    return true;
  }

  /** Writes, inside the caller's transaction, that everything in the confirmed lanes may be published. */
  write(meta: StatementSync, states: LaneStates): void {
    for (const [lane, kept] of this.#kept)
      if (kept !== states[lane].next - 1) meta.run(keyOf(lane), states[lane].next - 1);
  }

  /** The transaction of `write` is committed. */
  committed(states: LaneStates): void {
    for (const lane of this.#kept.keys()) this.#kept.set(lane, states[lane].next - 1);
    this.#pending = false;
  }

  /** A new epoch begins, inside the caller's transaction: every offset of the file is its own again. */
  begin(meta: StatementSync, states: LaneStates): void {
    for (const lane of LANES) {
      meta.run(keyOf(lane), states[lane].next - 1);
      this.#sent[lane] = states[lane].next - 1;
    }
    this.#before = { ...this.#sent };
  }
}
