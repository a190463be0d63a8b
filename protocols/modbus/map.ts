import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import { bitAt, isBitTable } from "./codec/pdu.ts";
import { type NumberReader, numberReader, swapsBytes } from "./codec/registers.ts";
import { decodeText, type TextForm } from "./codec/text.ts";
import type { ModbusAddress } from "./config.ts";

/** A value with how far it can be trusted. */
export interface MappedValue {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

/** A good value as it is, or what is not good with its reason. */
export type Reading = number | boolean | string | (MappedValue & { readonly reason: string });

/** Reads the value whose first byte is at `at` of register data. */
export type Decoder = (view: DataView, at: number) => Reading;

/** Makes a continuous total of a counter's readings. */
export type Total = (raw: number) => number;

/** A device's way to say that it has none: NaN, digits above 9, bytes that are no text. */
const NO_VALUE = { value: null, quality: "bad", reason: "noValue" } as const;
const OUT_OF_RANGE = { value: null, quality: "bad", reason: "outOfRange" } as const;

/**
 * A decoder of the values at an address of a register table. NaN, a decimal digit above 9 and bytes that are no text are `null`,
 * bad, noValue; infinity is `null`, bad, outOfRange; a 64-bit integer beyond 2^53 is the nearest number, uncertain,
 * precisionLost. A decoder of `bands` remembers its state for the hysteresis. `total` continues a counter over its roll-over.
 */
export function compileDecoder(address: ModbusAddress, total?: Total): Decoder {
  if (address.type === "bool") return booleanDecoder(address);
  if (address.type === "string") {
    const form = textForm(address);
    return (view, at) =>
      decodeText(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at, form) ?? NO_VALUE;
  }
  const read = maskedReader(address, numberReader(address.type, address.wordOrder ?? "ABCD"));
  const wide = address.type === "int64" || address.type === "uint64";
  const finish = finisher(address, total);
  return (view, at) => {
    const value = read(view, at);
    if (Number.isNaN(value)) return NO_VALUE;
    if (!Number.isFinite(value)) return OUT_OF_RANGE;
    if (wide && !Number.isSafeInteger(value)) return { value, quality: "uncertain", reason: "precisionLost" };
    return finish === undefined ? value : finish(value);
  };
}

/** The value at an address in the data of a read that began at `firstElement` (bit or register); see `compileDecoder`. */
export function mapValue(address: ModbusAddress, data: Uint8Array, firstElement: number): MappedValue {
  const offset = address.register - firstElement;
  if (isBitTable(address.table)) return { value: bitAt(data, offset), quality: "good" };
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const reading = compileDecoder(address)(view, offset * 2);
  return typeof reading === "object" ? reading : { value: reading, quality: "good" };
}

/** How the text of a string address lies in its registers. */
export function textForm({ length = 1, encoding = "ascii", wordOrder = "ABCD" }: ModbusAddress): TextForm {
  return { length, encoding, swapped: swapsBytes(wordOrder) };
}

/** How far the bits of a field are moved right. */
export function fieldShift({ mask = 1, shift }: ModbusAddress): number {
  return shift ?? 31 - Math.clz32(mask & -mask);
}

function booleanDecoder({ bit, wordOrder = "ABCD" }: ModbusAddress): Decoder {
  const read = numberReader("uint16", wordOrder);
  if (bit === undefined) return (view, at) => read(view, at) !== 0;
  return (view, at) => ((read(view, at) >> bit) & 1) === 1;
}

function maskedReader(address: ModbusAddress, read: NumberReader): NumberReader {
  const { mask } = address;
  if (mask === undefined) return read;
  const shift = fieldShift(address);
  return (view, at) => (read(view, at) & mask) >>> shift;
}

function finisher({ bands, hysteresis = 0 }: ModbusAddress, total?: Total): Total | undefined {
  if (bands === undefined) return total;
  const edges = bands.map(({ below }) => below ?? Number.POSITIVE_INFINITY);
  let held: number | undefined;
  return (value) => {
    const low = (held ?? 0) === 0 ? Number.NEGATIVE_INFINITY : (edges[(held ?? 0) - 1] ?? 0);
    const stays = held !== undefined && value >= low - hysteresis && value < (edges[held] ?? 0) + hysteresis;
    if (!stays || held === undefined) held = edges.findIndex((edge) => value < edge);
    return bands[held]?.value ?? 0;
  };
}
