import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample } from "#core/model/sample.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DeviceState,
  DriverCounters,
  WriteRequest,
  WriteResult,
} from "#protocols/driver.ts";

/** What a driver worker is started with. `config` has every reference filled in. */
export interface DriverWorkerData {
  /** URL of a module that exports the driver's `create`, or else its descriptor. */
  readonly module: string;
  readonly kind: string;
  readonly channel: string;
  readonly config: unknown;
  /** The channel's own folder. */
  readonly folder: string;
  /** How often the worker says that it lives, ms. */
  readonly beatMs: number;
}

/**
 * A moment that all threads of the process see alike, ms, and that no setting of the clock moves. A request whose moment has
 * passed while its thread was busy is not begun: the gateway has told by then that it timed out.
 */
export type Deadline = number;

/** Now, in the measure of a Deadline. */
export function threadTime(): number {
  return performance.timeOrigin + performance.now();
}

/** From the gateway to a driver worker. */
export type ToDriver =
  | { readonly kind: "start"; readonly timeoutMs: number }
  | { readonly kind: "bind"; readonly devices: readonly DeviceBinding[] }
  | { readonly kind: "write"; readonly id: number; readonly request: WriteRequest; readonly deadline: Deadline }
  | { readonly kind: "act"; readonly id: number; readonly request: ActionRequest; readonly deadline: Deadline }
  /** The event of this number is on the disk, or will not be. */
  | { readonly kind: "eventStored"; readonly id: number; readonly stored: boolean }
  | { readonly kind: "stop" };

/** From a driver worker to the gateway, in the order it happened. */
export type FromDriver =
  | { readonly kind: "loaded" }
  | { readonly kind: "started" }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly retriable: boolean }
  | { readonly kind: "beat"; readonly counters: DriverCounters; readonly heapBytes: number }
  | { readonly kind: "samples"; readonly samples: readonly Sample[] }
  /** With `id`: the driver waits until the event is stored. */
  | { readonly kind: "event"; readonly event: DeviceEvent; readonly id?: number }
  | { readonly kind: "conditions"; readonly report: ConditionReport }
  | { readonly kind: "history"; readonly samples: readonly Sample[] }
  | { readonly kind: "certificates"; readonly certificates: readonly FieldCertificate[] }
  | { readonly kind: "device"; readonly state: DeviceState }
  | { readonly kind: "written"; readonly id: number; readonly result: WriteResult }
  | { readonly kind: "acted"; readonly id: number; readonly result: ActionResult }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };
