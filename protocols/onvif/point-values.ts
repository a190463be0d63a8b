import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import type { OnvifAddress } from "./config.ts";

/** A value with its trust, before it becomes a sample. */
export interface PointValue {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
  readonly sourceTime?: number;
}

/** The device never told of it. */
export const NO_VALUE: PointValue = { value: null, quality: "bad", reason: "noValue" };
/** The device cannot have it. */
export const CONFIG_ERROR: PointValue = { value: null, quality: "bad", reason: "configError" };

/** A value as the device told it just now; NO_VALUE where it told none. */
export function good(value: Value | undefined): PointValue {
  return value === undefined ? NO_VALUE : { value, quality: "good" };
}

/** A value of a device that is out of reach: the last one, not believed any more. */
export function lostValue(address: OnvifAddress, before: PointValue | undefined): PointValue {
  const value = address.signal === "online" ? false : (before?.value ?? null);
  return { value, quality: "bad", reason: "commLost" };
}

/** Do two values say the same? Their times do not count. */
export function sameValue(a: PointValue, b: PointValue): boolean {
  return a.value === b.value && a.quality === b.quality && a.reason === b.reason;
}
