import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "../driver.ts";
import { isBitTable, MAX_READ_WRITE_REGISTERS, MAX_WRITE_REGISTERS, type Request } from "./codec/pdu.ts";
import { decodeNumber, encodeNumber, isIntegerType, type NumberType, rangeOf, swapsBytes } from "./codec/registers.ts";
import { encodeText } from "./codec/text.ts";
import type { ModbusAddress } from "./config.ts";
import type { Outcome } from "./exchange.ts";
import type { Send } from "./line.ts";
import { fieldShift, mapValue, textForm } from "./map.ts";
import { addressFault, addressLength } from "./planning.ts";

/** A value in the form its address takes. `bits`: those of `mask` inside the number at the address. */
export type Encoded =
  | { readonly kind: "coil"; readonly value: boolean }
  | { readonly kind: "bits"; readonly mask: number; readonly value: number }
  | { readonly kind: "registers"; readonly bytes: Uint8Array };

/** What a device can do beyond FC5, FC6 and FC16. */
export interface WriteAbilities {
  /** FC22. */
  readonly maskWrite?: boolean;
  /** FC23. */
  readonly writeRead?: boolean;
  /** Neither FC5 nor FC6. */
  readonly multipleOnly?: boolean;
}

type Refusal = Exclude<WriteResult, { status: "done" }>;

/** What is to be written, or why it must not be: a `rejected` result. */
export function encodeWrite(address: ModbusAddress, value: Value): Encoded | WriteResult {
  if (address.table === "discreteInput" || address.table === "inputRegister") {
    return rejected("MODBUS_READ_ONLY", `${address.table} cannot be written`);
  }
  if (address.bands !== undefined || address.rollover !== undefined) {
    return rejected("MODBUS_READ_ONLY", "a state made of bands, or a counter's total, cannot be written");
  }
  const fault = addressFault(address);
  if (fault !== undefined) return rejected("MODBUS_ADDRESS_INVALID", fault);
  if (value === null) return rejected("MODBUS_NO_RELINQUISH", "Modbus has no command priorities to relinquish");
  if (address.type === "bool") return encodeBool(address, value);
  return address.type === "string" ? encodeString(address, value) : encodeNumeric(address, address.type, value);
}

/**
 * Writes, reads back and compares. FC5 for a coil, FC6 for one register, FC16 for more, FC15 and FC16 for a device without the
 * single ones, FC23 where it writes and reads back in one. Bits of a register are changed by FC22, or else read, changed and
 * written back without another of our requests on the line in between. Nothing is sent twice.
 */
export async function performWrite(
  send: Send,
  unitId: number,
  address: ModbusAddress,
  encoded: Encoded,
  able: WriteAbilities,
): Promise<WriteResult> {
  const quantity = addressLength(address);
  const read: Request = { kind: "read", table: address.table, address: address.register, quantity };
  if (encoded.kind === "bits" && able.maskWrite === true && quantity === 1) {
    const written = await send(unitId, maskRequest(address, encoded));
    return written.kind === "written" ? await readBack() : refusal(written, "write");
  }
  let bytes: Uint8Array = new Uint8Array(0);
  if (encoded.kind === "registers") bytes = encoded.bytes;
  if (encoded.kind === "bits") {
    const before = await send(unitId, read);
    if (before.kind !== "data") return refusal(before, "read before write");
    bytes = withBits(before.data, address, encoded);
  }
  const written = await send(unitId, writeRequest(address, encoded, bytes, able));
  if (written.kind === "data") return judge(written.data);
  return written.kind === "written" ? await readBack() : refusal(written, "write");

  async function readBack(): Promise<WriteResult> {
    const after = await send(unitId, read);
    if (after.kind === "data") return judge(after.data);
    return { ...refusal(after, "read back"), status: "failed", code: "MODBUS_NOT_CONFIRMED" };
  }

  function judge(data: Uint8Array): WriteResult {
    const { value } = mapValue(address, data, address.register);
    if (holds(address, encoded, data)) return { status: "done", readBack: value };
    const message = `${address.table} ${address.register} was written and then read back as ${value}`;
    return { status: "failed", code: "MODBUS_NOT_CONFIRMED", message };
  }
}

function encodeBool(address: ModbusAddress, value: Value): Encoded | WriteResult {
  const on = value === true || value === 1;
  if (!on && value !== false && value !== 0) {
    const known = typeof value === "number" ? "MODBUS_VALUE_RANGE" : "MODBUS_VALUE_TYPE";
    return rejected(known, `expected true, false, 1 or 0, got ${value}`);
  }
  if (isBitTable(address.table)) return { kind: "coil", value: on };
  const { bit } = address;
  if (bit !== undefined) return { kind: "bits", mask: 1 << bit, value: on ? 1 << bit : 0 };
  return { kind: "registers", bytes: encodeNumber(on ? 1 : 0, "uint16", address.wordOrder ?? "ABCD") };
}

