/**
 * Of a device. `priorityArray {point}`: the 16 slots, their names and holders. `acknowledgeCondition {condition, by?}`: at the device,
 * in the name of `by`. `deviceCommunicationControl {state: enable|disable|disableInitiation, minutes?}`: what it may still
 * say. `reinitializeDevice {state: coldstart|warmstart|activateChanges}`. `timeSync {}`: sets its clock. `readSchedule
 * {object}`, `writeWeeklySchedule {object, weekly}`, `readCalendar {object}`: `weekly` is JSON text as readSchedule gives it.
 * Of a device or the channel as a whole. `writeLeases {owner?, point?, priority?}`: what was written and is still to be given back.
 * `releaseWrites {owner?, point?, priority?}`: gives it back now, where it still stands. `whoHas {name}` or `{object}`: everybody who
 * has it. `discover`: the points of a device (`fresh?`: read even what has not changed); of the channel its devices (`low?`, `high?`,
 * `to?`, `network?`), or the points of one that is not configured (`instance`).
 */
export const BACNET_ACTIONS = [
  "priorityArray",
  "writeLeases",
  "releaseWrites",
  "acknowledgeCondition",
  "deviceCommunicationControl",
  "reinitializeDevice",
  "timeSync",
  "readSchedule",
  "writeWeeklySchedule",
  "readCalendar",
  "whoHas",
  "discover",
] as const;
export type BacnetAction = (typeof BACNET_ACTIONS)[number];

/** Only the gateway itself asks so: it would take back what others wrote, at points and priorities that the asker may not touch. */
export const BACNET_INTERNAL_ACTIONS = ["releaseWrites"] as const satisfies readonly BacnetAction[];
