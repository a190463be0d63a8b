import { type Static, Type } from "typebox";
import { IdPart } from "#core/model/site.ts";

const closed = { additionalProperties: false } as const;
const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const host = (description: string) => Type.String({ pattern: `^${OCTET}(\\.${OCTET}){3}$`, description });
const port = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: `${description}; 47808 when absent.` }));

/**
 * The gateway as a BACnet device, on which other workstations read its points and subscribe to them, of whatever protocol they are.
 * Nothing can be written by it. BACnet/IP has no sign-in: whoever reaches the address reads.
 */
export const BacnetNorthbound = Type.Object(
  {
    instance: Type.Integer({
      minimum: 0,
      maximum: 4_194_302,
      description: "Device instance, unique on the whole BACnet internetwork.",
    }),
    host: host("Own IPv4 address to be reached at."),
    port: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, description: "UDP port; 47808 when absent, 0 takes a free one." }),
    ),
    shared: Type.Optional(
      Type.Boolean({ description: "Other programs on this machine use the same port as well; false when absent." }),
    ),
    broadcast: Type.Optional(
      Type.Object(
        { host: host("Broadcast address of that network."), port: port("UDP port of the others") },
        { ...closed, description: "Where the gateway says that it is there; it only answers when absent." },
      ),
    ),
    foreignDevice: Type.Optional(
      Type.Object(
        {
          host: host("IPv4 address of a BBMD to register with as foreign device."),
          port: port("Its UDP port"),
          ttlS: Type.Optional(
            Type.Integer({ minimum: 10, maximum: 65_535, description: "Lifetime, s; 300 when absent." }),
          ),
        },
        { ...closed, description: "Registration with a BBMD of another IP network." },
      ),
    ),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: "Object_Name; <site>/<gateway> when absent." }),
    ),
    vendorId: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, description: "ASHRAE vendor identifier; 0 when absent." }),
    ),
    devices: Type.Optional(
      Type.Array(IdPart, {
        minItems: 1,
        maxItems: 10_000,
        uniqueItems: true,
        description: "Devices whose points are shown; all when absent.",
      }),
    ),
    subscriptions: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 20_000, description: "Most COV subscriptions held; 2000 when absent." }),
    ),
  },
  { ...closed, description: "The gateway's points as a BACnet device, read only; off when absent." },
);
export type BacnetNorthbound = Static<typeof BacnetNorthbound>;

/** How the gateway shows its points to the systems of others. */
export const Northbound = Type.Object(
  { bacnet: Type.Optional(BacnetNorthbound) },
  { ...closed, description: "How the gateway shows its points to the systems of others; not at all when absent." },
);
export type Northbound = Static<typeof Northbound>;
