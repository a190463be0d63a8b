import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { type Clock, systemClock } from "#core/clock.ts";
import { CommunicationError, errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { type Apdu, type ConfirmedRequest, encodeApdu } from "#protocols/bacnet/codec/apdu.ts";
import { ABORT, CONFIRMED, OBJECT_TYPES, REJECT, SEGMENTATION, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame, encodeFrame, type Peer, peerKey, senderOf } from "#protocols/bacnet/codec/frame.ts";
import { MAX_APDU } from "#protocols/bacnet/codec/link.ts";
import { decodeWhoIs, encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { objectIdWord } from "#protocols/bacnet/codec/values.ts";
import type { FieldServer, SignalValue, SimulatedDevice } from "../device.ts";
import { CovEngine } from "./bacnet/cov-engine.ts";
import { deviceObject } from "./bacnet/device-object.ts";
import type { BacnetObjects } from "./bacnet/mapping.ts";
import { SegmentedSend } from "./bacnet/segmented-send.ts";
import { answer, type ServiceContext } from "./bacnet/services.ts";
import { SignalObject } from "./bacnet/signal-object.ts";

export { type BacnetObjectMapping, type BacnetObjects, bacnetObjectsOf } from "./bacnet/mapping.ts";

/** How a simulated device is put on BACnet/IP. */
export interface BacnetServerOptions {
  /** Device instance, 0-4194302: the device's identity. */
  readonly instance: number;
  /** ASHRAE vendor identifier; 0 when absent. */
  readonly vendorId?: number;
  /** UDP port; a free one when absent or 0. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Which object each signal is; signals not named are not shown. */
  readonly objects: BacnetObjects;
  /** Largest APDU taken and sent, bytes, 50-1476; 1476 when absent. */
  readonly maxApdu?: number;
  /** Sends large answers in segments; true when absent. */
  readonly segments?: boolean;
  /** Executes ReadPropertyMultiple; true when absent. */
  readonly readsMultiple?: boolean;
  /** Most COV subscriptions; 1000 when absent, 0 refuses all. */
  readonly covSlots?: number;
  /** How often changes are looked for, ms; 100 when absent. */
  readonly covScanMs?: number;
  readonly clock?: Clock;
}

/** A simulated device on BACnet/IP. */
export interface BacnetServer extends FieldServer {
  /** The 16 slots of a signal's Priority_Array, highest first, null where relinquished; undefined when not commandable. */
  priorityArrayOf(signal: string): readonly (SignalValue | null)[] | undefined;
  /** COV subscriptions held now. */
  readonly subscriptions: number;
}

const DEFAULT_COV_SLOTS = 1000;
const DEFAULT_COV_SCAN_MS = 100;
const MAX_KNOWN_PEERS = 64;

/** Puts a device on BACnet/IP on its own UDP port. @throws SIM_SIGNAL_UNKNOWN, SIM_UNIT_UNKNOWN, BACNET_BIND_FAILED */
export async function serveBacnet(
  device: SimulatedDevice,
  options: BacnetServerOptions,
  logger: Logger,
): Promise<BacnetServer> {
  const server = new Server(device, options, logger.child({ simulator: device.id, protocol: "bacnet" }));
  await server.open();
  return server;
}

class Server implements BacnetServer {
  readonly #options: BacnetServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #socket: Socket = createSocket("udp4");
  readonly #objects: readonly SignalObject[];
  readonly #context: ServiceContext;
  readonly #cov: CovEngine;
  readonly #segmented: SegmentedSend;
  readonly #maxApdu: number;
  readonly #peers = new Map<string, Peer>();
  #port = 0;
  #silent = false;
  #closed = false;
  #stopScan: () => void = () => {};

  constructor(device: SimulatedDevice, options: BacnetServerOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#clock = options.clock ?? systemClock;
    this.#maxApdu = Math.min(MAX_APDU, Math.max(50, options.maxApdu ?? MAX_APDU));
    this.#objects = Object.entries(options.objects).map(([name, mapping]) => {
      const signal = device.signals.find((candidate) => candidate.name === name);
      if (signal === undefined) {
        throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `device ${device.id} has no signal "${name}"`);
      }
      return new SignalObject(device, signal, mapping);
    });
    const send = (peer: Peer, apdu: Apdu): void => this.#send(peer, apdu);
    this.#cov = new CovEngine({
      clock: this.#clock,
      device: { type: OBJECT_TYPES.device, instance: options.instance },
      slots: options.covSlots ?? DEFAULT_COV_SLOTS,
      send,
    });
    this.#segmented = new SegmentedSend(this.#clock, send);
    const itself = deviceObject({
      instance: options.instance,
      name: device.name,
      nameEn: device.nameEn,
      vendorId: options.vendorId ?? 0,
      maxApdu: this.#maxApdu,
      segments: options.segments ?? true,
      readsMultiple: options.readsMultiple ?? true,
      clock: this.#clock,
      objects: this.#objects.map((object) => object.id),
    });
    this.#context = {
      device: itself,
      objects: new Map([itself, ...this.#objects].map((object) => [objectIdWord(object.id), object])),
      cov: this.#cov,
      readsMultiple: options.readsMultiple ?? true,
    };
  }

  get address(): { host: string; port: number } {
    return { host: this.#options.host ?? "127.0.0.1", port: this.#port };
  }

  get subscriptions(): number {
    return this.#cov.size;
  }

  async open(): Promise<void> {
    const { host, port } = { ...this.address, port: this.#options.port ?? 0 };
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error): void =>
        reject(new CommunicationError("BACNET_BIND_FAILED", `cannot bind UDP ${host}:${port}`, { cause }));
      this.#socket.once("error", refused);
      this.#socket.bind(port, host, () => {
        this.#socket.off("error", refused);
        resolve();
      });
    });
    this.#port = this.#socket.address().port;
    this.#socket.on("message", (datagram, from) => this.#received(datagram, from));
    this.#socket.on("error", (error) => this.#logger.warn({ error: errorMessage(error) }, "socket error"));
    // also while silent: a device with a cut cable does not know that its notifications are lost
    this.#stopScan = this.#clock.every(this.#options.covScanMs ?? DEFAULT_COV_SCAN_MS, () => this.#cov.scan());
  }

  priorityArrayOf(signal: string): readonly (SignalValue | null)[] | undefined {
    return this.#objects.find((object) => object.signal === signal)?.priorityArray();
  }

  silence(): void {
    this.#silent = true;
  }

  restore(): void {
    this.#silent = false;
  }

  async reboot(downMs: number): Promise<void> {
    this.#silent = true;
    this.#cov.clear();
    this.#segmented.clear();
    for (const object of this.#objects) object.powerCycle();
    await new Promise<void>((resolve) => this.#clock.after(downMs, resolve));
    if (this.#closed) return;
    this.#silent = false;
    // a device broadcasts I-Am when it starts [BACnet 16.10.3]; loopback knows no broadcast, so all who ever asked are told
    for (const peer of this.#peers.values()) this.#sendIAm(peer);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopScan();
    this.#cov.clear();
    this.#segmented.clear();
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #received(datagram: Uint8Array, from: RemoteInfo): void {
    if (this.#silent || this.#closed) return;
    try {
      const frame = decodeFrame(datagram);
      if (frame.kind !== "apdu") return;
      const peer = senderOf(frame, { host: from.address, port: from.port });
      if (this.#peers.size < MAX_KNOWN_PEERS) this.#peers.set(peerKey(peer), peer);
      this.#handle(peer, frame.apdu);
    } catch (error) {
      this.#logger.debug({ code: errorCode(error), error: errorMessage(error) }, "datagram dropped");
    }
  }

  #handle(peer: Peer, apdu: Apdu): void {
    switch (apdu.type) {
      case "confirmedRequest":
        this.#confirmed(peer, apdu);
        break;
      case "unconfirmedRequest":
        if (apdu.service === UNCONFIRMED.whoIs) this.#whoIs(peer, apdu.body);
        break;
      case "segmentAck":
        this.#segmented.acknowledged(peer, apdu);
        break;
      case "abort":
        this.#segmented.aborted(peer, apdu.invokeId);
        this.#cov.settled(peer, apdu.invokeId);
        break;
      case "simpleAck":
      case "error":
      case "reject":
        this.#cov.settled(peer, apdu.invokeId);
        break;
      case "complexAck":
        // none of our requests is answered so
        break;
      default:
        apdu satisfies never;
    }
  }

  #whoIs(peer: Peer, body: Uint8Array): void {
    const range = decodeWhoIs(body);
    const { instance } = this.#options;
    if (range === undefined || (instance >= range.low && instance <= range.high)) this.#sendIAm(peer);
  }

  #sendIAm(peer: Peer): void {
    const body = encodeIAm({
      device: { type: OBJECT_TYPES.device, instance: this.#options.instance },
      maxApdu: this.#maxApdu,
      segmentation: (this.#options.segments ?? true) ? SEGMENTATION.transmit : SEGMENTATION.none,
      vendorId: this.#options.vendorId ?? 0,
    });
    this.#send(peer, { type: "unconfirmedRequest", service: UNCONFIRMED.iAm, body });
  }

  #confirmed(peer: Peer, request: ConfirmedRequest): void {
    const { invokeId } = request;
    if (request.segment !== undefined) {
      this.#send(peer, { type: "abort", invokeId, server: true, reason: ABORT.segmentationNotSupported });
      return;
    }
    this.#answer(peer, request, this.#perform(peer, request));
    // a write or a new subscription shows at once
    if (request.service === CONFIRMED.writeProperty) this.#cov.scan();
    else this.#cov.tellFresh();
  }

  #perform(peer: Peer, request: ConfirmedRequest): Apdu {
    try {
      return answer(this.#context, peer, request);
    } catch (error) {
      if (errorCode(error) !== "BACNET_MALFORMED") throw error;
      // [BACnet 18.9] a request that cannot be parsed is rejected, never met by silence
      return { type: "reject", invokeId: request.invokeId, reason: REJECT.invalidTag };
    }
  }

  #answer(peer: Peer, request: ConfirmedRequest, reply: Apdu): void {
    const limit = Math.min(request.maxApdu, this.#maxApdu);
    if (reply.type !== "complexAck" || encodeApdu(reply).length <= limit) {
      this.#send(peer, reply);
      return;
    }
    // [BACnet 5.4.5.3 CannotSendSegmentedComplexACK]
    const canSegment = request.segmentedResponseAccepted && (this.#options.segments ?? true);
    const reason = canSegment
      ? this.#segmented.begin(peer, reply, limit, request.maxSegments)
      : ABORT.segmentationNotSupported;
    if (reason !== undefined) this.#send(peer, { type: "abort", invokeId: request.invokeId, server: true, reason });
  }

  #send(peer: Peer, apdu: Apdu): void {
    if (this.#silent || this.#closed) return;
    this.#socket.send(encodeFrame(apdu, peer.station), peer.port, peer.host, (error) => {
      if (error) this.#logger.debug({ error: errorMessage(error), peer: peerKey(peer) }, "datagram not sent");
    });
  }
}
