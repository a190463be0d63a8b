import { type Static, Type } from "typebox";

/** How far a value can be trusted. Maps to OPC UA StatusCode severity, BACnet Status_Flags and Sparkplug's Quality property. */
export const Quality = Type.Enum(["good", "uncertain", "bad"], {
  description: "How far the value can be trusted: good, uncertain or bad.",
});
export type Quality = Static<typeof Quality>;

/**
 * Why a value is not good. Open for protocol-specific reasons; these are the shared ones, which the console translates.
 * commLost: the device does not answer. stale: nothing was heard for longer than staleAfterMs. driverFailed: the driver
 * itself stopped. deviceFault: the device reports a fault. outOfService: decoupled from its input (BACnet Out_Of_Service).
 * overridden: held by hand at the device. outOfRange: outside what the sensor can measure. noValue: the device has none.
 * configError: the address does not exist in the device. precisionLost: more digits than a number holds. overflow: the device lost
 * changes before this one. unauthorized: our user is refused. refused: the device refuses us. certificateUntrusted,
 * certificateInvalid, wrongDevice, insecure: the device is not, or not safely, the one that was configured.
 * Outbox files hold places in this list: only append to it.
 */
export const QUALITY_REASONS = [
  "commLost",
  "stale",
  "driverFailed",
  "deviceFault",
  "outOfService",
  "overridden",
  "outOfRange",
  "noValue",
  "configError",
  "precisionLost",
  "overflow",
  "unauthorized",
  "refused",
  "certificateUntrusted",
  "certificateInvalid",
  "wrongDevice",
  "insecure",
] as const;

/** Sparkplug's `Quality` property value for a sample. [Sparkplug tck-id-payloads-propertyset-quality-value-value] */
export function sparkplugQuality(quality: Quality, reason?: string): 0 | 192 | 500 {
  if (quality === "good") return 192;
  return quality === "uncertain" || reason === "stale" ? 500 : 0;
}
