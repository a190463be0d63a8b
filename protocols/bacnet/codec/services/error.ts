import { Reader, type Writer } from "../bytes.ts";
import type { ObjectId } from "../content.ts";
import { objectId, unsigned } from "../context.ts";
import {
  anyValues,
  application,
  choice,
  decodeBody,
  encodeBody,
  type Field,
  optional,
  sequence,
  wrapped,
} from "../fields.ts";
import {
  type ObjectPropertyReference,
  objectPropertyReference,
  type PropertyReference,
  propertyReference,
} from "../references.ts";
import { atOpening, expectOpening } from "../tags.ts";
import { type BacnetValue, writeValue } from "../values.ts";

/** Error class and code as the device gave them. [BACnet 18] */
export interface ErrorPair {
  readonly errorClass: number;
  readonly errorCode: number;
}

/** Error: class and code, both application enumerated. [BACnet 21] */
export const errorPair: Field<ErrorPair> = sequence<ErrorPair>({
  errorClass: application("enumerated"),
  errorCode: application("enumerated"),
});

/** Reads class and code. @throws BACNET_MALFORMED */
export function readErrorPair(reader: Reader): ErrorPair {
  return errorPair.read(reader);
}

/** Writes class and code. */
export function writeErrorPair(writer: Writer, { errorClass, errorCode }: ErrorPair): void {
  writeValue(writer, { type: "enumerated", value: errorClass });
  writeValue(writer, { type: "enumerated", value: errorCode });
}

/**
 * Class and code of any Error PDU. Services with more detail wrap the pair in context tag 0; SubscribeCOVPropertyMultiple
 * has it behind the subscription that failed. @throws BACNET_MALFORMED
 */
export function decodeError(body: Uint8Array): ErrorPair {
  const reader = new Reader(body);
  if (atOpening(reader, 1)) return pairOf(decodeSubscribeMultipleError(body));
  if (atOpening(reader, 0)) expectOpening(reader, 0);
  return readErrorPair(reader);
}

/** Body of an Error PDU. */
export function encodeError(error: ErrorPair): Uint8Array {
  return encodeBody(errorPair, error);
}

/** Error of AddListElement, RemoveListElement and CreateObject: which element failed, counted from 1; 0 where none did. [BACnet 15.1.1.3, 15.3.1.3] */
export interface ListError {
  readonly error: ErrorPair;
  readonly firstFailedElementNumber: number;
}

const listError: Field<ListError> = sequence<ListError>({
  error: wrapped(0, errorPair),
  firstFailedElementNumber: unsigned(1),
});

/** Body of an Error PDU of a list service or CreateObject. */
export function encodeListError(error: ListError): Uint8Array {
  return encodeBody(listError, error);
}

/** @throws BACNET_MALFORMED, also for the plain form: take decodeError then */
export function decodeListError(body: Uint8Array): ListError {
  return decodeBody(listError, body);
}

/** Error of WritePropertyMultiple: the writes before the first failed one were done. [BACnet 15.10.1.3] */
export interface WriteMultipleError {
  readonly error: ErrorPair;
  readonly firstFailedWriteAttempt: ObjectPropertyReference;
}

const writeMultipleError: Field<WriteMultipleError> = sequence<WriteMultipleError>({
  error: wrapped(0, errorPair),
  firstFailedWriteAttempt: wrapped(1, objectPropertyReference),
});

/** Body of an Error PDU of WritePropertyMultiple. */
export function encodeWriteMultipleError(error: WriteMultipleError): Uint8Array {
  return encodeBody(writeMultipleError, error);
}

/** @throws BACNET_MALFORMED, also for the plain form: take decodeError then */
export function decodeWriteMultipleError(body: Uint8Array): WriteMultipleError {
  return decodeBody(writeMultipleError, body);
}

/** Error of SubscribeCOVPropertyMultiple: of the request as a whole, or of the first subscription that failed. [BACnet 13.16.1.2] */
export type SubscribeMultipleError =
  | { readonly type: "request"; readonly value: ErrorPair }
  | {
      readonly type: "firstFailedSubscription";
      readonly value: {
        readonly object: ObjectId;
        readonly monitoredProperty: PropertyReference;
        readonly error: ErrorPair;
      };
    };

const subscribeMultipleError: Field<SubscribeMultipleError> = choice<SubscribeMultipleError>(
  "SubscribeCOVPropertyMultiple-Error",
  {
    request: wrapped(0, errorPair),
    firstFailedSubscription: wrapped(
      1,
      sequence<Extract<SubscribeMultipleError, { type: "firstFailedSubscription" }>["value"]>({
        object: objectId(0),
        monitoredProperty: wrapped(1, propertyReference),
        error: wrapped(2, errorPair),
      }),
    ),
  },
);

/** Body of an Error PDU of SubscribeCOVPropertyMultiple. */
export function encodeSubscribeMultipleError(error: SubscribeMultipleError): Uint8Array {
  return encodeBody(subscribeMultipleError, error);
}

/** @throws BACNET_MALFORMED, also for the plain form: take decodeError then */
export function decodeSubscribeMultipleError(body: Uint8Array): SubscribeMultipleError {
  return decodeBody(subscribeMultipleError, body);
}

function pairOf(error: SubscribeMultipleError): ErrorPair {
  return error.type === "request" ? error.value : error.value.error;
}

/** Error of ConfirmedPrivateTransfer. [BACnet 16.2.1.3] */
export interface PrivateTransferError {
  readonly error: ErrorPair;
  readonly vendorId: number;
  readonly serviceNumber: number;
  readonly errorParameters?: readonly BacnetValue[];
}

const privateTransferError: Field<PrivateTransferError> = sequence<PrivateTransferError>({
  error: wrapped(0, errorPair),
  vendorId: unsigned(1),
  serviceNumber: unsigned(2),
  errorParameters: optional(anyValues(3)),
});

/** @throws BACNET_MALFORMED, also for the plain form: take decodeError then */
export function decodePrivateTransferError(body: Uint8Array): PrivateTransferError {
  return decodeBody(privateTransferError, body);
}
