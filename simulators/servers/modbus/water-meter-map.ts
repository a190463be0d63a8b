import type { ModbusMapping } from "./map.ts";

/**
 * Register map of a water meter, as small meters have it, all in holding registers: flow as int32 litres an hour at 0, forward
 * volume as 8 decimal digits of 0.01 m3 at 2 (starts again after 999,999.99 m3), reverse volume as uint32 of litres at 4 (low
 * register first), water temperature as int16 of 0.01 degC at 6, battery voltage as uint16 of mV at 7, alarm bits at 8 (0 leak, 1
 * reverse flow, 2 battery low), serial number as 8 ASCII characters at 16, valve as uint16 at 32.
 */
export function waterMeterMapOf(): readonly ModbusMapping[] {
  const at = (signal: string, register: number, type: ModbusMapping["type"], more: Partial<ModbusMapping> = {}) =>
    ({ signal, table: "holdingRegister", register, type, ...more }) as const;
  return [
    at("flow", 0, "int32", { scale: 0.001 }),
    at("volume", 2, "bcd32", { scale: 0.01, rollover: 100_000_000 }),
    at("reverse-volume", 4, "uint32", { wordOrder: "CDAB", scale: 0.001 }),
    at("water-temperature", 6, "int16", { scale: 0.01 }),
    at("battery-voltage", 7, "uint16", { scale: 0.001 }),
    at("leak", 8, "bool", { bit: 0 }),
    at("reverse-flow", 8, "bool", { bit: 1 }),
    at("battery-low", 8, "bool", { bit: 2 }),
    at("serial-number", 16, "string", { length: 4 }),
    at("valve", 32, "bool"),
  ];
}
