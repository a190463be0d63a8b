import type { ObjectId } from "../content.ts";
import { objectId } from "../context.ts";
import { decodeBody, encodeBody, type Field, listOf, rowsOf, sequence } from "../fields.ts";
import { type PropertyValue, propertyValue } from "../references.ts";

/** Writes to one object. */
export interface WriteSpecification {
  readonly object: ObjectId;
  readonly properties: readonly PropertyValue[];
}

const specifications: Field<readonly WriteSpecification[]> = rowsOf(
  sequence<WriteSpecification>({ object: objectId(0), properties: listOf(1, propertyValue) }),
);

/** Body of a WritePropertyMultiple request (16); answered by a SimpleACK or a WriteMultipleError. [BACnet 15.10] @throws BACNET_MALFORMED */
export function encodeWritePropertyMultiple(writes: readonly WriteSpecification[]): Uint8Array {
  return encodeBody(specifications, writes);
}

/** @throws BACNET_MALFORMED */
export function decodeWritePropertyMultiple(body: Uint8Array): readonly WriteSpecification[] {
  return decodeBody(specifications, body);
}
