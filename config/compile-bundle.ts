import type { Bundle } from "#core/contracts/bundle.ts";
import { type DeviceId, gatewayOf } from "#core/ids.ts";
import type { Site } from "./schema/site.ts";

/**
 * What one gateway needs of a site: its channels, devices and points, the alarms on them, all spaces and zones (they are small),
 * the doors of its controllers, and the rules placed on it. `placed` holds the ids of those rules.
 */
export function compileBundle(site: Site, gateway: string, version: number, placed: ReadonlySet<string>): Bundle {
  const id = `${site.site}/${gateway}`;
  const mine = (deviceOrPoint: string): boolean => gatewayOf(deviceOrPoint as DeviceId) === id;
  return {
    version,
    site: site.site,
    gateway,
    timeZone: site.timeZone,
    channels: site.gateways.find((entry) => entry.gateway === gateway)?.channels ?? [],
    devices: site.devices.filter((device) => mine(device.id)),
    points: site.points.filter((point) => mine(point.id)),
    zones: site.zones,
    spaces: site.spaces,
    doors: (site.doors ?? []).filter((door) => mine(door.device)),
    alarms: site.alarms.filter(({ condition }) => mine("point" in condition ? condition.point : condition.device)),
    rules: site.rules.filter((rule) => placed.has(rule.id)),
  };
}
