import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { CommunicationError, errorCode, errorMessage, InvalidInputError } from "#core/errors.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverCounters,
  DriverDeps,
  ProtocolDriver,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import type { Apdu, ConfirmedRequest } from "./codec/apdu.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, OBJECT_TYPES, REJECT, UNCONFIRMED } from "./codec/enums.ts";
import { decodeFrame, encodeBroadcastFrame, encodeFrame, type Peer, peerKey, senderOf } from "./codec/frame.ts";
import type { Endpoint } from "./codec/link.ts";
import { decodeCovNotification } from "./codec/services/cov.ts";
import { decodeIAm, encodeWhoIs } from "./codec/services/discovery.ts";
import { encodeError } from "./codec/services/error.ts";
import type { BacnetAddress, BacnetConfig, BacnetDevice } from "./config.ts";
import { Counters } from "./counters.ts";
import { DeviceLink } from "./device-link.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { Transactions } from "./transactions.ts";

type Binding = DeviceBinding<BacnetDevice, BacnetAddress>;

const RECEIVE_BUFFER_BYTES = 1 << 20;
const MAX_PROCESS_ID = 0xffff_ffff;

/** A BACnet/IP channel: one UDP port for all its devices. */
export class BacnetDriver implements ProtocolDriver<BacnetDevice, BacnetAddress> {
  readonly #deps: DriverDeps;
  readonly #settings: Settings;
  readonly #counters = new Counters();
  // one subscriber process per start: subscriptions of an earlier run are told apart from ours [BACnet 13.14.1.1]
  readonly #processId = 1 + Math.floor(Math.random() * MAX_PROCESS_ID);
  #socket: Socket | undefined;
  #transactions: Transactions | undefined;
  #links: readonly DeviceLink[] = [];
  #byInstance = new Map<number, DeviceLink>();

  constructor(config: BacnetConfig, deps: DriverDeps) {
    this.#settings = settingsOf(config);
    this.#deps = deps;
  }

