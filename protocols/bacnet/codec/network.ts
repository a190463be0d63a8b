import { malformed, Reader, Writer } from "./bytes.ts";

/** Network layer message types. [BACnet 6.2.4] */
export const NETWORK_MESSAGE = {
  whoIsRouter: 0x00,
  iAmRouter: 0x01,
  iCouldBeRouter: 0x02,
  reject: 0x03,
  routerBusy: 0x04,
  routerAvailable: 0x05,
  initializeRoutingTable: 0x06,
  initializeRoutingTableAck: 0x07,
  establishConnection: 0x08,
  disconnectConnection: 0x09,
  whatIsNetworkNumber: 0x12,
  networkNumberIs: 0x13,
} as const satisfies Record<string, number>;

/** Why a router passed a message not on. [BACnet 6.4.4] */
export const NETWORK_REJECT = {
  other: 0,
  /** The router is not directly connected to the network and finds no way. */
  unreachable: 1,
  busy: 2,
  unknownMessage: 3,
  tooLong: 4,
  securityError: 5,
  addressingError: 6,
} as const satisfies Record<string, number>;

/** A port of a router. [BACnet 6.4.7] */
export interface RoutingPort {
  /** The network at that port, 1-65534. */
  readonly net: number;
  /** 0 removes the network from the table. */
  readonly port: number;
  readonly info: Uint8Array;
}

/** One network layer message. `other` are types without a production here and vendors' own ones, their bytes untouched. [BACnet 6.4] */
export type NetworkMessage =
  /** Without `net` every router answers with all its networks. */
  | { readonly type: "whoIsRouter"; readonly net?: number }
  /** An empty list in routerBusy and routerAvailable is every network served. */
  | { readonly type: "iAmRouter" | "routerBusy" | "routerAvailable"; readonly nets: readonly number[] }
  | { readonly type: "iCouldBeRouter"; readonly net: number; readonly performance: number }
  /** `reason` of NETWORK_REJECT. */
  | { readonly type: "reject"; readonly reason: number; readonly net: number }
  | {
      readonly type: "initializeRoutingTable" | "initializeRoutingTableAck";
      /** None asks for the table, none in an acknowledgement confirms. */
      readonly ports: readonly RoutingPort[];
    }
  /** `terminationMin` 0 is permanent. */
  | { readonly type: "establishConnection"; readonly net: number; readonly terminationMin: number }
  | { readonly type: "disconnectConnection"; readonly net: number }
  | { readonly type: "whatIsNetworkNumber" }
  | {
      readonly type: "networkNumberIs";
      readonly net: number /** Or learned from another one. */;
      readonly configured: boolean;
    }
  | { readonly type: "other"; readonly code: number; readonly body: Uint8Array };

/** Type octet and content, as an NPDU holds them; the vendor of a proprietary type is in the content. */
export interface RawNetworkMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

function readNets(reader: Reader): readonly number[] {
  const nets: number[] = [];
  while (reader.remaining > 0) nets.push(reader.u16());
  return nets;
}

function readPorts(reader: Reader): readonly RoutingPort[] {
  const count = reader.u8();
  const ports: RoutingPort[] = [];
  for (let i = 0; i < count; i++) {
    const net = reader.u16();
    const port = reader.u8();
    ports.push({ net, port, info: reader.take(reader.u8()) });
  }
  return ports;
}

/** @throws BACNET_MALFORMED */
export function decodeNetworkMessage({ type, body }: RawNetworkMessage): NetworkMessage {
  const reader = new Reader(body);
  const message = readMessage(reader, type, body);
  if (reader.remaining > 0 && message.type !== "other") throw malformed(`bytes after network layer message ${type}`);
  return message;
}

function readMessage(reader: Reader, type: number, body: Uint8Array): NetworkMessage {
  switch (type) {
    case NETWORK_MESSAGE.whoIsRouter:
      return reader.remaining === 0 ? { type: "whoIsRouter" } : { type: "whoIsRouter", net: reader.u16() };
    case NETWORK_MESSAGE.iAmRouter:
      return { type: "iAmRouter", nets: readNets(reader) };
    case NETWORK_MESSAGE.routerBusy:
      return { type: "routerBusy", nets: readNets(reader) };
    case NETWORK_MESSAGE.routerAvailable:
      return { type: "routerAvailable", nets: readNets(reader) };
    case NETWORK_MESSAGE.iCouldBeRouter:
      return { type: "iCouldBeRouter", net: reader.u16(), performance: reader.u8() };
    case NETWORK_MESSAGE.reject:
      return { type: "reject", reason: reader.u8(), net: reader.u16() };
    case NETWORK_MESSAGE.initializeRoutingTable:
      return { type: "initializeRoutingTable", ports: readPorts(reader) };
    case NETWORK_MESSAGE.initializeRoutingTableAck:
      // [BACnet 6.4.8] an acknowledgement of a change may carry no table at all
      return { type: "initializeRoutingTableAck", ports: reader.remaining === 0 ? [] : readPorts(reader) };
    case NETWORK_MESSAGE.establishConnection:
      return { type: "establishConnection", net: reader.u16(), terminationMin: reader.u8() };
    case NETWORK_MESSAGE.disconnectConnection:
      return { type: "disconnectConnection", net: reader.u16() };
    case NETWORK_MESSAGE.whatIsNetworkNumber:
      return { type: "whatIsNetworkNumber" };
    case NETWORK_MESSAGE.networkNumberIs:
      return { type: "networkNumberIs", net: reader.u16(), configured: reader.u8() === 1 };
    default:
      return { type: "other", code: type, body };
  }
}

/** @throws BACNET_MALFORMED for more than 255 ports */
export function encodeNetworkMessage(message: NetworkMessage): RawNetworkMessage {
  if (message.type === "other") return { type: message.code, body: message.body };
  return { type: NETWORK_MESSAGE[message.type], body: messageBody(message) };
}

function messageBody(message: Exclude<NetworkMessage, { type: "other" }>): Uint8Array {
  const writer = new Writer();
  switch (message.type) {
    case "whoIsRouter":
      return message.net === undefined ? writer.done() : writer.u16(message.net).done();
    case "iAmRouter":
    case "routerBusy":
    case "routerAvailable":
      for (const net of message.nets) writer.u16(net);
      return writer.done();
    case "iCouldBeRouter":
      return writer.u16(message.net).u8(message.performance).done();
    case "reject":
      return writer.u8(message.reason).u16(message.net).done();
    case "initializeRoutingTable":
    case "initializeRoutingTableAck":
      return portBytes(writer, message.ports);
    case "establishConnection":
      return writer.u16(message.net).u8(message.terminationMin).done();
    case "disconnectConnection":
      return writer.u16(message.net).done();
    case "whatIsNetworkNumber":
      return writer.done();
    case "networkNumberIs":
      return writer
        .u16(message.net)
        .u8(message.configured ? 1 : 0)
        .done();
    default:
      message satisfies never;
      throw malformed("unknown network layer message");
  }
}

function portBytes(writer: Writer, ports: readonly RoutingPort[]): Uint8Array {
  if (ports.length > 255) throw malformed(`${ports.length} ports in a routing table, at most 255`);
  writer.u8(ports.length);
  for (const { net, port, info } of ports) writer.u16(net).u8(port).u8(info.length).raw(info);
  return writer.done();
}
