import { type Static, Type } from "typebox";
import { Rule } from "../linkage/rule.ts";
import { AlarmDefinition } from "../model/alarm.ts";
import { Channel, Device } from "../model/device.ts";
import { Door } from "../model/door.ts";
import { Point } from "../model/point.ts";
import { IdPart, Space, Zone } from "../model/site.ts";

const closed = { additionalProperties: false } as const;

/** All that one gateway needs, compiled by the cloud. Holds `secret:<name>` references, never a secret. */
export const Bundle = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    site: IdPart,
    gateway: IdPart,
    timeZone: Type.String({ description: "IANA time zone of the site." }),
    channels: Type.Array(Channel),
    devices: Type.Array(Device),
    points: Type.Array(Point),
    zones: Type.Array(Zone),
    spaces: Type.Optional(
      Type.Array(Space, { description: "Where doors and zones lie, for rules that name a space." }),
    ),
    doors: Type.Optional(Type.Array(Door)),
    alarms: Type.Array(AlarmDefinition),
    rules: Type.Array(Rule, { description: "Only the rules placed on this gateway." }),
  },
  closed,
);
export type Bundle = Static<typeof Bundle>;
