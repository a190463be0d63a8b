import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type MqttPacket, PacketReader } from "./mqtt-packets.ts";

/** A packet as it passed the spy. */
export interface Seen {
  /** Number of the connection, from 0. */
  readonly connection: number;
  readonly from: "client" | "server";
  /** When it passed, Unix ms. */
  readonly at: number;
  readonly packet: MqttPacket;
}

/** Stands in front of a broker, passes every byte on and writes down every packet of both directions in one order. */
export class PacketSpy {
  readonly seen: Seen[] = [];
  #server: Server | undefined;
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #port = 0;

  /** `target`: port of the broker, asked for at each connection. */
  constructor(target: () => number) {
    this.#target = target;
  }

  /** Listens; again on the same port after `refuse`. */
  async start(): Promise<void> {
    const server = createServer((socket) => this.#relay(socket));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  get port(): number {
    return this.#port;
  }
  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Connections that are open, counted by their ends: two each. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Cuts every connection like a pulled cable that is noticed at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts and takes no connection until `start`. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : once(server, "close");
    server?.close();
    this.cut();
    await closed;
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  #relay(client: Socket): void {
    const connection = this.#connections++;
    const server = connect(this.#target(), "127.0.0.1");
    this.#pass(client, server, connection, "client");
    this.#pass(server, client, connection, "server");
  }

  #pass(source: Socket, sink: Socket, connection: number, from: Seen["from"]): void {
    const reader = new PacketReader();
    this.#sockets.add(source);
    source.setNoDelay(true);
    source.on("data", (chunk: Buffer) => {
      for (const packet of reader.push(chunk)) this.seen.push({ connection, from, at: Date.now(), packet });
      sink.write(chunk);
    });
    source.on("error", () => source.destroy()); // a reset is an end like any other
    source.on("end", () => sink.end());
    source.on("close", () => {
      this.#sockets.delete(source);
      sink.destroySoon();
    });
  }
}
