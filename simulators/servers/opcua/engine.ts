import { Worker } from "node:worker_threads";
import { CommunicationError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { FromServers, ServerPlan, Told, ToServers } from "./messages.ts";

const ENTRY = `require("node:module").enableCompileCache();
import(${JSON.stringify(new URL("./worker.ts", import.meta.url).href)});`;

/** What a server hears of its clients. */
export interface EngineSinks {
  onWrite(told: Told): void;
  onAct(device: string, detail: string): void;
  /** The library's thread is gone: the server runs no more. */
  onLost(): void;
}

interface Waiting {
  resolve(port: number): void;
  reject(error: Error): void;
}

/** The library's thread, for all OPC UA servers of the simulators. It begins with the first server. */
export class OpcuaEngine {
  readonly #logger: Logger;
  readonly #sinks = new Map<string, EngineSinks>();
  readonly #starting = new Map<string, Waiting>();
  readonly #stopping = new Map<string, () => void>();
  #users = 0;
  #worker: Worker | undefined;
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Starts a server; gives the port behind its wire. @throws SIM_OPCUA_START_FAILED */
  start(plan: ServerPlan, values: readonly Told[], offsetMs: number, sinks: EngineSinks): Promise<number> {
    this.#sinks.set(plan.name, sinks);
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(failed(plan.name, "the simulators are ending"));
        return;
      }
      this.#starting.set(plan.name, { resolve, reject });
      this.tell({ type: "start", plan, values, offsetMs });
    });
  }

  /** Resolves when the server is down; at once when there is no thread. */
  stop(server: string): Promise<void> {
    if (this.#worker === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopping.set(server, resolve);
      this.tell({ type: "stop", server });
    });
  }

  tell(message: ToServers): void {
    if (message.type === "start") this.#worker ??= this.#spawn();
    this.#worker?.postMessage(message);
  }

  /** A server will run here; to be matched by `leave`. */
  enter(): void {
    this.#users++;
  }

  /** Ends the thread with the last server. */
  async leave(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(ENTRY, { eval: true, execArgv: [], name: "opcua servers" });
    worker.on("message", (message: FromServers) => this.#heard(message));
    worker.on("error", (error) => this.#logger.error({ error: error.message }, "OPC UA library failed"));
    worker.on("exit", () => this.#ended(worker));
    return worker;
  }

  #heard(message: FromServers): void {
    switch (message.type) {
      case "started":
        this.#starting.get(message.server)?.resolve(message.port);
        this.#starting.delete(message.server);
        return;
      case "failed":
        this.#starting.get(message.server)?.reject(failed(message.server, message.message));
        this.#starting.delete(message.server);
        return;
      case "stopped":
        this.#stopping.get(message.server)?.();
        this.#stopping.delete(message.server);
        return;
      case "wrote":
        this.#sinks.get(message.server)?.onWrite(message.told);
        return;
      case "acted":
        this.#sinks.get(message.server)?.onAct(message.device, message.detail);
        return;
      case "log":
        this.#logger[message.level]({ detail: message.detail }, "OPC UA library");
        return;
      default:
        message satisfies never;
    }
  }

  #ended(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const [server, waiting] of this.#starting) waiting.reject(failed(server, "its thread ended"));
    this.#starting.clear();
    for (const resolve of this.#stopping.values()) resolve();
    this.#stopping.clear();
    if (!this.#closed) for (const sinks of this.#sinks.values()) sinks.onLost();
  }
}

function failed(server: string, why: string): CommunicationError {
  return new CommunicationError("SIM_OPCUA_START_FAILED", `the OPC UA server ${server} did not start: ${why}`);
}
