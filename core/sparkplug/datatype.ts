/** Sparkplug B data types by their numbers on the wire. @see Sparkplug 3.0 §6.4.16 */
export const DataType = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
  UUID: 15,
  DataSet: 16,
  Bytes: 17,
  File: 18,
  Template: 19,
  PropertySet: 20,
  PropertySetList: 21,
  Int8Array: 22,
  Int16Array: 23,
  Int32Array: 24,
  Int64Array: 25,
  UInt8Array: 26,
  UInt16Array: 27,
  UInt32Array: 28,
  UInt64Array: 29,
  FloatArray: 30,
  DoubleArray: 31,
  BooleanArray: 32,
  StringArray: 33,
  DateTimeArray: 34,
} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/**
 * A scalar value. 64-bit integers are numbers when they are safe integers, else bigint; DateTime is Unix ms; Bytes and File
 * are byte arrays; `null` is an explicit null; `undefined` is no value at all, or one of a kind we do not read.
 */
export type MetricValue = number | bigint | boolean | string | Uint8Array | null | undefined;

/** The known data type of a number on the wire; undefined for 0 (Unknown) and for numbers the standard does not define. */
export function dataTypeOf(code: number): DataType | undefined {
  return code >= DataType.Int8 && code <= DataType.DateTimeArray ? (code as DataType) : undefined;
}

function integer(value: MetricValue): number | bigint | undefined {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)) ? value : undefined;
}

/** The low `bits` of an unsigned wire integer as a signed number. Senders differ in how far they sign-extend: 8, 32 or 64 bits. */
function signed(value: MetricValue, bits: 8 | 16 | 32): number | undefined {
  const raw = integer(value);
  if (raw === undefined) return undefined;
  const low = typeof raw === "bigint" ? Number(BigInt.asIntN(32, raw)) : raw | 0;
  return (low << (32 - bits)) >> (32 - bits);
}

/** A bigint as a number where no digit is lost. */
export function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/**
 * Reads a metric's raw wire value as `datatype`: an unsigned `int_value` or `long_value` becomes the signed number of Int8 to
 * Int64, 0 and 1 become a Boolean. Needed where the datatype is not in the message (DATA by alias) but known from the birth.
 * @returns undefined when the value is not of that kind, or the kind is not a scalar (DataSet, Template, arrays)
 * @see Sparkplug 3.0 §6.4.16
 */
export function interpret(metric: { readonly value?: MetricValue }, datatype: DataType): MetricValue {
  const { value } = metric;
  if (value === null || value === undefined) return value;
  switch (datatype) {
    case DataType.Float:
    case DataType.Double:
      return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
    case DataType.Boolean:
      return typeof value === "boolean" ? value : typeof value === "number" ? value !== 0 : undefined;
    case DataType.Int8:
      return signed(value, 8);
    case DataType.Int16:
      return signed(value, 16);
    case DataType.Int32:
      return signed(value, 32);
    case DataType.Int64:
      return typeof value === "bigint" ? narrow(BigInt.asIntN(64, value)) : integer(value);
    case DataType.UInt8:
    case DataType.UInt16:
    case DataType.UInt32:
    case DataType.UInt64:
    case DataType.DateTime:
      return integer(value);
    case DataType.String:
    case DataType.Text:
    case DataType.UUID:
      return typeof value === "string" ? value : undefined;
    case DataType.Bytes:
    case DataType.File:
      return value instanceof Uint8Array ? value : undefined;
    default:
      return undefined;
  }
}
