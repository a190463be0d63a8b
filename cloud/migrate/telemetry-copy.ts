import { gatewayOf, type PointId } from "#core/ids.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";
import type {
  Bucket,
  PointDirectory,
  StoredSample,
  TelemetrySpan,
  TelemetryStore,
  TelemetryWrite,
} from "../telemetry-ports.ts";
import { MigrateError } from "./errors.ts";
import type { MoveProgress, SeriesProgress } from "./progress.ts";

/** Samples read, written and compared at once. */
const SLICE_SAMPLES = 5000;
/** Series that are copied side by side. */
const SIDE_BY_SIDE = 4;
/** Farthest times that a Date knows, Unix ms. */
const FARTHEST_MS = 8_640_000_000_000_000;

/** What is copied, from where to where. */
export interface TelemetryMove {
  readonly from: Pick<TelemetryStore, "read" | "aggregate">;
  readonly to: Pick<TelemetryStore, "read" | "aggregate" | "write">;
  /** Numbers of points, as `to` knows them. */
  readonly directory: PointDirectory;
  readonly series: readonly PointId[];
  readonly progress: MoveProgress;
  /** Name of the target in the progress, without any secret. */
  readonly target: string;
  /** Told after each slice and each series. */
  readonly told: (account: TelemetryAccount) => void;
}

/** What has been done. */
export interface TelemetryAccount {
  /** Series that are through, of all. */
  readonly series: number;
  readonly of: number;
  /** Samples of these series in the target, those of former runs included. */
  readonly samples: number;
  /** Samples whose series has been counted and compared on both sides. */
  readonly verified: number;
}

/** Samples as one write, with a span for each run of offsets. */
function writeOf(
  appender: SampleAppender,
  directory: PointDirectory,
  point: PointId,
  samples: readonly StoredSample[],
): TelemetryWrite {
  appender.clear();
  const number = directory.numberOf(point);
  const gateway = gatewayOf(point);
  const spans: TelemetrySpan[] = [];
  for (const [row, sample] of samples.entries()) {
    appender.sample(number, sample);
    const span = spans.at(-1);
    if (span?.epoch === sample.epoch && span.last + 1 === sample.offset)
      spans[spans.length - 1] = { ...span, last: sample.offset };
    else spans.push({ gateway, epoch: sample.epoch, first: sample.offset, last: sample.offset, start: row });
  }
  return { columns: appender.columns, spans };
}

/** A value as every store gives it back: UTF-8 knows no lone surrogates. */
function whole<T>(value: T): T | string {
  return typeof value === "string" ? value.toWellFormed() : value;
}

function isSame(a: StoredSample, b: StoredSample | undefined): boolean {
  return (
    b !== undefined &&
    a.observedAt === b.observedAt &&
    Object.is(whole(a.value), whole(b.value)) &&
    a.quality === b.quality &&
    whole(a.reason) === whole(b.reason) &&
    a.sourceTime === b.sourceTime &&
    a.epoch === b.epoch &&
    a.offset === b.offset
  );
}

/** Is one summary over everything the same on both sides? Sums are left out: they depend on the order of adding. */
function isSameSummary(a: Bucket | undefined, b: Bucket | undefined, samples: number): boolean {
  if (a === undefined || b === undefined) return samples === 0;
  const fields = ["count", "bad", "min", "max", "first", "last"] as const;
  return a.count + a.bad === samples && fields.every((field) => Object.is(whole(a[field]), whole(b[field])));
}

class SeriesCopy {
  readonly #move: TelemetryMove;
  readonly #point: PointId;
  readonly #appender: SampleAppender;
  /** Told of each slice that is in the target and compared. */
  readonly #sliced: (samples: number) => void;

  constructor(move: TelemetryMove, point: PointId, appender: SampleAppender, sliced: (samples: number) => void) {
    this.#move = move;
    this.#point = point;
    this.#appender = appender;
    this.#sliced = sliced;
  }

  /** Copies what is missing and compares both sides; what differs is copied once more. @throws MIGRATE_DIFFERS */
  async run(): Promise<number> {
    const { progress, target } = this.#move;
    const known = progress.series(target, this.#point);
    if (known !== undefined) this.#sliced(known.samples);
    const copied = await this.#copy(known);
    if (copied === undefined) return 0;
    if (await this.#isVerified(copied)) return copied.samples;
    // Something came into the source behind what was copied, or went from the target.
    progress.forgetSeries(target, this.#point);
    this.#sliced(-copied.samples);
    const again = await this.#copy(undefined);
    if (again !== undefined && (await this.#isVerified(again))) return again.samples;
    throw new MigrateError(
      "MIGRATE_DIFFERS",
      `${this.#point}: ${again?.samples ?? 0} samples were copied, and both sides do not hold the same`,
    );
  }

  async #copy(known: SeriesProgress | undefined): Promise<SeriesProgress | undefined> {
    const { from, to, directory, progress, target } = this.#move;
    const point = this.#point;
    for (let at = known; ; ) {
      const begin = at === undefined ? -FARTHEST_MS : at.upTo + 1;
      const samples = await from.read({ point, from: begin, to: FARTHEST_MS, limit: SLICE_SAMPLES });
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined) return at;
      await to.write(writeOf(this.#appender, directory, point, samples));
      const [begun, end] = [first.observedAt, last.observedAt + 1];
      const found = await to.read({ point, from: begun, to: end, limit: samples.length + 1 });
      const wrong = samples.findIndex((sample, i) => !isSame(sample, found[i]));
      if (wrong >= 0 || found.length !== samples.length)
        throw new MigrateError(
          "MIGRATE_DIFFERS",
          `${point} at ${new Date(samples[wrong]?.observedAt ?? begun).toISOString()}: the target gives back something else than was written (${found.length} samples of ${samples.length})`,
        );
      at = { first: at?.first ?? begun, upTo: last.observedAt, samples: (at?.samples ?? 0) + samples.length };
      progress.setSeries(target, point, at);
      this.#sliced(samples.length);
    }
  }

  async #isVerified({ first, upTo, samples }: SeriesProgress): Promise<boolean> {
    const query = { points: [this.#point], edges: [first, upTo + 1] };
    const [[given], [found]] = await Promise.all([this.#move.from.aggregate(query), this.#move.to.aggregate(query)]);
    return isSameSummary(given?.[0], found?.[0], samples);
  }
}

/**
 * Copies every sample of every series: each slice is written, read back and compared before it counts as copied, then each
 * series is counted on both sides. Goes on where a former run was; writing a slice again changes nothing.
 * @throws MIGRATE_DIFFERS, and what the stores throw
 */
export async function copyTelemetry(move: TelemetryMove): Promise<TelemetryAccount> {
  let account: TelemetryAccount = { series: 0, of: move.series.length, samples: 0, verified: 0 };
  const tell = (change: Partial<TelemetryAccount>): void => {
    account = { ...account, ...change };
    move.told(account);
  };
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    const appender = new SampleAppender();
    for (let point = move.series[next++]; point !== undefined && !failed; point = move.series[next++]) {
      const sliced = (samples: number): void => tell({ samples: account.samples + samples });
      const verified = await new SeriesCopy(move, point, appender, sliced).run();
      tell({ series: account.series + 1, verified: account.verified + verified });
    }
  };
  const workers = Array.from({ length: SIDE_BY_SIDE }, () =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All of them have ended before the stores are closed.
  for (const ended of await Promise.allSettled(workers)) if (ended.status === "rejected") throw ended.reason;
  return account;
}