function encodeString(address: ModbusAddress, value: Value): Encoded | WriteResult {
  if (typeof value !== "string") return rejected("MODBUS_VALUE_TYPE", `expected a text, got ${typeof value}`);
  const form = textForm(address);
  const bytes = encodeText(value, form);
  if (form.length > MAX_WRITE_REGISTERS) {
    return rejected("MODBUS_ADDRESS_INVALID", `one request writes at most ${MAX_WRITE_REGISTERS} registers`);
  }
  if (bytes !== undefined) return { kind: "registers", bytes };
  return rejected("MODBUS_VALUE_RANGE", `expected a text of ${form.encoding} in at most ${form.length * 2} bytes`);
}

function encodeNumeric(address: ModbusAddress, type: NumberType, value: Value): Encoded | WriteResult {
  if (typeof value !== "number") return rejected("MODBUS_VALUE_TYPE", `expected a number, got ${typeof value}`);
  const { mask } = address;
  const [min, max] = mask === undefined ? rangeOf(type) : [0, mask >>> fieldShift(address)];
  const raw = isIntegerType(type) ? Math.round(value) : value;
  const shifted = mask === undefined ? 0 : (raw << fieldShift(address)) >>> 0;
  const hidden = mask !== undefined && ((shifted & mask) >>> 0 !== shifted || shifted >>> fieldShift(address) !== raw);
  if (!(raw >= min && raw <= max) || hidden) {
    const what = mask === undefined ? type : `mask ${mask}`;
    return rejected("MODBUS_VALUE_RANGE", `${what} holds ${min} to ${max}, got ${value}`);
  }
  if (mask !== undefined) return { kind: "bits", mask, value: shifted };
  return { kind: "registers", bytes: encodeNumber(raw, type, address.wordOrder ?? "ABCD") };
}

function writeRequest(
  address: ModbusAddress,
  encoded: Encoded,
  registers: Uint8Array,
  { writeRead, multipleOnly }: WriteAbilities,
): Request {
  const { register } = address;
  if (encoded.kind === "coil") {
    const { value } = encoded;
    if (multipleOnly === true) return { kind: "writeCoils", address: register, values: [value] };
    return { kind: "writeCoil", address: register, value };
  }
  if (writeRead === true && registers.length <= MAX_READ_WRITE_REGISTERS * 2) {
    return { kind: "readWrite", address: register, quantity: registers.length >> 1, writeAddress: register, registers };
  }
  const single = registers.length === 2 && multipleOnly !== true;
  return { kind: single ? "writeRegister" : "writeRegisters", address: register, registers };
}

/** FC22 works on the register as it is on the wire. */
function maskRequest({ register, wordOrder = "ABCD" }: ModbusAddress, bits: Encoded & { kind: "bits" }): Request {
  const wire = (word: number): number => (swapsBytes(wordOrder) ? ((word & 0xff) << 8) | (word >> 8) : word);
  return { kind: "maskWrite", address: register, and: wire(~bits.mask & 0xffff), or: wire(bits.value) };
}

function wordType(address: ModbusAddress): "uint16" | "uint32" {
  return address.type === "uint32" ? "uint32" : "uint16";
}

function withBits(data: Uint8Array, address: ModbusAddress, { mask, value }: Encoded & { kind: "bits" }): Uint8Array {
  const [type, order] = [wordType(address), address.wordOrder ?? "ABCD"];
  const before = decodeNumber(data, 0, type, order);
  return encodeNumber(((before & ~mask) | value) >>> 0, type, order);
}

/** Does the device hold what was to be written? */
function holds(address: ModbusAddress, encoded: Encoded, data: Uint8Array): boolean {
  switch (encoded.kind) {
    case "coil":
      return mapValue(address, data, address.register).value === encoded.value;
    case "bits": {
      const word = decodeNumber(data, 0, wordType(address), address.wordOrder ?? "ABCD");
      return (word & encoded.mask) >>> 0 === encoded.value >>> 0;
    }
    case "registers":
      return data.length === encoded.bytes.length && data.every((byte, index) => byte === encoded.bytes[index]);
    default:
      return encoded satisfies never;
  }
}

/** A result that says that nothing reached the device. */
export function rejected(code: string, message: string): WriteResult & { readonly status: "rejected" } {
  return { status: "rejected", code, message };
}

function refusal(outcome: Outcome, step: string): Refusal {
  if (outcome.kind === "exception") {
    return { status: "failed", code: "MODBUS_EXCEPTION", message: `${step}: exception ${outcome.code}` };
  }
  if (outcome.kind !== "failed") {
    return { status: "failed", code: "MODBUS_NOT_CONFIRMED", message: `${step}: unexpected ${outcome.kind}` };
  }
  const message = `${step}: ${outcome.message}`;
  switch (outcome.reason) {
    case "unreachable":
      return { status: "rejected", code: "MODBUS_UNREACHABLE", message };
    case "aborted":
      return { status: "rejected", code: "MODBUS_NOT_SENT", message };
    case "timeout":
      return { status: "timeout", code: "MODBUS_TIMEOUT", message };
    case "closed":
      return { status: "failed", code: "MODBUS_CLOSED", message };
    case "malformed":
      return { status: "failed", code: "MODBUS_ANSWER_INVALID", message };
    default:
      return outcome.reason satisfies never;
  }
}
