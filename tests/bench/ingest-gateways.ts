import { connect, type Socket } from "node:net";
import process from "node:process";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { newEpoch } from "#core/ids.ts";
import { EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import { DataType } from "#core/sparkplug/payload.ts";
import {
  BATCH,
  DEVICE,
  GATEWAYS,
  type GatewaysAnswer,
  type GatewaysOrder,
  MESSAGES_A_ROUND,
  nameOf,
  POINTS_A_GATEWAY,
  SITE,
} from "./ingest-messages.ts";

/*
 * Gateways that do nothing but send: raw MQTT frames made once, into which each message writes its offsets, times, some
 * values and its sequence number. The port of the broker is the first argument.
 */

/** Messages of a gateway that wait for their acknowledgement at most. */
const WINDOW = 100;
/** Values of a message that change each time; the first is the time of its publication, ms. */
const CHANGING = 30;
/** Frames written at once, so that one gateway does not keep the others waiting. */
const AT_ONCE = 8;
/** A number of ten digits, so that every identity is as long as the others. */
const FIRST_OFFSET = 1_000_000_001;
const ROW_BYTES = 21;
const ROW = { time: 6, value: 13 } as const;
const TWO_28 = 0x1000_0000;

function lengthOf(bytes: number): readonly number[] {
  return bytes < 128 ? [bytes] : [(bytes & 127) | 128, ...lengthOf(bytes >> 7)];
}
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
function packet(header: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([header, ...lengthOf(body.length)]), body]);
}
/** [MQTT-3.3] QoS 0 */
const publish = (topic: string, payload: Uint8Array): Buffer => packet(0x30, text(topic), payload);

/** Unix ms as a varint of six bytes. */
function writeTime(view: DataView, at: number, ms: number): void {
  const low = ms % TWO_28;
  const high = Math.floor(ms / TWO_28);
  const groups = (low & 0x7f) | ((low & 0x3f80) << 1) | ((low & 0x1f_c000) << 2) | ((low & 0xfe0_0000) << 3);
  view.setInt32(at, groups | 0x8080_8080, true);
  view.setInt16(at + 4, (high & 127) | 128 | ((high >> 7) << 8), true);
}

/** One of the messages of a gateway's round, ready but for what changes. */
interface Template {
  readonly frame: Uint8Array;
  readonly publishedAt: number;
  readonly offsetsAt: number;
  readonly rowsAt: number;
  readonly values: Float64Array;
}

class Gateway {
  readonly #socket: Socket;
  readonly #templates: readonly Template[];
  readonly #births: readonly Buffer[];
  readonly #name: string;
  #session = 0;
  #sent = 0;
  #acked = 0;
  #rest: Buffer = Buffer.alloc(0);
  #random = 1;
  #time = 0;

