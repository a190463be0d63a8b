import { type Apdu, decodeApdu, encodeApdu, writeApdu } from "../codec/apdu.ts";
import { malformed } from "../codec/bytes.ts";
import { GLOBAL_BROADCAST, type Peer } from "../codec/frame.ts";
import {
  decodeNpdu,
  type Endpoint,
  encodeNpdu,
  encodeUnicast,
  MAX_APDU,
  type NetworkAddress,
  type Npdu,
  writeNpduHead,
} from "../codec/link.ts";
import { decodeNetworkMessage, encodeNetworkMessage, NETWORK_REJECT, type NetworkMessage } from "../codec/network.ts";
import type { Anomalies } from "./anomalies.ts";
import type { StationCounting } from "./counters.ts";
import type { Links } from "./links.ts";
import type { Pacer } from "./pacer.ts";
import type { Destination } from "./ports.ts";
import type { Routes } from "./routes.ts";

/** What came in with an APDU. */
export interface Envelope {
  /** Whom to answer: never a BBMD, always the station behind a router. */
  readonly peer: Peer;
  /** 0 normal to 3 life safety. */
  readonly priority: number;
  /** It was not sent to us alone. */
  readonly broadcast: boolean;
}

/** What the network layer needs. */
export interface NetworkDeps {
  readonly counters: StationCounting;
  readonly anomalies: Anomalies;
  readonly links: Links;
  readonly routes: Routes;
  readonly pacer: Pacer;
  arrived(apdu: Apdu, envelope: Envelope): void;
}

// [BACnet 6.6.3.6] how long a network is left alone whose router says that it is busy
const BUSY_MS = 30_000;
const HOP_COUNT = 255;
const EVERYBODY = new Uint8Array();

/** The network layer of a station that is no router. [BACnet 6] */
export class Network {
  readonly #deps: NetworkDeps;

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
  }

  /** Sends to one peer. */
  send(peer: Peer, apdu: Apdu, priority: number): void {
    const { station } = peer;
    const npdu = headOf(apdu, priority, station);
    const datagram = encodeUnicast((writer) => void writeApdu(writeNpduHead(writer, npdu), apdu));
    this.#deps.links.send(datagram, peer);
  }

  /** Sends an unconfirmed request. @throws BACNET_MALFORMED when it does not fit one APDU */
  announce(apdu: Extract<Apdu, { type: "unconfirmedRequest" }>, to: Destination): void {
    if (apdu.body.length + 2 > MAX_APDU) throw malformed(`${apdu.body.length} bytes do not fit an unconfirmed request`);
    if (!("broadcast" in to)) {
      this.send(to, apdu, 0);
      return;
    }
    const { links, routes } = this.#deps;
    if (to.broadcast === "local") {
      links.broadcast(npduOf(apdu, 0, undefined));
      return;
    }
    const net = to.broadcast === "global" ? GLOBAL_BROADCAST : to.broadcast;
    const npdu = npduOf(apdu, 0, { net, mac: EVERYBODY });
    const router = routes.get(net);
    // [BACnet 6.5.3] with the router unknown, all of them hear it and the right one passes it on
    if (router === undefined) links.broadcast(npdu);
    else links.unicast(npdu, router);
  }

  /** Asks which router leads to a network. [BACnet 6.4.1] */
  whoIsRouter(net: number): void {
    const message = encodeNetworkMessage({ type: "whoIsRouter", net });
    this.#deps.links.broadcast(encodeNpdu({ expectingReply: false, priority: 0, message }));
  }

  received(bytes: Uint8Array, from: Endpoint, broadcast: boolean): void {
    const { anomalies, counters } = this.#deps;
    anomalies.guard(from, "malformedNetwork", () => {
      const npdu = decodeNpdu(bytes);
      // only what is for everybody comes to a station that is no router, besides what is for itself [BACnet 6.5.2.1]
      if (npdu.destination !== undefined && npdu.destination.net !== GLOBAL_BROADCAST) counters.add("notForUs");
      else if (npdu.message !== undefined) this.#message(decodeNetworkMessage(npdu.message), from);
      else this.#apdu(npdu, from, broadcast || npdu.destination !== undefined);
    });
  }

  #apdu(npdu: Npdu, { host, port }: Endpoint, broadcast: boolean): void {
    const { source, priority } = npdu;
    if (source !== undefined) this.#deps.routes.learn(source.net, { host, port });
    const peer: Peer = source === undefined ? { host, port } : { host, port, station: source };
    this.#deps.anomalies.guard(peer, "malformedApdu", () => {
      this.#deps.arrived(decodeApdu(npdu.apdu ?? EVERYBODY), { peer, priority, broadcast });
    });
  }

  #message(message: NetworkMessage, from: Endpoint): void {
    const { counters, routes } = this.#deps;
    counters.add("networkMessages");
    switch (message.type) {
      case "iAmRouter":
        for (const net of message.nets) routes.learn(net, from);
        break;
      case "reject":
        if (message.reason === NETWORK_REJECT.busy) this.#pause([message.net], from, BUSY_MS);
        else if (message.reason === NETWORK_REJECT.unreachable || message.reason === NETWORK_REJECT.other) {
          routes.lose(message.net, from);
        }
        break;
      case "routerBusy":
        this.#pause(message.nets, from, BUSY_MS);
        break;
      case "routerAvailable":
        this.#pause(message.nets, from, 0);
        break;
      default:
        // the rest is for routers
        break;
    }
  }

  #pause(nets: readonly number[], from: Endpoint, ms: number): void {
    const { routes, pacer, counters } = this.#deps;
    const served = routes.netsOf(from);
    // a router speaks for the networks that it leads to; an empty list is all of them
    for (const net of served) {
      if (nets.length > 0 && !nets.includes(net)) continue;
      if (ms > 0) counters.add("networksBusy");
      pacer.pause(net, ms);
    }
  }
}

function npduOf(apdu: Apdu, priority: number, destination: NetworkAddress | undefined): Uint8Array {
  return encodeNpdu({ ...headOf(apdu, priority, destination), apdu: encodeApdu(apdu) });
}

function headOf(apdu: Apdu, priority: number, destination: NetworkAddress | undefined): Npdu {
  return {
    expectingReply: apdu.type === "confirmedRequest" || (apdu.type === "complexAck" && apdu.segment !== undefined),
    priority,
    ...(destination === undefined ? {} : { destination: { ...destination, hopCount: HOP_COUNT } }),
  };
}
