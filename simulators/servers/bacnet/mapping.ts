import type { ObjectTypeName } from "#protocols/bacnet/codec/enums.ts";
import type { Signal, SimulatedDevice } from "../../device.ts";

/** The BACnet object one signal is shown as. */
export interface BacnetObjectMapping {
  readonly objectType: ObjectTypeName;
  /** 0-4194302. */
  readonly instance: number;
  /** COV_Increment of an analog object in its unit; the signal's own when absent, else 0.1. */
  readonly covIncrement?: number;
}

/** Object of each signal, by signal name. */
export type BacnetObjects = Readonly<Record<string, BacnetObjectMapping>>;

function objectTypeOf({ kind, writable }: Signal): ObjectTypeName {
  switch (kind) {
    case "number":
      return writable ? "analog-value" : "analog-input";
    case "boolean":
      return writable ? "binary-value" : "binary-input";
    case "enum":
      return writable ? "multi-state-value" : "multi-state-input";
    case "string":
      return "characterstring-value";
    default:
      kind satisfies never;
      throw new TypeError("unknown kind of signal");
  }
}

/**
 * The default mapping: numbers are analog inputs or (writable) commandable analog values, booleans binary inputs or values,
 * enums multi-state inputs or values, texts character-string values. Instances count from 1 per object type in signal order.
 */
export function bacnetObjectsOf(device: Pick<SimulatedDevice, "signals">): BacnetObjects {
  const used = new Map<ObjectTypeName, number>();
  return Object.fromEntries(
    device.signals.map((signal) => {
      const objectType = objectTypeOf(signal);
      const instance = (used.get(objectType) ?? 0) + 1;
      used.set(objectType, instance);
      return [signal.name, { objectType, instance }];
    }),
  );
}
