import { deviceOf, pointId } from "../ids.ts";
import type { Alarm, AlarmCondition, AlarmDefinition, AlarmPriority, AlarmSuppressor } from "../model/alarm.ts";
import type { Device } from "../model/device.ts";
import type { Point } from "../model/point.ts";
import type { Value } from "../model/sample.ts";
import type { Zone } from "../model/site.ts";
import { type Judge, judgeOf } from "./judge.ts";
import { LAW_RULES, lawOf, mayAutoAcknowledge, mayBeDelayed } from "./law.ts";
import type { AlarmSeed } from "./lifecycle.ts";
import { mainPoint, pointsOf, sourceOf } from "./operands.ts";

/** What the evaluator asks about the site. Undefined for an id that the site does not have. */
export interface AlarmContext {
  zone(id: string): Pick<Zone, "space"> | undefined;
  /** `kind` is needed where an expression names the point; a number when absent. */
  point(id: string): (Pick<Point, "space"> & Partial<Pick<Point, "kind">>) | undefined;
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
  /** Absent for the built-in alarms of a device and for an alarm whose definition was taken away. */
  readonly condition?: AlarmCondition;
  /** Judges the condition; absent where a device tells it. */
  readonly judge?: Judge;
  readonly device?: string;
  /** Devices whose silence makes it stale. */
  readonly devices: readonly string[];
  readonly onDelayMs: number;
  readonly offDelayMs: number;
  /** Announced anew when it is active for so long, so often at most. [AL-09] */
  readonly reAlarm?: { readonly afterMs: number; readonly limit: number };
  /** Group in which the first alarm to come is marked. */
  readonly firstOut?: string;
  readonly suppressors: readonly AlarmSuppressor[];
  /** Rules of the suppressors that hold now. */
  readonly holding: Set<string>;
  /** Points of the suppressors that nothing has been heard of yet. */
  readonly unheard: Set<string>;
  readonly seed?: Omit<AlarmSeed, "id">;
  alarm?: Alarm;
  pending?: PendingDelay;
  cancelDelay?: () => void;
  cancelShelving?: () => void;
  cancelReAlarm?: () => void;
  cancelLook?: () => void;
}

const COMMUNICATION = "comm:";
const STALE = "stale:";

/** How long an alarm waits just after a start for what may suppress it, ms. */
export const UNKNOWN_MS = 5_000;

/** Re-alarms of one activation when the definition gives no number. */
export const DEFAULT_REALARM_LIMIT = 3;

/** Priority of the built-in communication alarms. */
export const COMMUNICATION_PRIORITY = "high" satisfies AlarmPriority;
/** Priority of the built-in alarms of devices that answer but do not tell all of their points. */
export const STALE_PRIORITY = "medium" satisfies AlarmPriority;

/** So long points must be stale while their device is in reach before that is an alarm, ms; after a loss it has so long to tell them. */
export const STALE_ON_DELAY_MS = 60_000;

/** Definition id of the built-in communication alarm of a device. */
export function communicationDefinition(device: string): string {
  return `${COMMUNICATION}${device}`;
}

/** Definition id of the built-in alarm of a device that is reachable but leaves points untold. */
export function staleDefinition(device: string): string {
  return `${STALE}${device}`;
}

/** The device of a built-in communication alarm; undefined for any other definition. */
export function communicationDevice(definition: string): string | undefined {
  return definition.startsWith(COMMUNICATION) ? definition.slice(COMMUNICATION.length) : undefined;
}

/** The device of a built-in alarm about stale points; undefined for any other definition. */
export function staleDevice(definition: string): string | undefined {
  return definition.startsWith(STALE) ? definition.slice(STALE.length) : undefined;
}

/** A track without delays and suppressors, unless `parts` gives them. */
export function newTrack(parts: Pick<Track, "definition"> & Partial<Track>): Track {
  const { device, suppressors = [] } = parts;
  return {
    devices: device === undefined ? [] : [device],
    onDelayMs: 0,
    offDelayMs: 0,
    suppressors,
    holding: new Set(),
    unheard: new Set(suppressors.flatMap((by) => ("point" in by ? [by.point] : []))),
    ...parts,
  };
}

