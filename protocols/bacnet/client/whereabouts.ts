import { ERROR_CODE, UNCONFIRMED } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import type { Endpoint } from "../codec/link.ts";
import { encodeWhoIs } from "../codec/services/discovery.ts";
import type { BacnetDevice } from "../config.ts";
import { BACNET_PORT } from "../settings.ts";
import type { Destination, Outcome, Station } from "../station/ports.ts";

/** Devices behind a router are mostly on MS/TP, whose frames hold no more. [BACnet 6.1, Table 6-1] */
const ROUTED_MAX_APDU = 480;
const WHOLE_NETWORK = new Uint8Array();

/** Where a device may be: at its configured address, behind its router, where it was seen last, or anywhere. */
export class Whereabouts {
  readonly #instance: number;
  readonly #config: BacnetDevice;
  readonly #endpoint: Endpoint | undefined;
  #lastPeer: Peer | undefined;

  constructor(config: BacnetDevice) {
    const { instance, address } = config;
    this.#instance = instance;
    this.#config = config;
    this.#endpoint = address === undefined ? undefined : { host: address.host, port: address.port ?? BACNET_PORT };
  }

  /** It was reached here. */
  seen(peer: Peer): void {
    this.#lastPeer = peer;
  }

  /** Its address: where it was last, or where it should be; undefined while neither is known. */
  get place(): Peer | undefined {
    return this.#lastPeer ?? this.#configured();
  }

  /** Where it was seen last, else where it is configured; undefined: it is looked for by broadcast only. */
  get first(): Peer | undefined {
    return this.#lastPeer ?? this.#configured() ?? this.#throughRouter();
  }

  /** Bytes that one message to it may have, when it says itself that it takes `own`. */
  maxApduOf(peer: Peer, own: number): number {
    const { maxApdu } = this.#config;
    if (maxApdu !== undefined) return Math.min(maxApdu, own);
    return peer.station === undefined ? own : Math.min(ROUTED_MAX_APDU, own);
  }

  /** Is this the one address where the device should be? */
  isExpectedAt(peer: Peer): boolean {
    const configured = this.#configured();
    return configured !== undefined && peerKey(configured) === peerKey(peer);
  }

  /** Asks for the device wherever it may be. */
  ask(station: Station): void {
    const body = encodeWhoIs({ low: this.#instance, high: this.#instance });
    const places = new Map<string, Destination>();
    for (const peer of [this.#configured() ?? this.#throughRouter(), this.#lastPeer])
      if (peer !== undefined) places.set(peerKey(peer), peer);
    const { network } = this.#config;
    // a device that moved does not answer at its old address
    if (network === undefined) places.set("local", { broadcast: "local" });
    else if (this.#endpoint === undefined || this.#lastPeer !== undefined) {
      places.set("network", { broadcast: network });
    }
    for (const place of places.values()) station.announce(UNCONFIRMED.whoIs, body, place);
  }

  /** The station itself, where the configuration says all of its address. */
  #configured(): Peer | undefined {
    const { network, mac } = this.#config;
    if (this.#endpoint === undefined || network === undefined) return this.#endpoint;
    return mac === undefined ? undefined : { ...this.#endpoint, station: { net: network, mac: bytesOf(mac) } };
  }

  /** Everybody on its network, by the router that the configuration names. [BACnet 6.3.2] */
  #throughRouter(): Peer | undefined {
    const { network } = this.#config;
    if (this.#endpoint === undefined || network === undefined) return undefined;
    return { ...this.#endpoint, station: { net: network, mac: WHOLE_NETWORK } };
  }
}

/** Bytes of a hexadecimal text. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Says what its former address answered, asked for its Device object, that it is not there any more? One that is busy is. */
export function hasLeft(outcome: Outcome): boolean {
  if (outcome.kind === "error") return outcome.error.errorCode === ERROR_CODE.unknownObject;
  return outcome.kind === "timeout";
}
