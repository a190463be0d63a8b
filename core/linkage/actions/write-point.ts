import { Type } from "typebox";
import { pointId } from "../../ids.ts";
import { Value } from "../../model/sample.ts";
import { defineAction } from "../action.ts";
import { PointRef } from "./references.ts";

/** Manual operator, the priority of a command when none is given. [BACnet 19.2] */
const DEFAULT_PRIORITY = 8;

/** Writes a point; with a lease the value is given back by itself. */
export const writePoint = defineAction({
  kind: "writePoint",
  params: Type.Object(
    {
      point: PointRef,
      value: Value,
      priority: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 16,
          description: "Command priority, 1 (life safety) to 16; 8 when absent.",
        }),
      ),
      leaseMs: Type.Optional(
        Type.Integer({ minimum: 100, maximum: 86_400_000, description: "Relinquished by itself after so long, ms." }),
      ),
    },
    { additionalProperties: false },
  ),
  plan: ({ point, value, priority, leaseMs }) => [
    {
      kind: "write",
      point: pointId(point),
      value,
      priority: priority ?? DEFAULT_PRIORITY,
      ...(leaseMs === undefined ? {} : { leaseMs }),
    },
  ],
});
