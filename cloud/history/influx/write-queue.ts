import type { TelemetryWrite } from "../../telemetry-ports.ts";
import type { LineBuffer } from "./line-buffer.ts";
import type { LineEncoder, RowPlace } from "./line-encoder.ts";

/** A write on its way. Its rows are encoded when a connection is free: nothing is held twice. */
export interface WriteJob {
  readonly write: TelemetryWrite;
  readonly rows: number;
  /** Rows that are settled: durable, or older than the retention. */
  settled: number;
  /** Parcels on their way that hold rows of it. */
  underWay: number;
  /** Its first failure; no further row of it is sent. */
  failure: Error | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Rows of one job inside a parcel. */
export interface Piece {
  readonly job: WriteJob;
  readonly place: RowPlace;
  readonly rows: number;
}

interface Waiting {
  readonly job: WriteJob;
  place: RowPlace;
}

/** Writes in order of arrival, from which parcels are taken. */
export class WriteQueue {
  readonly #encoder: LineEncoder;
  readonly #jobs: Waiting[] = [];

  constructor(encoder: LineEncoder) {
    this.#encoder = encoder;
  }

  get isEmpty(): boolean {
    return this.#jobs.length === 0;
  }

  add(job: WriteJob): void {
    this.#jobs.push({ job, place: { span: 0, row: 0 } });
  }

  /** Takes out what nobody waits for any more, and hands every job that was not begun or not finished to `each`. */
  drain(each: (job: WriteJob) => void): void {
    for (const { job } of this.#jobs.splice(0)) each(job);
  }

  /** Encodes up to `lines` rows of as many jobs into the buffer. `spoilt` hears of a job with a row that can never be stored. */
  take(lines: number, into: LineBuffer, spoilt: (job: WriteJob, error: unknown) => void): readonly Piece[] {
    const pieces: Piece[] = [];
    let left = lines;
    for (let first = this.#jobs[0]; first !== undefined && left > 0; first = this.#jobs[0]) {
      const { job, place } = first;
      const before = into.length;
      if (job.failure !== undefined) {
        this.#jobs.shift();
        continue;
      }
      try {
        const { rows, next } = this.#encoder.encode(job.write, place, left, into);
        if (rows > 0) {
          pieces.push({ job, place, rows });
          job.underWay++;
        }
        left -= rows;
        if (next === undefined) this.#jobs.shift();
        else {
          first.place = next;
          break;
        }
      } catch (error) {
        into.clear(before);
        this.#jobs.shift();
        spoilt(job, error);
      }
    }
    return pieces;
  }
}
