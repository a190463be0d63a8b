import type { DatabaseSync } from "node:sqlite";
import type { PointId } from "#core/ids.ts";
import { OutboxError } from "./outbox-file.ts";

/** The persistent number of each point, which is also its Sparkplug alias. Once given it is never given to another. */
export class PointNumbers {
  readonly #db: DatabaseSync;
  readonly #transaction: (work: () => void) => void;
  readonly #numbers = new Map<string, number>();
  readonly #ids = new Map<number, PointId>();

  /** `transaction` runs its work wholly or not at all. */
  constructor(db: DatabaseSync, transaction: (work: () => void) => void) {
    this.#db = db;
    this.#transaction = transaction;
    this.#load();
  }

  #load(): void {
    for (const row of this.#db.prepare("SELECT number, id FROM point").all()) {
      const number = Number(row["number"]);
      this.#numbers.set(String(row["id"]), number);
      this.#ids.set(number, String(row["id"]) as PointId);
    }
  }

  /** Gives each id its number; known ones keep theirs. Durable when it returns. */
  register(ids: readonly string[]): void {
    const unknown = ids.filter((id) => !this.#numbers.has(id));
    if (unknown.length === 0) return;
    const insert = this.#db.prepare("INSERT OR IGNORE INTO point(id) VALUES (?)");
    this.#transaction(() => {
      for (const id of unknown) insert.run(id);
    });
    this.#load();
  }
  /** @throws OUTBOX_POINT_UNKNOWN when the id was never registered */
  numberOf(id: string): number {
    const number = this.#numbers.get(id);
    if (number === undefined) throw new OutboxError("OUTBOX_POINT_UNKNOWN", `${id} has no number: register it first`);
    return number;
  }
  /** The id of a number, undefined for one that was never given. */
  idOf(number: number): PointId | undefined {
    return this.#ids.get(number);
  }
}
