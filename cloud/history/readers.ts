import type { DatabaseSync } from "node:sqlite";
import { dbError } from "../db/dialect.ts";
import { ChunkReader } from "./chunk-store.ts";
import { openForReading } from "./schema.ts";
import { SummaryReader } from "./summary-store.ts";

/** A connection that reads: between `begin` and `end` it sees the file as it was at `begin`. */
export interface Reader {
  readonly chunks: ChunkReader;
  readonly summaries: SummaryReader;
  begin(): void;
  end(): void;
}

class FileReader implements Reader {
  readonly chunks: ChunkReader;
  readonly summaries: SummaryReader;
  readonly #db: DatabaseSync;
  constructor(file: string) {
    this.#db = openForReading(file);
    this.chunks = new ChunkReader(this.#db);
    this.summaries = new SummaryReader(this.#db);
  }
  begin(): void {
    try {
      // A transaction sees the file as it is at its first statement.
      this.#db.exec("BEGIN; SELECT 1 FROM retention");
    } catch (error) {
      throw dbError(error, "telemetry store");
    }
  }
  end(): void {
    if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }
  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

/** A few connections for questions that run side by side. */
export class Readers {
  readonly #file: string;
  readonly #most: number;
  readonly #all: FileReader[] = [];
  readonly #idle: FileReader[] = [];

  constructor(file: string, most: number) {
    this.#file = file;
    this.#most = most;
  }

  /** A connection nobody uses; undefined when all are in use. @throws DB_* */
  take(): Reader | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined || this.#all.length >= this.#most) return idle;
    const made = new FileReader(this.#file);
    this.#all.push(made);
    return made;
  }

  /** Takes a connection back. */
  release(reader: Reader): void {
    reader.end();
    const one = this.#all.find((other) => other === reader);
    if (one !== undefined) this.#idle.push(one);
  }

  close(): void {
    for (const reader of this.#all) reader.close();
    this.#all.length = 0;
    this.#idle.length = 0;
  }
}
