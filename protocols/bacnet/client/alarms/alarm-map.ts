import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import { EVENT_STATE, OBJECT_TYPES, objectTypeName } from "../../codec/enums.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { AlarmSettings } from "../../settings.ts";

/** Which of the three transitions leads into a state: 0 to off-normal, 1 to fault, 2 to normal. */
export type TransitionIndex = 0 | 1 | 2;

/** All three. */
export const TRANSITIONS = [0, 1, 2] as const;

/** Which transition leads into a state. [BACnet 13.2.2] */
export function transitionTo(state: number): TransitionIndex {
  if (state === EVENT_STATE.normal) return 2;
  return state === EVENT_STATE.fault ? 1 : 0;
}

/** Name of an object as conditions and actions have it, e.g. `analog-input:1`. */
export function objectName({ type, instance }: ObjectId): string {
  return `${objectTypeName(type)}:${instance}`;
}

/** The object of such a name; a type may also be its number. Undefined when it names none. */
export function objectOf(name: unknown): ObjectId | undefined {
  const [, kind, digits] = (typeof name === "string" && /^([a-z0-9-]+):(\d{1,7})$/.exec(name)) || [];
  const instance = Number(digits);
  if (kind === undefined || instance > 4_194_303) return undefined;
  const number = /^(?:proprietary-)?(\d{1,4})$/.exec(kind)?.[1];
  const type = number === undefined ? new Map<string, number>(Object.entries(OBJECT_TYPES)).get(kind) : Number(number);
  return type === undefined || type > 1023 ? undefined : { type, instance };
}

/**
 * The hub's priority of a BACnet one, 0 to 255, by the classes of the standard's guide: life safety and property safety are urgent,
 * supervisory and trouble high, the higher miscellaneous medium, the lower ones low. [BACnet Annex M]
 */
export function priorityOf(
  priority: number | undefined,
  notificationClass: number | undefined,
  settings: AlarmSettings,
): AlarmPriority | undefined {
  const of = notificationClass === undefined ? undefined : settings.classes.get(notificationClass)?.priority;
  if (of !== undefined || priority === undefined) return of;
  const { urgent, high, medium } = settings.priorities;
  if (priority <= urgent) return "urgent";
  if (priority <= high) return "high";
  return priority <= medium ? "medium" : "low";
}

const CATEGORIES: ReadonlyMap<number, AlarmCategory> = new Map([
  [OBJECT_TYPES["life-safety-point"], "fire"],
  [OBJECT_TYPES["life-safety-zone"], "fire"],
  [OBJECT_TYPES["access-door"], "access"],
  [OBJECT_TYPES["access-point"], "access"],
  [OBJECT_TYPES["access-zone"], "access"],
  [OBJECT_TYPES.lift, "equipment"],
  [OBJECT_TYPES.escalator, "equipment"],
]);

/** What an alarm is about: as the channel says of its notification class, else by the type of its object. */
export function categoryOf(
  { type }: ObjectId,
  notificationClass: number | undefined,
  settings: AlarmSettings,
): AlarmCategory | undefined {
  const of = notificationClass === undefined ? undefined : settings.classes.get(notificationClass)?.category;
  return of ?? CATEGORIES.get(type);
}
