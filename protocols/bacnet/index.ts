import { defineDriver } from "../driver.ts";
import { BacnetAddress, BacnetConfig, BacnetDevice } from "./config.ts";

/** BACnet/IP as a client: ReadPropertyMultiple, COV, WriteProperty with priorities. @see ASHRAE 135, Annex J */
export const bacnet = defineDriver({
  kind: "bacnet",
  config: BacnetConfig,
  device: BacnetDevice,
  address: BacnetAddress,
  actions: [],
  async create(config, deps) {
    const { BacnetDriver } = await import("./driver.ts");
    return new BacnetDriver(config, deps);
  },
});
