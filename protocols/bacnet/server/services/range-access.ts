import { ERROR_CLASS, ERROR_CODE, PROPERTIES } from "../../codec/enums.ts";
import { type ErrorPair, encodeListError } from "../../codec/services/error.ts";
import { decodeChangeList } from "../../codec/services/list-element.ts";
import { decodeReadRange, encodeReadRangeAck, type Range, type ReadRange } from "../../codec/services/read-range.ts";
import { encodeValues } from "../../codec/values.ts";
import type { Reply } from "../../station/ports.ts";
import type { DeviceClock } from "../device-clock.ts";
import { contentOf, isError, type ListFailure, propertyError, type RangedItems, type ServedObject } from "../object.ts";
import { choose, type Wanted } from "../trends/range.ts";
import {
  answered,
  DONE,
  failed,
  objectOf,
  type ServiceContext,
  type ServiceHandler,
  UNKNOWN_OBJECT,
} from "./context.ts";

// header of the ComplexACK, object, property, flags, count, sequence number and the tags around the items
const ACK_OVERHEAD = 3 + 5 + 4 + 3 + 5 + 2 + 6;

function itemsOf(object: ServedObject, { property, index }: ReadRange): RangedItems | ErrorPair {
  const found = object.properties.get(property);
  if (found?.range !== undefined) return found.range();
  const content = contentOf(object, property);
  if (content === undefined) return propertyError(ERROR_CODE.unknownProperty);
  if (isError(content)) return content;
  if (content.kind === "single") return { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.propertyIsNotAlist };
  if (index !== undefined) return propertyError(ERROR_CODE.propertyIsNotAnArray);
  const { elements } = content;
  return { length: elements.length, item: (at) => encodeValues(elements[at] ?? []) };
}

/** Undefined for a time that names no moment. */
function wantedOf(range: Range, clock: DeviceClock): Wanted | undefined {
  const { count } = range.value;
  switch (range.type) {
    case "byPosition":
      return { by: "position", reference: range.value.referenceIndex, count };
    case "bySequenceNumber":
      return { by: "sequence", reference: range.value.referenceSequenceNumber, count };
    case "byTime": {
      const reference = clock.unixMsOf(range.value.referenceTime);
      return reference === undefined ? undefined : { by: "time", reference, count };
    }
    default:
      range satisfies never;
      return undefined;
  }
}

/** Gives as many items as fit one APDU and says whether there are more. [BACnet 15.8] */
export const readRange: ServiceHandler = (context, { body, maxApdu }) => {
  const asked = decodeReadRange(body);
  const object = objectOf(context, asked.object);
  if (object === undefined) return failed(UNKNOWN_OBJECT);
  const items = itemsOf(object, asked);
  if ("errorClass" in items) return failed(items);
  const wanted = asked.range === undefined ? undefined : wantedOf(asked.range, context.clock);
  const invalid = asked.range !== undefined && (wanted === undefined || wanted.count === 0);
  if (invalid) return failed(propertyError(ERROR_CODE.valueOutOfRange));
  const chosen = choose(items, wanted);
  if (chosen === undefined)
    return failed({ errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.parameterOutOfRange });
  const taken: Uint8Array[] = [];
  let space = Math.min(maxApdu, context.maxApdu()) - ACK_OVERHEAD;
  while (taken.length < chosen.count) {
    const item = items.item(chosen.first + taken.length);
    if (item.length > space) break;
    space -= item.length;
    taken.push(item);
  }
  const last = chosen.first + taken.length - 1;
  const bySequence = asked.range !== undefined && asked.range.type !== "byPosition";
  const firstSequenceNumber =
    bySequence && taken.length > 0 && items.sequenceOf !== undefined
      ? { firstSequenceNumber: items.sequenceOf(chosen.first) }
      : {};
  return answered(
    encodeReadRangeAck({
      object: object.id,
      property: asked.property,
      ...(asked.index === undefined ? {} : { index: asked.index }),
      resultFlags: {
        firstItem: taken.length > 0 && chosen.first === 0,
        lastItem: taken.length > 0 && last === items.length - 1,
        moreItems: taken.length < chosen.count,
      },
      itemCount: taken.length,
      itemData: joined(taken),
      ...firstSequenceNumber,
    }),
  );
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function listFailed({ error, element }: ListFailure): Reply {
  return { kind: "error", body: encodeListError({ error, firstFailedElementNumber: element }) };
}

function changeList(change: "add" | "remove"): ServiceHandler {
  return (context: ServiceContext, { body }) => {
    const { object: id, property, elements } = decodeChangeList(body);
    const object = objectOf(context, id);
    if (object === undefined) return listFailed({ error: UNKNOWN_OBJECT, element: 0 });
    const found = object.properties.get(property);
    if (found === undefined && property !== PROPERTIES.propertyList) {
      return listFailed({ error: propertyError(ERROR_CODE.unknownProperty), element: 0 });
    }
    if (found?.change === undefined) {
      const content = found?.read();
      const list = content !== undefined && !isError(content) && content.kind === "list";
      const error = list
        ? propertyError(ERROR_CODE.writeAccessDenied)
        : { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.propertyIsNotAlist };
      return listFailed({ error, element: 0 });
    }
    const failure = found.change(change, elements);
    return failure === undefined ? DONE : listFailed(failure);
  };
}

/** [BACnet 15.1] */
export const addListElement: ServiceHandler = changeList("add");
/** [BACnet 15.2] */
export const removeListElement: ServiceHandler = changeList("remove");
