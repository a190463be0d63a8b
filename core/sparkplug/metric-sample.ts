import type { PointId } from "../ids.ts";
import type { Quality } from "../model/quality.ts";
import type { Sample, Value } from "../model/sample.ts";
import { qualityText } from "../model/sample-columns.ts";
import type { PropertyValue } from "./metric.ts";
import type { ResolvedMetric } from "./metric-table.ts";

/** Latest time that is one, Unix ms: a later one cannot be written as a date. [ECMA-262 21.4.1.1] */
const LATEST_TIME_MS = 8.64e15;

type Properties = Readonly<Record<string, PropertyValue>> | undefined;

function isTime(ms: unknown): ms is number {
  return typeof ms === "number" && Math.abs(ms) <= LATEST_TIME_MS;
}

/** Not finite is no value: neither JSON nor the store can hold it. */
function readValue({ value, skipped }: ResolvedMetric): Value | undefined {
  if (skipped || value instanceof Uint8Array) return undefined;
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  return typeof value === "bigint" ? Number(value) : value;
}

function textProperty(properties: Properties, name: string): string | undefined {
  const value = properties?.[name]?.value;
  return typeof value === "string" ? value : undefined;
}

/** Quality in words where the sender gives them, else from Sparkplug's number. [Sparkplug tck-id-payloads-propertyset-quality-value-value] */
function qualityOf(properties: Properties): { quality: Quality; reason?: string } {
  if (properties === undefined) return { quality: "good" };
  const words = textProperty(properties, "quality");
  const code = properties["Quality"]?.value;
  const byCode: Quality = code === undefined || code === 192 ? "good" : code === 500 ? "uncertain" : "bad";
  const quality = words === "good" || words === "uncertain" || words === "bad" ? words : byCode;
  const reason = textProperty(properties, "reason");
  return quality === "good" || reason === undefined ? { quality } : { quality, reason };
}

function sourceTimeOf(properties: Properties): number | undefined {
  const source = properties?.["sourceTime"]?.value;
  return isTime(source) ? source : undefined;
}

/** What the properties of a metric say of its value: the `qualityText`, and the device's own time, NaN when there is none. */
export function describeValue(properties: Properties): { readonly quality: string; readonly source: number } {
  const { quality, reason } = qualityOf(properties);
  return { quality: qualityText(quality, reason), source: sourceTimeOf(properties) ?? Number.NaN };
}

/**
 * The sample a metric stands for. Its time stamp is when the driver saw it, and `now` (Unix ms) stands in for one that is no
 * time; the device's own time is a property. Whether it is historical is the business of who asks: a birth never is.
 */
export function sampleOf(point: PointId, metric: ResolvedMetric, now: number): Sample {
  const value = readValue(metric);
  const quality = value === undefined ? { quality: "bad" as const, reason: "noValue" } : qualityOf(metric.properties);
  const source = sourceTimeOf(metric.properties);
  return {
    point,
    value: value ?? null,
    ...quality,
    ...(source === undefined ? {} : { sourceTime: source }),
    observedAt: isTime(metric.timestamp) ? metric.timestamp : now,
  };
}
