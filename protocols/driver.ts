import type { Static, TSchema } from "typebox";
import type { Clock } from "#core/clock.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample, Value } from "#core/model/sample.ts";

/** What a driver is given. Everything that crosses this interface is plain data, because a driver runs in a worker thread. */
export interface DriverDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Values and losses of values, in the order seen. Raw protocol values: the pipeline applies scale, offset and deadband. */
  readonly onSamples: (samples: readonly Sample[]) => void;
  readonly onEvent: (event: DeviceEvent) => void;
  /**
   * As `onEvent`, and resolves when the event and every sample told before it are on the gateway's disk: what a sender may be
   * acknowledged for. Rejects (EVENT_NOT_STORED) when they will not be; the sender must be left to repeat.
   */
  readonly storeEvent: (event: DeviceEvent) => Promise<void>;
  /** Alarm conditions that a device keeps by itself; see ConditionReport. */
  readonly onConditions: (report: ConditionReport) => void;
  /**
   * Values of the past that a device kept while it was out of reach, with their `sourceTime`, oldest first for each point. They
   * go into the history and change neither the live value nor an alarm. Telling one again is harmless for at least a day.
   */
  readonly onHistory: (samples: readonly Sample[]) => void;
  /** All certificates that the channel knows, told again on each change. */
  readonly onCertificates: (certificates: readonly FieldCertificate[]) => void;
  /** A folder of the channel's own that survives a restart, for what is no configuration: keys, trust lists. Made when first used. */
  readonly folder: string;
  /** Told on each change of a device's reachability, and once for each device after `bind`. */
  readonly onDevice: (state: DeviceState) => void;
}

/** Reachability of one device. `reason` says why it is offline. */
export interface DeviceState {
  readonly device: DeviceId;
  readonly online: boolean;
  readonly reason?: string;
  readonly at: number;
}

/** One point of a device, with its protocol address (already valid against the descriptor's `address` schema). */
export interface PointBinding<A = unknown> {
  readonly point: PointId;
  readonly address: A;
  readonly writable: boolean;
}

/** One device of a channel, with its connection section (already valid against the descriptor's `device` schema). */
export interface DeviceBinding<D = unknown, A = unknown> {
  readonly device: DeviceId;
  readonly config: D;
  readonly points: readonly PointBinding<A>[];
}

/** A raw write, already unscaled. `value` null relinquishes where the protocol can. */
export interface WriteRequest {
  readonly point: PointId;
  readonly value: Value;
  /** BACnet command priority 1-16; protocols without priorities ignore it. */
  readonly priority: number;
  /** For whom: user name, `token:<name>`, `rule:<id>`; shown as the holder of the value where the protocol has holders. */
  readonly owner?: string;
  /** The driver gives the value back by itself after so long, ms, also after a restart, where the protocol can relinquish. */
  readonly leaseMs?: number;
  /**
   * With value null: relinquish only what was written through this driver and still stands. Done as soon as the driver has taken
   * it over; it goes on by itself while the device is away.
   */
  readonly onlyOurs?: true;
}

/** How a write ended. `rejected`: nothing reached the device. `failed`: the device refused or did not confirm. */
export type WriteResult =
  | { readonly status: "done"; readonly readBack: Value }
  | { readonly status: "rejected" | "failed" | "timeout"; readonly code: string; readonly message: string };

/** A device action that is no point write: `ptzPreset {preset}`, `snapshot {}`. */
export interface ActionRequest {
  /** The device, or for an action on the channel as a whole (discover, trustCertificate) `<site>/<gateway>/<channel>`. */
  readonly device: DeviceId;
  readonly action: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}

/**
 * How an action ended; `blob` is what it produced, e.g. the JPEG of a snapshot or the JSON of a discovery. `data` stays inside the
 * gateway (the stream address of a camera with its password) and is never passed to the cloud.
 */
export type ActionResult =
  | {
      readonly status: "done";
      readonly blob?: { readonly contentType: string; readonly bytes: Uint8Array };
      readonly data?: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly status: "rejected" | "failed" | "timeout"; readonly code: string; readonly message: string };

/** Monotonic counters since the driver's creation, by name: `requests`, `timeouts`, `malformed`, `late`, `reconnects` ... */
export type DriverCounters = Readonly<Record<string, number>>;

/**
 * One channel: one field network with its devices.
 * Life: create, start (again after a retriable failure), bind (again when the configuration changes), stop.
 * No timers and no sockets before `start`. The supervisor owns restart and back-off of the whole driver; the driver owns
 * reconnecting to each device, so that one dead device never starves or stops the others.
 */
export interface ProtocolDriver<D = unknown, A = unknown> {
  /** Opens what the channel needs. Safe to call again after it threw; throws CommunicationError when trying again may work. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Replaces what is observed; resolves when the work has begun, not when every device has answered. Delivers every bound
   * point at least once (bad with a reason when the device is silent) and then its changes, by COV, events or polling.
   * While a device is reachable each point is delivered again at least every 60 s, changed or not: that is its sign of life.
   * **Communication loss is a bad sample of every point of the device, never silence**; recovery is a fresh read of all.
   */
  bind(devices: readonly DeviceBinding<D, A>[]): Promise<void>;
  /** Writes and reads back. Never throws for what the device does; resolves within the driver's own time-out. */
  write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult>;
  /** Performs a device action. `rejected` with `ACTION_UNKNOWN` where the protocol has none of that name. */
  act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult>;
  counters(): DriverCounters;
  /** Never throws; no sample, event or device state is delivered after it resolves. */
  stop(): Promise<void>;
}

/** Makes the driver of one channel from its checked section. It opens nothing yet. */
export type CreateDriver<C = unknown, D = unknown, A = unknown> = (
  config: C,
  deps: DriverDeps,
) => ProtocolDriver<D, A> | Promise<ProtocolDriver<D, A>>;

/** What a protocol registers. Importing it must stay cheap: `create` loads the driver and its library. */
export interface DriverDescriptor<
  C extends TSchema = TSchema,
  D extends TSchema = TSchema,
  A extends TSchema = TSchema,
> {
  readonly kind: string;
  /** Schema of the channel's section. */
  readonly config: C;
  /** Schema of one device's connection section. */
  readonly device: D;
  /** Schema of one point's address in this protocol. */
  readonly address: A;
  /** Device actions it can perform, by name, e.g. `ptzPreset`, `snapshot`. */
  readonly actions: readonly string[];
  /** Actions that only the gateway itself may ask for, because their `data` holds what must not leave it. */
  readonly internalActions?: readonly string[];
  /** Largest heap of the driver's thread, MB; 96 when absent. For a driver whose library needs more. */
  readonly heapMb?: number;
  /**
   * URL of a module that exports `create`, a `CreateDriver` like the one below. A driver thread imports it instead of this
   * descriptor, so nothing it imports may load a schema library: that is 25 MB a thread. Absent: the thread loads the descriptor.
   */
  readonly module?: string;
  create(config: Static<C>, deps: DriverDeps): Promise<ProtocolDriver<Static<D>, Static<A>>>;
}

/** Keeps the literal types of a descriptor. */
export function defineDriver<C extends TSchema, D extends TSchema, A extends TSchema>(
  descriptor: DriverDescriptor<C, D, A>,
): DriverDescriptor<C, D, A> {
  return descriptor;
}
