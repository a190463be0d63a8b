import type { NorthboundSettings } from "#protocols/bacnet/northbound/northbound-device.ts";
import type { ShownPoint, ShownValue } from "#protocols/bacnet/northbound/shown-point.ts";
import type { WorkerLine } from "./worker-logger.ts";

/** What the thread begins with. */
export interface NorthboundWorkerData {
  readonly settings: NorthboundSettings;
  readonly beatMs: number;
}

/** From the gateway to the thread that shows its points. */
export type ToNorthbound =
  | { readonly kind: "show"; readonly points: readonly ShownPoint[] }
  | { readonly kind: "tell"; readonly values: readonly ShownValue[] }
  | { readonly kind: "stop" };

/** From that thread. `took`: ready for more values. */
export type FromNorthbound =
  | { readonly kind: "opened"; readonly host: string; readonly port: number }
  | { readonly kind: "took" }
  | { readonly kind: "beat"; readonly counters: Readonly<Record<string, number>> }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "stopped" }
  | WorkerLine;
