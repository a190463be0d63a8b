import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  type ConnectOptions,
  connectPacket,
  disconnectPacket,
  type MqttPacket,
  PacketReader,
  pubackPacket,
  publishPacket,
  subscribePacket,
  type WireMessage,
} from "./mqtt-packets.ts";

type Publish = Extract<MqttPacket, { kind: "publish" }>;

/** An MQTT client made of packets: a foreign edge node or a foreign host as the wire knows it. */
export class RawClient {
  /** Everything that came, in order. */
  readonly received: MqttPacket[] = [];
  readonly #socket: Socket;
  #lastId = 0;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new PacketReader();
    socket.on("data", (chunk: Buffer) => {
      for (const packet of reader.push(chunk)) {
        this.received.push(packet);
        if (packet.kind === "publish" && packet.id !== undefined && socket.writable)
          socket.write(pubackPacket(packet.id));
      }
    });
    socket.on("error", () => socket.destroy()); // told by `closed`
    socket.on("close", () => {
      this.#closed = true;
    });
  }

  /** Sends CONNECT and waits for what is answered. @throws Error when it is not accepted */
  static async connect(port: number, options: ConnectOptions): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const client = new RawClient(socket);
    socket.write(connectPacket(options));
    const answer = await client.#answer((packet) => packet.kind === "connack");
    if (answer?.kind !== "connack" || answer.code !== 0) {
      socket.destroy();
      throw new Error(`CONNECT refused: ${answer?.kind === "connack" ? answer.code : "closed"}`);
    }
    return client;
  }

  /** Has the connection ended? */
  get closed(): boolean {
    return this.#closed;
  }
  /** Messages that came. */
  get messages(): Publish[] {
    return this.received.filter((packet) => packet.kind === "publish");
  }

  /** The SUBACK code of one filter: the granted QoS, or 128. */
  async subscribe(filter: string, qos = 1): Promise<number> {
    const id = ++this.#lastId;
    this.#socket.write(subscribePacket(filter, qos, id));
    const answer = await this.#answer((packet) => packet.kind === "suback" && packet.id === id);
    if (answer?.kind !== "suback") throw new Error(`no SUBACK for ${filter}`);
    return answer.codes[0] ?? 128;
  }

  /** Sends a PUBLISH; for QoS 1 waits for its PUBACK. */
  async publish(message: WireMessage): Promise<void> {
    const id = message.qos === 0 ? 0 : ++this.#lastId;
    this.#socket.write(publishPacket(message, id));
    if (message.qos === 0) return;
    const answer = await this.#answer((packet) => packet.kind === "puback" && packet.id === id);
    if (answer === undefined) throw new Error(`no PUBACK for ${message.topic}`);
  }

  /** Ends without a word, so that the will is due. */
  async drop(): Promise<void> {
    if (this.#closed) return;
    this.#socket.destroy();
    await once(this.#socket, "close");
  }

  /** Says DISCONNECT and ends. */
  async disconnect(): Promise<void> {
    if (this.#closed) return;
    this.#socket.end(disconnectPacket());
    await once(this.#socket, "close");
  }

  /** The first packet that answers, undefined when the connection ends before. */
  async #answer(is: (packet: MqttPacket) => boolean): Promise<MqttPacket | undefined> {
    const from = this.received.length;
    const found = (): MqttPacket | undefined => this.received.slice(from).find(is);
    while (found() === undefined && !this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#socket.once("data", () => resolve());
      this.#socket.once("close", () => resolve());
      await promise;
    }
    return found();
  }
}
