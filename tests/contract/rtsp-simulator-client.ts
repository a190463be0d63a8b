import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { createCamera, type SimulatedCamera } from "#simulators/devices/camera.ts";
import { serveVideo, type VideoServer, type VideoServerOptions } from "#simulators/servers/rtsp.ts";
import { ManualClock } from "#tests/manual-clock.ts";

export const CREDENTIALS = { username: "hub", password: 'p"w\\1' };
export const NOON = Date.parse("2026-05-05T04:00:00Z");
/** From one picture to the next, ms. */
export const PICTURE_MS = 80;

/** One camera's video on the wire, with a clock that the test moves. */
export interface VideoField {
  readonly clock: ManualClock;
  readonly camera: SimulatedCamera;
  readonly server: VideoServer;
  connect(): Promise<RtspClient>;
  /** Connects, signs in and plays a stream. */
  play(quality?: "main" | "sub"): Promise<PlayingClient>;
  /** Lets so many pictures be taken. */
  pictures(count: number): void;
  close(): Promise<void>;
}

export interface PlayingClient {
  readonly client: RtspClient;
  readonly session: string;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** One interleaved frame. */
export interface Frame {
  readonly channel: number;
  readonly payload: Buffer;
}

export async function videoField(options: Partial<VideoServerOptions> = {}): Promise<VideoField> {
  const clock = new ManualClock(NOON);
  const camera = createCamera({ id: "cam-1", name: "北围墙球机", nameEn: "North wall dome", ptz: true });
  camera.step(0, clock.now());
  const server = await serveVideo(camera, { ...CREDENTIALS, clock, ...options }, silentLogger);
  const clients: RtspClient[] = [];
  const open = async (): Promise<RtspClient> => {
    const client = await RtspClient.connect(server);
    clients.push(client);
    return client;
  };
  return {
    clock,
    camera,
    server,
    connect: open,
    async play(quality = "main") {
      const client = await open();
      const session = await client.setUp(server.url(quality));
      const answer = await client.ask("PLAY", server.url(quality), { Session: session });
      expect(answer.status).toBe(200);
      return { client, session };
    },
    pictures(count) {
      for (let i = 0; i < count; i++) clock.advance(PICTURE_MS);
    },
    async close() {
      for (const client of clients) client.destroy();
      await server.close();
    },
  };
}

export const hash = (algorithm: "md5" | "sha256", text: string): string =>
  createHash(algorithm).update(text).digest("hex");

/** Value of one parameter of a challenge, quoted or not. */
export function parameter(challenge: string, name: string): string {
  return new RegExp(`${name}="?([^",]*)"?`).exec(challenge)?.[1] ?? "";
}

/** An RTSP client of the tests: shares nothing with the server, and sees every byte. */
export class RtspClient {
  readonly frames: Frame[] = [];
  /** Bytes that were neither answer nor frame. */
  stray = 0;
  received = 0;
  closed = false;
  /** Digest challenge that requests are answered to; the server's last one. */
  challenge = "";
  readonly socket: Socket;
  readonly #answers: Answer[] = [];
  #held: Buffer = Buffer.alloc(0);
  #sequence = 0;
  #count = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.closed = true;
    });
  }

  static async connect(server: VideoServer): Promise<RtspClient> {
    const socket = connect(server.address.port, server.address.host);
    await once(socket, "connect");
    return new RtspClient(socket);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Sends a request as it is told and gives the answer. */
  async send(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    this.write(method, uri, headers);
    return this.answer();
  }

  write(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): void {
    const lines = Object.entries({ CSeq: String(++this.#sequence), ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    this.socket.write([`${method} ${uri} RTSP/1.0`, ...lines, "", ""].join("\r\n"));
  }

  async answer(): Promise<Answer> {
    await expect.poll(() => this.#answers.length).toBeGreaterThan(0);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error("no answer");
    return answer;
  }

  /** Answers that nobody took yet. */
  get waiting(): number {
    return this.#answers.length;
  }

  /** Sends a request with the answer to the challenge; asks for one first when it has none. */
  async ask(method: string, uri: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    if (this.challenge === "") {
      const refused = await this.send("DESCRIBE", uri);
      this.challenge = refused.headers.get("www-authenticate")?.at(-1) ?? "";
    }
    return this.send(method, uri, { Authorization: this.authorization(method, uri), ...headers });
  }

  /** Answer to the challenge. @see RFC 2617 §3.2.2, RFC 7616 §3.4 */
  authorization(
    method: string,
    uri: string,
    given: { readonly password?: string; readonly count?: number } = {},
  ): string {
    const algorithm = parameter(this.challenge, "algorithm");
    const digest = (text: string): string => hash(algorithm === "SHA-256" ? "sha256" : "md5", text);
    const realm = parameter(this.challenge, "realm");
    const nonce = parameter(this.challenge, "nonce");
    const secret = digest(`${CREDENTIALS.username}:${realm}:${given.password ?? CREDENTIALS.password}`);
    const request = digest(`${method}:${uri}`);
    const base = `Digest username="${CREDENTIALS.username}", realm="${realm}", nonce="${nonce}", uri="${uri}"`;
    if (!this.challenge.includes("qop=")) return `${base}, response="${digest(`${secret}:${nonce}:${request}`)}"`;
    this.#count = given.count ?? this.#count + 1;
    const count = this.#count.toString(16).padStart(8, "0");
    const response = digest(`${secret}:${nonce}:${count}:0a4f113b:auth:${request}`);
    return `${base}, algorithm=${algorithm}, qop=auth, nc=${count}, cnonce="0a4f113b", response="${response}"`;
  }

  /** Sets up the stream of an address over this connection and gives the session. */
  async setUp(uri: string, transport = "RTP/AVP/TCP;unicast;interleaved=0-1"): Promise<string> {
    const answer = await this.ask("SETUP", `${uri}/trackID=1`, { Transport: transport });
    expect(answer.status).toBe(200);
    return answer.headers.get("session")?.[0]?.split(";")[0] ?? "";
  }

  /** Payloads of a channel. */
  on(channel: number): readonly Buffer[] {
    return this.frames.filter((frame) => frame.channel === channel).map(({ payload }) => payload);
  }

  #take(chunk: Buffer): void {
    this.received += chunk.length;
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#next());
  }

  #next(): boolean {
    const held = this.#held;
    if (held.length === 0) return false;
    if (held[0] === 0x24) {
      if (held.length < 4 || held.length < 4 + held.readUInt16BE(2)) return false;
      const end = 4 + held.readUInt16BE(2);
      this.frames.push({ channel: held.readUInt8(1), payload: held.subarray(4, end) });
      this.#held = held.subarray(end);
      return true;
    }
    if (held[0] !== 0x52) {
      this.stray++;
      this.#held = held.subarray(1);
      return true;
    }
    return this.#nextAnswer(held);
  }

  #nextAnswer(held: Buffer): boolean {
    const end = held.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [line = "", ...rest] = held.subarray(0, end).toString().split("\r\n");
    const headers = new Map<string, readonly string[]>();
    for (const header of rest) {
      const [name = "", ...value] = header.split(": ");
      headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value.join(": ")]);
    }
    const after = end + 4 + Number(headers.get("content-length")?.[0] ?? 0);
    if (held.length < after) return false;
    this.#answers.push({ status: Number(line.split(" ")[1]), headers, body: held.subarray(end + 4, after).toString() });
    this.#held = held.subarray(after);
    return true;
  }
}

/** NAL units in RTP packets of one picture after the other, with their timestamps. Throws where a fragment is missing. [RFC 6184 5.6, 5.8] */
export function unitsIn(packets: readonly Buffer[]): readonly { readonly unit: Buffer; readonly timestamp: number }[] {
  const units: { unit: Buffer; timestamp: number }[] = [];
  let parts: Buffer[] | undefined;
  for (const packet of packets) {
    const timestamp = packet.readUInt32BE(4);
    const payload = packet.subarray(12);
    const type = payload.readUInt8(0) & 31;
    if (type !== 28) {
      units.push({ unit: payload, timestamp });
      continue;
    }
    const flags = payload.readUInt8(1);
    if ((flags & 0x80) !== 0) parts = [Buffer.from([(payload.readUInt8(0) & 0xe0) | (flags & 31)])];
    if (parts === undefined) throw new Error("a fragment without beginning");
    parts.push(payload.subarray(2));
    if ((flags & 0x40) === 0) continue;
    units.push({ unit: Buffer.concat(parts), timestamp });
    parts = undefined;
  }
  return units;
}

export const sequenceOf = (packet: Buffer): number => packet.readUInt16BE(2);
export const unitType = (unit: Buffer): number => unit.readUInt8(0) & 31;
