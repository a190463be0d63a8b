import { malformed, Reader, Writer } from "./bytes.ts";

/** An IPv4 endpoint. `host` is dotted decimal. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Largest APDU on BACnet/IP, bytes. [BACnet 6.1, Annex J] */
export const MAX_APDU = 1476;

const BVLL_TYPE = 0x81;
const RESULT = 0x00;
const FORWARDED = 0x04;
const ORIGINAL_UNICAST = 0x0a;
const ORIGINAL_BROADCAST = 0x0b;

/** What the BACnet virtual link layer carries. `other` are the BBMD functions, recognised and not served. [BACnet Annex J.2] */
export type Bvlc =
  | { readonly function: "originalUnicast" | "originalBroadcast"; readonly npdu: Uint8Array }
  | { readonly function: "forwarded"; readonly origin: Endpoint; readonly npdu: Uint8Array }
  | { readonly function: "result"; readonly code: number }
  | { readonly function: "other"; readonly code: number };

/** Decodes one datagram. Its length field must be exactly the datagram's. @throws BACNET_MALFORMED */
export function decodeBvlc(datagram: Uint8Array): Bvlc {
  const reader = new Reader(datagram);
  if (reader.u8() !== BVLL_TYPE) throw malformed("not BACnet/IP");
  const code = reader.u8();
  const length = reader.u16();
  if (length !== datagram.length) throw malformed(`BVLC says ${length} bytes, the datagram has ${datagram.length}`);
  switch (code) {
    case ORIGINAL_UNICAST:
      return { function: "originalUnicast", npdu: reader.rest() };
    case ORIGINAL_BROADCAST:
      return { function: "originalBroadcast", npdu: reader.rest() };
    case FORWARDED: {
      const host = reader.take(4).join(".");
      return { function: "forwarded", origin: { host, port: reader.u16() }, npdu: reader.rest() };
    }
    case RESULT:
      return { function: "result", code: reader.u16() };
    default:
      return { function: "other", code };
  }
}

/** Encodes one datagram. @throws BACNET_MALFORMED for function `other`, which this codec does not write */
export function encodeBvlc(bvlc: Bvlc): Uint8Array {
  const writer = new Writer().u8(BVLL_TYPE);
  switch (bvlc.function) {
    case "originalUnicast":
      return writer
        .u8(ORIGINAL_UNICAST)
        .u16(4 + bvlc.npdu.length)
        .raw(bvlc.npdu)
        .done();
    case "originalBroadcast":
      return writer
        .u8(ORIGINAL_BROADCAST)
        .u16(4 + bvlc.npdu.length)
        .raw(bvlc.npdu)
        .done();
    case "forwarded":
      writer
        .u8(FORWARDED)
        .u16(10 + bvlc.npdu.length)
        .raw(addressBytes(bvlc.origin.host))
        .u16(bvlc.origin.port);
      return writer.raw(bvlc.npdu).done();
    case "result":
      return writer.u8(RESULT).u16(6).u16(bvlc.code).done();
    case "other":
      throw malformed(`BVLC function ${bvlc.code} is not written`);
    default:
      bvlc satisfies never;
      throw malformed("unknown BVLC function");
  }
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
  const { destination, source, message } = npdu;
  const control =
    (message === undefined ? 0 : 0x80) |
    (destination === undefined ? 0 : 0x20) |
    (source === undefined ? 0 : 0x08) |
    (npdu.expectingReply ? 0x04 : 0) |
    (npdu.priority & 0x03);
  const writer = new Writer().u8(1).u8(control);
  for (const address of [destination, source]) {
    if (address !== undefined) writer.u16(address.net).u8(address.mac.length).raw(address.mac);
  }
  if (destination !== undefined) writer.u8(destination.hopCount);
  if (message !== undefined) return writer.u8(message.type).raw(message.body).done();
  return writer.raw(npdu.apdu ?? new Uint8Array()).done();
}
