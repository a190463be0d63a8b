import type { DataType, MetricValue } from "./datatype.ts";

/** A property of a metric. `skipped`: it is there, but of a kind we do not read (PropertySet, PropertySetList, extension). */
export interface PropertyValue {
  readonly type?: DataType | undefined;
  readonly value: MetricValue;
  readonly skipped?: boolean | undefined;
}

/** One metric of a payload. Times are Unix ms, UTC. @see Sparkplug 3.0 §6.4.6 */
export interface Metric {
  /** Births always carry it; DATA only where the metric has no alias. */
  readonly name?: string | undefined;
  /** Number that stands for the name in DATA; 0 to 2^53-1. */
  readonly alias?: number | undefined;
  readonly timestamp?: number | undefined;
  readonly datatype?: DataType | undefined;
  /** Goes to storage and never changes a live value. */
  readonly isHistorical?: boolean | undefined;
  /** Not to be stored. */
  readonly isTransient?: boolean | undefined;
  /** Explicit null; `value` is null then. */
  readonly isNull?: boolean | undefined;
  readonly properties?: Readonly<Record<string, PropertyValue>> | undefined;
  readonly value?: MetricValue;
  /** Decoded only: the value or its datatype is of a kind we do not read (DataSet, Template, array, extension). */
  readonly skipped?: boolean | undefined;
}

/** A Sparkplug B payload. @see Sparkplug 3.0 §6.4.4 */
export interface Payload {
  /** When it was published, Unix ms. */
  readonly timestamp?: number | undefined;
  readonly metrics: readonly Metric[];
  /** 0 to 255; absent in NDEATH, NCMD and DCMD. */
  readonly seq?: number | undefined;
  readonly uuid?: string | undefined;
  readonly body?: Uint8Array | undefined;
}

/** A decoded metric belongs to whoever decoded it and may be changed in place. */
export type DecodedMetric = { -readonly [Key in keyof Metric]: Metric[Key] };

/** What `decodePayload` gives. */
export interface DecodedPayload extends Payload {
  readonly metrics: DecodedMetric[];
}
