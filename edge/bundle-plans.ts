import type { AlarmContext } from "#core/alarm/track.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { DeviceId, PointId } from "#core/ids.ts";
import type { ChannelPlan } from "./supervisor.ts";
import type { DevicePoints } from "./uplink-metrics.ts";

/** Every device of a bundle with its points. */
export function devicesOf({ devices, points }: Bundle): DevicePoints[] {
  const byDevice = Map.groupBy(points, ({ id }) => id.slice(0, id.lastIndexOf("/")));
  return devices.map(({ id }) => ({ device: id, points: byDevice.get(id) ?? [] }));
}

/** What the supervisor is to run. */
export function channelsOf(bundle: Bundle): ChannelPlan[] {
  const points = new Map(devicesOf(bundle).map((entry) => [entry.device, entry.points]));
  const byChannel = Map.groupBy(bundle.devices, (device) => device.channel);
  return bundle.channels.map(({ id, protocol, config }) => ({
    id,
    protocol,
    config,
    devices: (byChannel.get(id) ?? []).map((device) => ({
      device: device.id as DeviceId,
      config: device.config,
      points: (points.get(device.id) ?? []).map((point) => ({
        point: point.id as PointId,
        address: point.address,
        writable: point.writable,
      })),
    })),
  }));
}

/** Where alarms look up what they are about; nothing without a bundle. */
export function alarmContextOf(bundle: Bundle | undefined): AlarmContext {
  const { zones = [], points = [], devices = [] } = bundle ?? {};
  const zoneById = new Map(zones.map((zone) => [zone.id, zone]));
  const pointById = new Map(points.map((point) => [point.id, point]));
  const deviceById = new Map(devices.map((device) => [device.id, device]));
  return {
    zone: (id) => zoneById.get(id),
    point: (id) => pointById.get(id),
    device: (id) => deviceById.get(id),
  };
}
