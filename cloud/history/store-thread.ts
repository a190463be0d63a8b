import type { MessagePort } from "node:worker_threads";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import { aggregate, type Moment } from "./aggregate.ts";
import type { SeriesBuckets } from "./bucket-list.ts";
import { DamagedChunk } from "./chunk-store.ts";
import { MemorySnapshot } from "./memory-snapshot.ts";
import { readAt, readRaw } from "./raw-read.ts";
import { type Reader, Readers } from "./readers.ts";
import { newRows, type SampleRows } from "./sample-rows.ts";
import { HistoryError } from "./store-errors.ts";
import type { ReadAnswer, StoreReply, StoreRequest } from "./store-messages.ts";
import { DamagedSummaries } from "./summary-store.ts";
import type { TelemetryFile } from "./telemetry-file.ts";

/** Questions answered side by side. */
const READERS = 4;
/** More questions than this do not wait: they are refused. */
const WAITING_MOST = 1000;
/** How long a question or the background keeps the thread before a write may come between. */
const READ_SLICE_MS = 4;
const WORK_SLICE_MS = 4;
/** So often a question begins anew because summaries had to be made anew. */
const REBUILDS_MOST = 100;

type Question = Extract<StoreRequest, { op: "read" | "at" | "aggregate" }>;

interface Job {
  readonly id: number;
  readonly question: Question;
  readonly reader: Reader;
  run: Generator<undefined, Answer>;
  rebuilds: number;
}
interface Answer {
  readonly value: unknown;
  readonly transfer: ArrayBuffer[];
}
interface Maintenance {
  readonly id: number;
  readonly run: Generator<undefined>;
}

function transferable(columns: readonly ArrayBufferView[]): ArrayBuffer[] {
  return columns.map(({ buffer }) => buffer as ArrayBuffer);
}

/** One series may be asked for twice, and those of a group share their days: each goes over once. */
function buffersOf(answer: readonly SeriesBuckets[]): ArrayBuffer[] {
  const days = new Set(answer.flatMap(({ packed }) => (packed === undefined ? [] : [packed.days])));
  const packed = [...days].flatMap((one) => one.map(({ data }) => data.buffer));
  return [...new Set(answer.map(({ slab }) => slab.buffer)), ...packed];
}

/**
 * What the store's thread does, and in which order: a write as soon as it comes; then questions, a few at a time and in turns;
 * then compaction. Questions and compaction go in slices, so that a write waits for none of them.
 */
export class StoreThread {
  readonly #file: TelemetryFile;
  readonly #port: Pick<MessagePort, "postMessage">;
  readonly #clock: Clock;
  readonly #readers: Readers;
  readonly #jobs: Job[] = [];
  readonly #waiting: { readonly id: number; readonly question: Question }[] = [];
  readonly #maintenance: Maintenance[] = [];
  #pumping = false;
  /** Work in the background failed: it rests until the next write. */
  #resting = false;
  #closed = false;

  constructor(file: TelemetryFile, path: string, port: Pick<MessagePort, "postMessage">, clock: Clock) {
    this.#file = file;
    this.#port = port;
    this.#clock = clock;
    this.#readers = new Readers(path, READERS);
  }

  /** Takes one request; its answer goes out on the port. False after `close`: nothing more will come. */
  handle(id: number, request: StoreRequest): boolean {
    try {
      this.#handle(id, request);
    } catch (error) {
      this.#fail(id, error);
    }
    if (!this.#closed) this.#pump();
    return !this.#closed;
  }

  #handle(id: number, request: StoreRequest): void {
    switch (request.op) {
      case "write":
        this.#resting = false;
        this.#reply(id, this.#file.write(request));
        // Nothing may come between these slices, so they are one: each transaction writes the pages it touches anew.
        if (this.#file.pressure > 0) this.#work(this.#file.pressure);
        return;
      case "ranges":
        this.#reply(id, this.#file.ranges(request.gateway));
        return;
      case "maintain":
        this.#maintenance.push({ id, run: this.#file.maintain(request.retention, () => this.#isUp()) });
        return;
      case "close":
        this.#close(id);
        return;
      default:
        if (this.#waiting.length >= WAITING_MOST)
          throw new HistoryError("HISTORY_BUSY", `${WAITING_MOST} questions wait already`, { retriable: true });
        this.#waiting.push({ id, question: request });
    }
  }

  #close(id: number): void {
    this.#closed = true;
    const closed = new HistoryError("HISTORY_CLOSED", "the telemetry store is closed", { retriable: true });
    for (const other of [...this.#jobs, ...this.#waiting, ...this.#maintenance]) this.#fail(other.id, closed);
    this.#readers.close();
    this.#file.close();
    this.#reply(id, undefined);
  }

  #reply(id: number, answer: unknown, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage({ id, ok: true, answer } satisfies StoreReply, transfer);
  }

  #fail(id: number, error: unknown): void {
    const retriable = error instanceof HubError && error.retriable;
    const reply: StoreReply = { id, ok: false, code: errorCode(error), message: errorMessage(error), retriable };
    this.#port.postMessage(reply);
  }

  #deadline = 0;
  #isUp(): boolean {
    return this.#clock.monotonic() >= this.#deadline;
  }

