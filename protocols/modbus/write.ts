import type { Value } from "#core/model/sample.ts";
import type { WriteResult } from "../driver.ts";
import { isBitTable, type Request } from "./codec/pdu.ts";
import { decodeNumber, encodeNumber, isIntegerType, rangeOf } from "./codec/registers.ts";
import type { Outcome } from "./connection.ts";
import type { ModbusAddress } from "./index.ts";
import type { Send } from "./link.ts";
import { mapValue } from "./map.ts";
import { addressFault, addressLength } from "./planning.ts";

/** A value in the form its address takes. */
export type Encoded =
  | { readonly kind: "coil"; readonly value: boolean }
  | { readonly kind: "bit"; readonly bit: number; readonly value: boolean }
  | { readonly kind: "registers"; readonly bytes: Uint8Array };

/** What is to be written, or why it must not be: a `rejected` result. */
export function encodeWrite(address: ModbusAddress, value: Value): Encoded | WriteResult {
  if (address.table === "discreteInput" || address.table === "inputRegister") {
    return rejected("MODBUS_READ_ONLY", `${address.table} cannot be written`);
  }
  const fault = addressFault(address);
  if (fault !== undefined) return rejected("MODBUS_ADDRESS_INVALID", fault);
  if (value === null) return rejected("MODBUS_NO_RELINQUISH", "Modbus has no command priorities to relinquish");
  return address.type === "bool" ? encodeBool(address, value) : encodeNumeric(address, address.type, value);
}

/**
 * Writes, reads back and compares. FC5 for a coil, FC6 for one register, FC16 for more; a bit of a register is read, changed
 * and written back without another of our requests on the link in between. Nothing is sent twice.
 */
export async function performWrite(
  send: Send,
  unitId: number,
  address: ModbusAddress,
  encoded: Encoded,
): Promise<WriteResult> {
  const read: Request = {
    kind: "read",
    table: address.table,
    address: address.register,
    quantity: addressLength(address),
  };
  let wanted: Uint8Array = new Uint8Array(0);
  if (encoded.kind === "registers") wanted = encoded.bytes;
  if (encoded.kind === "bit") {
    const before = await send(unitId, read);
    if (before.kind !== "data") return refusal(before, "read before write");
    wanted = withBit(before.data, address, encoded);
  }
  const written = await send(unitId, writeRequest(address, encoded, wanted));
  if (written.kind !== "written") return refusal(written, "write");
  const after = await send(unitId, read);
  if (after.kind !== "data") {
    const why = refusal(after, "read back");
    return { ...why, status: "failed", code: "MODBUS_NOT_CONFIRMED" };
  }
  const { value } = mapValue(address, after.data, address.register);
  const confirmed = encoded.kind === "registers" ? sameBytes(after.data, wanted) : value === encoded.value;
  if (confirmed) return { status: "done", readBack: value };
  const message = `${address.table} ${address.register} was written and then read back as ${value}`;
  return { status: "failed", code: "MODBUS_NOT_CONFIRMED", message };
}

function encodeBool(address: ModbusAddress, value: Value): Encoded | WriteResult {
  const on = value === true || value === 1;
  if (!on && value !== false && value !== 0) {
    const known = typeof value === "number" ? "MODBUS_VALUE_RANGE" : "MODBUS_VALUE_TYPE";
    return rejected(known, `expected true, false, 1 or 0, got ${value}`);
  }
  if (isBitTable(address.table)) return { kind: "coil", value: on };
  if (address.bit !== undefined) return { kind: "bit", bit: address.bit, value: on };
  return { kind: "registers", bytes: encodeNumber(on ? 1 : 0, "uint16", address.wordOrder ?? "ABCD") };
}

function encodeNumeric(
  address: ModbusAddress,
  type: Exclude<ModbusAddress["type"], "bool">,
  value: Value,
): Encoded | WriteResult {
  if (typeof value !== "number") return rejected("MODBUS_VALUE_TYPE", `expected a number, got ${typeof value}`);
  const [min, max] = rangeOf(type);
  const raw = isIntegerType(type) ? Math.round(value) : value;
  if (!(raw >= min && raw <= max)) {
    return rejected("MODBUS_VALUE_RANGE", `${type} holds ${min} to ${max}, got ${value}`);
  }
  return { kind: "registers", bytes: encodeNumber(raw, type, address.wordOrder ?? "ABCD") };
}

function writeRequest(address: ModbusAddress, encoded: Encoded, registers: Uint8Array): Request {
  if (encoded.kind === "coil") return { kind: "writeCoil", address: address.register, value: encoded.value };
  const kind = registers.length === 2 ? "writeRegister" : "writeRegisters";
  return { kind, address: address.register, registers };
}

function withBit(register: Uint8Array, address: ModbusAddress, { bit, value }: Encoded & { kind: "bit" }): Uint8Array {
  const order = address.wordOrder ?? "ABCD";
  const before = decodeNumber(register, 0, "uint16", order);
  return encodeNumber(value ? before | (1 << bit) : before & ~(1 << bit), "uint16", order);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A result that says that nothing reached the device. */
export function rejected(code: string, message: string): WriteResult & { readonly status: "rejected" } {
  return { status: "rejected", code, message };
}

function refusal(outcome: Outcome, step: string): Exclude<WriteResult, { status: "done" }> {
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
