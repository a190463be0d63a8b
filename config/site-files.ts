import type { TSchema } from "typebox";
import type { YamlFile } from "./yaml-file.ts";

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
