import { defineDriver } from "../driver.ts";
import { OnvifAddress, OnvifConfig, OnvifDevice } from "./config.ts";
import { ONVIF_ACTIONS, ONVIF_INTERNAL_ACTIONS } from "./vocabulary.ts";

/** ONVIF: cameras of profile S, T and M, access controllers of profile C. What it supports is in this folder's README. */
export const onvif = defineDriver({
  kind: "onvif",
  config: OnvifConfig,
  device: OnvifDevice,
  address: OnvifAddress,
  actions: ONVIF_ACTIONS,
  internalActions: ONVIF_INTERNAL_ACTIONS,
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
