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
});
export type DiscoveredPoint = Static<typeof DiscoveredPoint>;

/** What the action `discover` of a channel (devices) or of a device (points) gives, as application/json. */
export const Discovery = Type.Object({
  at: Type.Integer({ description: "Unix ms." }),
  devices: Type.Array(DiscoveredDevice),
  points: Type.Array(DiscoveredPoint),
  problems: Type.Array(Type.String({ description: "What could not be asked, and why." })),
});
export type Discovery = Static<typeof Discovery>;
