/** The Sparkplug B payload: its types, its encoder and its decoder. */
export { DataType, interpret, type MetricValue } from "./datatype.ts";
export { DECODE_LIMITS, type DecodeLimits, decodePayload } from "./decode.ts";
export { type EncodeOptions, encodePayload } from "./encode.ts";
export type { DecodedMetric, DecodedPayload, Metric, Payload, PropertyValue } from "./metric.ts";
export { MalformedPayloadError } from "./wire-reader.ts";
