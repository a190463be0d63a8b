import { connect, type Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "./backoff.ts";
import type { Request } from "./codec/pdu.ts";
import { ModbusConnection, type ModbusCounters, type Outcome } from "./connection.ts";

/** Where a link leads and how patient it is. */
export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  /** For connecting and for each answer, ms. */
  readonly timeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

/** Sends one request on the link and gives its outcome; never throws. */
export type Send = (unitId: number, request: Request) => Promise<Outcome>;

/** Writes go before polls. */
export type Priority = "write" | "poll";

interface Task {
  start(): Promise<void>;
}

/**
 * One TCP end point with all the units behind it. Tasks run one after the other, writes first: what a task sends is not
 * interleaved with another's, which makes a read-modify-write safe against our own requests.
 * Connects when there is something to send; once connecting has failed it tries again by itself with growing delays, and
 * what is sent meanwhile fails at once.
 */
export class ModbusLink {
  readonly #options: LinkOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters: ModbusCounters;
  readonly #onUp: () => void;
  readonly #backoff: Backoff;
  readonly #queues: Readonly<Record<Priority, Task[]>> = { write: [], poll: [] };
  #connection: ModbusConnection | undefined;
  #connecting: Socket | undefined;
  /** The reason while connecting waits for its next attempt. */
  #down: string | undefined;
  #cancelRetry: () => void = () => {};
  #connects = 0;
  #transactionId = Math.floor(Math.random() * 0x1_0000);
  #busy = false;
  #closed = false;

  /** `onUp` is told when an end point that could not be reached is reached again. */
  constructor(options: LinkOptions, clock: Clock, logger: Logger, counters: ModbusCounters, onUp: () => void) {
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#counters = counters;
    this.#onUp = onUp;
    this.#backoff = new Backoff(options.reconnectMinMs, options.reconnectMaxMs);
  }

  /**
   * Runs a task once it is its turn and gives its result; undefined when `signal` was aborted or `waitMs` had passed before
   * it began, in which case nothing was sent. A task must not throw.
   */
  run<T>(
    priority: Priority,
    task: (send: Send) => Promise<T>,
    limits: { readonly signal?: AbortSignal; readonly waitMs?: number } = {},
  ): Promise<T | undefined> {
    const deadline = this.#clock.monotonic() + (limits.waitMs ?? Number.POSITIVE_INFINITY);
    return new Promise((resolve, reject) => {
      const start = async (): Promise<void> => {
        const expired = limits.signal?.aborted === true || this.#clock.monotonic() > deadline;
        if (expired) return resolve(undefined);
        await task((unitId, request) => this.#send(unitId, request)).then(resolve, reject);
      };
      this.#queues[priority].push({ start });
      if (!this.#busy) void this.#work();
    });
  }

  /** Ends the connection; whatever waits fails as unreachable. */
  close(): void {
    this.#closed = true;
    this.#cancelRetry();
    this.#connecting?.destroy();
    this.#connection?.close();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let task = this.#next(); task !== undefined; task = this.#next()) await task.start();
    this.#busy = false;
  }

  #next(): Task | undefined {
    return this.#queues.write.shift() ?? this.#queues.poll.shift();
  }

  async #send(unitId: number, request: Request): Promise<Outcome> {
    const connection = await this.#connected();
    if (connection === undefined) {
      const message = `${this.#options.host}:${this.#options.port}: ${this.#down ?? "the link is closed"}`;
      return { kind: "failed", reason: "unreachable", message };
    }
    // [Modbus Messaging on TCP/IP V1.0b 4.4.1.2] Unique on the connection; 65536 requests pass before one is used again.
    this.#transactionId = (this.#transactionId + 1) & 0xffff;
    return connection.request(this.#transactionId, unitId, request, this.#options.timeoutMs);
  }

  async #connected(): Promise<ModbusConnection | undefined> {
    if (this.#connection?.open === true) return this.#connection;
    if (this.#closed || this.#down !== undefined) return undefined;
    return await this.#connect();
  }

  async #connect(): Promise<ModbusConnection | undefined> {
    const { host, port, timeoutMs } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#connecting = socket;
    const problem = await connectResult(socket, this.#clock, timeoutMs);
    this.#connecting = undefined;
    if (problem !== undefined || this.#closed) {
      socket.destroy();
      if (!this.#closed) this.#waitForRetry(problem ?? "not connected");
      return undefined;
    }
    if (this.#connects++ > 0) this.#counters.reconnects++;
    this.#backoff.reset();
    this.#connection = new ModbusConnection(socket, this.#clock, this.#counters);
    return this.#connection;
  }

  #waitForRetry(problem: string): void {
    const { host, port } = this.#options;
    if (this.#down === undefined) this.#logger.warn({ host, port, problem }, "Modbus end point not reachable");
    this.#down = problem;
    this.#cancelRetry = this.#clock.after(this.#backoff.next(), () => void this.#retry());
  }

  async #retry(): Promise<void> {
    if ((await this.#connect()) === undefined) return;
    this.#down = undefined;
    this.#logger.info({ host: this.#options.host, port: this.#options.port }, "Modbus end point reached");
    this.#onUp();
  }
}

/** Undefined once connected, otherwise what went wrong. */
function connectResult(socket: Socket, clock: Clock, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => resolve(`no connection within ${timeoutMs} ms`));
    const done = (problem: string | undefined): void => {
      cancel();
      resolve(problem);
    };
    socket.once("connect", () => done(undefined));
    // stays attached: an error after the time-out must not be an unhandled one
    socket.on("error", (error) => done(errorMessage(error)));
    socket.once("close", () => done("the connection was closed"));
  });
}
