import { InvalidInputError } from "#core/errors.ts";

/** The four tables of the Modbus data model. [Modbus Application Protocol V1.1b3 4.3] */
export const TABLES = ["coil", "discreteInput", "holdingRegister", "inputRegister"] as const;
export type Table = (typeof TABLES)[number];

/** Largest quantities of one request. [Modbus Application Protocol V1.1b3 6.1, 6.3, 6.11, 6.12, 6.17] */
export const MAX_READ_BITS = 2000;
export const MAX_READ_REGISTERS = 125;
export const MAX_WRITE_BITS = 1968;
export const MAX_WRITE_REGISTERS = 123;
export const MAX_READ_WRITE_REGISTERS = 121;

/** Exception codes. [Modbus Application Protocol V1.1b3 7] */
export const EXCEPTION = {
  illegalFunction: 1,
  illegalDataAddress: 2,
  illegalDataValue: 3,
  serverDeviceFailure: 4,
  acknowledge: 5,
  serverDeviceBusy: 6,
  memoryParityError: 8,
  gatewayPathUnavailable: 10,
  gatewayTargetFailedToRespond: 11,
} as const;

/**
 * One request. Addresses are 0-based, as on the wire. `registers` holds two bytes a register, most significant first. `maskWrite`
 * makes of a register (register AND `and`) OR (`or` AND NOT `and`); `readWrite` writes before it reads. [6.16, 6.17]
 */
export type Request =
  | { readonly kind: "read"; readonly table: Table; readonly address: number; readonly quantity: number }
  | { readonly kind: "writeCoil"; readonly address: number; readonly value: boolean }
  | { readonly kind: "writeRegister"; readonly address: number; readonly registers: Uint8Array }
  | { readonly kind: "writeCoils"; readonly address: number; readonly values: readonly boolean[] }
  | { readonly kind: "writeRegisters"; readonly address: number; readonly registers: Uint8Array }
  | { readonly kind: "maskWrite"; readonly address: number; readonly and: number; readonly or: number }
  | {
      readonly kind: "readWrite";
      readonly address: number;
      readonly quantity: number;
      readonly writeAddress: number;
      readonly registers: Uint8Array;
    };

/**
 * One answer. `data` of a read: bits packed least significant first, padded to whole bytes, or two bytes a register.
 * A write's answer echoes the request and carries nothing more.
 */
export type Answer =
  | { readonly kind: "data"; readonly data: Uint8Array }
  | { readonly kind: "written" }
  | { readonly kind: "exception"; readonly code: number };

/** A request as a server sees it, or the exception it must answer with. */
export type ParsedRequest =
  | Request
  | { readonly kind: "refused"; readonly functionCode: number; readonly code: number };

const READ_FUNCTION: Readonly<Record<Table, number>> = {
  coil: 1,
  discreteInput: 2,
  holdingRegister: 3,
  inputRegister: 4,
};
const WRITE_FUNCTIONS: ReadonlySet<number> = new Set([5, 6, 15, 16, 22, 23]);
const READ_TABLE: ReadonlyMap<number, Table> = new Map(TABLES.map((table) => [READ_FUNCTION[table], table]));

/** True for the two tables whose elements are single bits. */
export function isBitTable(table: Table): boolean {
  return table === "coil" || table === "discreteInput";
}

/** Bytes of data that the answer to a read of `quantity` bits or registers carries. */
export function dataLength(table: Table, quantity: number): number {
  return isBitTable(table) ? Math.ceil(quantity / 8) : quantity * 2;
}

/** Function code of a request. [Modbus Application Protocol V1.1b3 5.1] */
export function functionCode(request: Request): number {
  switch (request.kind) {
    case "read":
      return READ_FUNCTION[request.table];
    case "writeCoil":
      return 5;
    case "writeRegister":
      return 6;
    case "writeCoils":
      return 15;
    case "writeRegisters":
      return 16;
    case "maskWrite":
      return 22;
    case "readWrite":
      return 23;
    default:
      return request satisfies never;
  }
}

