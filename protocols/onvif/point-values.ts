import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import type { PtzPreset, PtzStatus } from "./codec/services.ts";
import type { OnvifAddress } from "./config.ts";
import type { EventStates } from "./event-states.ts";
import { type EventSignal, isEventSignal } from "./vocabulary.ts";

/** A value with its trust, before it becomes a sample. */
export interface PointValue {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
  readonly sourceTime?: number;
}

/** What is known of a reachable camera. */
export interface CameraView {
  readonly ptz: boolean;
  readonly events: boolean;
  /** Do events flow at present? Undefined where they never did. */
  readonly eventsFlow: boolean | undefined;
  readonly states: EventStates;
  readonly status: PtzStatus | undefined;
  /** Token of the preset the camera stands on; empty between presets; undefined where it cannot be told. */
  readonly preset: string | undefined;
  readonly clockOffsetMs: number | undefined;
}

const NO_VALUE: PointValue = { value: null, quality: "bad", reason: "noValue" };
const CONFIG_ERROR: PointValue = { value: null, quality: "bad", reason: "configError" };
/** Generic positions are told with some digits only, and motors stop near enough. */
const POSITION_TOLERANCE = 0.01;

const good = (value: Value | undefined): PointValue => (value === undefined ? NO_VALUE : { value, quality: "good" });

/** Does a position lie on another, as far as both tell the same axes? False where they share none. */
export function isAt(position: PtzStatus["position"], target: PtzStatus["position"]): boolean {
  if (position === undefined || target === undefined) return false;
  let shared = 0;
  for (const axis of ["pan", "tilt", "zoom"] as const) {
    const here = position[axis];
    const there = target[axis];
    if (here === undefined || there === undefined) continue;
    if (Math.abs(here - there) > POSITION_TOLERANCE) return false;
    shared++;
  }
  return shared > 0;
}

/** Token of the preset at a position; empty where it is none; undefined where the device tells no positions. */
export function presetAt(status: PtzStatus | undefined, presets: readonly PtzPreset[]): string | undefined {
  if (status?.position === undefined || !presets.some((preset) => preset.position !== undefined)) return undefined;
  return presets.find((preset) => isAt(status.position, preset.position))?.token ?? "";
}

function eventValue(signal: EventSignal, token: string | undefined, view: CameraView): PointValue {
  if (!view.events) return CONFIG_ERROR;
  const known = view.states.read(signal, token);
  // A crossed line is no state that a device repeats: while events flow, none heard of is none.
  const instant = signal === "lineCrossed";
  if (known === undefined && (!instant || view.eventsFlow === undefined)) return NO_VALUE;
  const value = known?.state ?? false;
  const time = known?.utcTime === undefined ? {} : { sourceTime: known.utcTime };
  const believed = view.eventsFlow === true && (instant || known?.confirmed === true);
  return believed ? { value, quality: "good", ...time } : { value, quality: "uncertain", reason: "stale", ...time };
}

/** Present value of one point of a reachable camera. */
export function pointValue(address: OnvifAddress, view: CameraView): PointValue {
  const { signal } = address;
  if (isEventSignal(signal)) return eventValue(signal, address.token, view);
  switch (signal) {
    case "online":
      return good(true);
    case "clockOffset":
      return good(view.clockOffsetMs === undefined ? undefined : Math.round(view.clockOffsetMs / 1000));
    case "pan":
    case "tilt":
    case "zoom":
      return view.ptz ? good(view.status?.position?.[signal]) : CONFIG_ERROR;
    case "moving":
      return view.ptz ? good(view.status?.moving) : CONFIG_ERROR;
    case "preset":
      return view.ptz ? good(view.preset) : CONFIG_ERROR;
    default:
      return signal satisfies never;
  }
}
