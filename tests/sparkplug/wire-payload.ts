/*
 * Sparkplug B payloads as protobuf fields, read and written apart from core/sparkplug: a case looks at the field that stands
 * on the wire and not at what our own decoder makes of it. @see Sparkplug 3.0 §6.4.1
 */

/** One field: its number, its wire type (0 varint, 1 fixed64, 2 bytes, 5 fixed32) and what it holds. */
interface Field {
  readonly number: number;
  readonly type: number;
  readonly value: bigint | Buffer;
}

function readVarint(bytes: Buffer, from: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let at = from, shift = 0n; at < bytes.length && shift < 70n; at++, shift += 7n) {
    const byte = bytes.readUInt8(at);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new Error(`no varint at ${from}`);
}

function readFields(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = readVarint(bytes, at);
    const number = Number(key.value >> 3n);
    const type = Number(key.value & 7n);
    if (type === 0) {
      const { value, end } = readVarint(bytes, key.end);
      fields.push({ number, type, value });
      at = end;
      continue;
    }
    const length = type === 2 ? readVarint(bytes, key.end) : { value: type === 1 ? 8n : 4n, end: key.end };
    if (type !== 1 && type !== 2 && type !== 5) throw new Error(`wire type ${type} at ${at}`);
    const end = length.end + Number(length.value);
    if (end > bytes.length) throw new Error(`field ${number} at ${at} ends after the payload`);
    fields.push({ number, type, value: bytes.subarray(length.end, end) });
    at = end;
  }
  return fields;
}

function number(fields: readonly Field[], wanted: number): number | undefined {
  const value = fields.find((field) => field.number === wanted)?.value;
  return typeof value === "bigint" ? Number(value) : undefined;
}

function bytesOf(fields: readonly Field[], wanted: number): Buffer[] {
  return fields.flatMap(({ number: n, value }) => (n === wanted && value instanceof Buffer ? [value] : []));
}

function text(fields: readonly Field[], wanted: number): string | undefined {
  const [bytes] = bytesOf(fields, wanted);
  return bytes === undefined ? undefined : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** What stands in a value: the number of its field in the definition, and the value as that field's type. */
export interface WireValue {
  readonly field: number;
  readonly value: number | string | Buffer;
}

function wireValue(fields: readonly Field[], first: number, last: number, float: number): WireValue | undefined {
  const field = fields.find(({ number: n }) => n >= first && n <= last);
  if (field === undefined) return undefined;
  const { number: n, value } = field;
  if (typeof value === "bigint") return { field: n, value: Number(value) };
  if (n === float) return { field: n, value: value.readFloatLE() };
  if (n === float + 1) return { field: n, value: value.readDoubleLE() };
  return { field: n, value: n === float + 3 ? value.toString("utf8") : value };
}

/** A property as it stands on the wire. Values: 3 int, 4 long, 5 float, 6 double, 7 boolean, 8 string. */
export interface WireProperty {
  readonly key: string;
  readonly type: number | undefined;
  readonly isNull: boolean;
  readonly value: WireValue | undefined;
}

/** A metric as it stands on the wire. Values: 10 int, 11 long, 12 float, 13 double, 14 boolean, 15 string, 16 bytes, 17 data set, 18 template. */
export interface WireMetric {
  readonly name: string | undefined;
  readonly alias: number | undefined;
  readonly timestamp: number | undefined;
  readonly datatype: number | undefined;
  readonly isHistorical: boolean;
  readonly isNull: boolean;
  readonly value: WireValue | undefined;
  readonly keys: number;
  readonly values: number;
  readonly properties: readonly WireProperty[];
}

/** A payload as it stands on the wire. */
export interface WirePayload {
  readonly timestamp: number | undefined;
  readonly seq: number | undefined;
  readonly metrics: readonly WireMetric[];
}

function readMetric(bytes: Buffer): WireMetric {
  const fields = readFields(bytes);
  const set = bytesOf(fields, 9).flatMap((properties) => readFields(properties));
  const keys = bytesOf(set, 1).map((key) => key.toString("utf8"));
  const values = bytesOf(set, 2).map((value) => readFields(value));
  return {
    name: text(fields, 1),
    alias: number(fields, 2),
    timestamp: number(fields, 3),
    datatype: number(fields, 4),
    isHistorical: number(fields, 5) === 1,
    isNull: number(fields, 7) === 1,
    value: wireValue(fields, 10, 18, 12),
    keys: keys.length,
    values: values.length,
    properties: values.map((property, at) => ({
      key: keys[at] ?? "",
      type: number(property, 1),
      isNull: number(property, 2) === 1,
      value: wireValue(property, 3, 10, 5),
    })),
  };
}

/** Reads a payload. @throws Error when the bytes are no protobuf */
export function readPayload(bytes: Buffer): WirePayload {
  const fields = readFields(bytes);
  return { timestamp: number(fields, 1), seq: number(fields, 3), metrics: bytesOf(fields, 2).map(readMetric) };
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

function small(field: number, value: number | bigint | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : Buffer.concat([varint(field << 3), varint(value)]);
}

function block(field: number, bytes: Buffer | undefined): Buffer {
  return bytes === undefined ? Buffer.alloc(0) : Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

/** A metric to write: a number is a double, unless `datatype` is an integer's; `null` is an explicit null. */
export interface MetricToWrite {
  readonly name?: string;
  readonly alias?: number;
  readonly timestamp?: number;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly value: number | boolean | string | null;
  /** Writes `value` as long_value. */
  readonly long?: boolean;
  /** Value of a String property `unit`. */
  readonly unit?: string;
}

function writeValue({ value, long }: MetricToWrite): Buffer {
  if (value === null) return small(7, 1);
  if (typeof value === "boolean") return small(14, value ? 1 : 0);
  if (typeof value === "string") return block(15, Buffer.from(value));
  if (long === true) return small(11, value);
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  return Buffer.concat([varint((13 << 3) | 1), double]);
}

function writeMetric(metric: MetricToWrite): Buffer {
  const { name, alias, timestamp, datatype, isHistorical, unit } = metric;
  const property = Buffer.concat([small(1, 12), block(8, Buffer.from(unit ?? ""))]);
  const properties = Buffer.concat([block(1, Buffer.from("unit")), block(2, property)]);
  return Buffer.concat([
    block(1, name === undefined ? undefined : Buffer.from(name)),
    small(2, alias),
    small(3, timestamp),
    small(4, datatype),
    small(5, isHistorical === true ? 1 : undefined),
    block(9, unit === undefined ? undefined : properties),
    writeValue(metric),
  ]);
}

/** Writes a payload. */
export function writePayload(payload: {
  readonly timestamp?: number;
  readonly seq?: number;
  readonly metrics: readonly MetricToWrite[];
}): Buffer {
  const metrics = payload.metrics.map((metric) => block(2, writeMetric(metric)));
  return Buffer.concat([small(1, payload.timestamp), ...metrics, small(3, payload.seq)]);
}
