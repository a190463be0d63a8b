import type { LinkageAction } from "../action.ts";
import { controlDoor } from "./control-door.ts";
import { notifyConsole } from "./notify-console.ts";
import { ptzPreset } from "./ptz-preset.ts";
import { recordClip } from "./record-clip.ts";
import { releaseEscapeDoors } from "./release-escape-doors.ts";
import { snapshot } from "./snapshot.ts";
import { writePoint } from "./write-point.ts";

/** Add a linkage action here. */
export const ACTIONS: readonly LinkageAction[] = [
  writePoint,
  ptzPreset,
  snapshot,
  recordClip,
  controlDoor,
  releaseEscapeDoors,
  notifyConsole,
];

/** Every linkage action, by kind. */
export const actionByKind: ReadonlyMap<string, LinkageAction> = new Map(ACTIONS.map((action) => [action.kind, action]));
