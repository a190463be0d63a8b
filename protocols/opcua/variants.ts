import { DataType, LocalizedText, Variant, VariantArrayType } from "node-opcua";
import type { Value } from "#core/model/sample.ts";

const INTEGERS: ReadonlyMap<DataType, readonly [least: number, most: number]> = new Map([
  [DataType.SByte, [-128, 127]],
  [DataType.Byte, [0, 255]],
  [DataType.Int16, [-32_768, 32_767]],
  [DataType.UInt16, [0, 65_535]],
  [DataType.Int32, [-2_147_483_648, 2_147_483_647]],
  [DataType.UInt32, [0, 4_294_967_295]],
  [DataType.Int64, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
  [DataType.UInt64, [0, Number.MAX_SAFE_INTEGER]],
]);
const LONGEST_TEXT = 4000;

/** A value in a type of the server; undefined where it does not fit. Nothing is rounded or cut to make it fit. */
export function variantOf(dataType: DataType, value: Value): Variant | undefined {
  const content = contentOf(dataType, value);
  return content === undefined
    ? undefined
    : new Variant({ dataType, arrayType: VariantArrayType.Scalar, value: content });
}

function contentOf(dataType: DataType, value: Value): unknown {
  const range = INTEGERS.get(dataType);
  if (range !== undefined) return integer(dataType, typeof value === "boolean" ? Number(value) : value, range);
  switch (dataType) {
    case DataType.Boolean:
      if (value === 0 || value === 1) return value === 1;
      return typeof value === "boolean" ? value : undefined;
    case DataType.Float:
    case DataType.Double:
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case DataType.String:
      return isText(value) ? value : undefined;
    case DataType.LocalizedText:
      return isText(value) ? new LocalizedText({ text: value }) : undefined;
    case DataType.DateTime:
      return dateOf(value);
    default:
      return undefined;
  }
}

function isText(value: Value): value is string {
  return typeof value === "string" && value.length <= LONGEST_TEXT;
}

function integer(dataType: DataType, value: Value, [least, most]: readonly [number, number]): unknown {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) return undefined;
  if (dataType !== DataType.Int64 && dataType !== DataType.UInt64) return value;
  const bits = BigInt.asUintN(64, BigInt(value));
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

/** From ISO 8601 or Unix ms. */
function dateOf(value: Value): Date | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
