import { type Static, Type } from "typebox";
import { OBJECT_TYPES, type ObjectTypeName, PROPERTIES, type PropertyName } from "./codec/enums.ts";

const closed = { additionalProperties: false } as const;
const host = (description: string, standard?: string) =>
  Type.String({
    pattern: "^\\d{1,3}(\\.\\d{1,3}){3}$",
    description,
    ...(standard === undefined ? {} : { default: standard }),
  });
const optionalInteger = (minimum: number, maximum: number, standard: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, default: standard, description }));

/** Section of a BACnet/IP channel: one UDP port. */
export const BacnetConfig = Type.Object(
  {
    bind: Type.Optional(
      Type.Object(
        {
          host: Type.Optional(host("IPv4 address to bind.", "0.0.0.0")),
          port: optionalInteger(0, 65_535, 0, "UDP port; 0 takes a free one. 47808 where devices answer by broadcast."),
        },
        { ...closed, description: "Own address." },
      ),
    ),
    broadcast: Type.Optional(
      Type.Object(
        {
          host: host("Broadcast address of the field network."),
          port: optionalInteger(1, 65_535, 47_808, "UDP port of the devices."),
        },
        { ...closed, description: "Where Who-Is goes for devices without an address of their own." },
      ),
    ),
    apduTimeoutMs: optionalInteger(50, 60_000, 3000, "Wait for an answer before a retry, ms (APDU_Timeout)."),
    retries: optionalInteger(0, 10, 3, "Retries before a device counts as lost (Number_Of_APDU_Retries)."),
    window: optionalInteger(1, 64, 4, "Requests in flight per device."),
    pollMs: optionalInteger(
      100,
      60_000,
      5000,
      "Period of polling of what COV does not cover, and of the sign of life, ms.",
    ),
    safetyPollMs: optionalInteger(1000, 55_000, 30_000, "Period at which COV points are read all the same, ms."),
    covLifetimeS: optionalInteger(2, 86_400, 600, "Lifetime of COV subscriptions, s; renewed at half of it."),
    covConfirmed: Type.Optional(
      Type.Boolean({ default: false, description: "Ask for confirmed COV notifications (a lost one is sent again)." }),
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
        { ...closed, description: "Where to ask Who-Is first; by broadcast when absent." },
      ),
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
      Type.Boolean({ default: true, description: "Subscribe to changes (presentValue only); polled when false." }),
    ),
  },
  { ...closed, description: "Property of a BACnet object." },
);
export type BacnetAddress = Static<typeof BacnetAddress>;
