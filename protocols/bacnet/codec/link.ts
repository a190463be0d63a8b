import { malformed, Reader, Writer } from "./bytes.ts";

/** An IPv4 endpoint. `host` is dotted decimal. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Largest APDU on BACnet/IP, bytes. [BACnet 6.1, Annex J] */
export const MAX_APDU = 1476;

const BVLL_TYPE = 0x81;
/** Function codes of the BACnet virtual link layer. [BACnet J.2] */
export const BVLC = {
  result: 0x00,
  writeBroadcastDistributionTable: 0x01,
  readBroadcastDistributionTable: 0x02,
  readBroadcastDistributionTableAck: 0x03,
  forwarded: 0x04,
  registerForeignDevice: 0x05,
  readForeignDeviceTable: 0x06,
  readForeignDeviceTableAck: 0x07,
  deleteForeignDeviceTableEntry: 0x08,
  distributeBroadcast: 0x09,
  originalUnicast: 0x0a,
  originalBroadcast: 0x0b,
} as const satisfies Record<string, number>;

/** Codes of a BVLC-Result. [BACnet J.2.1] */
export const BVLC_RESULT = {
  success: 0x0000,
  writeBroadcastDistributionTableNak: 0x0010,
  readBroadcastDistributionTableNak: 0x0020,
  registerForeignDeviceNak: 0x0030,
  readForeignDeviceTableNak: 0x0040,
  deleteForeignDeviceTableEntryNak: 0x0050,
  distributeBroadcastNak: 0x0060,
} as const satisfies Record<string, number>;

/** One BBMD that broadcasts are passed on to. `mask` dotted decimal, 255.255.255.255 for a unicast to the BBMD. [BACnet J.2.2] */
export interface BroadcastDistributionEntry extends Endpoint {
  readonly mask: string;
}

/** One registered foreign device. [BACnet J.2.8] */
export interface ForeignDeviceEntry extends Endpoint {
  /** As registered, seconds. */
  readonly ttlS: number;
  /** Seconds until it is dropped, the grace of 30 s included. */
  readonly remainingS: number;
}

/** What the BACnet virtual link layer carries. `other` is a function that the standard's Annex J does not know. [BACnet J.2] */
export type Bvlc =
  | { readonly function: "originalUnicast" | "originalBroadcast"; readonly npdu: Uint8Array }
  /** From a foreign device to its BBMD: pass it on to all. [BACnet J.2.10] */
  | { readonly function: "distributeBroadcast"; readonly npdu: Uint8Array }
  | { readonly function: "forwarded"; readonly origin: Endpoint; readonly npdu: Uint8Array }
  | { readonly function: "result"; readonly code: number }
  | {
      readonly function: "writeBroadcastDistributionTable" | "readBroadcastDistributionTableAck";
      readonly entries: readonly BroadcastDistributionEntry[];
    }
  | { readonly function: "readBroadcastDistributionTable" | "readForeignDeviceTable" }
  | { readonly function: "registerForeignDevice"; readonly ttlS: number }
  | { readonly function: "readForeignDeviceTableAck"; readonly entries: readonly ForeignDeviceEntry[] }
  | { readonly function: "deleteForeignDeviceTableEntry"; readonly entry: Endpoint }
  | { readonly function: "other"; readonly code: number };

function readEndpoint(reader: Reader): Endpoint {
  return { host: reader.take(4).join("."), port: reader.u16() };
}

// both tables are rows of ten bytes to the end of the datagram, which bounds them
function readTable<T>(reader: Reader, row: (reader: Reader) => T): readonly T[] {
  const entries: T[] = [];
  while (reader.remaining > 0) entries.push(row(reader));
  return entries;
}

/** Decodes one datagram. Its length field must be exactly the datagram's. @throws BACNET_MALFORMED */
export function decodeBvlc(datagram: Uint8Array): Bvlc {
  const reader = new Reader(datagram);
  if (reader.u8() !== BVLL_TYPE) throw malformed("not BACnet/IP");
  const code = reader.u8();
  const length = reader.u16();
  if (length !== datagram.length) throw malformed(`BVLC says ${length} bytes, the datagram has ${datagram.length}`);
  const bvlc = readFunction(reader, code);
  if (reader.remaining > 0 && bvlc.function !== "other") throw malformed(`${reader.remaining} bytes after the BVLC`);
  return bvlc;
}

