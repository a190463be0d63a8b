import { defineDriver } from "../driver.ts";
import { ONVIF_ACTIONS, OnvifAddress, OnvifConfig, OnvifDevice } from "./config.ts";

/** ONVIF: IP cameras of profile S and T. What it supports is in this folder's README. */
export const onvif = defineDriver({
  kind: "onvif",
  config: OnvifConfig,
  device: OnvifDevice,
  address: OnvifAddress,
  actions: ONVIF_ACTIONS,
  async create(config, deps) {
    const { OnvifDriver } = await import("./driver.ts");
    return new OnvifDriver(config, deps);
  },
});