function areaOf(
  { space, zone, condition }: AlarmDefinition,
  device: string,
  context: AlarmContext,
): string | undefined {
  const point = mainPoint(condition);
  return (
    space ??
    (zone === undefined ? undefined : context.zone(zone)?.space) ??
    (point === undefined ? undefined : context.point(point)?.space) ??
    context.device(device)?.space
  );
}

/**
 * The track of a configured definition. What its law forbids is left out: delays of panic and fire, suppression by design and
 * acknowledgement by itself under the security law.
 * @throws ID_INVALID | ALARM_EXPRESSION_INVALID
 */
export function trackOf(definition: AlarmDefinition, origin: string, context: AlarmContext): Track {
  const { condition, category, priority, zone, reAlarmMs, firstOut } = definition;
  const law = lawOf(category);
  const point = mainPoint(condition);
  const points = pointsOf(condition);
  const devices = [...new Set(points.map((one) => deviceOf(pointId(one))))];
  const source = sourceOf(condition);
  const device: string = devices[0] ?? source;
  const area = areaOf(definition, device, context);
  const delayed = mayBeDelayed(category);
  const judge = judgeOf(condition, (id) => context.point(id)?.kind);
  const limit = definition.reAlarmLimit ?? DEFAULT_REALARM_LIMIT;
  return newTrack({
    definition: definition.id,
    condition,
    ...(judge === undefined ? {} : { judge }),
    device,
    ...(devices.length === 0 ? {} : { devices }),
    onDelayMs: delayed ? (definition.onDelayMs ?? 0) : 0,
    offDelayMs: delayed ? (definition.offDelayMs ?? 0) : 0,
    ...(reAlarmMs === undefined ? {} : { reAlarm: { afterMs: reAlarmMs, limit } }),
    ...(firstOut === undefined ? {} : { firstOut }),
    suppressors: LAW_RULES[law].suppressByDesign ? (definition.suppressedBy ?? []) : [],
    seed: {
      origin,
      definition: definition.id,
      law,
      category,
      priority,
      source,
      ...(point === undefined ? {} : { point }),
      device,
      ...(zone === undefined ? {} : { zone }),
      ...(area === undefined ? {} : { area }),
      ...(definition.latching === true ? { latching: true } : {}),
      ...(definition.autoAcknowledge === true && mayAutoAcknowledge(definition) ? { autoAcknowledge: true } : {}),
      message: definition.message,
      messageEn: definition.messageEn,
    },
  });
}

interface BuiltIn {
  readonly definition: string;
  readonly priority: AlarmPriority;
  readonly onDelayMs?: number;
  readonly text: string;
  readonly textEn: string;
}

function builtIn(device: string, origin: string, context: AlarmContext, as: BuiltIn): Track {
  const known = context.device(device);
  const { definition, priority, onDelayMs = 0, text, textEn } = as;
  return newTrack({
    definition,
    device,
    onDelayMs,
    seed: {
      origin,
      definition,
      law: lawOf("communication"),
      category: "communication",
      priority,
      source: device,
      device,
      ...(known === undefined ? {} : { area: known.space }),
      message: `${known?.name ?? device} ${text}`,
      messageEn: `${known?.nameEn ?? device}: ${textEn}`,
    },
  });
}

/** The track of the communication alarm of a device: one for each device, however many of its points fall silent. [AL-16] */
export function communicationTrack(device: string, origin: string, context: AlarmContext): Track {
  const definition = communicationDefinition(device);
  const texts = { text: "通信中断", textEn: "communication lost" };
  return builtIn(device, origin, context, { definition, priority: COMMUNICATION_PRIORITY, ...texts });
}

/** The track of the alarm about points that a reachable device no longer tells: one for each device. [AL-16] */
export function staleTrack(device: string, origin: string, context: AlarmContext): Track {
  const definition = staleDefinition(device);
  const texts = { text: "部分数据长时间未更新", textEn: "some of its points are no longer updated" };
  const onDelayMs = STALE_ON_DELAY_MS;
  return builtIn(device, origin, context, { definition, priority: STALE_PRIORITY, onDelayMs, ...texts });
}
