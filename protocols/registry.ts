import type { DriverDescriptor } from "./driver.ts";

/** Add a protocol driver here. */
const DRIVERS: readonly DriverDescriptor[] = [];

/** Every protocol the hub speaks, by kind. */
export const driverByKind: ReadonlyMap<string, DriverDescriptor> = new Map(DRIVERS.map((d) => [d.kind, d]));
