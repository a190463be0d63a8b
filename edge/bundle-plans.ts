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
