import type { OpcuaConfig } from "./config.ts";
import { OPCUA_DEFAULTS } from "./vocabulary.ts";

/** The channel's section with its defaults. */
export type Settings = Required<OpcuaConfig>;

/** Fills in the defaults of the schema. */
export function settingsOf(config: OpcuaConfig): Settings {
  return { ...OPCUA_DEFAULTS, discoveryUrls: [], ...config };
}
