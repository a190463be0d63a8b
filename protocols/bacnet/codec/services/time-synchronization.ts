import { decodeBody, encodeBody } from "../fields.ts";
import { type BacnetDateTime, dateTime } from "../timestamp.ts";

/** Body of a TimeSynchronization (6, local time) or UTCTimeSynchronization (9). [BACnet 16.7, 16.8] @throws BACNET_MALFORMED */
export function encodeTimeSynchronization(moment: BacnetDateTime): Uint8Array {
  return encodeBody(dateTime, moment);
}

/** @throws BACNET_MALFORMED */
export function decodeTimeSynchronization(body: Uint8Array): BacnetDateTime {
  return decodeBody(dateTime, body);
}
