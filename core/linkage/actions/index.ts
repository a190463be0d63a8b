import type { LinkageAction } from "../action.ts";
import { notifyConsole } from "./notify-console.ts";
import { ptzPreset } from "./ptz-preset.ts";
import { snapshot } from "./snapshot.ts";
import { writePoint } from "./write-point.ts";

/** Add a linkage action here. */
export const ACTIONS: readonly LinkageAction[] = [writePoint, ptzPreset, snapshot, notifyConsole];

/** Every linkage action, by kind. */
export const actionByKind: ReadonlyMap<string, LinkageAction> = new Map(ACTIONS.map((action) => [action.kind, action]));
