import type { AlarmCategory } from "../model/alarm.ts";
import { communicationDefinition, communicationDevice, staleDefinition, staleDevice } from "./track.ts";

/** What of an open alarm tells its cause. */
export interface CauseFacts {
  readonly id: string;
  readonly definition: string;
  readonly category: AlarmCategory;
  readonly gateway?: string | undefined;
  readonly device?: string | undefined;
  readonly area?: string | undefined;
  /** Its source is silent. */
  readonly stale: boolean;
  /** Id of the alarm that caused it, where the engine knows. */
  readonly cause?: string | undefined;
  /** ISO 8601. */
  readonly raisedAt: string;
}

/** Open alarms that one thing has caused. */
export interface OfOneCause<T> {
  /** `gateway:<id>`, `device:<id>`, `alarm:<id>`, `fire:<space>`, or `one:<id>` for an alarm by itself. */
  readonly cause: string;
  readonly count: number;
  /** The alarm of the cause itself when it is open, else the first that came. */
  readonly first: T;
  readonly alarms: readonly T[];
}

/** The name of what stands behind an alarm by itself: its own, when it is the alarm of a lost gateway or a silent device. */
function ownCause({ definition, category, area, id }: CauseFacts): string | undefined {
  if (definition.startsWith("gateway:")) return definition;
  const silent = communicationDevice(definition) ?? staleDevice(definition);
  if (silent !== undefined) return `device:${silent}`;
  return category === "fire" ? `fire:${area ?? id}` : undefined;
}

/**
 * Folds open alarms under their causes, in the order of their first. Only what is shown is folded, never what is recorded. What
 * the engine names goes first, then a lost gateway, then a lost device, then fire in one space.
 */
export function groupByCause<T extends CauseFacts>(alarms: readonly T[]): readonly OfOneCause<T>[] {
  const named = new Map(alarms.map((alarm) => [alarm.id, alarm]));
  const lost = new Set(alarms.map(({ definition }) => definition));
  // A device that answers no more tells nothing; one of which only some points are silent tells the rest.
  const isSilent = (device: string, stale: boolean): boolean =>
    lost.has(communicationDefinition(device)) || (stale && lost.has(staleDefinition(device)));
  const causeOf = (alarm: T): string => {
    const cause = alarm.cause === undefined ? undefined : named.get(alarm.cause);
    if (cause !== undefined && cause !== alarm) return ownCause(cause) ?? `alarm:${cause.id}`;
    const own = ownCause(alarm);
    if (own?.startsWith("gateway:") === true) return own;
    if (alarm.gateway !== undefined && alarm.stale && lost.has(`gateway:${alarm.gateway}`))
      return `gateway:${alarm.gateway}`;
    if (own !== undefined) return own;
    if (alarm.device !== undefined && isSilent(alarm.device, alarm.stale)) return `device:${alarm.device}`;
    return causes.has(alarm.id) ? `alarm:${alarm.id}` : `one:${alarm.id}`;
  };
  const causes = new Set(alarms.map(({ cause }) => cause));
  const groups = new Map<string, T[]>();
  for (const alarm of alarms) {
    const cause = causeOf(alarm);
    const group = groups.get(cause);
    if (group === undefined) groups.set(cause, [alarm]);
    else group.push(alarm);
  }
  return [...groups].flatMap(([cause, of]) => {
    const [any] = of;
    if (any === undefined) return [];
    const own = of.filter((alarm) => (ownCause(alarm) ?? `alarm:${alarm.id}`) === cause && !cause.startsWith("fire:"));
    const first =
      own.find(({ definition }) => communicationDevice(definition) !== undefined) ??
      own[0] ??
      of.reduce((earliest, alarm) => (alarm.raisedAt < earliest.raisedAt ? alarm : earliest), any);
    return [{ cause, count: of.length, first, alarms: of }];
  });
}
