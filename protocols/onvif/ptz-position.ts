import type { PtzPosition, PtzPreset, PtzStatus } from "./codec/services.ts";

/** Generic positions are told with some digits only, and motors stop near enough. */
const POSITION_TOLERANCE = 0.01;

/** Does a position lie on another, as far as both tell the same axes? False where they share none. */
export function isAt(position: PtzPosition | undefined, target: PtzPosition | undefined): boolean {
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
