import type { Device } from "#core/model/device.ts";
import type { Point } from "#core/model/point.ts";
import type { SiteCatalog } from "../ports.ts";

/** Devices and points beside those of the site, by id and in the order of their ids. */
export interface MoreDevices {
  devices(): ReadonlyMap<string, Device>;
  points(): ReadonlyMap<string, Point>;
  onChange(listener: () => void): void;
}

const merged = <T extends { readonly id: string }>(site: readonly T[], more: ReadonlyMap<string, T>): readonly T[] =>
  more.size === 0 ? site : [...site, ...more.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

/**
 * The site as who looks at it sees it: its own devices and points, and those of foreign edge nodes. For listing and history
 * only; rules, alarms, commands and bundles know what was configured. A configured id goes before a foreign one.
 */
export function withForeignNodes(catalog: SiteCatalog, foreign: MoreDevices): SiteCatalog {
  const listeners = new Set<() => void>();
  let devices: readonly Device[] | undefined;
  let points: readonly Point[] | undefined;
  const changed = (): void => {
    devices = undefined;
    points = undefined;
    for (const listener of listeners) listener();
  };
  catalog.onChange(changed);
  foreign.onChange(changed);
  return {
    get site() {
      return catalog.site;
    },
    get timeZone() {
      return catalog.timeZone;
    },
    get version() {
      return catalog.version;
    },
    spaces: () => catalog.spaces(),
    partitions: () => catalog.partitions(),
    zones: () => catalog.zones(),
    gateways: () => catalog.gateways(),
    devices() {
      devices ??= merged(catalog.devices(), foreign.devices());
      return devices;
    },
    device: (id) => catalog.device(id) ?? foreign.devices().get(id),
    points() {
      points ??= merged(catalog.points(), foreign.points());
      return points;
    },
    point: (id) => catalog.point(id) ?? foreign.points().get(id),
    doors: () => catalog.doors(),
    channel: (id) => catalog.channel(id),
    rules: () => catalog.rules(),
    placement: (rule) => catalog.placement(rule),
    setRuleEnabled: (id, enabled, actor) => catalog.setRuleEnabled(id, enabled, actor),
    alarmText: (definition) => catalog.alarmText(definition),
    bundle: (gateway) => catalog.bundle(gateway),
    onChange: (listener) => {
      listeners.add(listener);
    },
  };
}
