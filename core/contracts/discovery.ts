import { type Static, Type } from "typebox";

/** One device that a channel found. `config` fits the protocol's `device` schema as far as the network tells it; never a secret. */
export const DiscoveredDevice = Type.Object({
  identity: Type.String({ description: "Protocol identity: BACnet instance, ONVIF endpoint, OPC UA application URI." }),
  name: Type.String(),
  model: Type.Optional(Type.String()),
  manufacturer: Type.Optional(Type.String()),
  config: Type.Record(Type.String(), Type.Unknown()),
});
export type DiscoveredDevice = Static<typeof DiscoveredDevice>;

/** A Haystack marker tag that a point's unit, type or name speaks for. */
export const ProposedTag = Type.Object({
  tag: Type.String(),
  confidence: Type.Number({ minimum: 0, maximum: 1, description: "1: the device says it itself." }),
});
export type ProposedTag = Static<typeof ProposedTag>;

/** How a device differs from what was found in it before. Nothing follows from it by itself: points are never deleted. */
export const DiscoveryChanges = Type.Object({
  since: Type.Integer({ description: "Unix ms of the search that is compared with." }),
  added: Type.Array(Type.String({ description: "What is new, in the protocol's words." })),
  missing: Type.Array(Type.String({ description: "What was there and is no more." })),
  renamed: Type.Array(Type.Object({ object: Type.String(), before: Type.String(), after: Type.String() })),
  changed: Type.Array(
    Type.Object(
      { object: Type.String(), before: Type.String(), after: Type.String() },
      {
        description: "Unit, states or writability are others: values mean something else.",
      },
    ),
  ),
});
export type DiscoveryChanges = Static<typeof DiscoveryChanges>;

/** One point that a device offers, in the shape of a point entry of the site's files. */
export const DiscoveredPoint = Type.Object({
  id: Type.String({ description: "A slot made from its name, unique in its device." }),
  name: Type.String(),
  nameEn: Type.String(),
  kind: Type.Enum(["number", "boolean", "enum", "string"]),
  unit: Type.Optional(Type.String({ description: "Canonical unit id, where the device's unit is known." })),
  states: Type.Optional(Type.Array(Type.Object({ value: Type.Integer(), name: Type.String(), nameEn: Type.String() }))),
  writable: Type.Boolean(),
  address: Type.Unknown({ description: "Fits the protocol's `address` schema." }),
  min: Type.Optional(Type.Number({ description: "Smallest value that the device gives or takes." })),
  max: Type.Optional(Type.Number({ description: "Largest value that the device gives or takes." })),
  tags: Type.Optional(Type.Array(ProposedTag, { description: "For a person to accept, the surest first." })),
  path: Type.Optional(
    Type.Array(Type.String(), { description: "Where the device itself sorts the point, outermost first." }),
  ),
});
export type DiscoveredPoint = Static<typeof DiscoveredPoint>;

/** What the action `discover` of a channel (devices) or of a device (points) gives, as application/json. */
export const Discovery = Type.Object({
  at: Type.Integer({ description: "Unix ms." }),
  devices: Type.Array(DiscoveredDevice),
  points: Type.Array(DiscoveredPoint),
  problems: Type.Array(Type.String({ description: "What could not be asked, and why." })),
  changes: Type.Optional(DiscoveryChanges),
});
export type Discovery = Static<typeof Discovery>;
