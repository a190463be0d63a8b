import { malformed, Reader, Writer } from "../bytes.ts";
import type { PropertyValue } from "../references.ts";
import {
  atClosing,
  atContext,
  expectClosing,
  expectContext,
  expectOpening,
  writeClosing,
  writeOpening,
} from "../tags.ts";
import {
  type ObjectId,
  readObjectId,
  readUnsigned,
  writeContextBoolean,
  writeContextObjectId,
  writeContextUnsigned,
} from "../values.ts";
import { readReference, readValueList, writeValueList } from "./property.ts";

/** SubscribeCOV; without `confirmed` and `lifetimeS` it cancels. `lifetimeS` 0 is indefinite. [BACnet 13.14] */
export interface SubscribeCov {
  readonly processId: number;
  readonly object: ObjectId;
  readonly subscription?: { readonly confirmed: boolean; readonly lifetimeS: number };
}

/** A property in a COV notification. */
export type CovValue = PropertyValue;

/** A COV notification, confirmed or not. [BACnet 13.6, 13.7] */
export interface CovNotification {
  readonly processId: number;
  readonly device: ObjectId;
  readonly object: ObjectId;
  /** 0 where the subscription never ends. */
  readonly timeRemainingS: number;
  readonly values: readonly PropertyValue[];
}

/** Body of a SubscribeCOV request. */
export function encodeSubscribeCov(request: SubscribeCov): Uint8Array {
  const writer = new Writer();
  writeContextUnsigned(writer, 0, request.processId);
  writeContextObjectId(writer, 1, request.object);
  if (request.subscription !== undefined) {
    writeContextBoolean(writer, 2, request.subscription.confirmed);
    writeContextUnsigned(writer, 3, request.subscription.lifetimeS);
  }
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeSubscribeCov(body: Uint8Array): SubscribeCov {
  const reader = new Reader(body);
  const processId = readUnsigned(reader, expectContext(reader, 0));
  const object = readObject(reader, 1);
  if (reader.remaining === 0) return { processId, object };
  const confirmed = readUnsigned(reader, expectContext(reader, 2)) !== 0;
  // [BACnet 13.14.1.5] absent lifetime means indefinite
  const lifetimeS = atContext(reader, 3) ? readUnsigned(reader, expectContext(reader, 3)) : 0;
  if (reader.remaining > 0) throw malformed("bytes after SubscribeCOV");
  return { processId, object, subscription: { confirmed, lifetimeS } };
}

function readObject(reader: Reader, tag: number): ObjectId {
  if (expectContext(reader, tag) !== 4) throw malformed("an object identifier has four bytes");
  return readObjectId(reader);
}

/** Body of a confirmed or unconfirmed COV notification. */
export function encodeCovNotification(notification: CovNotification): Uint8Array {
  const writer = new Writer();
  writeContextUnsigned(writer, 0, notification.processId);
  writeContextObjectId(writer, 1, notification.device);
  writeContextObjectId(writer, 2, notification.object);
  writeContextUnsigned(writer, 3, notification.timeRemainingS);
  writeOpening(writer, 4);
  for (const { property, index, values, priority } of notification.values) {
    writeContextUnsigned(writer, 0, property);
    if (index !== undefined) writeContextUnsigned(writer, 1, index);
    writeValueList(writer, 2, values);
    if (priority !== undefined) writeContextUnsigned(writer, 3, priority);
  }
  writeClosing(writer, 4);
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeCovNotification(body: Uint8Array): CovNotification {
  const reader = new Reader(body);
  const processId = readUnsigned(reader, expectContext(reader, 0));
  const device = readObject(reader, 1);
  const object = readObject(reader, 2);
  const timeRemainingS = readUnsigned(reader, expectContext(reader, 3));
  expectOpening(reader, 4);
  const values: PropertyValue[] = [];
  while (!atClosing(reader, 4)) {
    const reference = readReference(reader, 0);
    const list = readValueList(reader, 2);
    const priority = atContext(reader, 3) ? { priority: readUnsigned(reader, expectContext(reader, 3)) } : {};
    values.push({ ...reference, values: list, ...priority });
  }
  expectClosing(reader, 4);
  if (reader.remaining > 0) throw malformed("bytes after the COV notification");
  return { processId, device, object, timeRemainingS, values };
}
