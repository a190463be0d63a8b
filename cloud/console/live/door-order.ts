import type { DoorView } from "#core/contracts/doors.ts";
import { DOOR_MODES, type DoorOperation } from "#core/model/door.ts";

/** By place, then by id: a door that changes its state stays where it is. */
export function compareDoors(a: DoorView, b: DoorView): number {
  if (a.space !== b.space) return a.space < b.space ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export type ShownMode = (typeof DOOR_MODES)[number];

/** The mode of a door; what is not known, or is none of the standard's, is unknown. */
export function modeOf({ state, quality }: Pick<DoorView, "state" | "quality">): ShownMode {
  return quality === "bad" ? "Unknown" : (DOOR_MODES.find((mode) => mode === state) ?? "Unknown");
}

/** What is worth asking of a door in each mode: what changes it and what its mode allows. [ONVIF Door Control, DoorMode] */
const SENSIBLE: Readonly<Record<ShownMode, readonly DoorOperation[]>> = {
  Unknown: ["access", "unlock", "lock", "block", "lockDown"],
  Locked: ["access", "unlock", "block", "lockDown"],
  Unlocked: ["lock", "block", "lockDown"],
  Accessed: ["access", "unlock", "lock", "block", "lockDown"],
  Blocked: ["unlock", "lock", "lockDown"],
  LockedDown: ["lockDownRelease"],
  LockedOpen: ["lockOpenRelease"],
  DoubleLocked: ["access", "unlock", "lock", "block", "lockDown"],
};

/** Operations to offer; none while its controller is offline. A door of an escape route can be held open for an evacuation. */
export function operationsOf(
  door: Pick<DoorView, "state" | "quality" | "online" | "escape">,
): readonly DoorOperation[] {
  if (!door.online) return [];
  const offered = SENSIBLE[modeOf(door)];
  return door.escape && offered.includes("lockDown") ? [...offered, "lockOpen"] : offered;
}

/** Operations that keep people in or out: shown as a danger. */
export const DRASTIC: ReadonlySet<DoorOperation> = new Set(["block", "lockDown", "lockOpen", "unlock"]);
