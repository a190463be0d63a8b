import { bacnet } from "./bacnet/index.ts";
import type { DriverDescriptor } from "./driver.ts";
import { modbus } from "./modbus/index.ts";
import { onvif } from "./onvif/index.ts";
import { opcua } from "./opcua/index.ts";
import { siaDc09 } from "./sia-dc09/index.ts";

/** Add a protocol driver here. */
const DRIVERS: readonly DriverDescriptor[] = [bacnet, modbus, onvif, opcua, siaDc09];

/** Every protocol the hub speaks, by kind. */
export const driverByKind: ReadonlyMap<string, DriverDescriptor> = new Map(DRIVERS.map((d) => [d.kind, d]));
