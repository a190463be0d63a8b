/** What holds where the channel's section says nothing. */
export const SIA_DEFAULTS = {
  host: "127.0.0.1",
  tcp: true,
  udp: true,
  windowBeforeS: 40,
  windowAfterS: 20,
  duplicateS: 3600,
  maxConnections: 256,
  frameTimeoutMs: 10_000,
  idleTimeoutMs: 3_600_000,
} as const;

/** What holds where an account says nothing: no supervision, a quarter of a minute of grace, restores are told. */
export const ACCOUNT_DEFAULTS = { supervisionS: 0, graceS: 15, restores: true } as const;

/** Signals of one zone. */
export const ZONE_SIGNALS = ["zoneAlarm", "zoneTamper", "zoneTrouble", "zoneBypassed"] as const;
/** Signals of the whole panel. */
export const PANEL_SIGNALS = [
  "online",
  "mainsFault",
  "batteryLow",
  "panelTamper",
  "panelTrouble",
  "panic",
  "duress",
  "lastReport",
  "lastTestAt",
] as const;
/** Signals of one partition, or of the panel where none is named. */
export const PARTITION_SIGNALS = ["armed"] as const;

export type SiaSignal =
  | (typeof ZONE_SIGNALS)[number]
  | (typeof PANEL_SIGNALS)[number]
  | (typeof PARTITION_SIGNALS)[number];

/** Of the channel as a whole: accounts that dialled in and are not configured. */
export const SIA_ACTIONS = ["discover"] as const;
