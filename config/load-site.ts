import { readdirSync } from "node:fs";
import path from "node:path";
import type { Static, TSchema } from "typebox";
import { ConfigError } from "#core/errors.ts";
import { alarmProfiles } from "./alarm-profiles.ts";
import { Expansion } from "./expand-site.ts";
import { AlarmsFile, DevicesFile, GatewayFile, ProfileFile, RulesFile, type Site, SiteFile } from "./schema/site.ts";
import type { Loaded, ProtocolSchemas } from "./site-files.ts";
import { YamlFile } from "./yaml-file.ts";

function yamlFilesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .sort();
  } catch {
    return [];
  }
}

/**
 * Reads a whole site folder (`site.yaml`, `gateways/`, `devices/`, `alarms/`, `rules/`) with the device profiles, fills profiles
 * in, completes every id and checks every reference.
 * @throws CONFIG_INVALID with every fault at once, each `file:line:column path expected, got`
 */
export function loadSite(
  folder: string,
  profilesFolder: string,
  protocols: ReadonlyMap<string, ProtocolSchemas>,
): Site {
  const problems: string[] = [];
  const load = <T extends TSchema>(directory: string, name: string, schema: T): Loaded<Static<T>> | undefined => {
    const file = YamlFile.read(
      path.join(directory, name),
      path.relative(process.cwd(), path.join(directory, name)),
      problems,
    );
    const value = file?.check(schema, problems);
    return file && value !== undefined ? { file, value } : undefined;
  };
  const all = <T extends TSchema>(directory: string, schema: T) =>
    yamlFilesIn(directory).flatMap((name) => load(directory, name, schema) ?? []);

  const site = load(folder, "site.yaml", SiteFile);
  const gateways = all(path.join(folder, "gateways"), GatewayFile);
  const profiles = all(profilesFolder, ProfileFile);
  const devices = all(path.join(folder, "devices"), DevicesFile);
  const alarms = all(path.join(folder, "alarms"), AlarmsFile);
  const rules = all(path.join(folder, "rules"), RulesFile);
  if (site === undefined) throw new ConfigError("CONFIG_INVALID", problems);

  const files = { site, gateways, profiles, devices, alarms, rules };
  const expanded = new Expansion(files, protocols, problems).expand();
  if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  return { ...expanded, alarmProfiles: { ...alarmProfiles(files) } };
}
