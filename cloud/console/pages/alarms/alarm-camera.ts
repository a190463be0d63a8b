import type { AlarmView } from "#core/contracts/alarms.ts";
import type { SiteNames } from "../../api/site-names.ts";

/** The camera that looks at where an alarm is, and its preset that shows it. */
export interface AlarmCamera {
  readonly camera: string;
  readonly preset: string | undefined;
}

/** The camera of the alarm's zone; of an alarm of a camera that camera itself; undefined: none looks there. */
export function cameraOf(
  { zone: id, device }: Pick<AlarmView, "zone" | "device">,
  { zones, devices }: Pick<SiteNames, "zones" | "devices">,
): AlarmCamera | undefined {
  const zone = id === undefined ? undefined : zones.get(id);
  if (zone?.camera !== undefined) return { camera: zone.camera, preset: zone.preset };
  const source = device === undefined ? undefined : devices.get(device);
  return source?.kind.startsWith("camera") === true ? { camera: source.id, preset: undefined } : undefined;
}
