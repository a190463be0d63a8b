import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import { OBJECT_TYPES, type ObjectTypeName, PROPERTIES, type PropertyName } from "./codec/enums.ts";

const closed = { additionalProperties: false } as const;
const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const host = (description: string, standard?: string) =>
  Type.String({
    pattern: `^${OCTET}(\\.${OCTET}){3}$`,
    description,
    ...(standard === undefined ? {} : { default: standard }),
  });
const optionalInteger = (minimum: number, maximum: number, standard: number | undefined, description: string) =>
  Type.Optional(
    Type.Integer({ minimum, maximum, ...(standard === undefined ? {} : { default: standard }), description }),
  );

const upTo = (standard: number, description: string) => optionalInteger(0, 255, standard, description);

/** Alarms that devices keep themselves. */
const alarms = Type.Object(
  {
    take: Type.Optional(
      Type.Boolean({
        default: true,
        description: "Take over the alarms of the devices, and register with them for that.",
      }),
    ),
    confirmed: Type.Optional(
      Type.Boolean({
        default: true,
        description: "Ask for confirmed notifications: a device repeats what was not stored.",
      }),
    ),
    processId: optionalInteger(0, 4_294_967_295, 1, "Process identifier in the devices' recipient lists."),
    pollMs: optionalInteger(
      1000,
      3_600_000,
      30_000,
      "Period of asking a device that does not take us as recipient, ms.",
    ),
    checkMs: optionalInteger(
      10_000,
      86_400_000,
      300_000,
      "Period of asking all others whether an alarm was missed, ms.",
    ),
    address: Type.Optional(
      Type.Object(
        {
          host: host("Our own IPv4 address as the devices reach it; found out when absent."),
          port: optionalInteger(
            1,
            65_535,
            undefined,
            "Our own UDP port as the devices reach it; the bound one when absent.",
          ),
        },
        { ...closed, description: "Where the devices send notifications." },
      ),
    ),
    network: optionalInteger(
      1,
      65_534,
      undefined,
      "Number of our own network: needed to be told by devices behind routers; they are asked when absent.",
    ),
    priorities: Type.Optional(
      Type.Object(
        {
          urgent: upTo(63, "Priorities up to this one are urgent (life safety, property safety)."),
          high: upTo(127, "Up to this one high (supervisory, trouble)."),
          medium: upTo(191, "Up to this one medium; the rest is low."),
        },
        { ...closed, description: "The hub's priority of a BACnet one, 0 to 255." },
      ),
    ),
    classes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            class: Type.Integer({ minimum: 0, maximum: 4_194_303, description: "Notification class." }),
            category: Type.Optional(Type.Enum(AlarmCategory.enum, { description: "What its alarms are about." })),
            priority: Type.Optional(Type.Enum(AlarmPriority.enum, { description: "How urgent they are." })),
          },
          { ...closed, description: "What the alarms of one notification class are." },
        ),
        {
          maxItems: 256,
          description:
            "What the alarms of a notification class are: each with `class`, and `category` and `priority` where they are not to be told by object type and priority.",
        },
      ),
    ),
  },
  { ...closed, description: "Alarms of the devices." },
);

/** Clocks of the devices. */
const clock = Type.Object(
  {
    sync: Type.Optional(
      Type.Enum(["off", "utc", "local"], {
        default: "off",
        description: "Set the devices' clocks daily and on drift, by UTCTimeSynchronization or TimeSynchronization.",
      }),
    ),
    maxDriftS: optionalInteger(1, 86_400, 60, "A clock that is further off is a condition of its device, s."),
  },
  { ...closed, description: "Clocks of the devices." },
);

const attachment = {
  host: Type.Optional(host("IPv4 address to bind.", "0.0.0.0")),
  port: optionalInteger(0, 65_535, 0, "UDP port; 0 takes a free one. 47808 where devices answer by broadcast."),
  shared: Type.Optional(
    Type.Boolean({ default: false, description: "Other programs on this machine use the same port as well." }),
  ),
};
const broadcast = (description: string) =>
  Type.Object(
    {
      host: host("Broadcast address of the field network."),
      port: optionalInteger(1, 65_535, 47_808, "UDP port of the devices."),
    },
    { ...closed, description },
  );