function readFunction(reader: Reader, code: number): Bvlc {
  switch (code) {
    case BVLC.originalUnicast:
      return { function: "originalUnicast", npdu: reader.rest() };
    case BVLC.originalBroadcast:
      return { function: "originalBroadcast", npdu: reader.rest() };
    case BVLC.distributeBroadcast:
      return { function: "distributeBroadcast", npdu: reader.rest() };
    case BVLC.forwarded:
      return { function: "forwarded", origin: readEndpoint(reader), npdu: reader.rest() };
    case BVLC.result:
      return { function: "result", code: reader.u16() };
    case BVLC.writeBroadcastDistributionTable:
      return { function: "writeBroadcastDistributionTable", entries: readTable(reader, readDistributionEntry) };
    case BVLC.readBroadcastDistributionTable:
      return { function: "readBroadcastDistributionTable" };
    case BVLC.readBroadcastDistributionTableAck:
      return { function: "readBroadcastDistributionTableAck", entries: readTable(reader, readDistributionEntry) };
    case BVLC.registerForeignDevice:
      return { function: "registerForeignDevice", ttlS: reader.u16() };
    case BVLC.readForeignDeviceTable:
      return { function: "readForeignDeviceTable" };
    case BVLC.readForeignDeviceTableAck:
      return { function: "readForeignDeviceTableAck", entries: readTable(reader, readForeignDevice) };
    case BVLC.deleteForeignDeviceTableEntry:
      return { function: "deleteForeignDeviceTableEntry", entry: readEndpoint(reader) };
    default:
      return { function: "other", code };
  }
}

function readDistributionEntry(reader: Reader): BroadcastDistributionEntry {
  return { ...readEndpoint(reader), mask: reader.take(4).join(".") };
}

function readForeignDevice(reader: Reader): ForeignDeviceEntry {
  return { ...readEndpoint(reader), ttlS: reader.u16(), remainingS: reader.u16() };
}

function writeEndpoint(writer: Writer, { host, port }: Endpoint): Writer {
  return writer.raw(addressBytes(host)).u16(port);
}

// everything after type, function and length
function bvlcContent(bvlc: Exclude<Bvlc, { function: "other" }>): Uint8Array {
  const writer = new Writer();
  switch (bvlc.function) {
    case "originalUnicast":
    case "originalBroadcast":
    case "distributeBroadcast":
      return bvlc.npdu;
    case "forwarded":
      return writeEndpoint(writer, bvlc.origin).raw(bvlc.npdu).done();
    case "result":
      return writer.u16(bvlc.code).done();
    case "registerForeignDevice":
      return writer.u16(bvlc.ttlS).done();
    case "writeBroadcastDistributionTable":
    case "readBroadcastDistributionTableAck":
      for (const entry of bvlc.entries) writeEndpoint(writer, entry).raw(addressBytes(entry.mask));
      return writer.done();
    case "readForeignDeviceTableAck":
      for (const entry of bvlc.entries) writeEndpoint(writer, entry).u16(entry.ttlS).u16(entry.remainingS);
      return writer.done();
    case "deleteForeignDeviceTableEntry":
      return writeEndpoint(writer, bvlc.entry).done();
    case "readBroadcastDistributionTable":
    case "readForeignDeviceTable":
      return writer.done();
    default:
      bvlc satisfies never;
      throw malformed("unknown BVLC function");
  }
}

/** Encodes one datagram. @throws BACNET_MALFORMED for function `other`, which this codec does not write, and for what is no IPv4 address */
export function encodeBvlc(bvlc: Bvlc): Uint8Array {
  if (bvlc.function === "other") throw malformed(`BVLC function ${bvlc.code} is not written`);
  const content = bvlcContent(bvlc);
  const writer = new Writer().u8(BVLL_TYPE).u8(BVLC[bvlc.function]);
  return writer
    .u16(4 + content.length)
    .raw(content)
    .done();
}

