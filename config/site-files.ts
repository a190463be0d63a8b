import type { Static, TSchema } from "typebox";
import type { AlarmsFile, DevicesFile, GatewayFile, ProfileFile, RulesFile, SiteFile } from "./schema/site.ts";
import type { PathStep, YamlFile } from "./yaml-file.ts";

/** What the loader must know of a protocol to check its sections. The driver descriptors have this shape. */
export interface ProtocolSchemas {
  readonly config: TSchema;
  readonly device: TSchema;
  readonly address: TSchema;
}

/** A file with its checked content. */
export interface Loaded<T> {
  readonly file: YamlFile;
  readonly value: T;
}

/** Where an entry was written: its file and the path in it. */
export interface Origin {
  readonly file: YamlFile;
  readonly path: readonly PathStep[];
}

/** All checked files of a site, and the profiles that its devices may name. */
export interface SiteFiles {
  readonly site: Loaded<SiteFile>;
  readonly gateways: readonly Loaded<GatewayFile>[];
  readonly profiles: readonly Loaded<ProfileFile>[];
  readonly devices: readonly Loaded<Static<typeof DevicesFile>>[];
  readonly alarms: readonly Loaded<Static<typeof AlarmsFile>>[];
  readonly rules: readonly Loaded<Static<typeof RulesFile>>[];
}
