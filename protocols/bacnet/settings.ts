import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import type { BacnetConfig } from "./config.ts";
import type { Interface } from "./station/datagrams.ts";
import type { ForeignDeviceOptions } from "./station/foreign-device.ts";
import type { Pace } from "./station/pacer.ts";
import type { StationOptions } from "./station/station.ts";

/** How the alarms of the devices are taken over. */
export interface AlarmSettings {
  readonly take: boolean;
  readonly confirmed: boolean;
  readonly processId: number;
  readonly pollMs: number;
  readonly checkMs: number;
  /** Where devices reach us; undefined: found out. */
  readonly address: { readonly host: string; readonly port?: number } | undefined;
  /** Number of our own network, where it is known. */
  readonly network: number | undefined;
  /** The last BACnet priority of each. */
  readonly priorities: { readonly urgent: number; readonly high: number; readonly medium: number };
  /** By notification class. */
  readonly classes: ReadonlyMap<number, { readonly category?: AlarmCategory; readonly priority?: AlarmPriority }>;
}

/** What is done about the clocks of the devices. */
export interface ClockSettings {
  readonly sync: "off" | "utc" | "local";
  readonly maxDriftS: number;
}

/** A channel's section with every default filled in. */
export interface Settings {
  /** At least one. */
  readonly interfaces: readonly Interface[];
  readonly foreignDevice: ForeignDeviceOptions | undefined;
  readonly apduTimeoutMs: number;
  readonly retries: number;
  readonly window: number;
  /** undefined: as many as the device answers. */
  readonly requestsPerS: number | undefined;
  /** Networks behind routers whose pace is set. */
  readonly networks: ReadonlyMap<number, Pace>;
  readonly pollMs: number;
  /** undefined: as the device and the kind of subscription allow. */
  readonly safetyPollMs: number | undefined;
  readonly covLifetimeS: number;
  readonly covConfirmed: boolean;
  /** undefined: writes stay until somebody gives them back. */
  readonly leaseS: number | undefined;
  readonly alarms: AlarmSettings;
  readonly clock: ClockSettings;
  /** Most records taken from a device's trend logs after one outage. */
  readonly trendRecords: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Default UDP port of BACnet/IP, 0xBAC0. [BACnet J.1.2] */
export const BACNET_PORT = 47_808;

// half-duplex lines of 38.4 to 76.8 kbit/s are usual behind routers
const NETWORK_PACE: Pace = { window: 1, requestsPerS: 20 };

/** Fills in the defaults of the schema. */
export function settingsOf(config: BacnetConfig): Settings {
  const { bind, broadcast, interfaces = [{ ...bind, ...(broadcast === undefined ? {} : { broadcast }) }] } = config;
  return {
    interfaces: interfaces.map(interfaceOf),
    foreignDevice: foreignDeviceOf(config.foreignDevice),
    apduTimeoutMs: config.apduTimeoutMs ?? 3000,
    retries: config.retries ?? 3,
    window: config.window ?? 4,
    requestsPerS: config.requestsPerS,
    networks: new Map((config.networks ?? []).map(({ net, ...pace }) => [net, { ...NETWORK_PACE, ...pace }])),
    pollMs: config.pollMs ?? 5000,
    safetyPollMs: config.safetyPollMs,
    covLifetimeS: config.covLifetimeS ?? 600,
    covConfirmed: config.covConfirmed ?? false,
    leaseS: config.leaseS,
    alarms: alarmSettingsOf(config.alarms ?? {}),
    clock: { sync: config.clock?.sync ?? "off", maxDriftS: config.clock?.maxDriftS ?? 60 },
    trendRecords: config.trendRecords ?? 100_000,
    backoffMinMs: config.backoffMinMs ?? 1000,
    backoffMaxMs: config.backoffMaxMs ?? 30_000,
  };
}

/** What the channel's station is opened with. */
export function stationOptionsOf(settings: Settings): StationOptions {
  const { interfaces, foreignDevice, apduTimeoutMs, retries, window, requestsPerS, networks } = settings;
  return {
    interfaces,
    ...(foreignDevice === undefined ? {} : { foreignDevice }),
    apduTimeoutMs,
    retries,
    peerPace: { window, ...(requestsPerS === undefined ? {} : { requestsPerS }) },
    networkPace: NETWORK_PACE,
    networks,
  };
}

function alarmSettingsOf(section: NonNullable<BacnetConfig["alarms"]>): AlarmSettings {
  const { take, confirmed, processId, pollMs, checkMs, address, network, priorities, classes = [] } = section;
  return {
    take: take ?? true,
    confirmed: confirmed ?? true,
    processId: processId ?? 1,
    pollMs: pollMs ?? 30_000,
    checkMs: checkMs ?? 300_000,
    address,
    network,
    // [BACnet Annex M] life and property safety to 63, supervisory and trouble to 127, miscellaneous from there on
    priorities: { urgent: 63, high: 127, medium: 191, ...priorities },
    classes: new Map(classes.map(({ class: number, ...what }) => [number, what])),
  };
}

function interfaceOf({ host, port, shared, broadcast }: NonNullable<BacnetConfig["interfaces"]>[number]): Interface {
  return {
    host: host ?? "0.0.0.0",
    port: port ?? 0,
    shared: shared ?? false,
    ...(broadcast === undefined ? {} : { broadcast: { host: broadcast.host, port: broadcast.port ?? BACNET_PORT } }),
  };
}

function foreignDeviceOf(section: BacnetConfig["foreignDevice"]): ForeignDeviceOptions | undefined {
  if (section === undefined) return undefined;
  return { host: section.host, port: section.port ?? BACNET_PORT, ttlS: section.ttlS ?? 300 };
}
