import { type Static, Type } from "typebox";
import { AlarmCategory } from "../model/alarm.ts";

/** An operator position as a workplace chooses it: whose alarms are heard there. */
export const OperatorPositionView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  areas: Type.Array(Type.String(), { description: "Spaces with all that lies below them; none: the whole site." }),
  categories: Type.Array(AlarmCategory, { description: "None: all." }),
});
export type OperatorPositionView = Static<typeof OperatorPositionView>;
