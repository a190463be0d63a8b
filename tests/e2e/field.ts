import { DOOR_MODES } from "#core/model/door.ts";
import type { SignalValue } from "#simulators/device.ts";
import { type Park, until } from "./park.ts";

const LOCK_STATES = ["Unknown", "Locked", "Unlocked", "Fault"] as const;

/** What the simulated controller holds of a door: its mode, its lock and whether its leaf is open. [ONVIF Door Control] */
export interface FieldDoor {
  readonly mode: string;
  readonly lock: string;
  readonly open: boolean;
}

/** A door as it stands in the field. */
export async function fieldDoor(park: Park, door: string): Promise<FieldDoor> {
  const { signals } = await park.device("door-controller");
  return {
    mode: DOOR_MODES[Number(signals[`${door}-mode`]?.value) - 1] ?? "",
    lock: LOCK_STATES[Number(signals[`${door}-lock`]?.value) - 1] ?? "",
    open: signals[`${door}-open`]?.value === true,
  };
}

/** The number that the field's record has for a door mode. */
export const modeNumber = (mode: (typeof DOOR_MODES)[number]): number => DOOR_MODES.indexOf(mode) + 1;

/** When a signal first took a value at or after a time (Unix ms), by the field's own record; waits for it. */
export function tookValue(
  park: Park,
  device: string,
  signal: string,
  value: SignalValue,
  since: number,
): Promise<number> {
  return until(`${device} ${signal} to be ${String(value)}`, async () => {
    const changes = await park.changes(device, signal, since);
    return changes.find((change) => change.value === value)?.at;
  });
}

/** What clients asked of a device over the wire since a line of the field's record, in order. */
export async function actsOn(park: Park, device: string, since: number): Promise<readonly string[]> {
  const log = await park.fieldLog(since);
  return log.flatMap((entry) => (entry.type === "action" && entry.device === device ? [entry.detail ?? ""] : []));
}

/** Switches a fault of a device on, e.g. `frozen`. */
export async function fault(park: Park, device: string, kind: string, options: object = {}): Promise<void> {
  await park.simulator("PUT", `/devices/${device}/faults/${kind}`, { options });
}

/** Ends a fault of a device. */
export async function endFault(park: Park, device: string, kind: string): Promise<void> {
  await park.simulator("DELETE", `/devices/${device}/faults/${kind}`);
}
