import type { ObjectId } from "../content.ts";
import { objectId, unsigned } from "../context.ts";
import { anyValues, decodeBody, encodeBody, type Field, optional, sequence } from "../fields.ts";
import type { BacnetValue } from "../values.ts";

/** AddListElement (8) and RemoveListElement (9); answered by a SimpleACK or a ChangeListError. [BACnet 15.1, 15.2] */
export interface ChangeList {
  readonly object: ObjectId;
  readonly property: number;
  readonly index?: number;
  /** The elements in a row, e.g. by rawList(destination, ...). */
  readonly elements: readonly BacnetValue[];
}

const changeList: Field<ChangeList> = sequence<ChangeList>({
  object: objectId(0),
  property: unsigned(1),
  index: optional(unsigned(2)),
  elements: anyValues(3),
});

/** Body of an AddListElement or RemoveListElement request. @throws BACNET_MALFORMED */
export function encodeChangeList(request: ChangeList): Uint8Array {
  return encodeBody(changeList, request);
}

/** @throws BACNET_MALFORMED */
export function decodeChangeList(body: Uint8Array): ChangeList {
  return decodeBody(changeList, body);
}
