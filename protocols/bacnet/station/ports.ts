import type { Peer } from "../codec/frame.ts";
import type { Endpoint } from "../codec/link.ts";
import type { ErrorPair } from "../codec/services/error.ts";

/** How a confirmed request ended. `cancelled`: the caller or the station gave it up. `timeout`: the peer did not answer any attempt. */
export type Outcome =
  | { readonly kind: "ack"; readonly body: Uint8Array }
  | {
      readonly kind: "error";
      readonly error: ErrorPair /** Whole error parameters, for services whose error says more. */;
      readonly body: Uint8Array;
    }
  | { readonly kind: "reject" | "abort"; readonly reason: number }
  | { readonly kind: "timeout" }
  | { readonly kind: "cancelled" };

/** What is known of a peer's abilities, from its I-Am. */
export interface PeerLimits {
  /** Largest APDU it takes, bytes, 50-1476. */
  readonly maxApdu: number;
  /** Does it take requests in segments (Segmentation_Supported both or receive)? */
  readonly takesSegments: boolean;
}

/**
 * One confirmed request. A body that does not fit the peer's APDU goes out in segments where the peer takes them; otherwise the
 * outcome is an abort `apduTooLong` and nothing is sent. Without limits it goes out whole, up to what BACnet/IP allows.
 */
export interface Request {
  readonly peer: Peer;
  /** Confirmed service choice. */
  readonly service: number;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  readonly limits?: PeerLimits;
  /** Network priority 0 normal to 3 life safety; 0 when absent. [BACnet 6.2.2] */
  readonly priority?: 0 | 1 | 2 | 3;
}

/** Where an unconfirmed message goes: to one peer, to everybody on the own network, on all networks, or on one network behind a router. */
export type Destination = Peer | { readonly broadcast: "local" | "global" | number };

/** An unconfirmed request that came in. `peer` is whom to answer: never a BBMD, always the station behind a router. */
export interface Announcement {
  readonly peer: Peer;
  readonly service: number;
  readonly body: Uint8Array;
}

/** A confirmed request that came in whole (its segments joined). */
export interface Question extends Announcement {
  /** Largest answer that the requester takes in one APDU, bytes. */
  readonly maxApdu: number;
}

/** Answer to a question. An `ack` without a body is a SimpleACK; a large one goes out in segments or, where it cannot, is aborted. */
export type Reply =
  | { readonly kind: "ack"; readonly body?: Uint8Array }
  | { readonly kind: "error"; readonly body: Uint8Array }
  | { readonly kind: "reject" | "abort"; readonly reason: number }
  /** No answer at all: the peer will ask again. For a notification that could not be stored. */
  | { readonly kind: "silence" };

/** Who takes what comes in. Both are guarded: what they throw is counted and logged, and ends nothing. */
export interface StationHandlers {
  announced(message: Announcement): void;
  /** Called once for each transaction: a repetition of the request while it is answered is not asked again. [BACnet 5.4.5] */
  asked(question: Question): Reply | Promise<Reply>;
}

/** A BACnet station: what client, server and explorer speak through, whatever the network is made of. */
export interface Station {
  /** Asks a peer; paced, repeated and limited per peer and per network behind a router. Never rejects. */
  request(request: Request): Promise<Outcome>;
  /** Sends an unconfirmed request. @throws BACNET_MALFORMED when it does not fit one APDU */
  announce(service: number, body: Uint8Array, to: Destination): void;
  /**
   * The router that leads to a network, asked for by Who-Is-Router-To-Network where it is unknown: with a station's address there it
   * makes a peer. Undefined when no router answers or the signal aborts.
   */
  routeTo(net: number, signal: AbortSignal): Promise<Endpoint | undefined>;
}
