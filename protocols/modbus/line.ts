import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "./backoff.ts";
import { type ByteSink, type ByteStream, openStream } from "./byte-stream.ts";
import { encodeRequest, type Request } from "./codec/pdu.ts";
import { type Endpoint, endpointName } from "./endpoint.ts";
import { ABORTED, type Ask, type Exchange, failed, type ModbusCounters, type Outcome } from "./exchange.ts";
import { MbapExchange } from "./mbap-exchange.ts";
import { RtuExchange } from "./rtu-exchange.ts";
import { OwedAnswers } from "./rtu-late.ts";
import { type PollSource, Turns } from "./turns.ts";
import type { PollClass } from "./vocabulary.ts";

/** How patient a line is. */
export interface LineOptions {
  /** For connecting and for each answer, ms. */
  readonly timeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Requests on their way at once; Modbus TCP only. */
  readonly maxInFlight: number;
}

/** Sends one request on the line and gives its outcome; never throws. */
export type Send = (unitId: number, request: Request) => Promise<Outcome>;

interface Task {
  start(): Promise<void>;
}

/**
 * One end point with all the units behind it. Devices say when they have something to read, and are asked for it when it is their
 * turn. A task (a write) has the line for itself from its first request to its last, which makes a read-modify-write safe against
 * our own requests. Connects when there is something to send; once connecting has failed it tries again by itself with growing
 * delays, and what is asked meanwhile fails at once.
 */
export class ModbusLine {
  readonly #endpoint: Endpoint;
  readonly #options: LineOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: ModbusCounters;
  readonly #onUp: () => void;
  readonly #backoff: Backoff;
  readonly #owed = new OwedAnswers();
  readonly #turns = new Turns<Ask>();
  readonly #tasks: Task[] = [];
  readonly #giveUp = new AbortController();
  #exchange: Exchange | undefined;
  #connecting = false;
  /** The reason while connecting waits for its next attempt. */
  #down: string | undefined;
  #cancelRetry: () => void = () => {};
  #connects = 0;
  /** A task has the line. */
  #held = false;
  #taskAsk: Ask | undefined;
  #pumping = false;
  #closed = false;

  /** `onUp` is told when an end point that could not be reached is reached again. */
  constructor(
    endpoint: Endpoint,
    options: LineOptions,
    clock: Clock,
    logger: Logger,
    counters: ModbusCounters,
    onUp: () => void,
  ) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#counters = counters;
    this.#onUp = onUp;
    this.#backoff = new Backoff(options.reconnectMinMs, options.reconnectMaxMs);
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** The source has something to read in this class: it is asked for it in its turn. */
  ready(source: PollSource<Ask>, pollClass: PollClass): void {
    this.#turns.ready(source, pollClass);
    this.#pump();
  }

  /** The source is not asked any more. */
  remove(source: PollSource<Ask>): void {
    this.#turns.remove(source);
  }

