import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import process from "node:process";
import {
  CONFIRMED,
  ERROR_CLASS,
  ERROR_CODE,
  OBJECT_TYPES,
  PROPERTIES,
  UNCONFIRMED,
} from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame, encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { decodeSubscribeCov, encodeCovNotification } from "#protocols/bacnet/codec/services/cov.ts";
import { encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import {
  decodeReadPropertyMultiple,
  encodeReadPropertyMultipleAck,
  type PropertyReference,
  type PropertyResult,
} from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";

/**
 * BACnet devices that cost as little as can be, in a process of their own: a UDP port each, analog inputs without Reliability. The
 * answer to a request is made once, whatever device is asked, and sent again for the same bytes with the invoke id changed.
 */

/** What the parent orders. */
export type DeviceOrder =
  | { readonly do: "open"; readonly devices: number }
  /** From now on all inputs read as `value`, and every device says that it restarted. */
  | { readonly do: "restart"; readonly value: number }
  /** Confirmed notifications to the last subscriber, `window` at a time from each device, until `stop`. */
  | { readonly do: "notify"; readonly inputs: number; readonly window: number }
  | { readonly do: "stop" }
  | { readonly do: "count" };

/** What it tells: ports after `open`, subscriptions made and notifications acknowledged after `count`. */
export interface DeviceReport {
  readonly ports?: readonly number[];
  readonly subscriptions?: number;
  readonly acknowledged?: number;
}

/** Instance of the first device. */
export const FIRST_INSTANCE = 1000;
const PRESENT_VALUE = 20;
const RECEIVE_BUFFER_BYTES = 1 << 20;
const INVOKE_ID = { request: 8, answer: 7 } as const;
const PDU = 6;
const CONFIRMED_REQUEST = 0;
const SIMPLE_ACK = 2;

let presentValue = PRESENT_VALUE;
let restarts = 0;
let subscriptions = 0;
let acknowledged = 0;
/** Answers by the bytes of the request's service part. */
const answers = new Map<string, Buffer>();

class Device {
  readonly instance: number;
  readonly socket: Socket;
  #subscriber: (RemoteInfo & { processId: number }) | undefined;
  #notification: Buffer | undefined;
  #inputs = 0;
  #turn = 0;

  constructor(instance: number) {
    this.instance = instance;
    this.socket = createSocket({ type: "udp4", lookup: (address, _options, found) => found(null, address, 4) });
    this.socket.on("message", (datagram, from) => this.#received(datagram, from));
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.socket.bind(0, "127.0.0.1", resolve));
    this.socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    return this.socket.address().port;
  }

  sayIAm(to: { port: number; address: string }): void {
    const device = { type: OBJECT_TYPES.device, instance: this.instance };
    const body = encodeIAm({ device, maxApdu: 1476, segmentation: 3, vendorId: 260 });
    this.#send(Buffer.from(encodeFrame({ type: "unconfirmedRequest", service: UNCONFIRMED.iAm, body })), to);
  }

  restart(): void {
    if (this.#subscriber !== undefined) this.sayIAm(this.#subscriber);
  }

  notify(inputs: number, window: number): void {
    const subscriber = this.#subscriber;
    if (subscriber === undefined) return;
    this.#inputs = inputs;
    const body = encodeCovNotification({
      processId: subscriber.processId,
      device: { type: OBJECT_TYPES.device, instance: this.instance },
      object: { type: OBJECT_TYPES["analog-input"], instance: 0 },
      timeRemainingS: 600,
      values: [
        { property: PROPERTIES.presentValue, values: [{ type: "real", value: 1 }] },
        { property: PROPERTIES.statusFlags, values: [FLAGS] },
      ],
    });
    const service = CONFIRMED.confirmedCovNotification;
    this.#notification = Buffer.from(encodeFrame({ ...REQUEST, service, body }));
    for (let i = 0; i < window; i++) this.#next();
  }

  stop(): void {
    this.#inputs = 0;
  }

  // the object's instance and its value change, all else stays
  #next(): void {
    const notification = this.#notification;
    const subscriber = this.#subscriber;
    if (this.#inputs === 0 || notification === undefined || subscriber === undefined) return;
    this.#turn += 1;
    const values = notification.indexOf(REAL_TAGS);
    notification.writeUInt32BE(this.#turn % this.#inputs, values - OBJECT_BEFORE_VALUES);
    notification.writeFloatBE(this.#turn % 1_000_000, values + REAL_TAGS.length);
    notification[INVOKE_ID.request] = this.#turn & 255;
    this.#send(Buffer.from(notification), subscriber);
  }

  #received(datagram: Buffer, from: RemoteInfo): void {
    const pdu = (datagram[PDU] ?? 0) >> 4;
    if (pdu === SIMPLE_ACK) {
      acknowledged += 1;
      this.#next();
      return;
    }
    if (pdu !== CONFIRMED_REQUEST) {
      this.sayIAm(from);
      return;
    }
    if (datagram[9] === CONFIRMED.subscribeCov) this.#subscribed(datagram, from);
    const answer = this.#answerTo(datagram);
    answer[INVOKE_ID.answer] = datagram[INVOKE_ID.request] ?? 0;
    this.#send(answer, from);
  }

  #subscribed(datagram: Buffer, from: RemoteInfo): void {
    subscriptions += 1;
    this.#subscriber = { ...from, processId: decodeSubscribeCov(datagram.subarray(10)).processId };
  }

  #answerTo(datagram: Buffer): Buffer {
    const service = datagram[9] ?? 0;
    const key = service === CONFIRMED.readPropertyMultiple ? datagram.toString("latin1", 9) : String(service);
    const known = answers.get(key);
    // a send keeps the buffer until the kernel has it, which on loopback is at once
    if (known !== undefined) return known;
    const made = Buffer.from(answerTo(datagram));
    answers.set(key, made);
    return made;
  }

  #send(datagram: Buffer, { port, address }: { port: number; address: string }): void {
    this.socket.send(datagram, port, address);
  }
}

