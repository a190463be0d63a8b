import { createHash } from "node:crypto";
import { type DeviceId, ID_PART, type PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import type { SampleAppender } from "#core/model/sample-columns.ts";
import { BATCH, BD_SEQ } from "#core/sparkplug/message.ts";
import { sampleOf } from "#core/sparkplug/metric-sample.ts";
import type { ResolvedMetric } from "#core/sparkplug/metric-table.ts";
import type { PointDirectory } from "../telemetry-ports.ts";

const OWN_PREFIXES = ["Parkhub/", "Health/", "Node Control/", "Device Control/", "Node Info/", "Properties/"];
/** Names kept as they were made. */
const MAX_NAMES = 200_000;

/** Does the metric carry a point's value, and not something of the protocol or of the gateway itself? */
export function isPointMetric(name: string): boolean {
  return name !== BATCH && name !== BD_SEQ && !OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** A name as part of an id. One that cannot be it ends with 8 hex digits of its hash: no two names become the same part. */
function idPart(text: string): string {
  if (ID_PART.test(text)) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${text.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, 55)}-${hash}`;
}

/** `<site>/<gateway>/<device>/<metric>`. Metrics of the node itself are points of `_node`. */
export function pointIdOf(node: string, device: string | undefined, metric: string): PointId {
  return `${node}/${idPart(device ?? "_node")}/${idPart(metric)}` as PointId;
}

/** Samples of what nodes tell, under the ids and numbers of their points. */
export class PointSamples {
  readonly #points: PointDirectory;
  readonly #ids = new Map<string, PointId>();

  constructor(points: PointDirectory) {
    this.#points = points;
  }

  /** The number of a metric's point. */
  numberOf(node: string, device: string | undefined, metric: string): number {
    return this.#points.numberOf(this.#idOf(node, device, metric));
  }

  /** The id of a device of a node. */
  deviceOf(node: string, device: string): DeviceId {
    return `${node}/${idPart(device)}` as DeviceId;
  }

  /** The values of a birth. `now`, Unix ms, stands in for times that are none. */
  samples(node: string, device: string | undefined, metrics: readonly ResolvedMetric[], now: number): Sample[] {
    return metrics.map((metric) => sampleOf(this.#idOf(node, device, metric.name), metric, now));
  }

  /** Appends the values of a data message, one row each. */
  append(
    node: string,
    device: string | undefined,
    metrics: readonly ResolvedMetric[],
    now: number,
    into: SampleAppender,
  ): void {
    for (const metric of metrics) {
      const id = this.#idOf(node, device, metric.name);
      const sample = sampleOf(id, metric, now);
      into.sample(this.#points.numberOf(id), metric.isHistorical ? { ...sample, historical: true } : sample);
    }
  }

  #idOf(node: string, device: string | undefined, metric: string): PointId {
    const key = `${node}/${device ?? "_node"}/${metric}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = pointIdOf(node, device, metric);
      if (this.#ids.size >= MAX_NAMES) this.#ids.clear();
      this.#ids.set(key, id);
    }
    return id;
  }
}