  /**
   * Runs a task once it is its turn and nothing else is on its way, and gives its result; undefined when `signal` was aborted or
   * `waitMs` had passed before it began, in which case nothing was sent. What a task that has begun still has to send is sent only
   * until `signal` is aborted, reads excepted. A task must not throw.
   */
  run<T>(
    task: (send: Send) => Promise<T>,
    limits: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
  ): Promise<T | undefined> {
    const { signal, waitMs = Number.POSITIVE_INFINITY } = limits;
    const deadline = this.#clock.monotonic() + waitMs;
    return new Promise((resolve, reject) => {
      const start = async (): Promise<void> => {
        const expired = signal?.aborted === true || this.#clock.monotonic() > deadline;
        if (expired || this.#closed) return resolve(undefined);
        await task((unitId, request) => this.#send(unitId, request, signal)).then(resolve, reject);
      };
      if (this.#closed) return resolve(undefined);
      this.#tasks.push({ start });
      this.#pump();
    });
  }

  /** Ends the connection; whatever waits ends unsent. */
  close(): void {
    this.#closed = true;
    this.#cancelRetry();
    this.#giveUp.abort();
    this.#exchange?.close("the driver closed the connection");
    this.#taskAsk?.settle(failed("unreachable", "the line is closed"));
    for (const task of this.#tasks.splice(0)) void task.start();
  }

  #send(unitId: number, request: Request, signal: AbortSignal | undefined): Promise<Outcome> {
    if (this.#closed) return Promise.resolve(failed("unreachable", "the line is closed"));
    return new Promise((resolve) => {
      const ask = { unitId, request, pdu: encodeRequest(request), settle: resolve };
      // a read changes nothing, and tells what became of the write before it
      this.#taskAsk = signal === undefined || request.kind === "read" ? ask : { ...ask, signal };
      this.#pump();
    });
  }

  /** Puts on the wire what may go there. Called whenever something changes, also from within. */
  #pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    while (this.#step());
    this.#pumping = false;
  }

  #step(): boolean {
    if (this.#closed) return false;
    const down = this.#down;
    if (down === undefined && this.#exchange?.open !== true) {
      if (this.#hasWork && !this.#connecting) void this.#connect();
      return false;
    }
    if (down === undefined && this.#exchange?.free !== true) return false;
    const ask = this.#taskAsk;
    if (ask !== undefined) {
      this.#taskAsk = undefined;
      this.#submit(ask);
      return true;
    }
    return !this.#held && this.#turn();
  }

  get #hasWork(): boolean {
    return this.#taskAsk !== undefined || (!this.#held && (this.#tasks.length > 0 || this.#turns.waiting));
  }

  #turn(): boolean {
    const turn = this.#turns.next(this.#tasks.length > 0);
    if (turn === undefined) return false;
    if (turn !== "write") {
      const ask = this.#turns.take(turn);
      if (ask !== undefined) {
        this.#turns.used(turn);
        this.#submit(ask);
      }
      return true;
    }
    // what is on its way was asked before the write and must not be told after it
    if (this.#down === undefined && this.#exchange?.idle !== true) return false;
    this.#turns.used(turn);
    const task = this.#tasks.shift();
    if (task !== undefined) void this.#perform(task);
    return true;
  }

  async #perform(task: Task): Promise<void> {
    this.#held = true;
    await task.start();
    this.#held = false;
    this.#pump();
  }

  #submit(ask: Ask): void {
    if (ask.signal?.aborted === true) ask.settle(ABORTED);
    else if (this.#down !== undefined)
      ask.settle(failed("unreachable", `${endpointName(this.#endpoint)}: ${this.#down}`));
    else this.#exchange?.ask(ask);
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    const sink: ByteSink = {
      onBytes: (bytes) => this.#exchange?.receive(bytes),
      onEnd: (message) => this.#exchange?.close(message),
    };
    const { timeoutMs } = this.#options;
    const opened = await openStream(this.#endpoint, sink, this.#clock, timeoutMs, this.#giveUp.signal);
    this.#connecting = false;
    if (this.#closed) {
      if ("stream" in opened) opened.stream.destroy();
      return;
    }
    if ("problem" in opened) this.#waitForRetry(opened.problem);
    else this.#opened(opened.stream);
    this.#pump();
  }

  #opened(stream: ByteStream): void {
    if (this.#connects++ > 0) this.#counters.reconnects++;
    this.#backoff.reset();
    const { timeoutMs, maxInFlight } = this.#options;
    const endpoint = this.#endpoint;
    const onFree = (): void => this.#pump();
    this.#exchange =
      endpoint.transport === "tcp"
        ? new MbapExchange(stream, { timeoutMs, window: maxInFlight }, this.#clock, this.#counters, onFree)
        : new RtuExchange(
            stream,
            { timeoutMs, silenceMs: endpoint.silenceMs },
            this.#clock,
            this.#counters,
            this.#owed,
            onFree,
          );
    if (this.#down === undefined) return;
    this.#down = undefined;
    this.#logger.info({ endpoint: endpointName(endpoint) }, "Modbus end point reached");
    this.#onUp();
  }

  #waitForRetry(problem: string): void {
    const endpoint = endpointName(this.#endpoint);
    if (this.#down === undefined) this.#logger.warn({ endpoint, problem }, "Modbus end point not reached");
    this.#down = problem;
    this.#cancelRetry = this.#clock.after(this.#backoff.next(), () => void this.#connect());
  }
}