/** Bits packed into bytes, the first in the least significant bit of the first byte. [Modbus Application Protocol V1.1b3 6.1] */
export function packBits(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => {
    if (bit) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return bytes;
}

/** Bit `index` of packed bits; false beyond the end. */
export function bitAt(bytes: Uint8Array, index: number): boolean {
  return (((bytes[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

/** The PDU of a request. */
export function encodeRequest(request: Request): Uint8Array {
  const code = functionCode(request);
  switch (request.kind) {
    case "read":
      return head(code, request.address, request.quantity);
    case "writeCoil":
      return head(code, request.address, request.value ? 0xff00 : 0);
    case "writeRegister":
      return head(code, request.address, word(request.registers, 0));
    case "writeCoils":
      return withBytes(head(code, request.address, request.values.length), packBits(request.values));
    case "writeRegisters":
      return withBytes(head(code, request.address, request.registers.length >> 1), request.registers);
    case "maskWrite":
      return Uint8Array.of(...head(code, request.address, request.and), request.or >> 8, request.or & 0xff);
    case "readWrite": {
      const { address, quantity, writeAddress, registers } = request;
      const written = head(0, writeAddress, registers.length >> 1).subarray(1);
      return withBytes(Uint8Array.of(...head(code, address, quantity), ...written), registers);
    }
    default:
      return request satisfies never;
  }
}

/**
 * The answer in a PDU that came back for `request`.
 * @throws MODBUS_ANSWER_INVALID when function code, length or echo are not those of an answer to this request.
 */
export function decodeAnswer(request: Request, pdu: Uint8Array): Answer {
  const code = functionCode(request);
  if (pdu[0] === (code | 0x80) && pdu.length === 2 && pdu[1] !== 0) return { kind: "exception", code: pdu[1] ?? 0 };
  if (pdu[0] !== code) throw mismatch(`function code ${code}`, `${pdu[0]} (${pdu.length} bytes)`);
  const length = answerDataLength(request);
  if (length === undefined) {
    // [Modbus Application Protocol V1.1b3 6.5, 6.6, 6.11, 6.12, 6.16] The answer to a write repeats address and value or quantity.
    const sent = echoOf(request);
    if (pdu.length !== sent.length || !sent.every((byte, index) => byte === pdu[index])) {
      throw mismatch(hex(sent), hex(pdu));
    }
    return { kind: "written" };
  }
  if (pdu[1] !== length || pdu.length !== length + 2) {
    throw mismatch(`${length} data bytes`, `byte count ${pdu[1]} in ${pdu.length} bytes`);
  }
  return { kind: "data", data: pdu.subarray(2) };
}

/** What a server makes of a request PDU: the request, or the exception to answer. [Modbus Application Protocol V1.1b3 6, 7] */
export function parseRequest(pdu: Uint8Array): ParsedRequest {
  const code = pdu[0] ?? 0;
  const table = READ_TABLE.get(code);
  if (table === undefined && !WRITE_FUNCTIONS.has(code))
    return { kind: "refused", functionCode: code, code: EXCEPTION.illegalFunction };
  const request = pdu.length < 5 ? undefined : parseKnown(code, table, pdu);
  return request ?? { kind: "refused", functionCode: code, code: EXCEPTION.illegalDataValue };
}

/** The PDU that answers `code` (a request's function code) with an exception. */
export function encodeException(functionCodeOfRequest: number, code: number): Uint8Array {
  return Uint8Array.of((functionCodeOfRequest & 0x7f) | 0x80, code);
}

/** The PDU of the answer to a request that could be served. `data` as in `Answer`, absent for a write. */
export function encodeAnswer(request: Request, data?: Uint8Array): Uint8Array {
  if (answerDataLength(request) === undefined) return echoOf(request);
  const bytes = data ?? new Uint8Array(0);
  const pdu = new Uint8Array(2 + bytes.length);
  pdu[0] = functionCode(request);
  pdu[1] = bytes.length;
  pdu.set(bytes, 2);
  return pdu;
}

function parseKnown(code: number, table: Table | undefined, pdu: Uint8Array): Request | undefined {
  const address = word(pdu, 1);
  const second = word(pdu, 3);
  if (table !== undefined) {
    const max = isBitTable(table) ? MAX_READ_BITS : MAX_READ_REGISTERS;
    const valid = pdu.length === 5 && second >= 1 && second <= max;
    return valid ? { kind: "read", table, address, quantity: second } : undefined;
  }
  switch (code) {
    case 5: {
      const valid = pdu.length === 5 && (second === 0 || second === 0xff00);
      return valid ? { kind: "writeCoil", address, value: second !== 0 } : undefined;
    }
    case 6:
      return pdu.length === 5 ? { kind: "writeRegister", address, registers: pdu.slice(3, 5) } : undefined;
    case 22:
      return pdu.length === 7 ? { kind: "maskWrite", address, and: second, or: word(pdu, 5) } : undefined;
    case 23:
      return parseReadWrite(pdu);
    default:
      return parseMultiple(code === 15, pdu);
  }
}

function parseMultiple(bits: boolean, pdu: Uint8Array): Request | undefined {
  const [address, quantity] = [word(pdu, 1), word(pdu, 3)];
  const bytes = bits ? Math.ceil(quantity / 8) : quantity * 2;
  const inRange = quantity >= 1 && quantity <= (bits ? MAX_WRITE_BITS : MAX_WRITE_REGISTERS);
  if (!inRange || pdu[5] !== bytes || pdu.length !== 6 + bytes) return undefined;
  const data = pdu.slice(6);
  if (!bits) return { kind: "writeRegisters", address, registers: data };
  return { kind: "writeCoils", address, values: Array.from({ length: quantity }, (_, index) => bitAt(data, index)) };
}

/** Data bytes of the answer to a request; undefined where the answer is an echo. */
function answerDataLength(request: Request): number | undefined {
  if (request.kind === "read") return dataLength(request.table, request.quantity);
  return request.kind === "readWrite" ? request.quantity * 2 : undefined;
}

function echoOf(request: Request): Uint8Array {
  return encodeRequest(request).slice(0, request.kind === "maskWrite" ? 7 : 5);
}

function parseReadWrite(pdu: Uint8Array): Request | undefined {
  const [quantity, written] = [word(pdu, 3), word(pdu, 7)];
  const readable = quantity >= 1 && quantity <= MAX_READ_REGISTERS;
  const writable = written >= 1 && written <= MAX_READ_WRITE_REGISTERS;
  if (!readable || !writable || pdu[9] !== written * 2 || pdu.length !== 10 + written * 2) return undefined;
  return { kind: "readWrite", address: word(pdu, 1), quantity, writeAddress: word(pdu, 5), registers: pdu.slice(10) };
}

function head(code: number, first: number, second: number): Uint8Array {
  return Uint8Array.of(code, first >> 8, first & 0xff, second >> 8, second & 0xff);
}

function withBytes(start: Uint8Array, bytes: Uint8Array): Uint8Array {
  const pdu = new Uint8Array(start.length + 1 + bytes.length);
  pdu.set(start);
  pdu[start.length] = bytes.length;
  pdu.set(bytes, start.length + 1);
  return pdu;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function mismatch(expected: string, got: string): InvalidInputError {
  return new InvalidInputError(
    "MODBUS_ANSWER_INVALID",
    `answer does not fit its request: expected ${expected}, got ${got}`,
  );
}
