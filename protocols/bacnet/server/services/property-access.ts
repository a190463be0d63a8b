import { ABORT, REJECT } from "../../codec/enums.ts";
import { encodeWriteMultipleError } from "../../codec/services/error.ts";
import {
  decodeReadProperty,
  decodeReadPropertyMultiple,
  decodeWriteProperty,
  encodeReadPropertyAck,
  encodeReadPropertyMultipleAck,
  type PropertyResult,
  type PropertyWrite,
  type ReadResult,
} from "../../codec/services/property.ts";
import { decodeWritePropertyMultiple } from "../../codec/services/write-property-multiple.ts";
import type { Reply } from "../../station/ports.ts";
import { expandReferences, type Written, writeReferenced } from "../object.ts";
import {
  answered,
  DONE,
  failed,
  objectOf,
  rejected,
  type ServiceContext,
  type ServiceHandler,
  settled,
  UNKNOWN_OBJECT,
} from "./context.ts";

/** [BACnet 15.5] */
export const readProperty: ServiceHandler = (context, { body }) => {
  const asked = decodeReadProperty(body);
  const object = objectOf(context, asked.object);
  if (object === undefined) return failed(UNKNOWN_OBJECT);
  const result = context.read(object, asked);
  if ("error" in result) return failed(result.error);
  return answered(encodeReadPropertyAck({ ...asked, object: object.id, values: result.values }));
};

// far more than fits the largest answer; a small request can ask for the whole device thousands of times
const MAX_VALUES = 300_000;

/** [BACnet 15.7] */
export const readPropertyMultiple: ServiceHandler = (context, { body }) => {
  const asked = decodeReadPropertyMultiple(body);
  if (asked.length === 0) return rejected(REJECT.missingRequiredParameter);
  const answers: ReadResult[] = [];
  let left = MAX_VALUES;
  for (const { object: id, properties } of asked) {
    const object = objectOf(context, id);
    const results: PropertyResult[] = [];
    for (const reference of expandReferences(object, properties)) {
      const result = object === undefined ? { ...reference, error: UNKNOWN_OBJECT } : context.read(object, reference);
      left -= "values" in result ? 1 + result.values.length : 1;
      if (left < 0) return { kind: "abort", reason: ABORT.bufferOverflow };
      results.push(result);
    }
    answers.push({ object: object?.id ?? id, results });
  }
  return answered(encodeReadPropertyMultipleAck(answers));
};

function hasWrongPriority({ priority }: PropertyWrite): boolean {
  return priority !== undefined && (priority < 1 || priority > 16);
}

function write(context: ServiceContext, request: PropertyWrite): Written {
  const object = objectOf(context, request.object);
  return object === undefined ? UNKNOWN_OBJECT : writeReferenced(object, request);
}

/** [BACnet 15.9] */
export const writeProperty: ServiceHandler = (context, { body }) => {
  const asked = decodeWriteProperty(body);
  return hasWrongPriority(asked) ? rejected(REJECT.parameterOutOfRange) : settled(write(context, asked));
};

/** Writes in order, and ends at the first that fails: what came before it stays written. [BACnet 15.10] */
export const writePropertyMultiple: ServiceHandler = (context, { body }): Reply => {
  const writes: readonly PropertyWrite[] = decodeWritePropertyMultiple(body).flatMap(({ object, properties }) =>
    properties.map((write) => ({ object, ...write })),
  );
  if (writes.length === 0) return rejected(REJECT.missingRequiredParameter);
  if (writes.some(hasWrongPriority)) return rejected(REJECT.parameterOutOfRange);
  for (const request of writes) {
    const error = write(context, request);
    if (error === undefined) continue;
    return { kind: "error", body: encodeWriteMultipleError({ error, firstFailedWriteAttempt: request }) };
  }
  return DONE;
};
