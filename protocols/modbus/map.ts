import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import { bitAt, isBitTable } from "./codec/pdu.ts";
import { decodeNumber } from "./codec/registers.ts";
import type { ModbusAddress } from "./index.ts";

/** A value with how far it can be trusted. */
export interface MappedValue {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

/**
 * The value at an address in the data of a read that began at `firstElement` (bit or register).
 * NaN is `null`, bad, noValue (a device's way to say that it has none); infinity is `null`, bad, outOfRange; a 64-bit integer
 * beyond 2^53 is the nearest number, uncertain, precisionLost.
 */
export function mapValue(address: ModbusAddress, data: Uint8Array, firstElement: number): MappedValue {
  const offset = address.register - firstElement;
  if (isBitTable(address.table)) return { value: bitAt(data, offset), quality: "good" };
  const order = address.wordOrder ?? "ABCD";
  if (address.type === "bool") {
    const register = decodeNumber(data, offset * 2, "uint16", order);
    const value = address.bit === undefined ? register !== 0 : ((register >> address.bit) & 1) === 1;
    return { value, quality: "good" };
  }
  const value = decodeNumber(data, offset * 2, address.type, order);
  if (Number.isNaN(value)) return { value: null, quality: "bad", reason: "noValue" };
  if (!Number.isFinite(value)) return { value: null, quality: "bad", reason: "outOfRange" };
  const whole = address.type === "int64" || address.type === "uint64";
  if (whole && !Number.isSafeInteger(value)) return { value, quality: "uncertain", reason: "precisionLost" };
  return { value, quality: "good" };
}