function addressBytes(host: string): Uint8Array {
  const parts = host.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw malformed(`"${host}" is no IPv4 address`);
  }
  return Uint8Array.from(parts);
}

/** Address of a station on a network behind a router; an empty `mac` is a broadcast there. [BACnet 6.2.2] */
export interface NetworkAddress {
  readonly net: number;
  readonly mac: Uint8Array;
}

/** One NPDU. Exactly one of `apdu` and `message` is there. [BACnet 6.2] */
export interface Npdu {
  readonly expectingReply: boolean;
  /** 0 normal to 3 life safety. */
  readonly priority: number;
  readonly destination?: NetworkAddress & { readonly hopCount: number };
  readonly source?: NetworkAddress;
  readonly apdu?: Uint8Array;
  /** A network layer message (Who-Is-Router-To-Network ...), type and content. */
  readonly message?: { readonly type: number; readonly body: Uint8Array };
}

function readNetworkAddress(reader: Reader): NetworkAddress {
  const net = reader.u16();
  return { net, mac: reader.take(reader.u8()) };
}

/** @throws BACNET_MALFORMED */
export function decodeNpdu(bytes: Uint8Array): Npdu {
  const reader = new Reader(bytes);
  const version = reader.u8();
  if (version !== 1) throw malformed(`NPDU version ${version}`);
  const control = reader.u8();
  const destination = (control & 0x20) !== 0 ? readNetworkAddress(reader) : undefined;
  const source = (control & 0x08) !== 0 ? readNetworkAddress(reader) : undefined;
  // [BACnet 6.2.2.1] a source is one station: neither network 65535 nor an empty address
  if (source !== undefined && (source.net === 0xffff || source.mac.length === 0))
    throw malformed("SNET/SADR is no station");
  const hopCount = destination === undefined ? 0 : reader.u8();
  const message = (control & 0x80) !== 0 ? { type: reader.u8(), body: reader.rest() } : undefined;
  return {
    expectingReply: (control & 0x04) !== 0,
    priority: control & 0x03,
    ...(destination === undefined ? {} : { destination: { ...destination, hopCount } }),
    ...(source === undefined ? {} : { source }),
    ...(message === undefined ? { apdu: reader.rest() } : { message }),
  };
}

/** @throws BACNET_MALFORMED never for a well-typed NPDU */
export function encodeNpdu(npdu: Npdu): Uint8Array {
  const { message } = npdu;
  const writer = writeNpduHead(new Writer(), npdu);
  if (message !== undefined) return writer.u8(message.type).raw(message.body).done();
  return writer.raw(npdu.apdu ?? new Uint8Array()).done();
}

/** Writes all of an NPDU before its APDU or the type of its message. */
export function writeNpduHead(writer: Writer, npdu: Npdu): Writer {
  const { destination, source, message } = npdu;
  const control =
    (message === undefined ? 0 : 0x80) |
    (destination === undefined ? 0 : 0x20) |
    (source === undefined ? 0 : 0x08) |
    (npdu.expectingReply ? 0x04 : 0) |
    (npdu.priority & 0x03);
  writer.u8(1).u8(control);
  if (destination !== undefined) writeAddress(writer, destination);
  if (source !== undefined) writeAddress(writer, source);
  return destination === undefined ? writer : writer.u8(destination.hopCount);
}

function writeAddress(writer: Writer, { net, mac }: NetworkAddress): void {
  writer.u16(net).u8(mac.length).raw(mac);
}

/** Writes the BVLC of an Original-Unicast-NPDU around what `content` writes: the whole datagram in one buffer. [BACnet J.2.11] */
export function encodeUnicast(content: (writer: Writer) => void): Uint8Array {
  const writer = new Writer().u8(BVLL_TYPE).u8(BVLC.originalUnicast).u16(0);
  content(writer);
  const datagram = writer.done();
  datagram[2] = datagram.length >> 8;
  datagram[3] = datagram.length;
  return datagram;
}
