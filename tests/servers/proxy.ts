import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What a proxy does with what passes through it. */
export const PROXY_MODES = [
  "pass",
  /** Refuses new connections. */
  "refuse",
  /** Hands nothing on, in either direction, until released. */
  "hold",
  /** Cuts the connection instead of handing the next request on, once. */
  "loseNextRequest",
  /** Cuts the connection instead of handing on that PostgreSQL has committed, once. */
  "loseAnswerOfCommit",
] as const;

/** What the proxy's thread starts with. */
export interface ProxyThreadData {
  /** Port on loopback. */
  readonly target: number;
  /** Index in PROXY_MODES. */
  readonly mode: Int32Array;
}

/** A network that fails on demand, in front of a server on loopback. */
export class FailingNetwork {
  readonly port: number;
  readonly #worker: Worker;
  readonly #mode: Int32Array;

  private constructor(port: number, worker: Worker, mode: Int32Array) {
    this.port = port;
    this.#worker = worker;
    this.#mode = mode;
  }

  static async before(target: number): Promise<FailingNetwork> {
    const mode = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const workerData: ProxyThreadData = { target, mode };
    const worker = new Worker(new URL("./proxy-thread.ts", import.meta.url), { workerData });
    const [port] = (await once(worker, "message")) as [number];
    return new FailingNetwork(port, worker, mode);
  }

  /** From now on. */
  set mode(mode: (typeof PROXY_MODES)[number]) {
    Atomics.store(this.#mode, 0, PROXY_MODES.indexOf(mode));
    if (mode === "pass") this.#worker.postMessage("release");
  }

  /** Cuts every connection. */
  cut(): void {
    this.#worker.postMessage("cut");
  }

  async close(): Promise<void> {
    const ended = once(this.#worker, "exit");
    this.#worker.postMessage("close");
    await ended;
  }
}
