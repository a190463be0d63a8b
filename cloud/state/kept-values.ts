import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Db } from "../db/database.ts";
import type { LatestValues } from "../ports.ts";
import { TableValues } from "./table-values.ts";

/** How often changed values are kept. What a crash loses comes again with the gateway's births. */
const KEEP_MS = 15_000;
/** Values kept at once, and the pause before the next: keeping them blocks the thread. */
const SLICE = 250;
const SLICE_MS = 50;

/** What changed after a moment, and how that moment is named the next time. */
export interface ChangedValues {
  readonly revision: number;
  /** Read piece by piece, later: what has changed again by then comes as it is then. */
  readonly samples: Iterable<Sample>;
}

/** Keeps the last value of each point over a restart. */
export class KeptValues {
  readonly #values: LatestValues;
  readonly #clock: Clock;
  readonly #changedSince: (revision: number) => ChangedValues;
  readonly #stop: () => void;
  #revision = 0;
  #cancelSlice: (() => void) | undefined;

  /**
   * `changedSince` gives what has changed since a revision; since 0: everything. Kept in the record database unless `values`
   * says where.
   */
  constructor(deps: {
    readonly db: Db;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly changedSince: (revision: number) => ChangedValues;
    readonly values?: LatestValues;
    readonly everyMs?: number;
  }) {
    this.#values = deps.values ?? new TableValues(deps.db, deps.logger);
    this.#clock = deps.clock;
    this.#changedSince = deps.changedSince;
    this.#stop = deps.clock.every(deps.everyMs ?? KEEP_MS, () => this.#begin());
    this.#values.onLost(() => {
      this.#cancel();
      this.#revision = 0;
    });
  }

  /** What an earlier process kept in the record database. */
  static load(db: Db): readonly Sample[] {
    return TableValues.read(db);
  }

  /** Keeps what has changed since the last time, all at once. */
  save(): void {
    this.#cancel();
    const { revision, samples } = this.#changedSince(this.#revision);
    this.#values.keep(samples);
    this.#revision = revision;
  }

  async close(): Promise<void> {
    this.#stop();
    this.save();
    await this.#values.close();
  }

  #begin(): void {
    // The run before is still at it.
    if (this.#cancelSlice !== undefined) return;
    const { revision, samples } = this.#changedSince(this.#revision);
    this.#slice(samples[Symbol.iterator](), revision);
  }

  #slice(samples: Iterator<Sample>, revision: number): void {
    this.#cancelSlice = undefined;
    const slice: Sample[] = [];
    let next = samples.next();
    for (; next.done !== true; next = samples.next()) if (slice.push(next.value) === SLICE) break;
    // Also without any: what could not be kept the last time is tried again.
    this.#values.keep(slice);
    if (next.done === true) this.#revision = revision;
    else this.#cancelSlice = this.#clock.after(SLICE_MS, () => this.#slice(samples, revision));
  }

  #cancel(): void {
    this.#cancelSlice?.();
    this.#cancelSlice = undefined;
  }
}