  /** Goes on when everything that has come meanwhile was taken. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      if (!this.#closed && this.#step()) this.#pump();
    });
  }

  /** One slice of something. False when there is nothing to do. */
  #step(): boolean {
    this.#startJobs();
    const job = this.#jobs.shift();
    if (job !== undefined) this.#advance(job);
    else if (this.#maintenance.length > 0) this.#maintain();
    else if (this.#resting || !this.#file.isDue) return false;
    else this.#work();
    return true;
  }

  #work(slices = 1): void {
    this.#deadline = this.#clock.monotonic() + slices * WORK_SLICE_MS;
    try {
      this.#file.work(() => this.#isUp(), slices);
    } catch (error) {
      this.#resting = true;
      this.#port.postMessage({ notice: "failed", code: errorCode(error), message: errorMessage(error) });
    }
  }

  #maintain(): void {
    const [first] = this.#maintenance;
    if (first === undefined) return;
    this.#deadline = this.#clock.monotonic() + WORK_SLICE_MS;
    try {
      if (first.run.next().done !== true) return;
      this.#reply(first.id, undefined);
    } catch (error) {
      this.#fail(first.id, error);
    }
    this.#maintenance.shift();
  }

  #startJobs(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { id, question } = next;
      try {
        const reader = this.#readers.take();
        if (reader === undefined) return;
        this.#waiting.shift();
        this.#jobs.push({ id, question, reader, run: this.#answer(question, reader), rebuilds: 0 });
      } catch (error) {
        this.#waiting.shift();
        this.#fail(id, error);
      }
    }
  }

  #advance(job: Job): void {
    const until = this.#clock.monotonic() + READ_SLICE_MS;
    try {
      let state = job.run.next();
      while (state.done !== true && this.#clock.monotonic() < until) state = job.run.next();
      if (state.done !== true) {
        this.#jobs.push(job);
        return;
      }
      this.#reply(job.id, state.value.value, state.value.transfer);
    } catch (error) {
      if (this.#heal(job, error)) return;
    }
    this.#readers.release(job.reader);
  }

  /** A question has come upon something that cannot be read. True when it begins anew. */
  #heal(job: Job, error: unknown): boolean {
    job.reader.end();
    try {
      if (error instanceof DamagedSummaries && job.rebuilds < REBUILDS_MOST) {
        this.#file.rebuildSummaries(error.day, error.group);
        job.rebuilds++;
        job.run = this.#answer(job.question, job.reader);
        this.#jobs.push(job);
        return true;
      }
      if (error instanceof DamagedChunk) {
        const lost = this.#file.describe(error.chunk);
        this.#file.setAside(error);
        this.#fail(job.id, new HistoryError("HISTORY_CORRUPT", `${lost} cannot be read any more; they were set aside`));
      } else this.#fail(job.id, error);
    } catch (failure) {
      this.#fail(job.id, failure);
    }
    return false;
  }

  /** The store as it is now, for a question. */
  #moment(reader: Reader): Moment {
    reader.begin();
    const memory = new MemorySnapshot(this.#file.held());
    return { chunks: reader.chunks, summaries: reader.summaries, memory, rawBefore: this.#file.rawBefore };
  }

  *#answer(question: Question, reader: Reader): Generator<undefined, Answer> {
    switch (question.op) {
      case "read": {
        const series = this.#file.seriesOf(question.query.point);
        if (series === undefined) return this.#rowsAnswer(newRows(0));
        return this.#rowsAnswer(yield* readRaw(this.#moment(reader), series, question.query));
      }
      case "at": {
        const series = question.points.map((point) => this.#file.seriesOf(point));
        const { rows, found } = yield* readAt(this.#moment(reader), series, question.time);
        const { value, transfer } = this.#rowsAnswer(rows);
        return { value: { rows: value, found }, transfer: [...transfer, ...transferable([found])] };
      }
      case "aggregate": {
        const { query } = question;
        const moment = this.#moment(reader);
        const series: SeriesBuckets[] = yield* aggregate(moment, query, (point) => this.#file.seriesOf(point));
        return { value: series, transfer: buffersOf(series) };
      }
      default:
        return question satisfies never;
    }
  }

  #rowsAnswer(rows: SampleRows): Answer {
    const { length, texts, qualities } = rows;
    const cut = <T extends { slice(from: number, to: number): T }>(column: T): T => column.slice(0, length);
    const columns = {
      time: cut(rows.time),
      source: cut(rows.source),
      kind: cut(rows.kind),
      number: cut(rows.number),
      quality: cut(rows.quality),
      epoch: cut(rows.epoch),
      offset: cut(rows.offset),
    };
    const epochs = new Map([...new Set(columns.epoch)].map((id) => [id, this.#file.epochName(id)]));
    const value: ReadAnswer = { length, texts, qualities, epochs, ...columns };
    return { value, transfer: transferable(Object.values(columns)) };
  }
}
