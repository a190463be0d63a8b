import type { Logger } from "#core/logger.ts";
import type { BlobLimits } from "./blobs/retention.ts";
import type { EngineUrls } from "./engines.ts";
import type { KeepDays } from "./nightly.ts";

/** Where the cloud keeps its things and listens. */
export interface CloudOptions {
  /** Data folder, `$PARKHUB_DATA`. */
  readonly data: string;
  readonly http: { readonly host: string; readonly port: number };
  /** Addresses or networks of proxies in front of `http`. */
  readonly trustedProxies: readonly string[];
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Site that seeds an empty database. */
  readonly siteFolder: string;
  readonly profilesFolder: string;
  readonly consoleFolder: string;
  /** Password of the first administrator; a random one is made without it. */
  readonly adminPassword?: string;
  /** How long pictures, clips and results are kept. */
  readonly blobLimits: BlobLimits;
  /** How long telemetry and records are kept. */
  readonly keep: KeepDays;
  /** Servers that replace the embedded engines. */
  readonly urls: EngineUrls;
  /** Hosts, addresses and networks that notification may send to; none when absent. */
  readonly egress?: readonly string[];
  readonly logger: Logger;
  /** Told when another process has taken the records over: this one must end. */
  readonly onLost?: (error: Error) => void;
}