/** Section of a BACnet/IP channel: one station. */
export const BacnetConfig = Type.Object(
  {
    bind: Type.Optional(Type.Object(attachment, { ...closed, description: "Own address." })),
    broadcast: Type.Optional(broadcast("Where Who-Is goes for devices without an address of their own.")),
    interfaces: Type.Optional(
      Type.Array(
        Type.Object(
          { ...attachment, broadcast: Type.Optional(broadcast("Where broadcasts go at this interface.")) },
          { ...closed, description: "One network interface." },
        ),
        {
          minItems: 1,
          maxItems: 16,
          description:
            "Several field networks, in the place of `bind` and `broadcast`: each with `host`, `port`, `shared` and `broadcast` as above.",
        },
      ),
    ),
    foreignDevice: Type.Optional(
      Type.Object(
        {
          host: host(
            "IPv4 address of a BBMD to register with as foreign device; broadcasts go out through it as well.",
          ),
          port: optionalInteger(1, 65_535, 47_808, "UDP port of the BBMD."),
          ttlS: optionalInteger(10, 65_535, 300, "Lifetime of the registration, s; renewed at half of it."),
        },
        { ...closed, description: "Registration with a BBMD." },
      ),
    ),
    apduTimeoutMs: optionalInteger(50, 60_000, 3000, "Wait for an answer before a retry, ms (APDU_Timeout)."),
    retries: optionalInteger(0, 10, 3, "Retries before a device counts as lost (Number_Of_APDU_Retries)."),
    window: optionalInteger(1, 64, 4, "Requests in flight per device."),
    requestsPerS: optionalInteger(1, 10_000, undefined, "Requests per second per device; no limit when absent."),
    networks: Type.Optional(
      Type.Array(
        Type.Object(
          {
            net: Type.Integer({ minimum: 1, maximum: 65_534, description: "Network number behind a router (DNET)." }),
            window: optionalInteger(1, 64, 1, "Requests in flight on that network."),
            requestsPerS: optionalInteger(1, 10_000, 20, "Requests per second on that network."),
          },
          { ...closed, description: "Pace of one network." },
        ),
        {
          maxItems: 256,
          description:
            "Networks behind routers with another pace than the usual one request at a time and 20 a second: each with `net`, `window` and `requestsPerS`.",
        },
      ),
    ),
    pollMs: optionalInteger(
      100,
      60_000,
      5000,
      "Period of polling of what COV does not cover, and of the sign of life, ms.",
    ),
    safetyPollMs: optionalInteger(
      1000,
      3_600_000,
      undefined,
      "Period at which COV points are read all the same, ms. When absent: 50000; 900000 with `covConfirmed` where the device tells its restarts.",
    ),
    covLifetimeS: optionalInteger(2, 86_400, 600, "Lifetime of COV subscriptions, s; renewed at half of it."),
    covConfirmed: Type.Optional(
      Type.Boolean({ default: false, description: "Ask for confirmed COV notifications (a lost one is sent again)." }),
    ),
    leaseS: optionalInteger(
      1,
      604_800,
      undefined,
      "Writes that say nothing else are given back by themselves after so long, s; never when absent.",
    ),
    alarms: Type.Optional(alarms),
    clock: Type.Optional(clock),
    trendRecords: optionalInteger(
      0,
      1_000_000,
      100_000,
      "Most records that are taken from a device's trend logs after an outage; 0: none.",
    ),
    backoffMinMs: optionalInteger(50, 60_000, 1000, "First pause between searches for a lost device, ms."),
    backoffMaxMs: optionalInteger(50, 600_000, 30_000, "Longest pause between searches for a lost device, ms."),
  },
  { ...closed, description: "BACnet/IP channel." },
);
export type BacnetConfig = Static<typeof BacnetConfig>;

/** Connection section of one device. Its identity is the instance, never the address. */
export const BacnetDevice = Type.Object(
  {
    instance: Type.Integer({ minimum: 0, maximum: 4_194_302, description: "Device instance number." }),
    address: Type.Optional(
      Type.Object(
        { host: host("IPv4 address."), port: optionalInteger(1, 65_535, 47_808, "UDP port.") },
        {
          ...closed,
          description:
            "Where to ask Who-Is first: the device, or its router where `network` is set. Broadcast when absent.",
        },
      ),
    ),
    network: optionalInteger(1, 65_534, undefined, "Number of the network behind a router that it is on (DNET)."),
    mac: Type.Optional(
      Type.String({
        pattern: "^([0-9a-f]{2}){1,7}$",
        description: "Its address there, hexadecimal, e.g. 0c for MS/TP 12; searched on the whole network when absent.",
      }),
    ),
    maxApdu: optionalInteger(
      50,
      1476,
      undefined,
      "Most bytes of one message on the way to it; 480 when absent and `network` is set, else what it says itself.",
    ),
    password: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 20,
        description:
          "Password of its DeviceCommunicationControl and ReinitializeDevice, as a reference `secret:<name>`.",
      }),
    ),
  },
  { ...closed, description: "BACnet device." },
);
export type BacnetDevice = Static<typeof BacnetDevice>;

/** Address of one point: a property of an object. */
export const BacnetAddress = Type.Object(
  {
    objectType: Type.Union(
      [
        Type.Enum(Object.keys(OBJECT_TYPES) as ObjectTypeName[]),
        Type.Integer({ minimum: 0, maximum: 1023, description: "Number of a proprietary object type." }),
      ],
      { description: "Object type, by its name in the standard or its number." },
    ),
    instance: Type.Integer({ minimum: 0, maximum: 4_194_302, description: "Object instance." }),
    property: Type.Optional(
      Type.Union(
        [
          Type.Enum(Object.keys(PROPERTIES) as PropertyName[]),
          Type.Integer({ minimum: 0, maximum: 4_194_303, description: "Number of a property." }),
        ],
        { default: "presentValue", description: "Property, by its name in the standard or its number." },
      ),
    ),
    index: Type.Optional(Type.Integer({ minimum: 0, description: "Array index; the whole property when absent." })),
    cov: Type.Optional(
      Type.Boolean({
        description: "Subscribe to changes; polled when false. When absent: true for presentValue, false for the rest.",
      }),
    ),
    covIncrement: Type.Optional(
      Type.Number({ minimum: 0, description: "Change to be told, where the object's own COV_Increment will not do." }),
    ),
  },
  { ...closed, description: "Property of a BACnet object." },
);
export type BacnetAddress = Static<typeof BacnetAddress>;
