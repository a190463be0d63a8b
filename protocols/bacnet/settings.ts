import type { BacnetConfig } from "./config.ts";

/** A channel's section with every default filled in. */
export interface Settings {
  readonly bind: { readonly host: string; readonly port: number };
  readonly broadcast: { readonly host: string; readonly port: number } | undefined;
  readonly apduTimeoutMs: number;
  readonly retries: number;
  readonly window: number;
  readonly pollMs: number;
  readonly safetyPollMs: number;
  readonly covLifetimeS: number;
  readonly covConfirmed: boolean;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Default UDP port of BACnet/IP, 0xBAC0. [BACnet J.1.2] */
export const BACNET_PORT = 47_808;

/** Fills in the defaults of the schema. */
export function settingsOf(config: BacnetConfig): Settings {
  const { bind, broadcast } = config;
  return {
    bind: { host: bind?.host ?? "0.0.0.0", port: bind?.port ?? 0 },
    broadcast: broadcast === undefined ? undefined : { host: broadcast.host, port: broadcast.port ?? BACNET_PORT },
    apduTimeoutMs: config.apduTimeoutMs ?? 3000,
    retries: config.retries ?? 3,
    window: config.window ?? 4,
    pollMs: config.pollMs ?? 5000,
    safetyPollMs: config.safetyPollMs ?? 30_000,
    covLifetimeS: config.covLifetimeS ?? 600,
    covConfirmed: config.covConfirmed ?? false,
    backoffMinMs: config.backoffMinMs ?? 1000,
    backoffMaxMs: config.backoffMaxMs ?? 30_000,
  };
}
