import { DataType, dataTypeOf, interpret, type MetricValue } from "./datatype.ts";
import type { DecodedMetric, DecodedPayload, PropertyValue } from "./metric.ts";
import { MalformedPayloadError, WireReader } from "./wire-reader.ts";

/** What a payload may cost at most. */
export interface DecodeLimits {
  readonly maxBytes: number;
  readonly maxMetrics: number;
  readonly maxPropertiesPerMetric: number;
}

/** Enough for the birth of a gateway with 100,000 points; more is refused. */
export const DECODE_LIMITS: DecodeLimits = { maxBytes: 16_777_216, maxMetrics: 100_000, maxPropertiesPerMetric: 256 };

const MAX_SEQ = 255;

function readProperty(reader: WireReader): PropertyValue {
  const outer = reader.enter();
  let type: DataType | undefined;
  let value: MetricValue;
  let isNull = false;
  let skipped = false;
  while (reader.more()) {
    const tag = reader.tag();
    switch (tag) {
      case 8: {
        const code = reader.uint32();
        type = dataTypeOf(code);
        skipped ||= type === undefined && code !== 0;
        break;
      }
      case 16:
        isNull = reader.flag();
        break;
      case 24:
        value = reader.uint32();
        break;
      case 32:
        value = reader.uint64();
        break;
      case 45:
        value = reader.float();
        break;
      case 49:
        value = reader.double();
        break;
      case 56:
        value = reader.flag();
        break;
      case 66:
        value = reader.text();
        break;
      default:
        // propertyset_value, propertysets_value, extension_value
        skipped ||= tag === 74 || tag === 82 || tag === 90;
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  if (isNull) return { type, value: null };
  if (skipped) return { type, value: undefined, skipped };
  if (type === undefined || value === undefined) return { type, value };
  const read = interpret({ value }, type);
  return read === undefined ? { type, value: undefined, skipped: true } : { type, value: read };
}

function readProperties(reader: WireReader, limits: DecodeLimits): Record<string, PropertyValue> {
  const keys: string[] = [];
  const values: PropertyValue[] = [];
  while (reader.more()) {
    const tag = reader.tag();
    if (tag === 10) keys.push(reader.text());
    else if (tag === 18) values.push(readProperty(reader));
    else reader.skip(tag);
    if (keys.length + values.length > 2 * limits.maxPropertiesPerMetric) {
      reader.fail(`more than ${limits.maxPropertiesPerMetric} properties`);
    }
  }
  // [Sparkplug tck-id-payloads-propertyset-keys-array-size] guessing pairs could turn a bad quality into a good one
  if (keys.length !== values.length) reader.fail(`${keys.length} property keys for ${values.length} values`);
  // fromEntries defines each key as its own property, also "__proto__"
  return Object.fromEntries(keys.map((key, i) => [key, values[i] ?? { value: undefined }]));
}

function readPropertySet(reader: WireReader, limits: DecodeLimits): Record<string, PropertyValue> {
  const outer = reader.enter();
  const properties = readProperties(reader, limits);
  reader.leave(outer);
  return properties;
}

/** Reads the inside of a PropertySet. @throws SPARKPLUG_MALFORMED */
export function decodeProperties(
  bytes: Uint8Array,
  limits: DecodeLimits = DECODE_LIMITS,
): Readonly<Record<string, PropertyValue>> {
  return readProperties(new WireReader(bytes), limits);
}

/** The value as its datatype says; undefined when it is of a kind we do not read. */
function readAs(value: MetricValue, datatype: DataType | undefined): MetricValue {
  if (datatype === undefined || (datatype === DataType.Double && typeof value === "number")) return value;
  return interpret({ value }, datatype);
}

function readMetric(reader: WireReader, limits: DecodeLimits): DecodedMetric {
  const outer = reader.enter();
  let name: string | undefined;
  let alias: number | undefined;
  let timestamp: number | undefined;
  let code = 0;
  let isHistorical: boolean | undefined;
  let isTransient: boolean | undefined;
  let isNull: boolean | undefined;
  let properties: Record<string, PropertyValue> | undefined;
  let raw: MetricValue;
  let unread = false;
  while (reader.more()) {
    const tag = reader.tag();
    switch (tag) {
      case 10:
        name = reader.text();
        break;
      case 16:
        alias = reader.safe("alias");
        break;
      case 24:
        timestamp = reader.safe("timestamp");
        break;
      case 32:
        code = reader.uint32();
        break;
      case 40:
        isHistorical = reader.flag();
        break;
      case 48:
        isTransient = reader.flag();
        break;
      case 56:
        isNull = reader.flag() || undefined;
        break;
      case 74:
        properties = readPropertySet(reader, limits);
        break;
      case 80:
        raw = reader.uint32();
        break;
      case 88:
        raw = reader.uint64();
        break;
      case 101:
        raw = reader.float();
        break;
      case 105:
        raw = reader.double();
        break;
      case 112:
        raw = reader.flag();
        break;
      case 122:
        raw = reader.text();
        break;
      case 130:
        raw = reader.blob();
        break;
      default:
        // dataset_value, template_value, extension_value
        unread ||= tag === 138 || tag === 146 || tag === 154;
        reader.skip(tag);
    }
  }
  reader.leave(outer);
  const datatype = dataTypeOf(code);
  unread ||= datatype === undefined && code !== 0;
  const value = isNull ? null : unread ? undefined : readAs(raw, datatype);
  const skipped = !isNull && (unread || (raw !== undefined && value === undefined)) ? true : undefined;
  // Every field is there, also when undefined, so that all metrics have one shape.
  return { name, alias, timestamp, datatype, isHistorical, isTransient, isNull, properties, value, skipped };
}

/**
 * Reads a payload. Where a metric carries its datatype the value is read as that; otherwise it is the raw value of the wire
 * field (see `interpret`). DataSet, Template, arrays, extensions and unknown datatypes are passed over and the metric is marked
 * `skipped`; metadata and unknown fields are ignored. The result shares no memory with `bytes`.
 * @throws SPARKPLUG_MALFORMED as MalformedPayloadError with the offset
 * @see Sparkplug 3.0 §6.4.1
 */
export function decodePayload(bytes: Uint8Array, limits: DecodeLimits = DECODE_LIMITS): DecodedPayload {
  if (bytes.byteLength > limits.maxBytes) {
    throw new MalformedPayloadError(0, `${bytes.byteLength} bytes, at most ${limits.maxBytes} are accepted`);
  }
  const reader = new WireReader(bytes);
  const metrics: DecodedMetric[] = [];
  let timestamp: number | undefined;
  let seq: number | undefined;
  let uuid: string | undefined;
  let body: Uint8Array | undefined;
  while (reader.more()) {
    const tag = reader.tag();
    switch (tag) {
      case 8:
        timestamp = reader.safe("timestamp");
        break;
      case 18:
        if (metrics.length === limits.maxMetrics) reader.fail(`more than ${limits.maxMetrics} metrics`);
        metrics.push(readMetric(reader, limits));
        break;
      case 24:
        seq = reader.safe("seq");
        // [Sparkplug tck-id-payloads-sequence-num-req-nbirth]
        if (seq > MAX_SEQ) reader.fail(`seq ${seq}, expected 0 to ${MAX_SEQ}`);
        break;
      case 34:
        uuid = reader.text();
        break;
      case 42:
        body = reader.blob();
        break;
      default:
        reader.skip(tag);
    }
  }
  return { timestamp, metrics, seq, uuid, body };
}
