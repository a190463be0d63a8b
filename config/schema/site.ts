import { type Static, Type } from "typebox";
import { Rule } from "#core/linkage/rule.ts";
import { AlarmCategory, AlarmCondition, AlarmDefinition, AlarmPriority } from "#core/model/alarm.ts";
import { Channel, Device } from "#core/model/device.ts";
import { Door } from "#core/model/door.ts";
import { Point } from "#core/model/point.ts";
import { IdPart, Name, NameEn, Partition, Space, Zone } from "#core/model/site.ts";

const closed = { additionalProperties: false } as const;

/** `site.yaml`: what the site is and which places it has. References to devices and points are `<gateway>/<device>[/<point>]`. */
export const SiteFile = Type.Object(
  {
    site: IdPart,
    name: Name,
    nameEn: NameEn,
    timeZone: Type.String({ description: "IANA time zone, for schedules, days and reports." }),
    languages: Type.Array(Type.Enum(["zh-CN", "en"]), { minItems: 1 }),
    spaces: Type.Array(Space, { minItems: 1 }),
    partitions: Type.Array(Partition),
    zones: Type.Array(Zone),
    doors: Type.Optional(Type.Array(Door)),
  },
  closed,
);
export type SiteFile = Static<typeof SiteFile>;

/** `gateways/<gateway>.yaml`: one gateway and its channels. */
export const GatewayFile = Type.Object(
  { gateway: IdPart, name: Name, nameEn: NameEn, space: IdPart, channels: Type.Array(Channel) },
  closed,
);
export type GatewayFile = Static<typeof GatewayFile>;

/** A point as written in a file: `id` is the slot alone; `space`, `tags`, `writable` and `revision` have defaults. */
export const PointEntry = Type.Object(
  {
    ...Type.Omit(Point, ["id", "space", "tags", "writable", "revision"]).properties,
    id: IdPart,
    space: Type.Optional(IdPart),
    tags: Type.Optional(Point.properties.tags),
    writable: Type.Optional(Point.properties.writable),
    revision: Type.Optional(Point.properties.revision),
  },
  closed,
);
export type PointEntry = Static<typeof PointEntry>;

const [Equals, Limit, Event, Field, Listed, Band, Deviation, Rate, Expression] = AlarmCondition.anyOf;

/** A condition of a device as written in its file: points are point slots of the device, `event` and `field` mean the device itself. */
export const DeviceAlarmCondition = Type.Union([
  Equals,
  Limit,
  Type.Object(Type.Omit(Event, ["device"]).properties, closed),
  Type.Object(Type.Omit(Field, ["device"]).properties, closed),
  Listed,
  Band,
  Deviation,
  Rate,
  Expression,
]);
export type DeviceAlarmCondition = Static<typeof DeviceAlarmCondition>;

/** An alarm of a device as written in a file; the id becomes `<device>.<id>`. */
export const DeviceAlarmEntry = Type.Object(
  {
    ...Type.Omit(AlarmDefinition, ["id", "category", "priority", "condition"]).properties,
    id: IdPart,
    category: AlarmCategory,
    priority: AlarmPriority,
    condition: DeviceAlarmCondition,
  },
  closed,
);
export type DeviceAlarmEntry = Static<typeof DeviceAlarmEntry>;

/** One device as written in a file. `profile` brings points and alarms; own entries with the same id replace the profile's. */
export const DeviceEntry = Type.Object(
  {
    gateway: IdPart,
    id: IdPart,
    channel: IdPart,
    name: Name,
    nameEn: NameEn,
    space: IdPart,
    kind: Type.Optional(Device.properties.kind),
    equip: Type.Optional(Type.String()),
    config: Type.Unknown(),
    profile: Type.Optional(IdPart),
    parameters: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][A-Za-z0-9]*$" }), Type.String({ maxLength: 200 }), {
        description: "Texts for `${name}` in the addresses and alarm conditions of the profile.",
      }),
    ),
    points: Type.Optional(Type.Array(PointEntry)),
    alarms: Type.Optional(Type.Array(DeviceAlarmEntry)),
  },
  closed,
);
export type DeviceEntry = Static<typeof DeviceEntry>;

/** `devices/*.yaml`. */
export const DevicesFile = Type.Object({ devices: Type.Array(DeviceEntry) }, closed);
/** `alarms/*.yaml`: alarms that belong to a zone or to several devices; points are `<gateway>/<device>/<point>`. */
export const AlarmsFile = Type.Object({ alarms: Type.Array(AlarmDefinition) }, closed);
/** `rules/*.yaml`. */
export const RulesFile = Type.Object({ rules: Type.Array(Rule) }, closed);

/** `config/profiles/<profile>.yaml`: a device model as data. */
export const ProfileFile = Type.Object(
  {
    profile: IdPart,
    protocol: IdPart,
    kind: Type.String(),
    points: Type.Array(PointEntry),
    alarms: Type.Optional(Type.Array(DeviceAlarmEntry)),
  },
  closed,
);
export type ProfileFile = Static<typeof ProfileFile>;

/** A gateway of a loaded site. */
export const Gateway = Type.Object({ ...GatewayFile.properties }, closed);
export type Gateway = Static<typeof Gateway>;

/** A whole site with every profile expanded and every id complete: what is seeded into the database and compiled into bundles. */
export const Site = Type.Object(
  {
    ...Type.Omit(SiteFile, ["zones", "doors"]).properties,
    zones: Type.Array(Zone),
    doors: Type.Optional(Type.Array(Door)),
    gateways: Type.Array(Gateway),
    devices: Type.Array(Device),
    points: Type.Array(Point),
    alarms: Type.Array(AlarmDefinition),
    alarmProfiles: Type.Optional(
      Type.Record(IdPart, IdPart, { description: "Profile that a definition was taken from, by the definition's id." }),
    ),
    rules: Type.Array(Rule),
  },
  closed,
);
export type Site = Static<typeof Site>;
