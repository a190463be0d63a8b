import { defineDriver } from "../driver.ts";
import { SiaAccount, SiaAddress, SiaConfig } from "./config.ts";
import { SIA_ACTIONS } from "./vocabulary.ts";

/** SIA DC-09: receiver of intrusion panels. What it supports is in this folder's README. */
export const siaDc09 = defineDriver({
  kind: "sia-dc09",
  config: SiaConfig,
  device: SiaAccount,
  address: SiaAddress,
  actions: SIA_ACTIONS,
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