  constructor(port: number, index: number) {
    this.#name = `gw-${index}`;
    this.#random = index * 7919 + 1;
    const session = new EdgeNodeSession({
      group: SITE,
      edgeNode: this.#name,
      bdSeq: 1,
      node: { metrics: [], batchAlias: 1 },
    });
    session.defineDevice(DEVICE, {
      batchAlias: 2,
      metrics: Array.from({ length: POINTS_A_GATEWAY }, (_, i) => ({
        name: nameOf(i),
        alias: 200 + i,
        datatype: DataType.Double,
      })),
    });
    const now = Date.now();
    this.#births = session
      .births(now, (alias) => ({ alias, value: 20, timestamp: now - 60_000 }))
      .map(({ topic, payload }) => publish(topic, payload));
    this.#templates = Array.from({ length: MESSAGES_A_ROUND }, (_, i) => this.#template(session, i, newEpochOf(index)));
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (chunk) => this.#read(chunk));
    this.#socket.on("error", (error) => {
      throw error;
    });
  }

  #template(session: EdgeNodeSession, message: number, epoch: string): Template {
    const values = Float64Array.from({ length: BATCH }, (_, i) => 20 + ((i * 37) % 200) / 10);
    const readings = Array.from(values, (value, i) => ({
      alias: 200 + message * BATCH + i,
      value,
      timestamp: Date.now(),
    }));
    const batch = `${epoch}:${FIRST_OFFSET}:${FIRST_OFFSET}`;
    const { topic, payload } = session.deviceData(DEVICE, readings, Date.now(), { batch });
    // The sequence number is always written in two bytes.
    const seqAt = payload.lastIndexOf(24);
    const whole = Buffer.concat([payload.subarray(0, seqAt + 1), Buffer.from([0x80, 0])]);
    const frame = publish(topic, whole);
    const payloadAt = frame.length - whole.length;
    return {
      frame,
      publishedAt: payloadAt + 1,
      offsetsAt: frame.indexOf(epoch) + epoch.length + 1,
      rowsAt: frame.length - 3 - BATCH * ROW_BYTES,
      values,
    };
  }

  /** Signs in and is born. */
  async begin(): Promise<void> {
    const id = gatewayClientId(SITE, this.#name);
    const flags = Buffer.from([4, 0b1100_0010, 0, 60]); // 3.1.1; user name, password, clean session; keep-alive 60 s
    this.#socket.write(packet(0x10, text("MQTT"), flags, text(id), text(id), text("bench")));
    this.#socket.write(packet(0x82, Buffer.from([0, 1]), text(hubTopic(SITE, this.#name, "ack")), Buffer.from([0])));
    for (const birth of this.#births) this.#socket.write(birth);
    this.#session = 2;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#born = resolve;
    // An epoch that begins beyond the first offset is believed when its beginning is offered twice.
    this.send(1, performance.now());
    this.#sent = 0;
    this.send(1, performance.now());
    await promise;
  }
  #born: () => void = () => undefined;

  /** Messages that may be sent now. */
  get room(): number {
    return this.#socket.writableLength > 262_144 ? 0 : WINDOW - (this.#sent - this.#acked);
  }

  /** Sends so many messages that were due at a time, monotonic ms. */
  send(count: number, dueAt: number): void {
    for (let left = count; left > 0; left -= AT_ONCE) this.#write(Math.min(left, AT_ONCE), dueAt);
  }

  #write(count: number, dueAt: number): void {
    const templates = Array.from({ length: count }, (_, i) => this.#templates[(this.#sent + i) % MESSAGES_A_ROUND]);
    const bytes = Buffer.allocUnsafeSlow(templates.reduce((sum, template) => sum + (template?.frame.length ?? 0), 0));
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const template of templates) {
      if (template === undefined) continue;
      bytes.set(template.frame, at);
      this.#fill(bytes, view, at, template, dueAt);
      at += template.frame.length;
    }
    this.#socket.write(bytes);
  }

  #fill(bytes: Buffer, view: DataView, start: number, template: Template, dueAt: number): void {
    const now = Date.now();
    // Times of a point rise strictly.
    if (this.#sent % MESSAGES_A_ROUND === 0) this.#time = Math.max(this.#time + 1, now);
    const first = FIRST_OFFSET + this.#sent * BATCH;
    writeTime(view, start + template.publishedAt, now);
    bytes.write(`${first}:${first + BATCH - 1}`, start + template.offsetsAt, "latin1");
    const { values } = template;
    values[0] = performance.timeOrigin + dueAt;
    for (let i = 1; i < CHANGING; i++) {
      this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
      const row = 1 + ((this.#random >>> 8) % (BATCH - 1));
      values[row] = Math.round((values[row] ?? 0) * 100 + (this.#random & 31) - 15) / 100;
    }
    let row = start + template.rowsAt;
    for (let i = 0; i < BATCH; i++) {
      writeTime(view, row + ROW.time, this.#time);
      view.setFloat64(row + ROW.value, values[i] ?? 0, true);
      row += ROW_BYTES;
    }
    bytes[row + 1] = (this.#session & 127) | 128;
    bytes[row + 2] = this.#session >> 7;
    this.#session = (this.#session + 1) & 255;
    this.#sent++;
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      let length = 0;
      let at = 1;
      for (let shift = 0; at < bytes.length; shift += 7) {
        const byte = bytes[at++] ?? 0;
        length |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      if (bytes.length < 2 || bytes.length < at + length) break;
      if ((bytes[0] ?? 0) >> 4 === 3) this.#ack(bytes.toString("latin1", at, at + length));
      bytes = bytes.subarray(at + length);
    }
    this.#rest = bytes;
  }

  #ack(message: string): void {
    const upTo = Number(/"upTo":(\d+)/.exec(message)?.[1] ?? 0);
    if (upTo < FIRST_OFFSET) return;
    this.#acked = (upTo - FIRST_OFFSET + 1) / BATCH;
    this.#born();
  }

  end(): void {
    this.#socket.destroy();
  }
}

function newEpochOf(index: number): string {
  epochs[index] ??= newEpoch();
  return epochs[index] ?? "";
}
const epochs: string[] = [];

/** Sends as it was ordered, a little every millisecond, in turn over the gateways. */
class Load {
  readonly #gateways: readonly Gateway[];
  #perMs: number | "saturate" = 0;
  #startedAt = 0;
  #begun = 0;
  #next = 0;

  constructor(gateways: readonly Gateway[]) {
    this.#gateways = gateways;
    this.#turn();
  }

  order(samplesPerS: number | "saturate"): void {
    this.#perMs = samplesPerS === "saturate" ? samplesPerS : samplesPerS / BATCH / 1000;
    this.#startedAt = performance.now();
    this.#begun = 0;
  }

  #turn(): void {
    if (this.#perMs === "saturate") {
      const now = performance.now();
      for (const gateway of this.#gateways) {
        const { room } = gateway;
        if (room > 0) gateway.send(Math.min(room, AT_ONCE), now);
      }
      setImmediate(() => this.#turn());
      return;
    }
    this.#pace(this.#perMs);
    setTimeout(() => this.#turn(), 1);
  }

  #pace(perMs: number): void {
    if (perMs === 0) return;
    const due = Math.floor((performance.now() - this.#startedAt) * perMs);
    let refused = 0;
    while (this.#begun < due && refused < this.#gateways.length) {
      const gateway = this.#gateways[this.#next];
      this.#next = (this.#next + 1) % this.#gateways.length;
      if (gateway === undefined || gateway.room <= 0) {
        refused++;
        continue;
      }
      refused = 0;
      gateway.send(1, this.#startedAt + this.#begun / perMs);
      this.#begun++;
    }
  }
}

const port = Number(process.argv[2]);
const gateways = Array.from({ length: GATEWAYS }, (_, i) => new Gateway(port, i));
await Promise.all(gateways.map((gateway) => gateway.begin()));
const load = new Load(gateways);
process.on("message", (order: GatewaysOrder) => {
  if (order !== "stop") {
    load.order(order.samplesPerS);
    return;
  }
  for (const gateway of gateways) gateway.end();
  process.exit(0);
});
const born: GatewaysAnswer = { kind: "born" };
process.send?.(born);
