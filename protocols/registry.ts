import { bacnet } from "./bacnet/index.ts";
import type { DriverDescriptor } from "./driver.ts";
import { modbus } from "./modbus/index.ts";
import { onvif } from "./onvif/index.ts";

/** Add a protocol driver here. */
const DRIVERS: readonly DriverDescriptor[] = [bacnet, modbus, onvif];

/** Every protocol the hub speaks, by kind. */
export const driverByKind: ReadonlyMap<string, DriverDescriptor> = new Map(DRIVERS.map((d) => [d.kind, d]));
