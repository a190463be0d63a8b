import { defineDriver } from "../driver.ts";
import { BACNET_ACTIONS, BACNET_INTERNAL_ACTIONS } from "./client/vocabulary.ts";
import { BacnetAddress, BacnetConfig, BacnetDevice } from "./config.ts";

/** BACnet/IP as a client: ReadPropertyMultiple, COV, WriteProperty with priorities. @see ASHRAE 135, Annex J */
export const bacnet = defineDriver({
  kind: "bacnet",
  config: BacnetConfig,
  device: BacnetDevice,
  address: BacnetAddress,
  actions: BACNET_ACTIONS,
  internalActions: BACNET_INTERNAL_ACTIONS,
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
