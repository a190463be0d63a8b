import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { CommunicationError, errorCode } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** How a cut uplink shows. `reset`: connections are reset, new ones too. `silent`: bytes vanish and connections hang half-open. */
export type CutMode = "reset" | "silent";

/** Where the relay forwards to and where it listens. */
export interface RelayOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Default 0: a free port. */
  readonly port?: number;
}

/** What went through the relay since its start. */
export interface RelayCounters {
  readonly accepted: number;
  readonly open: number;
  readonly cuts: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Stands between the demo gateway and its broker, so that the uplink can be cut without touching either. */
export interface Relay {
  readonly port: number;
  /** The cut in force, if any. */
  readonly cutMode: CutMode | undefined;
  cut(mode: CutMode): void;
  restore(): void;
  counters(): RelayCounters;
  close(): Promise<void>;
}

interface Pair {
  readonly down: Socket;
  readonly up: Socket;
}

class TcpRelay implements Relay {
  readonly #target: RelayOptions["target"];
  readonly #logger: Logger;
  readonly #pairs = new Set<Pair>();
  /** Connections that came during a silent cut: they are joined to the broker when it ends. */
  readonly #waiting = new Set<Socket>();
  #server: Server | undefined;
  #cut: CutMode | undefined;
  #port = 0;
  #accepted = 0;
  #cuts = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(options: RelayOptions, logger: Logger) {
    this.#target = options.target;
    this.#logger = logger;
  }

  get port(): number {
    return this.#port;
  }

  get cutMode(): CutMode | undefined {
    return this.#cut;
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (cause) {
      throw new CommunicationError("SIM_RELAY_LISTEN_FAILED", `cannot listen on 127.0.0.1:${port}`, { cause });
    }
    const bound = server.address();
    if (bound !== null && typeof bound !== "string") this.#port = bound.port;
    this.#server = server;
  }

  cut(mode: CutMode): void {
    if (this.#cut === mode) return;
    if (this.#cut !== undefined) this.restore();
    this.#cut = mode;
    this.#cuts++;
    for (const { down, up } of this.#pairs) {
      if (mode === "silent") {
        down.pause();
        up.pause();
      } else {
        down.resetAndDestroy();
        up.resetAndDestroy();
      }
    }
  }

  restore(): void {
    this.#cut = undefined;
    for (const { down, up } of this.#pairs) {
      down.resume();
      up.resume();
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const socket of waiting) if (!socket.destroyed) this.#join(socket);
  }

  counters(): RelayCounters {
    return {
      accepted: this.#accepted,
      open: this.#pairs.size,
      cuts: this.#cuts,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
    };
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#waiting) socket.destroy();
    for (const { down, up } of this.#pairs) {
      down.destroy();
      up.destroy();
    }
    await closed;
  }

  #accept(socket: Socket): void {
    this.#accepted++;
    socket.on("error", (error) => this.#logger.debug({ code: errorCode(error) }, "relayed connection failed"));
    if (this.#cut === "reset") socket.resetAndDestroy();
    else if (this.#cut === "silent") {
      this.#waiting.add(socket);
      socket.once("close", () => this.#waiting.delete(socket));
    } else this.#join(socket);
  }

  #join(down: Socket): void {
    const up = connect({ ...this.#target, noDelay: true });
    const pair = { down, up };
    this.#pairs.add(pair);
    up.on("error", (error) => this.#logger.debug({ code: errorCode(error) }, "broker connection failed"));
    const forward = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      from.on("data", (chunk: Uint8Array) => {
        count(chunk.length);
        // Slow readers hold back the sender, so that nothing piles up here.
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => {
        if (this.#cut !== "silent") from.resume();
      });
      from.once("close", () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      from.once("end", () => to.end());
    };
    forward(down, up, (bytes) => {
      this.#bytesUp += bytes;
    });
    forward(up, down, (bytes) => {
      this.#bytesDown += bytes;
    });
    if (this.#cut === "silent") {
      down.pause();
      up.pause();
    } else down.resume();
  }
}

/** Opens the relay. @throws SIM_RELAY_LISTEN_FAILED */
export async function openRelay(options: RelayOptions, logger: Logger): Promise<Relay> {
  const relay = new TcpRelay(options, logger);
  await relay.listen(options.port ?? 0);
  return relay;
}
