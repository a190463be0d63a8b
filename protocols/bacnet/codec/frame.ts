import { type Apdu, decodeApdu, encodeApdu } from "./apdu.ts";
import { decodeBvlc, decodeNpdu, type Endpoint, encodeBvlc, encodeNpdu, type NetworkAddress } from "./link.ts";

/** Whom one talks to: an endpoint, or a station behind the router at that endpoint. */
export interface Peer extends Endpoint {
  readonly station?: NetworkAddress;
}

/** Identity of a peer as a map key. */
export function peerKey({ host, port, station }: Peer): string {
  return station === undefined ? `${host}:${port}` : `${host}:${port}/${station.net}:${station.mac.join(".")}`;
}

/** One received datagram, taken apart down to the APDU. */
export type Frame =
  | {
      readonly kind: "apdu";
      readonly apdu: Apdu;
      /** Where the answer goes when a BBMD forwarded it: to the origin, never to the BBMD. [BACnet J.4.5] */
      readonly origin?: Endpoint;
      /** Station behind a router; it must be the destination of the answer. [BACnet 6.5.4] */
      readonly source?: NetworkAddress;
    }
  | { readonly kind: "networkMessage"; readonly type: number }
  /** An NPDU for another network than ours: we are no router. */
  | { readonly kind: "notForUs" }
  | { readonly kind: "bvlcResult"; readonly code: number }
  | { readonly kind: "bvlcOther"; readonly code: number };

const GLOBAL_BROADCAST = 0xffff;

/** Takes a datagram apart. @throws BACNET_MALFORMED */
export function decodeFrame(datagram: Uint8Array): Frame {
  const bvlc = decodeBvlc(datagram);
  if (bvlc.function === "result") return { kind: "bvlcResult", code: bvlc.code };
  if (bvlc.function === "other") return { kind: "bvlcOther", code: bvlc.code };
  const npdu = decodeNpdu(bvlc.npdu);
  if (npdu.message !== undefined) return { kind: "networkMessage", type: npdu.message.type };
  if (npdu.destination !== undefined && npdu.destination.net !== GLOBAL_BROADCAST) return { kind: "notForUs" };
  return {
    kind: "apdu",
    apdu: decodeApdu(npdu.apdu ?? new Uint8Array()),
    ...(bvlc.function === "forwarded" ? { origin: bvlc.origin } : {}),
    ...(npdu.source === undefined ? {} : { source: npdu.source }),
  };
}

/** Who is to be answered: never the BBMD that forwarded, always the station behind a router. */
export function senderOf(frame: Extract<Frame, { kind: "apdu" }>, from: Endpoint): Peer {
  const { host, port } = frame.origin ?? from;
  return { host, port, ...(frame.source === undefined ? {} : { station: frame.source }) };
}

function npduOf(apdu: Apdu, station: NetworkAddress | undefined): Uint8Array {
  return encodeNpdu({
    expectingReply: apdu.type === "confirmedRequest" || (apdu.type === "complexAck" && apdu.segment !== undefined),
    priority: 0,
    ...(station === undefined ? {} : { destination: { ...station, hopCount: 255 } }),
    apdu: encodeApdu(apdu),
  });
}

/** Puts an APDU into a unicast datagram; `station` is one behind the router that is addressed. [BACnet 6.2.2] */
export function encodeFrame(apdu: Apdu, station?: NetworkAddress): Uint8Array {
  return encodeBvlc({ function: "originalUnicast", npdu: npduOf(apdu, station) });
}

/** Puts an APDU into a datagram for all devices of the local network. [BACnet J.2.12] */
export function encodeBroadcastFrame(apdu: Apdu): Uint8Array {
  return encodeBvlc({ function: "originalBroadcast", npdu: npduOf(apdu, undefined) });
}
