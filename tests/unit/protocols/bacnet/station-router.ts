import { silentLogger } from "#core/logger.ts";
import {
  decodeBvlc,
  decodeNpdu,
  type Endpoint,
  encodeBvlc,
  encodeNpdu,
  type Npdu,
} from "#protocols/bacnet/codec/link.ts";
import { decodeNetworkMessage, encodeNetworkMessage, type NetworkMessage } from "#protocols/bacnet/codec/network.ts";
import type { DatagramPort, Interface, OpenPort } from "#protocols/bacnet/station/datagrams.ts";

/** A BACnet router with one port on an IP network and one on a network of its own, whose addresses are of one byte. [BACnet 6.6] */
export interface Router {
  /** Network layer message to everybody on the IP side, or to one. */
  say(message: NetworkMessage, to?: Endpoint): void;
  close(): Promise<void>;
}

/** One side of a router: its network number, its interface and how addresses are written there. */
export interface RouterSide {
  readonly net: number;
  readonly at: Interface;
  readonly open: OpenPort;
  addressOf(mac: Uint8Array): Endpoint;
  macOf(endpoint: Endpoint): Uint8Array;
}

/** The addresses of BACnet/IP: four bytes of host, two of port. [BACnet J.1.2] */
export const ipAddresses: Pick<RouterSide, "addressOf" | "macOf"> = {
  addressOf: (mac) => ({ host: mac.subarray(0, 4).join("."), port: ((mac[4] ?? 0) << 8) | (mac[5] ?? 0) }),
  macOf: ({ host, port }) => Uint8Array.from([...host.split(".").map(Number), port >> 8, port & 0xff]),
};

/** Opens a router between two sides. */
export async function openRouter(ip: RouterSide, field: RouterSide): Promise<Router> {
  const ports: DatagramPort[] = [];
  const sides = [ip, field];
  const send = (side: number, npdu: Npdu, to: Endpoint | undefined): void => {
    const destination = to ?? sides[side]?.at.broadcast;
    if (destination === undefined) return;
    const kind = to === undefined ? "originalBroadcast" : "originalUnicast";
    ports[side]?.send(encodeBvlc({ function: kind, npdu: encodeNpdu(npdu) }), destination);
  };
  const say = (side: number, message: NetworkMessage, to?: Endpoint): void =>
    send(side, { expectingReply: false, priority: 0, message: encodeNetworkMessage(message) }, to);
  const answer = (side: number, there: RouterSide, message: NetworkMessage): void => {
    const isAskedFor = message.type === "whoIsRouter" && (message.net === undefined || message.net === there.net);
    if (isAskedFor) say(side, { type: "iAmRouter", nets: [there.net] });
  };
  const passOn = (side: number, here: RouterSide, there: RouterSide, npdu: Npdu, from: Endpoint): void => {
    const { destination, apdu } = npdu;
    if (destination === undefined) return;
    const source = { net: here.net, mac: here.macOf(from) };
    const { expectingReply, priority } = npdu;
    const passedOn: Npdu = { expectingReply, priority, source, ...(apdu === undefined ? {} : { apdu }) };
    if (destination.net === 0xffff) send(1 - side, { ...passedOn, destination }, undefined);
    else if (destination.net !== there.net) say(side, { type: "reject", reason: 1, net: destination.net }, from);
    else send(1 - side, passedOn, destination.mac.length === 0 ? undefined : there.addressOf(destination.mac));
  };
  const received = (side: number, datagram: Uint8Array, from: Endpoint): void => {
    const here = sides[side];
    const there = sides[1 - side];
    const bvlc = decodeBvlc(datagram);
    if (here === undefined || there === undefined || !("npdu" in bvlc)) return;
    if (from.host === here.at.host && from.port === ports[side]?.local.port) return;
    const npdu = decodeNpdu(bvlc.npdu);
    if (npdu.message === undefined) passOn(side, here, there, npdu, from);
    else answer(side, there, decodeNetworkMessage(npdu.message));
  };
  for (const [side, { at, open }] of sides.entries()) {
    const listener = {
      received: (datagram: Uint8Array, from: Endpoint) => received(side, datagram, from),
      notSent: () => {},
    };
    ports.push(await open(at, listener, silentLogger));
  }
  return {
    say: (message, to) => say(0, message, to),
    close: async () => {
      for (const port of ports) await port.close();
    },
  };
}
