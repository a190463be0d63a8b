import { ID_PART, type PointId } from "#core/ids.ts";
import type { Quality } from "#core/model/quality.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import { BATCH, BD_SEQ } from "#core/sparkplug/message.ts";
import type { ResolvedMetric } from "#core/sparkplug/metric-table.ts";

const OWN_PREFIXES = ["Parkhub/", "Health/", "Node Control/", "Device Control/", "Node Info/", "Properties/"];

/** Does the metric carry a point's value, and not something of the protocol or of the gateway itself? */
export function isPointMetric(name: string): boolean {
  return name !== BATCH && name !== BD_SEQ && !OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Latest time that is one, Unix ms: a later one cannot be written as a date. [ECMA-262 21.4.1.1] */
const LATEST_TIME_MS = 8.64e15;

function isTime(ms: unknown): ms is number {
  return typeof ms === "number" && Math.abs(ms) <= LATEST_TIME_MS;
}

/** Not finite is no value: neither JSON nor the store can hold it. */
function readValue({ value, skipped }: ResolvedMetric): Value | undefined {
  if (skipped || value instanceof Uint8Array) return undefined;
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  return typeof value === "bigint" ? Number(value) : value;
}

function textProperty(metric: ResolvedMetric, name: string): string | undefined {
  const value = metric.properties?.[name]?.value;
  return typeof value === "string" ? value : undefined;
}

/** Quality in words where the sender gives them, else from Sparkplug's number. [Sparkplug tck-id-payloads-propertyset-quality-value-value] */
function qualityOf(metric: ResolvedMetric): { quality: Quality; reason?: string } {
  if (metric.properties === undefined) return { quality: "good" };
  const words = textProperty(metric, "quality");
  const code = metric.properties["Quality"]?.value;
  const byCode: Quality = code === undefined || code === 192 ? "good" : code === 500 ? "uncertain" : "bad";
  const quality = words === "good" || words === "uncertain" || words === "bad" ? words : byCode;
  const reason = textProperty(metric, "reason");
  return quality === "good" || reason === undefined ? { quality } : { quality, reason };
}

/** Point ids of one node's metrics, made once each. */
export class PointNames {
  readonly #ids = new Map<string, PointId>();

  /** `<site>/<gateway>/<device>/<metric>`; what no id may hold becomes `_`. Metrics of the node itself are points of `_node`. */
  idOf(node: string, device: string | undefined, metric: string): PointId {
    const key = `${node}/${device ?? "_node"}/${metric}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      const part = (text: string): string =>
        ID_PART.test(text) ? text : text.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 64);
      id = `${node}/${part(device ?? "_node")}/${part(metric)}` as PointId;
      if (this.#ids.size >= 200_000) this.#ids.clear();
      this.#ids.set(key, id);
    }
    return id;
  }
}

/**
 * The sample a metric stands for. Its time stamp is when the driver saw it, and `now` (Unix ms) stands in for one that is no
 * time; the device's own time is a property.
 */
export function sampleOf(point: PointId, metric: ResolvedMetric, now: number): Sample {
  const value = readValue(metric);
  const quality = value === undefined ? { quality: "bad" as const, reason: "noValue" } : qualityOf(metric);
  const source = metric.properties?.["sourceTime"]?.value;
  return {
    point,
    value: value ?? null,
    ...quality,
    ...(isTime(source) ? { sourceTime: source } : {}),
    observedAt: isTime(metric.timestamp) ? metric.timestamp : now,
  };
}
