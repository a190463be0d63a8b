import { type Static, Type } from "typebox";

/** What is no value: motion seen, tamper, line crossed, card read, device restarted. Same durable path as samples, other lane. */
export const DeviceEvent = Type.Object({
  id: Type.String({ description: "Unique id, minted where the event was seen." }),
  device: Type.String({ description: "Device id <site>/<gateway>/<device>." }),
  kind: Type.String({
    description:
      "motion, tamper, lineCrossed, fieldIntrusion, digitalInput, hardwareFailure, restarted, eventsMayBeMissing, historyHealed, " +
      "accessGranted, accessDenied, doorForced, doorHeldOpen, doorTamper, doorFault, panelEvent, objectDetected, " +
      "alarmNotification, eventNotification, alarmAcknowledged ...",
  }),
  state: Type.Optional(Type.Boolean({ description: "For events with a beginning and an end: does it hold now?" })),
  sourceTime: Type.Optional(Type.Integer({ description: "Device's own time, Unix ms." })),
  observedAt: Type.Integer({ description: "When the driver saw it, Unix ms." }),
  data: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
});
export type DeviceEvent = Static<typeof DeviceEvent>;
