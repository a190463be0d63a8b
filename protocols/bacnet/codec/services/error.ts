import { malformed, Reader, Writer } from "../bytes.ts";
import { atOpening, expectOpening } from "../tags.ts";
import { readValue, writeValue } from "../values.ts";

/** Error class and code as the device gave them. [BACnet 18] */
export interface ErrorPair {
  readonly errorClass: number;
  readonly errorCode: number;
}

/** Reads class and code, both application enumerated. @throws BACNET_MALFORMED */
export function readErrorPair(reader: Reader): ErrorPair {
  const errorClass = readValue(reader);
  const errorCode = readValue(reader);
  if (errorClass.type !== "enumerated" || errorCode.type !== "enumerated")
    throw malformed("error without class or code");
  return { errorClass: errorClass.value, errorCode: errorCode.value };
}

/** Body of an Error PDU; services with more detail wrap the pair in context tag 0. @throws BACNET_MALFORMED */
export function decodeError(body: Uint8Array): ErrorPair {
  const reader = new Reader(body);
  if (atOpening(reader, 0)) expectOpening(reader, 0);
  return readErrorPair(reader);
}

/** Body of an Error PDU. */
export function encodeError(error: ErrorPair): Uint8Array {
  const writer = new Writer();
  writeValue(writer, { type: "enumerated", value: error.errorClass });
  writeValue(writer, { type: "enumerated", value: error.errorCode });
  return writer.done();
}
