import type { Clock } from "#core/clock.ts";
import { errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { PointDirectory, TelemetryWrite } from "../../telemetry-ports.ts";
import { InfluxError, unreachable, type Verdict, verdictOf } from "./failure.ts";
import { LineBuffer } from "./line-buffer.ts";
import { LineEncoder, type RowPlace } from "./line-encoder.ts";
import type { Poster } from "./poster.ts";
import { type Piece, type WriteJob, WriteQueue } from "./write-queue.ts";

/** Rows of one request. */
const PARCEL_ROWS = 5000;
/** Requests at once: one is encoded while the server works at another. */
const CONNECTIONS = 2;
/** Rows that may wait; a write beyond is refused, and its gateway keeps it. One alone may be larger. */
const MOST_WAITING_ROWS = 200_000;
/** Longest wait for the answer to one request: longer than the server's own limit of 10 s. */
const REQUEST_MS = 12_000;
/** A request that fails is repeated for so long before the caller is told. */
const RETRY_FOR_MS = 4000;
const RETRY_FIRST_MS = 50;
const RETRY_LONGEST_MS = 1000;
/** Requests spent on finding the rows that the server refuses, and points named of them. */
const SEARCH_REQUESTS = 64;
const NAMED_POINTS = 10;

/** What was written since the start, samples; `sent` equals `written` + `expired` + `refused` whenever nothing is under way. */
export interface WriteNumbers {
  /** Samples in requests that were answered for good. */
  readonly sent: number;
  /** Samples that the server has acknowledged. */
  readonly written: number;
  /** Samples older than the retention: the server took them and let them go. */
  readonly expired: number;
  /** Samples of requests that can never be stored as they are. */
  readonly refused: number;
  readonly requests: number;
  readonly retries: number;
}

/** What the writer works with. */
export interface InfluxWriterDeps {
  readonly poster: Poster;
  readonly points: PointDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Path and query of a write; while the database is not set up why it is not. */
  readonly path: () => string | InfluxError;
  /** The server has lost what was set up. */
  readonly onLost: () => void;
  /** Between 0 and 1, for waits that do not meet. */
  readonly random?: () => number;
}

interface Lane {
  readonly buffer: LineBuffer;
  busy: boolean;
}

/** The number of samples of a write. @throws TELEMETRY_BATCH_INVALID when offsets and rows do not fit */
function countRows({ columns, spans }: TelemetryWrite): number {
  let rows = 0;
  for (const { gateway, first, last, start } of spans) {
    const count = last - first + 1;
    const whole = Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0;
    if (!whole || count < 1 || start < 0 || start + count > columns.length)
      throw new InvalidInputError(
        "TELEMETRY_BATCH_INVALID",
        `${gateway}: offsets ${first} to ${last} do not fit ${columns.length} samples from ${start} on`,
      );
    rows += count;
  }
  return rows;
}

/**
 * The write path: parcels of line protocol over a few connections, each repeated until it is acknowledged, refused for
 * good, or given up as "not now". Sending the same rows again changes nothing: they overwrite themselves.
 */
export class InfluxWriter {
  readonly #deps: InfluxWriterDeps;
  readonly #queue: WriteQueue;
  readonly #encoder: LineEncoder;
  readonly #lanes: readonly Lane[];
  readonly #numbers = { sent: 0, written: 0, expired: 0, refused: 0, requests: 0, retries: 0 };
  readonly #sleeping = new Set<() => void>();
  #waiting = 0;
  #trouble: InfluxError | undefined;
  #closed = false;

  constructor(deps: InfluxWriterDeps) {
    this.#deps = deps;
    this.#encoder = new LineEncoder(deps.points);
    this.#queue = new WriteQueue(this.#encoder);
    this.#lanes = Array.from({ length: CONNECTIONS }, () => ({ buffer: new LineBuffer(1 << 20), busy: false }));
  }

  /** Samples taken in and not yet acknowledged. */
  get pending(): number {
    return this.#waiting;
  }

  get numbers(): WriteNumbers {
    return this.#numbers;
  }

  /** Why the last request was given up; undefined while writes succeed. */
  get trouble(): InfluxError | undefined {
    return this.#trouble;
  }

  /**
   * Resolves when the server has acknowledged every row.
   * @throws HISTORY_BUSY, HISTORY_UNAVAILABLE, HISTORY_LIMIT, HISTORY_UNAUTHORIZED, HISTORY_NO_DATABASE, HISTORY_CLOSED, all retriable; TELEMETRY_BATCH_INVALID, HISTORY_PARTIAL_WRITE
   */
  async write(write: TelemetryWrite): Promise<void> {
    const rows = countRows(write);
    if (this.#closed) throw closed();
    if (rows === 0) return;
    if (this.#waiting > 0 && this.#waiting + rows > MOST_WAITING_ROWS)
      throw new InfluxError("HISTORY_BUSY", `${this.#waiting} samples wait for InfluxDB already`, { retriable: true });
    this.#waiting += rows;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#queue.add({ write, rows, settled: 0, underWay: 0, failure: undefined, resolve, reject });
        this.#start();
      });
    } finally {
      this.#waiting -= rows;
    }
  }

  /** Gives up what waits and what is under way; the callers are told. */
  close(): void {
    this.#closed = true;
    this.#queue.drain((job) => this.#fail(job, closed()));
    for (const wake of this.#sleeping) wake();
  }

  #start(): void {
    for (const lane of this.#lanes) if (!lane.busy && !this.#queue.isEmpty) void this.#run(lane);
  }

  async #run(lane: Lane): Promise<void> {
    lane.busy = true;
    // Whatever else is written in this turn of the event loop shares the request.
    await Promise.resolve();
    while (!this.#queue.isEmpty) {
      lane.buffer.clear();
      const pieces = this.#queue.take(PARCEL_ROWS, lane.buffer, (job, error) => this.#fail(job, asError(error)));
      if (pieces.length > 0) await this.#carry(lane, pieces);
    }
    lane.busy = false;
  }

  /** Brings one parcel to its end and tells the jobs in it. */
  async #carry(lane: Lane, pieces: readonly Piece[]): Promise<void> {
    const rows = pieces.reduce((sum, piece) => sum + piece.rows, 0);
    const verdict = await this.#deliver(lane.buffer.written, rows);
    const unlike = verdict.kind === "refused" || (verdict.kind === "stored" && verdict.expired > 0);
    if (unlike && pieces.length > 1) {
      // Whose rows are they? Each writer's again alone: what was stored stays as it is.
      for (const piece of pieces) await this.#carryAlone(lane, piece);
      return;
    }
    if (verdict.kind === "refused") for (const piece of pieces) await this.#settleRefused(lane, piece, verdict.reason);
    else for (const piece of pieces) this.#settle(piece, verdict);
  }

  async #carryAlone(lane: Lane, piece: Piece): Promise<void> {
    this.#encode(lane, piece.job, piece.place, piece.rows);
    const verdict = await this.#deliver(lane.buffer.written, piece.rows);
    if (verdict.kind === "refused") await this.#settleRefused(lane, piece, verdict.reason);
    else this.#settle(piece, verdict);
  }

  #encode(lane: Lane, job: WriteJob, place: RowPlace, rows: number): RowPlace | undefined {
    lane.buffer.clear();
    return this.#encoder.encode(job.write, place, rows, lane.buffer).next;
  }

  #settle({ job, rows }: Piece, verdict: Exclude<Verdict, { kind: "refused" }>): void {
    job.underWay--;
    if (verdict.kind === "away") {
      this.#fail(job, verdict.error);
      return;
    }
    this.#numbers.sent += rows;
    this.#numbers.expired += verdict.expired;
    this.#numbers.written += rows - verdict.expired;
    job.settled += rows;
    if (job.failure !== undefined) this.#fail(job, job.failure);
    else if (job.settled === job.rows) job.resolve();
  }

  async #settleRefused(lane: Lane, piece: Piece, reason: string): Promise<void> {
    const { job, rows } = piece;
    const { found, stored, expired, away } = await this.#search(lane, piece);
    if (away !== undefined) {
      this.#settle(piece, away);
      return;
    }
    if (stored === rows) {
      // Only its size was refused: its parts went through.
      this.#settle(piece, { kind: "stored", expired });
      return;
    }
    job.underWay--;
    this.#numbers.sent += rows;
    this.#numbers.refused += rows;
    const which = found.length === 0 ? `some of ${rows} samples` : found.join(", ");
    this.#fail(job, new InfluxError("HISTORY_PARTIAL_WRITE", `InfluxDB refuses ${which}: ${reason}`));
  }

  /** Halves a refused piece until single rows are left, within bounds: what is stored, and offsets and points of the rest. */
  async #search(
    lane: Lane,
    { job, place, rows }: Piece,
  ): Promise<{
    readonly found: readonly string[];
    readonly stored: number;
    readonly expired: number;
    readonly away?: Extract<Verdict, { kind: "away" }>;
  }> {
    const found: string[] = [];
    const open: { place: RowPlace; rows: number }[] = [{ place, rows }];
    let [stored, expired] = [0, 0];
    let left = SEARCH_REQUESTS;
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      if (left-- === 0 || found.length >= NAMED_POINTS || this.#closed) break;
      this.#encode(lane, job, part.place, part.rows);
      const verdict = await this.#deliver(lane.buffer.written, part.rows);
      if (verdict.kind === "away") return { found, stored, expired, away: verdict };
      if (verdict.kind === "stored") {
        stored += part.rows;
        expired += verdict.expired;
      } else if (part.rows === 1) found.push(this.#nameOf(job, part.place));
      else {
        const half = part.rows >> 1;
        const middle = this.#encode(lane, job, part.place, half);
        if (middle !== undefined) open.push({ place: middle, rows: part.rows - half });
        open.push({ place: part.place, rows: half });
      }
    }
    return { found, stored, expired };
  }

  #nameOf({ write }: WriteJob, { span, row }: RowPlace): string {
    const { first = 0, start = 0, gateway = "" } = write.spans[span] ?? {};
    const point = write.columns.point[start + row] ?? 0;
    return `${this.#deps.points.pointOf(point)} (offset ${first + row} of ${gateway})`;
  }

  /** Repeats one request until it has an answer that stands. */
  async #deliver(body: Buffer, rows: number): Promise<Verdict> {
    const { clock, random = Math.random } = this.#deps;
    const giveUpAt = clock.monotonic() + RETRY_FOR_MS;
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS)) {
      const verdict = await this.#post(body, rows);
      if (verdict.kind !== "away") {
        this.#recovered();
        return verdict;
      }
      if (verdict.setUpAgain) this.#deps.onLost();
      // While the server is known to be away each request is tried once: the caller repeats at its own pace.
      if (this.#closed || this.#trouble !== undefined || clock.monotonic() + waitMs > giveUpAt) {
        this.#gaveUp(verdict.error);
        return verdict;
      }
      this.#numbers.retries++;
      await this.#sleep(waitMs * (0.5 + random() / 2));
    }
  }

  async #post(body: Buffer, rows: number): Promise<Verdict> {
    const path = this.#deps.path();
    const away = (error: InfluxError): Verdict => ({ kind: "away", error, setUpAgain: false });
    if (this.#closed) return away(closed());
    if (path instanceof InfluxError) return away(path);
    this.#numbers.requests++;
    try {
      return verdictOf(await this.#deps.poster.send("POST", path, body, REQUEST_MS), rows);
    } catch (error) {
      return away(error instanceof InfluxError ? error : unreachable("writing", errorMessage(error)));
    }
  }

  #gaveUp(error: InfluxError): void {
    if (this.#trouble === undefined && !this.#closed)
      this.#deps.logger.error({ code: error.code, reason: error.message }, "InfluxDB does not take samples");
    this.#trouble = error;
  }

  #recovered(): void {
    if (this.#trouble !== undefined) this.#deps.logger.info({}, "InfluxDB takes samples again");
    this.#trouble = undefined;
  }

  #fail(job: WriteJob, error: Error): void {
    job.failure ??= error;
    // The caller may change the columns from then on: not before the last parcel with rows of it has ended.
    if (job.underWay === 0) job.reject(job.failure);
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        this.#sleeping.delete(wake);
        resolve();
      };
      const cancel = this.#deps.clock.after(ms, wake);
      this.#sleeping.add(wake);
    });
  }
}

function closed(): InfluxError {
  return new InfluxError("HISTORY_CLOSED", "the telemetry store is closed", { retriable: true });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
