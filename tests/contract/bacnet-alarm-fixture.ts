import type { FieldCondition } from "#core/model/field-condition.ts";
import { type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { typedList } from "#protocols/bacnet/codec/property-values.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { workstation } from "./bacnet-server-fixture.ts";
import type { Recording } from "./driver-contract.ts";

/** The notification class of these tests. */
export const CLASS: ObjectId = { type: OBJECT_TYPES["notification-class"], instance: 1 };
/** Condition of the supply temperature. */
export const TEMPERATURE_ALARM = "analog-input:1";
/** Condition of the fan. */
export const FAN_ALARM = "binary-input:1";

/** An air handler whose supply temperature and fan have alarms that want an acknowledgement. */
export const WITH_ALARMS: Partial<BacnetServerOptions> = {
  utcOffsetMin: -480,
  notificationClasses: [
    { instance: 1, name: "报警", description: "", priority: [30, 40, 200], ackRequired: [true, true, false] },
  ],
  events: {
    "supply-temperature": {
      algorithm: { kind: "outOfRange", lowLimit: 5, highLimit: 30, deadband: 1 },
      notificationClass: 1,
    },
    "fan-run": { algorithm: { kind: "changeOfState", alarmValues: [1] }, notificationClass: 1 },
  },
};

/** Every condition told, in order, without the ends of complete reports. */
export function told(recording: Recording, condition?: string): readonly FieldCondition[] {
  return recording.conditions
    .flatMap(({ conditions }) => conditions)
    .filter((one) => condition === undefined || one.condition === condition);
}

/** What was told last of a condition. */
export function last(recording: Recording, condition: string): FieldCondition | undefined {
  return told(recording, condition).at(-1);
}

/** Complete lists told so far. */
export function completes(recording: Recording): readonly (readonly FieldCondition[])[] {
  return recording.conditions.filter(({ complete }) => complete).map(({ conditions }) => conditions);
}

/** The elements of a device's recipient list. */
export async function recipients(server: Parameters<typeof workstation>[0]): Promise<readonly Destination[]> {
  const client = await workstation(server);
  return typedList(destination, await client.read(CLASS, PROPERTIES.recipientList));
}

/** Transitions of one alarm as `active` flags without repetitions. */
export function activations(recording: Recording, condition: string): readonly boolean[] {
  const flags = told(recording, condition).map(({ active }) => active);
  return flags.filter((flag, at) => flag !== flags[at - 1]);
}
