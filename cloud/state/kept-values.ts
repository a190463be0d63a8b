import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Db } from "../db/database.ts";

/** How often changed values are written. What a crash loses comes again with the gateway's births. */
const KEEP_MS = 15_000;

/** Keeps the last value of each point over a restart. */
export class KeptValues {
  readonly #db: Db;
  readonly #written = new Map<string, Sample>();
  readonly #samples: () => Iterable<Sample>;
  readonly #logger: Logger;
  readonly #stop: () => void;
  #failing = false;

  /** `samples` gives everything that is held now. */
  constructor(deps: {
    readonly db: Db;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly samples: () => Iterable<Sample>;
  }) {
    this.#db = deps.db;
    this.#samples = deps.samples;
    this.#logger = deps.logger;
    this.#stop = deps.clock.every(KEEP_MS, () => this.save());
  }

  /** What was kept by an earlier process. */
  static load(db: Db): readonly Sample[] {
    return db.sync
      .all(db.kysely.selectFrom("last_values").select("sample"))
      .map(({ sample }) => JSON.parse(sample) as Sample);
  }

  /** Writes what has changed since the last time. A database that refuses is logged, and asked again the next time. */
  save(): void {
    try {
      this.#save();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn({ err: error }, "last values cannot be kept, trying again");
      this.#failing = true;
    }
  }

  #save(): void {
    const { kysely, sync } = this.#db;
    const changed = [...this.#samples()].filter((sample) => this.#written.get(sample.point) !== sample);
    if (changed.length === 0) return;
    sync.transaction(() => {
      for (const sample of changed) {
        const row = { point: sample.point, sample: JSON.stringify(sample) };
        sync.run(
          kysely
            .insertInto("last_values")
            .values(row)
            .onConflict((c) => c.column("point").doUpdateSet({ sample: row.sample })),
        );
      }
    });
    for (const sample of changed) this.#written.set(sample.point, sample);
  }

  close(): void {
    this.#stop();
    this.save();
  }
}
