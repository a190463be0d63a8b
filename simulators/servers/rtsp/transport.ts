import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { FRAME_MARK } from "./message.ts";

/** What transports need of the connection that asked for them. */
export interface MediaConnection {
  /** Address of the client. */
  readonly peer: string;
  /** Does nothing that is sent now reach the client? */
  readonly cut: boolean;
  sendMedia(bytes: Buffer): void;
}

/** The way of a session's packets to its client. */
export interface MediaTransport {
  /** Does nothing that is sent now reach the client? */
  readonly cut: boolean;
  /** Value of the Transport header that answers SETUP. `ssrc`: the sender's. [RFC 2326 12.39] */
  describe(ssrc: number): string;
  /** Sends the packets of one picture. `noise` goes before them where the way is a stream of bytes. */
  media(packets: readonly Buffer[], noise?: Buffer): void;
  /** Sends one RTCP packet. */
  control(packet: Buffer): void;
  close(): void;
}

/** What a client asks for in a Transport header. */
export type TransportRequest =
  | { readonly kind: "interleaved"; readonly channels: readonly [media: number, control: number] }
  | { readonly kind: "udp"; readonly ports: readonly [media: number, control: number] };

/** The first of the transports offered that there is here; undefined where none is. [RFC 2326 12.39] */
export function parseTransport(header: string): TransportRequest | undefined {
  for (const offer of header.split(",")) {
    const [profile = "", ...parameters] = offer.trim().split(";");
    const wanted = new Map(
      parameters.map((parameter) => {
        const [name = "", value = ""] = parameter.split("=");
        return [name.trim().toLowerCase(), value.trim()] as const;
      }),
    );
    if (wanted.has("multicast")) continue;
    if (profile === "RTP/AVP/TCP") {
      const channels = pairOf(wanted.get("interleaved") ?? "0-1", 255);
      if (channels !== undefined) return { kind: "interleaved", channels };
    }
    if (profile === "RTP/AVP" || profile === "RTP/AVP/UDP") {
      const ports = pairOf(wanted.get("client_port") ?? "", 65_535);
      if (ports !== undefined && ports[0] > 0) return { kind: "udp", ports };
    }
  }
  return undefined;
}

function pairOf(text: string, maximum: number): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  return first <= maximum && second <= maximum && first !== second ? [first, second] : undefined;
}

/** Frames between the answers of an RTSP connection. [RFC 2326 10.12] */
export class InterleavedTransport implements MediaTransport {
  readonly #connection: MediaConnection;
  readonly #channels: readonly [number, number];

  constructor(connection: MediaConnection, channels: readonly [number, number]) {
    this.#connection = connection;
    this.#channels = channels;
  }

  get cut(): boolean {
    return this.#connection.cut;
  }

  describe(ssrc: number): string {
    return `RTP/AVP/TCP;unicast;interleaved=${this.#channels.join("-")};ssrc=${hex(ssrc)};mode="PLAY"`;
  }

  media(packets: readonly Buffer[], noise?: Buffer): void {
    const frames = packets.map((packet) => this.#frame(this.#channels[0], packet));
    this.#connection.sendMedia(Buffer.concat(noise === undefined ? frames : [noise, ...frames]));
  }

  control(packet: Buffer): void {
    this.#connection.sendMedia(this.#frame(this.#channels[1], packet));
  }

  close(): void {
    // its connection goes on
  }

  #frame(channel: number, packet: Buffer): Buffer {
    const frame = Buffer.allocUnsafe(4 + packet.length);
    frame.writeUInt8(FRAME_MARK, 0);
    frame.writeUInt8(channel, 1);
    frame.writeUInt16BE(packet.length, 2);
    frame.set(packet, 4);
    return frame;
  }
}

/** Datagrams to the host that asked for them, and to no other. */
export class UdpTransport implements MediaTransport {
  readonly #media: Socket;
  readonly #control: Socket;
  readonly #connection: MediaConnection;
  readonly #ports: readonly [number, number];

  private constructor(media: Socket, control: Socket, connection: MediaConnection, ports: readonly [number, number]) {
    this.#media = media;
    this.#control = control;
    this.#connection = connection;
    this.#ports = ports;
    for (const socket of [media, control]) {
      // A port that nobody listens on any more is the client's affair: its session ends by time.
      socket.on("error", () => {});
    }
  }

  /** Opens a port for media and one for control on `local`, towards the client's ports. Rejects with the system's error. */
  static async open(
    local: string,
    connection: MediaConnection,
    ports: readonly [number, number],
  ): Promise<UdpTransport> {
    const type = connection.peer.includes(":") ? "udp6" : "udp4";
    const media = createSocket(type);
    const control = createSocket(type);
    try {
      for (const socket of [media, control]) {
        socket.bind(0, local);
        await once(socket, "listening");
      }
    } catch (error) {
      media.close();
      control.close();
      throw error;
    }
    return new UdpTransport(media, control, connection, ports);
  }

  get cut(): boolean {
    return this.#connection.cut;
  }

  describe(ssrc: number): string {
    const ports = `${this.#media.address().port}-${this.#control.address().port}`;
    return `RTP/AVP;unicast;client_port=${this.#ports.join("-")};server_port=${ports};ssrc=${hex(ssrc)};mode="PLAY"`;
  }

  media(packets: readonly Buffer[]): void {
    for (const packet of packets) this.#media.send(packet, this.#ports[0], this.#connection.peer);
  }

  control(packet: Buffer): void {
    this.#control.send(packet, this.#ports[1], this.#connection.peer);
  }

  close(): void {
    this.#media.close();
    this.#control.close();
  }
}

function hex(ssrc: number): string {
  return ssrc.toString(16).toUpperCase().padStart(8, "0");
}
