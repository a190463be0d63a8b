import { type Static, Type } from "typebox";
import { IdPart, Name, NameEn } from "./site.ts";

const closed = { additionalProperties: false } as const;

/** One driver instance of a gateway: one worker thread, one field network (a BACnet UDP port, a set of Modbus links, a set of cameras). */
export const Channel = Type.Object(
  {
    id: IdPart,
    protocol: IdPart,
    config: Type.Unknown({ description: "The driver's own section; checked by the protocol's `config` schema." }),
  },
  closed,
);
export type Channel = Static<typeof Channel>;

/** One field device. `id` is `<site>/<gateway>/<device>`; the device part is a slot that survives a hardware replacement. */
export const Device = Type.Object(
  {
    id: Type.String({ description: "Device id <site>/<gateway>/<device>." }),
    channel: IdPart,
    protocol: IdPart,
    name: Name,
    nameEn: NameEn,
    space: IdPart,
    kind: Type.String({ description: "What it is: ahu, vav, chiller, meter, perimeter-panel, lighting, camera ..." }),
    config: Type.Unknown({ description: "How to reach it; checked by the protocol's `device` schema." }),
  },
  closed,
);
export type Device = Static<typeof Device>;
