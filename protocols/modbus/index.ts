import { defineDriver } from "../driver.ts";
import { ModbusAddress, ModbusConfig, ModbusDevice } from "./config.ts";

export { ModbusAddress, ModbusConfig, ModbusDevice } from "./config.ts";

/**
 * Modbus over TCP, RTU over TCP and serial lines.
 * @see Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP V1.0b, Modbus over serial line V1.02
 */
export const modbus = defineDriver({
  kind: "modbus",
  config: ModbusConfig,
  device: ModbusDevice,
  address: ModbusAddress,
  actions: [],
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
