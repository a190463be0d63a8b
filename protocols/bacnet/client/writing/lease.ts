import { PROPERTIES } from "../../codec/enums.ts";
import type { Peer } from "../../codec/frame.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "../../codec/values.ts";
import type { Target } from "../map.ts";
import { bytesOf } from "../whereabouts.ts";

/** A peer as it is kept on the disk. */
export interface Where {
  readonly host: string;
  readonly port: number;
  /** Station behind a router: its network and its address there, hexadecimal. */
  readonly station?: { readonly net: number; readonly mac: string };
}

/** Address for the disk. */
export function whereOf({ host, port, station }: Peer): Where {
  if (station === undefined) return { host, port };
  const mac = Array.from(station.mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { host, port, station: { net: station.net, mac } };
}

/** Address from the disk. */
export function peerOf({ host, port, station }: Where): Peer {
  if (station === undefined) return { host, port };
  return { host, port, station: { net: station.net, mac: bytesOf(station.mac) } };
}

/**
 * What was written to a commandable object for somebody: given back (NULL at that priority) when its time is over, or when
 * whoever wanted it is gone. Without `expiresAt` it lasts until then.
 */
export interface Lease {
  /** Device instance. */
  readonly instance: number;
  readonly object: ObjectId;
  /** 1-16. */
  readonly priority: number;
  readonly value: BacnetValue;
  /** What we wrote there before, while it is not known whether the device took `value`: one of them still stands. */
  readonly former?: readonly BacnetValue[];
  readonly point: string;
  /** `user`, `token:<name>`, `rule:<id>`, as the request named it. */
  readonly owner?: string;
  /** When it was written, Unix ms. */
  readonly at: number;
  /** Unix ms. */
  readonly expiresAt?: number;
  /** Where the device was when it was written: it may have left the configuration when it is given back. */
  readonly where: Where;
  /** It is to be given back now, whatever its time. */
  readonly ended?: true;
}

/** Identity of a slot of a priority array. */
export function leaseKey({ instance, object, priority }: Pick<Lease, "instance" | "object" | "priority">): string {
  return `${instance} ${objectIdWord(object)} ${priority}`;
}

/** Has the target a priority array to hold a lease in? Only present values have. [BACnet 19.2] */
export function isLeasable({ property, index }: Target): boolean {
  return property === PROPERTIES.presentValue && index === undefined;
}
