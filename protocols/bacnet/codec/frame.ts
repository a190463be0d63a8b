import { type Apdu, decodeApdu, encodeApdu } from "./apdu.ts";
import {
  type Bvlc,
  decodeBvlc,
  decodeNpdu,
  type Endpoint,
  encodeBvlc,
  encodeNpdu,
  type NetworkAddress,
} from "./link.ts";
import { decodeNetworkMessage, encodeNetworkMessage, type NetworkMessage } from "./network.ts";

/** Whom one talks to: an endpoint, or a station behind the router at that endpoint. */
export interface Peer extends Endpoint {
  readonly station?: NetworkAddress;
}

/** Identity of a peer as a map key. */
export function peerKey({ host, port, station }: Peer): string {
  return station === undefined ? `${host}:${port}` : `${host}:${port}/${station.net}:${station.mac.join(".")}`;
}

/** A frame's way here. */
interface Way {
  /** Where the answer goes when a BBMD forwarded it: to the origin, never to the BBMD. [BACnet J.4.5] */
  readonly origin?: Endpoint;
  /** Station behind a router; it must be the destination of the answer. [BACnet 6.5.4] */
  readonly source?: NetworkAddress;
  /** It was not sent to us alone: a confirmed request so addressed is not answered. [BACnet 5.4.5.1] */
  readonly broadcast: boolean;
}

/** One received datagram, taken apart down to the APDU. */
export type Frame =
  | (Way & { readonly kind: "apdu"; readonly apdu: Apdu })
  | (Way & { readonly kind: "networkMessage"; readonly message: NetworkMessage })
  /** An NPDU for another network than ours: we are no router. */
  | { readonly kind: "notForUs" }
  | { readonly kind: "bvlcResult"; readonly code: number }
  /** A function for BBMDs, or one unknown. */
  | {
      readonly kind: "bvlcOther";
      readonly bvlc: Exclude<Bvlc, { readonly npdu: Uint8Array } | { readonly function: "result" }>;
    };

/** Network number of a broadcast to all networks. [BACnet 6.2.2.1] */
export const GLOBAL_BROADCAST = 0xffff;

/**
 * Takes a datagram apart. A Distribute-Broadcast-To-Network is taken like a broadcast of its sender: a BBMD passes it on
 * before. @throws BACNET_MALFORMED
 */
export function decodeFrame(datagram: Uint8Array): Frame {
  const bvlc = decodeBvlc(datagram);
  if (bvlc.function === "result") return { kind: "bvlcResult", code: bvlc.code };
  if (!("npdu" in bvlc)) return { kind: "bvlcOther", bvlc };
  const npdu = decodeNpdu(bvlc.npdu);
  if (npdu.destination !== undefined && npdu.destination.net !== GLOBAL_BROADCAST) return { kind: "notForUs" };
  const way: Way = {
    ...(bvlc.function === "forwarded" ? { origin: bvlc.origin } : {}),
    ...(npdu.source === undefined ? {} : { source: npdu.source }),
    broadcast: bvlc.function !== "originalUnicast" || npdu.destination !== undefined,
  };
  if (npdu.message !== undefined) {
    return { kind: "networkMessage", message: decodeNetworkMessage(npdu.message), ...way };
  }
  return { kind: "apdu", apdu: decodeApdu(npdu.apdu ?? new Uint8Array()), ...way };
}

/** Who is to be answered: never the BBMD that forwarded, always the station behind a router. */
export function senderOf(frame: Omit<Way, "broadcast">, from: Endpoint): Peer {
  const { host, port } = frame.origin ?? from;
  return { host, port, ...(frame.source === undefined ? {} : { station: frame.source }) };
}

/** How a datagram is sent. */
export interface Sending {
  /** Original-Unicast (default), Original-Broadcast, or Distribute-Broadcast as a foreign device to its BBMD. [BACnet J.2] */
  readonly link?: "originalUnicast" | "originalBroadcast" | "distributeBroadcast";
  /** Station or network behind a router, an empty `mac` for all its stations; GLOBAL_BROADCAST for all networks. [BACnet 6.2.2] */
  readonly destination?: NetworkAddress;
  /** 0 normal (default) to 3 life safety. [BACnet 6.2.2] */
  readonly priority?: number;
}

const HOP_COUNT = 255;

/** Puts an APDU into a datagram. @throws BACNET_MALFORMED */
export function encodeApduFrame(apdu: Apdu, sending: Sending = {}): Uint8Array {
  const { link = "originalUnicast", destination, priority = 0 } = sending;
  const npdu = encodeNpdu({
    expectingReply: apdu.type === "confirmedRequest" || (apdu.type === "complexAck" && apdu.segment !== undefined),
    priority,
    ...(destination === undefined ? {} : { destination: { ...destination, hopCount: HOP_COUNT } }),
    apdu: encodeApdu(apdu),
  });
  return encodeBvlc({ function: link, npdu });
}

/** Puts a network layer message into a datagram. @throws BACNET_MALFORMED */
export function encodeNetworkFrame(message: NetworkMessage, sending: Sending = {}): Uint8Array {
  const { link = "originalUnicast", destination, priority = 0 } = sending;
  const npdu = encodeNpdu({
    expectingReply: false,
    priority,
    ...(destination === undefined ? {} : { destination: { ...destination, hopCount: HOP_COUNT } }),
    message: encodeNetworkMessage(message),
  });
  return encodeBvlc({ function: link, npdu });
}

/** Puts an APDU into a unicast datagram; `station` is one behind the router that is addressed. [BACnet 6.2.2] */
export function encodeFrame(apdu: Apdu, station?: NetworkAddress): Uint8Array {
  return encodeApduFrame(apdu, station === undefined ? {} : { destination: station });
}

/** Puts an APDU into a datagram for all devices of the local network. [BACnet J.2.12] */
export function encodeBroadcastFrame(apdu: Apdu): Uint8Array {
  return encodeApduFrame(apdu, { link: "originalBroadcast" });
}
