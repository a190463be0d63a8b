import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Db } from "../db/database.ts";
import type { LatestValues } from "../ports.ts";

/** The last value of each point in the record database. */
export class TableValues implements LatestValues {
  readonly #db: Db;
  readonly #logger: Logger;
  /** What the database has not taken yet, of each point the newest. */
  #waiting = new Map<string, Sample>();
  #failing = false;

  constructor(db: Db, logger: Logger) {
    this.#db = db;
    this.#logger = logger;
  }

  /** What was kept by an earlier process. */
  static read({ kysely, sync }: Db): readonly Sample[] {
    return sync
      .all(kysely.selectFrom("last_values").select("sample"))
      .map(({ sample }) => JSON.parse(sample) as Sample);
  }

  async load(): Promise<readonly Sample[]> {
    return TableValues.read(this.#db);
  }

  /** Writes them. A database that refuses is logged, and asked again the next time. */
  keep(samples: Iterable<Sample>): void {
    for (const sample of samples) this.#waiting.set(sample.point, sample);
    if (this.#waiting.size === 0) return;
    try {
      this.#save();
      this.#waiting.clear();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, "last values cannot be kept, trying again");
      this.#failing = true;
    }
  }

  /** Nothing that the record database has taken is ever gone. */
  onLost(): void {}

  async close(): Promise<void> {
    this.keep([]);
  }

  #save(): void {
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      for (const sample of this.#waiting.values()) {
        const row = { point: sample.point, sample: JSON.stringify(sample) };
        sync.run(
          kysely
            .insertInto("last_values")
            .values(row)
            .onConflict((c) => c.column("point").doUpdateSet({ sample: row.sample })),
        );
      }
    });
  }
}
