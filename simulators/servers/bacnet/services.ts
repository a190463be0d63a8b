import type { Apdu, ConfirmedRequest } from "#protocols/bacnet/codec/apdu.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, OBJECT_TYPES, REJECT } from "#protocols/bacnet/codec/enums.ts";
import type { Peer } from "#protocols/bacnet/codec/frame.ts";
import { decodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import { type ErrorPair, encodeError } from "#protocols/bacnet/codec/services/error.ts";
import {
  decodeReadProperty,
  decodeReadPropertyMultiple,
  decodeWriteProperty,
  encodeReadPropertyAck,
  encodeReadPropertyMultipleAck,
  type ReadResult,
} from "#protocols/bacnet/codec/services/property.ts";
import { type ObjectId, objectIdWord } from "#protocols/bacnet/codec/values.ts";
import type { CovEngine } from "./cov-engine.ts";
import { expandReferences, readReferenced, type ServedObject } from "./served-object.ts";
import { SignalObject } from "./signal-object.ts";

/** The objects of one device and its COV engine. */
export interface ServiceContext {
  /** The Device object. */
  readonly device: ServedObject;
  /** Every object, the Device among them, by `objectIdWord`. */
  readonly objects: ReadonlyMap<number, ServedObject>;
  readonly cov: CovEngine;
  /** ReadPropertyMultiple can be missing, as in simple controllers. */
  readonly readsMultiple: boolean;
}

// [BACnet 15.5.2] the wildcard instance means "the Device object of whoever reads this"
const WILDCARD_INSTANCE = 4_194_303;
const UNKNOWN_OBJECT: ErrorPair = { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.unknownObject };

function find(context: ServiceContext, id: ObjectId): ServedObject | undefined {
  if (id.type === OBJECT_TYPES.device && id.instance === WILDCARD_INSTANCE) return context.device;
  return context.objects.get(objectIdWord(id));
}

/** Answers a confirmed request. @throws BACNET_MALFORMED when its body does not decode */
export function answer(context: ServiceContext, peer: Peer, request: ConfirmedRequest): Apdu {
  switch (request.service) {
    case CONFIRMED.readProperty:
      return readProperty(context, request);
    case CONFIRMED.readPropertyMultiple:
      return context.readsMultiple ? readPropertyMultiple(context, request) : unrecognized(request);
    case CONFIRMED.writeProperty:
      return writeProperty(context, request);
    case CONFIRMED.subscribeCov:
      return subscribeCov(context, peer, request);
    default:
      return unrecognized(request);
  }
}

function unrecognized({ invokeId }: ConfirmedRequest): Apdu {
  return { type: "reject", invokeId, reason: REJECT.unrecognizedService };
}

function failed({ invokeId, service }: ConfirmedRequest, error: ErrorPair): Apdu {
  return { type: "error", invokeId, service, body: encodeError(error) };
}

function acknowledged({ invokeId, service }: ConfirmedRequest): Apdu {
  return { type: "simpleAck", invokeId, service };
}

function readProperty(context: ServiceContext, request: ConfirmedRequest): Apdu {
  const asked = decodeReadProperty(request.body);
  const object = find(context, asked.object);
  if (object === undefined) return failed(request, UNKNOWN_OBJECT);
  const result = readReferenced(object, asked);
  if ("error" in result) return failed(request, result.error);
  const body = encodeReadPropertyAck({ ...asked, object: object.id, values: result.values });
  return { type: "complexAck", invokeId: request.invokeId, service: request.service, body };
}

function readPropertyMultiple(context: ServiceContext, request: ConfirmedRequest): Apdu {
  const asked = decodeReadPropertyMultiple(request.body);
  if (asked.length === 0) {
    return { type: "reject", invokeId: request.invokeId, reason: REJECT.missingRequiredParameter };
  }
  const results: ReadResult[] = asked.map(({ object: id, properties }) => {
    const object = find(context, id);
    return {
      object: object?.id ?? id,
      results: expandReferences(object, properties).map((reference) =>
        object === undefined ? { ...reference, error: UNKNOWN_OBJECT } : readReferenced(object, reference),
      ),
    };
  });
  const body = encodeReadPropertyMultipleAck(results);
  return { type: "complexAck", invokeId: request.invokeId, service: request.service, body };
}

function writeProperty(context: ServiceContext, request: ConfirmedRequest): Apdu {
  const asked = decodeWriteProperty(request.body);
  const { priority } = asked;
  if (priority !== undefined && (priority < 1 || priority > 16)) {
    return { type: "reject", invokeId: request.invokeId, reason: REJECT.parameterOutOfRange };
  }
  const object = find(context, asked.object);
  const error = object === undefined ? UNKNOWN_OBJECT : object.write(asked);
  return error === undefined ? acknowledged(request) : failed(request, error);
}

function subscribeCov(context: ServiceContext, peer: Peer, request: ConfirmedRequest): Apdu {
  const asked = decodeSubscribeCov(request.body);
  const object = find(context, asked.object);
  if (object === undefined) return failed(request, UNKNOWN_OBJECT);
  if (!(object instanceof SignalObject)) {
    return failed(request, {
      errorClass: ERROR_CLASS.object,
      errorCode: ERROR_CODE.optionalFunctionalityNotSupported,
    });
  }
  const error = context.cov.subscribe(peer, object, asked);
  return error === undefined ? acknowledged(request) : failed(request, error);
}
