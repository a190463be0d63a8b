import { defineDriver } from "../driver.ts";
import { OpcuaAddress, OpcuaConfig, OpcuaDevice } from "./config.ts";
import { OPCUA_ACTIONS } from "./vocabulary.ts";

/** OPC UA as a client: subscriptions, Alarms & Conditions, methods, history. What it supports is in this folder's README. */
export const opcua = defineDriver({
  kind: "opcua",
  config: OpcuaConfig,
  device: OpcuaDevice,
  address: OpcuaAddress,
  actions: OPCUA_ACTIONS,
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
