import { deviceOf, pointId } from "../ids.ts";
import type { Alarm, AlarmCondition, AlarmDefinition, AlarmPriority } from "../model/alarm.ts";
import type { Device } from "../model/device.ts";
import type { Point } from "../model/point.ts";
import type { Value } from "../model/sample.ts";
import type { Zone } from "../model/site.ts";
import { lawOf, mayBeDelayed } from "./law.ts";
import type { AlarmSeed } from "./lifecycle.ts";

/** What the evaluator asks about the site. Undefined for an id that the site does not have. */
export interface AlarmContext {
  zone(id: string): Pick<Zone, "space"> | undefined;
  point(id: string): Pick<Point, "space"> | undefined;
  device(id: string): Pick<Device, "name" | "nameEn" | "space"> | undefined;
}

/** A delay that is running: the alarm will be raised (`holds`) or cleared at `dueAt` unless the condition changes before. */
export interface PendingDelay {
  readonly definition: string;
  readonly holds: boolean;
  /** Unix ms. */
  readonly dueAt: number;
  readonly value?: Value;
  /** Of the sample or event that started the delay. */
  readonly sourceTime?: number;
  readonly observedAt: number;
}

/** What one definition is doing: its alarm (open or just closed), its running delay and its timers. */
export interface Track {
  readonly definition: string;
  /** Absent for the communication alarm of a device and for an alarm whose definition was taken away. */
  readonly condition?: AlarmCondition;
  readonly device?: string;
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  readonly seed?: Omit<AlarmSeed, "id">;
  alarm?: Alarm;
  pending?: PendingDelay;
  cancelDelay?: () => void;
  cancelShelving?: () => void;
}

const COMMUNICATION = "comm:";

/** Priority of the built-in communication alarms. */
export const COMMUNICATION_PRIORITY = "high" satisfies AlarmPriority;

/** Definition id of the built-in communication alarm of a device. */
export function communicationDefinition(device: string): string {
  return `${COMMUNICATION}${device}`;
}

/** The device of a built-in communication alarm; undefined for any other definition. */
export function communicationDevice(definition: string): string | undefined {
  return definition.startsWith(COMMUNICATION) ? definition.slice(COMMUNICATION.length) : undefined;
}

/** The track of a configured definition. Delays are left out where they are forbidden (panic, fire). */
export function trackOf(definition: AlarmDefinition, origin: string, context: AlarmContext): Track {
  const { condition, category, zone } = definition;
  const point = "point" in condition ? condition.point : undefined;
  const device = "point" in condition ? deviceOf(pointId(condition.point)) : condition.device;
  const area =
    definition.space ??
    (zone === undefined ? undefined : context.zone(zone)?.space) ??
    (point === undefined ? undefined : context.point(point)?.space) ??
    context.device(device)?.space;
  const delayed = mayBeDelayed(category);
  return {
    definition: definition.id,
    condition,
    device,
    onDelayMs: delayed ? (definition.onDelayMs ?? 0) : 0,
    offDelayMs: delayed ? (definition.offDelayMs ?? 0) : 0,
    seed: {
      origin,
      definition: definition.id,
      law: lawOf(category),
      category,
      priority: definition.priority,
      source: point ?? device,
      ...(point === undefined ? {} : { point }),
      device,
      ...(zone === undefined ? {} : { zone }),
      ...(area === undefined ? {} : { area }),
      message: definition.message,
      messageEn: definition.messageEn,
    },
  };
}

/** The track of the communication alarm of a device: one for each device, however many of its points fall silent. [AL-16] */
export function communicationTrack(device: string, origin: string, context: AlarmContext): Track {
  const known = context.device(device);
  const definition = communicationDefinition(device);
  return {
    definition,
    device,
    onDelayMs: 0,
    offDelayMs: 0,
    seed: {
      origin,
      definition,
      law: lawOf("communication"),
      category: "communication",
      priority: COMMUNICATION_PRIORITY,
      source: device,
      device,
      ...(known === undefined ? {} : { area: known.space }),
      message: `${known?.name ?? device} 通信中断`,
      messageEn: `${known?.nameEn ?? device}: communication lost`,
    },
  };
}
