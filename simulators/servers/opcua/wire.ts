import { once } from "node:events";
import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { CommunicationError, errorMessage } from "#core/errors.ts";

/** A client's connection and the one behind it to the server. */
interface Pair {
  readonly client: Socket;
  readonly inner: Socket;
}

/** Connections that a client may hold at once. */
const MAX_CONNECTIONS = 100;

/**
 * The cable of an OPC UA server: clients connect here and are passed on to the server, which may still be starting. While it is
 * held nothing moves in either direction and no connection breaks: what TCP shows of a cut cable, and of a server that hangs.
 */
export class Wire {
  readonly #host: string;
  readonly #clock: Clock;
  readonly #serverPort: () => Promise<number>;
  readonly #pairs = new Set<Pair>();
  readonly #waiting = new Set<Socket>();
  #server: Server | undefined;
  #port: number;
  #held = false;
  #delayMs = 0;

  /** `serverPort` starts the server when it does not run, and gives its port. */
  constructor(options: { host: string; port: number; clock: Clock; serverPort: () => Promise<number> }) {
    this.#host = options.host;
    this.#port = options.port;
    this.#clock = options.clock;
    this.#serverPort = options.serverPort;
  }

  get port(): number {
    return this.#port;
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  /** @throws SIM_OPCUA_LISTEN_FAILED */
  async open(): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => void this.#accept(client));
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(this.#port, this.#host);
    try {
      await once(server, "listening");
    } catch (cause) {
      const text = `cannot listen on ${this.#host}:${this.#port} for OPC UA: ${errorMessage(cause)}`;
      throw new CommunicationError("SIM_OPCUA_LISTEN_FAILED", text, { cause });
    }
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Breaks every connection and takes no more until `open`. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.drop();
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  /** Lets nothing through, or lets everything through that has waited. */
  hold(held: boolean): void {
    this.#held = held;
    for (const { client, inner } of this.#pairs) {
      for (const socket of [client, inner]) {
        if (held) socket.pause();
        else socket.resume();
      }
    }
    if (!held) for (const client of this.#waiting) void this.#join(client);
  }

  /** Every byte of the server comes so much later, ms. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Resets every connection. */
  drop(): void {
    for (const { client, inner } of this.#pairs) {
      client.resetAndDestroy();
      inner.destroy();
    }
    this.#pairs.clear();
    for (const client of this.#waiting) client.resetAndDestroy();
    this.#waiting.clear();
  }

  async #accept(client: Socket): Promise<void> {
    client.on("error", () => client.destroy());
    client.pause();
    this.#waiting.add(client);
    client.once("close", () => this.#waiting.delete(client));
    if (!this.#held) await this.#join(client);
  }

  async #join(client: Socket): Promise<void> {
    let port: number;
    try {
      port = await this.#serverPort();
    } catch {
      // why was told by whoever starts the server
      client.resetAndDestroy();
      return;
    }
    if (client.destroyed || this.#held || !this.#waiting.delete(client)) return;
    const inner = new Socket();
    const pair = { client, inner };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      inner.destroy();
    };
    client.once("close", end);
    inner.once("close", end);
    inner.once("error", end);
    inner.setNoDelay(true);
    inner.connect(port, this.#host);
    this.#pass(client, inner, () => 0);
    this.#pass(inner, client, () => this.#delayMs);
    client.resume();
  }

  #pass(from: Socket, to: Socket, delayMs: () => number): void {
    from.on("data", (bytes: Buffer) => {
      const ms = delayMs();
      if (ms > 0) {
        // one piece after the other, in order
        from.pause();
        this.#clock.after(ms, () => {
          to.write(bytes);
          if (!this.#held) from.resume();
        });
      } else if (!to.write(bytes)) {
        from.pause();
        to.once("drain", () => {
          if (!this.#held) from.resume();
        });
      }
    });
    from.once("end", () => to.end());
  }
}
