import { sourceOf } from "#core/alarm/operands.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { type DeviceId, gatewayOf } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Site } from "./schema/site.ts";

/** The definitions that are judged, without their switch: a gateway of a former version does not know it. */
function enabledOnes(definitions: readonly AlarmDefinition[]): AlarmDefinition[] {
  const judged = definitions.flatMap(({ enabled = true, ...definition }) => (enabled ? [definition] : []));
  const ids = new Set(judged.map(({ id }) => id));
  return judged.map(({ suppressedBy, ...definition }) => {
    // an alarm that is judged by nobody suppresses none
    const left = suppressedBy?.filter((by) => "point" in by || ids.has(by.definition)) ?? [];
    return left.length === 0 ? definition : { ...definition, suppressedBy: left };
  });
}

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
    alarms: enabledOnes(site.alarms).filter(({ condition }) => mine(sourceOf(condition))),
    rules: site.rules.filter((rule) => placed.has(rule.id)),
  };
}