  /** @throws BACNET_BIND_FAILED, BACNET_START_ABORTED */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new CommunicationError("BACNET_START_ABORTED", "the start was given up");
    await this.stop();
    const socket = await this.#open();
    if (signal.aborted) {
      socket.close();
      throw new CommunicationError("BACNET_START_ABORTED", "the start was given up");
    }
    const { apduTimeoutMs, retries, window } = this.#settings;
    this.#transactions = new Transactions({
      clock: this.#deps.clock,
      counters: this.#counters,
      apduTimeoutMs,
      retries,
      window,
      send: (peer, apdu) => this.#send(peer, encodeFrame(apdu, peer.station)),
    });
    socket.on("message", (datagram, from) => this.#received(datagram, from));
    socket.on("error", (error) => this.#deps.logger.warn({ error: errorMessage(error) }, "BACnet socket error"));
    this.#socket = socket;
  }

  /** @throws BACNET_INSTANCE_DUPLICATE, BACNET_NOT_STARTED */
  async bind(devices: readonly Binding[]): Promise<void> {
    const transactions = this.#transactions;
    if (transactions === undefined) throw new CommunicationError("BACNET_NOT_STARTED", "bind came before start");
    const instances = devices.map(({ config }) => config.instance);
    const twice = instances.find((instance, i) => instances.indexOf(instance) !== i);
    if (twice !== undefined) {
      throw new InvalidInputError("BACNET_INSTANCE_DUPLICATE", `device instance ${twice} is bound twice`);
    }
    for (const link of this.#links) link.close();
    const { clock, logger, onSamples, onDevice } = this.#deps;
    const shared = {
      clock,
      logger,
      counters: this.#counters,
      settings: this.#settings,
      transactions,
      processId: this.#processId,
      whoIs: (instance: number, targets: readonly Endpoint[]) => this.#whoIs(instance, targets),
      onSamples,
      onDevice,
    };
    this.#links = devices.map((binding) => new DeviceLink(binding, shared));
    this.#byInstance = new Map(this.#links.map((link) => [link.instance, link]));
    for (const link of this.#links) link.begin();
  }

  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const link = this.#links.find((candidate) => candidate.has(request.point));
    if (link !== undefined) return link.write(request, signal);
    return { status: "rejected", code: "BACNET_POINT_UNKNOWN", message: `point ${request.point} is not bound` };
  }

  async act({ device, action }: ActionRequest): Promise<ActionResult> {
    return { status: "rejected", code: "ACTION_UNKNOWN", message: `BACnet device ${device} has no action ${action}` };
  }

  counters(): DriverCounters {
    return this.#counters.snapshot();
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.close();
    this.#links = [];
    this.#byInstance = new Map();
    this.#transactions?.close();
    this.#transactions = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  async #open(): Promise<Socket> {
    const { host, port } = this.#settings.bind;
    const socket = createSocket("udp4");
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (cause) => {
        socket.close();
        reject(new CommunicationError("BACNET_BIND_FAILED", `cannot bind UDP ${host}:${port}`, { cause }));
      });
      socket.bind(port, host, resolve);
    });
    socket.removeAllListeners("error");
    if (this.#settings.broadcast !== undefined) socket.setBroadcast(true);
    this.#widen(socket);
    return socket;
  }

  // answers of many devices come at once after a start; some systems refuse more than they allow instead of granting less
  #widen(socket: Socket): void {
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch (error) {
      this.#deps.logger.info({ error: errorMessage(error) }, "UDP receive buffer stays at the system's size");
    }
  }

  /** No datagram may end the process or starve the others: each is taken on its own. */
  #received(datagram: Uint8Array, from: RemoteInfo): void {
    try {
      const frame = decodeFrame(datagram);
      switch (frame.kind) {
        case "apdu":
          this.#handle(senderOf(frame, { host: from.address, port: from.port }), frame.apdu);
          break;
        case "networkMessage":
          this.#counters.add("networkMessages");
          break;
        case "notForUs":
          this.#counters.add("notForUs");
          break;
        case "bvlcResult":
        case "bvlcOther":
          this.#counters.add("linkMessages");
          break;
        default:
          frame satisfies never;
      }
    } catch (error) {
      this.#counters.add("malformed");
      const fields = { code: errorCode(error), error: errorMessage(error), from: `${from.address}:${from.port}` };
      if (errorCode(error) === "BACNET_MALFORMED") this.#deps.logger.debug(fields, "BACnet datagram dropped");
      else this.#deps.logger.error(fields, "BACnet datagram was not handled");
    }
  }

  #handle(peer: Peer, apdu: Apdu): void {
    if (apdu.type === "confirmedRequest") this.#asked(peer, apdu);
    else if (apdu.type !== "unconfirmedRequest") this.#transactions?.received(peer, apdu);
    else if (apdu.service === UNCONFIRMED.iAm) this.#announced(peer, apdu.body);
    else if (apdu.service === UNCONFIRMED.unconfirmedCovNotification) this.#notified(peer, apdu.body);
    // Who-Is and the rest are for devices, which we are not
  }

  #announced(peer: Peer, body: Uint8Array): void {
    const iAm = decodeIAm(body);
    if (iAm.device.type !== OBJECT_TYPES.device) return;
    const link = this.#byInstance.get(iAm.device.instance);
    if (link !== undefined) {
      link.announced(iAm, peer);
      return;
    }
    const { host, port } = peer;
    for (const other of this.#links) {
      if (other.configured?.host !== host || other.configured.port !== port) continue;
      this.#counters.add("wrongInstance");
      other.refused(iAm.device.instance);
    }
  }

  #notified(peer: Peer, body: Uint8Array): boolean {
    const notification = decodeCovNotification(body);
    const taken = this.#byInstance.get(notification.device.instance)?.notified(peer, notification) ?? false;
    this.#counters.add(taken ? "covNotifications" : "covUnknown");
    return taken;
  }

  #asked(peer: Peer, request: ConfirmedRequest): void {
    const { invokeId, service } = request;
    if (service !== CONFIRMED.confirmedCovNotification || request.segment !== undefined) {
      const reason = REJECT.unrecognizedService;
      this.#send(peer, encodeFrame({ type: "reject", invokeId, reason }, peer.station));
      return;
    }
    // [BACnet 13.6.1.6] a notification that nobody here asked for is answered by an error, which ends it at the device
    const unknown = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.unknownSubscription };
    const answer: Apdu = this.#notified(peer, request.body)
      ? { type: "simpleAck", invokeId, service }
      : { type: "error", invokeId, service, body: encodeError(unknown) };
    this.#send(peer, encodeFrame(answer, peer.station));
  }

  #whoIs(instance: number, targets: readonly Endpoint[]): void {
    const body = encodeWhoIs({ low: instance, high: instance });
    const apdu: Apdu = { type: "unconfirmedRequest", service: UNCONFIRMED.whoIs, body };
    const { broadcast } = this.#settings;
    for (const target of targets) this.#send(target, encodeFrame(apdu));
    // a device that moved does not answer at its old address
    if (broadcast !== undefined) this.#send(broadcast, encodeBroadcastFrame(apdu));
  }

  #send(peer: Peer, datagram: Uint8Array): void {
    this.#socket?.send(datagram, peer.port, peer.host, (error) => {
      if (error === null) return;
      this.#counters.add("sendErrors");
      this.#deps.logger.debug({ error: errorMessage(error), peer: peerKey(peer) }, "BACnet datagram not sent");
    });
  }
}

/** What a driver thread calls; see `CreateDriver`. */
export function create(config: BacnetConfig, deps: DriverDeps): BacnetDriver {
  return new BacnetDriver(config, deps);
}
