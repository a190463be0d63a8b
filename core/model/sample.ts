import { type Static, Type } from "typebox";
import type { PointId } from "../ids.ts";
import type { Quality } from "./quality.ts";

/** A present value; `null` means "no value" (BACnet NULL, relinquished). */
export const Value = Type.Union([Type.Number(), Type.Boolean(), Type.String(), Type.Null()], {
  description: "A number, true/false, text, or null for no value.",
});
export type Value = Static<typeof Value>;

/** One observation of one point. Times are Unix milliseconds, UTC. */
export interface Sample {
  readonly point: PointId;
  readonly value: Value;
  readonly quality: Quality;
  /** Why quality is not "good" (see QUALITY_REASONS); absent when good. */
  readonly reason?: string;
  /** When the device says it happened; absent when the protocol carries no time stamp. */
  readonly sourceTime?: number;
  /** When the driver saw it. */
  readonly observedAt: number;
  /** Told after the fact, out of a device's own record: it belongs into the history and changes neither live value nor alarm. */
  readonly historical?: true;
}

/**
 * Was a stored row told after the fact, out of a device's own record? Its row time is the device's own time then; a live one whose
 * times happen to be equal carries no `sourceTime`.
 */
export function isFromRecord({ sourceTime, observedAt }: Pick<Sample, "sourceTime" | "observedAt">): boolean {
  return sourceTime === observedAt;
}
