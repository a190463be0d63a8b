import type { DeviceView } from "#core/contracts/devices.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

/** Points and gateways by id: they stay where they are, whatever their value. */
export const comparePoints: (a: PointView, b: PointView) => number = byId;
export const compareGateways: (a: GatewayView, b: GatewayView) => number = byId;
/** Devices by id. */
export const compareDevices: (a: DeviceView, b: DeviceView) => number = byId;