const FLAGS: BacnetValue = { type: "bitString", value: [false, false, false, false] };
const REQUEST = {
  type: "confirmedRequest",
  invokeId: 0,
  segmentedResponseAccepted: false,
  maxSegments: 0,
  maxApdu: 1476,
} as const;
/** From the monitored object to its first value: the object, three bytes of time remaining, the list's opening tag. */
const OBJECT_BEFORE_VALUES = 8;
/** The opening tag of Present_Value's value, and the tag of a REAL. */
const REAL_TAGS = Buffer.from([0x09, PROPERTIES.presentValue, 0x2e, 0x44]);

function answerTo(datagram: Buffer): Uint8Array {
  const frame = decodeFrame(datagram);
  if (frame.kind !== "apdu" || frame.apdu.type !== "confirmedRequest") throw new TypeError("no confirmed request");
  const { service, invokeId, body } = frame.apdu;
  if (service !== CONFIRMED.readPropertyMultiple) return encodeFrame({ type: "simpleAck", invokeId, service });
  const results = decodeReadPropertyMultiple(body).map(({ object, properties }) => ({
    object,
    results: properties.map((reference) => resultOf(reference)),
  }));
  const ack = encodeReadPropertyMultipleAck(results);
  return encodeFrame({ type: "complexAck", invokeId, service, body: ack });
}

function resultOf(reference: PropertyReference): PropertyResult {
  const single = (value: BacnetValue): PropertyResult => ({ ...reference, values: [value] });
  switch (reference.property) {
    case PROPERTIES.presentValue:
      return single({ type: "real", value: presentValue });
    case PROPERTIES.statusFlags:
      return single(FLAGS);
    case PROPERTIES.covIncrement:
      return single({ type: "real", value: 0.5 });
    case PROPERTIES.databaseRevision:
      return single({ type: "unsigned", value: 1 });
    case PROPERTIES.systemStatus:
      return single({ type: "enumerated", value: 0 });
    case PROPERTIES.modelName:
      return single({ type: "characterString", value: "bench" });
    case PROPERTIES.timeOfDeviceRestart:
      // a BACnetTimeStamp as sequence number [BACnet 21]
      return single({ type: "raw", tag: 1, context: true, constructed: false, value: Uint8Array.of(restarts) });
    default:
      return { ...reference, error: { errorClass: ERROR_CLASS.property, errorCode: ERROR_CODE.unknownProperty } };
  }
}

const devices: Device[] = [];
const ports: number[] = [];

async function perform(order: DeviceOrder): Promise<DeviceReport> {
  switch (order.do) {
    case "open":
      for (let i = 0; i < order.devices; i++) {
        const device = new Device(FIRST_INSTANCE + devices.length);
        devices.push(device);
        ports.push(await device.open());
      }
      return { ports };
    case "restart":
      presentValue = order.value;
      restarts += 1;
      answers.clear();
      subscriptions = 0;
      for (const device of devices) device.restart();
      return {};
    case "notify":
      for (const device of devices) device.notify(order.inputs, order.window);
      return {};
    case "stop":
      for (const device of devices) device.stop();
      return {};
    case "count":
      return { subscriptions, acknowledged };
    default:
      order satisfies never;
      return {};
  }
}

if (process.send !== undefined) {
  process.on("message", (order: DeviceOrder) => void perform(order).then((report) => process.send?.(report)));
  process.on("disconnect", () => process.exit());
}
