import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority } from "./alarm.ts";

/**
 * One alarm condition that a device keeps by itself (an OPC UA A&C condition, a zone of a panel, a BACnet event state): taken over,
 * not re-invented. `condition` names it for ever inside its device; each report replaces what was known of it.
 */
export const FieldCondition = Type.Object({
  device: Type.String({ description: "Device id <site>/<gateway>/<device>." }),
  condition: Type.String({
    minLength: 1,
    maxLength: 200,
    description: "Name of the condition, stable inside its device, e.g. an OPC UA ConditionId.",
  }),
  active: Type.Boolean({ description: "Does the condition hold now?" }),
  acknowledged: Type.Optional(
    Type.Boolean({ description: "Has the device seen an acknowledgement? Absent where it knows none." }),
  ),
  confirmed: Type.Optional(Type.Boolean({ description: "OPC UA ConfirmedState, where the condition has one." })),
  shelved: Type.Optional(Type.Boolean({ description: "Is it shelved or suppressed at the device?" })),
  category: Type.Optional(AlarmCategory),
  priority: Type.Optional(AlarmPriority),
  message: Type.Optional(Type.String({ maxLength: 1000, description: "Text of the device." })),
  sourceTime: Type.Optional(Type.Integer({ description: "Device's own time of the change, Unix ms." })),
  observedAt: Type.Integer({ description: "When the driver saw it, Unix ms." }),
});
export type FieldCondition = Static<typeof FieldCondition>;

/**
 * What a driver tells of conditions. `complete`: these are all conditions of the device that are active or unacknowledged, so every
 * other one is over (after a ConditionRefresh, a GetEventInformation); otherwise only those named have changed.
 */
export interface ConditionReport {
  readonly device: string;
  readonly conditions: readonly FieldCondition[];
  readonly complete: boolean;
}
