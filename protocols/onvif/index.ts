import { defineDriver } from "../driver.ts";
import { OnvifAddress, OnvifConfig, OnvifDevice } from "./config.ts";
import { ONVIF_ACTIONS } from "./vocabulary.ts";

/** ONVIF: IP cameras of profile S and T. What it supports is in this folder's README. */
export const onvif = defineDriver({
  kind: "onvif",
  config: OnvifConfig,
  device: OnvifDevice,
  address: OnvifAddress,
  actions: ONVIF_ACTIONS,
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
