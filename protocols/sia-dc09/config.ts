import { type Static, Type } from "typebox";
import { ACCOUNT_DEFAULTS, PANEL_SIGNALS, PARTITION_SIGNALS, SIA_DEFAULTS, ZONE_SIGNALS } from "./vocabulary.ts";

const closed = { additionalProperties: false } as const;

/** The channel's section: one receiver. */
export const SiaConfig = Type.Object(
  {
    host: Type.Optional(
      Type.String({ minLength: 1, maxLength: 253, default: SIA_DEFAULTS.host, description: "Address to listen on." }),
    ),
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: "Port to listen on; 0 takes a free one." }),
    tcp: Type.Optional(Type.Boolean({ default: SIA_DEFAULTS.tcp, description: "Listen on TCP." })),
    udp: Type.Optional(Type.Boolean({ default: SIA_DEFAULTS.udp, description: "Listen on UDP." })),
    windowBeforeS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        default: SIA_DEFAULTS.windowBeforeS,
        description: "A time stamp may lie so far in the past, s; older ones are answered with NAK and our time.",
      }),
    ),
    windowAfterS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        default: SIA_DEFAULTS.windowAfterS,
        description: "A time stamp may lie so far in the future, s.",
      }),
    ),
    duplicateS: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 86_400,
        default: SIA_DEFAULTS.duplicateS,
        description: "The same frame of an account within so long is the repeat of one already taken, s.",
      }),
    ),
    maxConnections: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        default: SIA_DEFAULTS.maxConnections,
        description: "TCP connections at once.",
      }),
    ),
    frameTimeoutMs: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 60_000,
        default: SIA_DEFAULTS.frameTimeoutMs,
        description:
          "A frame that has begun must be whole after so long, ms, and a new connection must bring one that is answered; else it is closed.",
      }),
    ),
    idleTimeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1000,
        maximum: 86_400_000,
        default: SIA_DEFAULTS.idleTimeoutMs,
        description: "A connection on which nothing comes is closed after so long, ms.",
      }),
    ),
  },
  { ...closed, description: "SIA DC-09 channel: one receiver to which panels dial." },
);
export type SiaConfig = Static<typeof SiaConfig>;

/** One account: one panel. */
export const SiaAccount = Type.Object(
  {
    account: Type.String({ pattern: "^[0-9A-Fa-f]{3,16}$", description: "Account number of the panel, hexadecimal." }),
    key: Type.Optional(
      Type.String({
        pattern: "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{48}|[0-9A-Fa-f]{64})$",
        description: "AES key, hexadecimal: 128, 192 or 256 bit; a secret reference. Plain frames are refused then.",
      }),
    ),
    supervisionS: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 90_000,
        default: ACCOUNT_DEFAULTS.supervisionS,
        description: "The panel sends at least so often, s; 0: it is not supervised.",
      }),
    ),
    graceS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3600,
        default: ACCOUNT_DEFAULTS.graceS,
        description: "So much later it is lost, s.",
      }),
    ),
    restores: Type.Optional(
      Type.Boolean({
        default: ACCOUNT_DEFAULTS.restores,
        description: "Does the panel tell the end of zone alarms? false: each is over 5 s after it was told.",
      }),
    ),
  },
  closed,
);
export type SiaAccount = Static<typeof SiaAccount>;

/** Where a value is in the panel. */
export const SiaAddress = Type.Object(
  {
    signal: Type.Enum([...ZONE_SIGNALS, ...PARTITION_SIGNALS, ...PANEL_SIGNALS], {
      description:
        "zoneAlarm, zoneTamper, zoneTrouble, zoneBypassed (boolean, of a `zone`; zoneAlarm without: alarms that name no zone); armed (boolean, of a `partition` or of the panel); " +
        "online, mainsFault, batteryLow, panelTamper, panelTrouble, panic, duress (boolean); lastReport (code, zone); lastTestAt (ISO time).",
    }),
    zone: Type.Optional(
      Type.String({ pattern: "^[1-9A-Fa-f][0-9A-Fa-f]{0,7}$", description: "Zone number without leading zeros." }),
    ),
    partition: Type.Optional(
      Type.String({ pattern: "^[1-9A-Fa-f][0-9A-Fa-f]{0,3}$", description: "Partition number without leading zeros." }),
    ),
  },
  closed,
);
export type SiaAddress = Static<typeof SiaAddress>;
