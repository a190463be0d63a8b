/*
 * MQTT 3.1.1 packets as bytes, read and written for the spy and for raw clients. Apart from the library that both sides
 * under test use, so that no fault of it hides here. @see MQTT 3.1.1 §2, §3
 */

/** A message as it stands in a PUBLISH or in the will of a CONNECT. */
export interface WireMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

/** A packet that matters here; all others are `other`. */
export type MqttPacket =
  | {
      readonly kind: "connect";
      readonly level: number;
      readonly clean: boolean;
      readonly keepAliveS: number;
      readonly clientId: string;
      readonly will: WireMessage | undefined;
    }
  | { readonly kind: "connack"; readonly code: number }
  | (WireMessage & { readonly kind: "publish"; readonly dup: boolean; readonly id: number | undefined })
  | { readonly kind: "puback"; readonly id: number }
  | {
      readonly kind: "subscribe";
      readonly id: number;
      readonly filters: readonly { readonly filter: string; readonly qos: number }[];
    }
  | { readonly kind: "suback"; readonly id: number; readonly codes: readonly number[] }
  | { readonly kind: "disconnect" }
  | { readonly kind: "other"; readonly type: number };

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get more(): boolean {
    return this.#at < this.#bytes.length;
  }
  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }
  short(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }
  bytes(): Buffer {
    const length = this.short();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
  text(): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.bytes());
  }
  rest(): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#at));
  }
}

function readConnect(cursor: Cursor): MqttPacket {
  cursor.text(); // protocol name
  const level = cursor.byte();
  const flags = cursor.byte();
  const keepAliveS = cursor.short();
  const clientId = cursor.text();
  const will =
    (flags & 4) === 0
      ? undefined
      : {
          topic: cursor.text(),
          payload: Buffer.from(cursor.bytes()),
          qos: (flags >> 3) & 3,
          retain: (flags & 32) !== 0,
        };
  return { kind: "connect", level, clean: (flags & 2) !== 0, keepAliveS, clientId, will };
}

function readSubscribe(cursor: Cursor): MqttPacket {
  const id = cursor.short();
  const filters: { filter: string; qos: number }[] = [];
  while (cursor.more) filters.push({ filter: cursor.text(), qos: cursor.byte() });
  return { kind: "subscribe", id, filters };
}

function readPacket(header: number, body: Buffer): MqttPacket {
  const cursor = new Cursor(body);
  const type = header >> 4;
  switch (type) {
    case 1:
      return readConnect(cursor);
    case 2:
      cursor.byte();
      return { kind: "connack", code: cursor.byte() };
    case 3: {
      const topic = cursor.text();
      const qos = (header >> 1) & 3;
      const id = qos === 0 ? undefined : cursor.short();
      const retain = (header & 1) !== 0;
      return { kind: "publish", topic, qos, retain, dup: (header & 8) !== 0, id, payload: cursor.rest() };
    }
    case 4:
      return { kind: "puback", id: cursor.short() };
    case 8:
      return readSubscribe(cursor);
    case 9:
      return { kind: "suback", id: cursor.short(), codes: [...cursor.rest()] };
    case 14:
      return { kind: "disconnect" };
    default:
      return { kind: "other", type };
  }
}

/** Cuts a stream of bytes into packets. */
export class PacketReader {
  #bytes = Buffer.alloc(0);

  /** The packets that are complete with this chunk. */
  push(chunk: Buffer): MqttPacket[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const packets: MqttPacket[] = [];
    for (let packet = this.#next(); packet !== undefined; packet = this.#next()) packets.push(packet);
    return packets;
  }

  #next(): MqttPacket | undefined {
    let length = 0;
    for (let at = 1; at <= 4 && at < this.#bytes.length; at++) {
      const byte = this.#bytes.readUInt8(at);
      length += (byte & 127) * 128 ** (at - 1);
      if (byte > 127) continue;
      const end = at + 1 + length;
      if (this.#bytes.length < end) return undefined;
      const packet = readPacket(this.#bytes.readUInt8(0), this.#bytes.subarray(at + 1, end));
      this.#bytes = this.#bytes.subarray(end);
      return packet;
    }
    return undefined;
  }
}

function short(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function field(bytes: Buffer | string): Buffer {
  const buffer = Buffer.from(bytes as string);
  return Buffer.concat([short(buffer.length), buffer]);
}

function packet(header: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}

/** What a CONNECT of a raw client holds. */
export interface ConnectOptions {
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly will?: WireMessage | undefined;
}

/** A CONNECT with a clean session. */
export function connectPacket({ clientId, username, password, will }: ConnectOptions): Buffer {
  let flags = 2;
  const parts = [field(clientId)];
  if (will !== undefined) {
    flags |= 4 | (will.qos << 3) | (will.retain ? 32 : 0);
    parts.push(field(will.topic), field(will.payload));
  }
  if (username !== undefined) {
    flags |= 128;
    parts.push(field(username));
  }
  if (password !== undefined) {
    flags |= 64;
    parts.push(field(password));
  }
  return packet(0x10, field("MQTT"), Buffer.from([4, flags]), short(60), ...parts);
}

/** A PUBLISH; `id` for QoS 1. */
export function publishPacket({ topic, payload, qos, retain }: WireMessage, id: number): Buffer {
  const header = 0x30 | (qos << 1) | (retain ? 1 : 0);
  return packet(header, field(topic), ...(qos === 0 ? [] : [short(id)]), payload);
}

/** A SUBSCRIBE of one filter. */
export function subscribePacket(filter: string, qos: number, id: number): Buffer {
  return packet(0x82, short(id), field(filter), Buffer.from([qos]));
}

/** A PUBACK. */
export function pubackPacket(id: number): Buffer {
  return packet(0x40, short(id));
}

/** A DISCONNECT. */
export function disconnectPacket(): Buffer {
  return packet(0xe0);
}
