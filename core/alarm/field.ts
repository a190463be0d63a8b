import type { Alarm } from "../model/alarm.ts";
import type { ConditionReport, FieldCondition } from "../model/field-condition.ts";
import { lawOf } from "./law.ts";
import { type AlarmEvent, isClosed } from "./lifecycle.ts";
import { type AlarmContext, newTrack, type Track } from "./track.ts";

/** Conditions that nobody configured become alarms by themselves; this many at most on one gateway. */
export const MAX_FOUND_CONDITIONS = 1_000;

/** Who acknowledged where it was done at the device. */
export const FIELD_ACTOR = "field";

const FIELD = "field:";
const DEFAULT_CATEGORY = "equipment";
const DEFAULT_PRIORITY = "medium";

/**
 * Actions by which devices are told what became of their conditions. Only the gateway asks for them, as the consequence of an act on
 * the alarm: asked for from outside they would pass by its law and by who may acknowledge and shelve.
 */
export const FIELD_ACTIONS = [
  "acknowledgeCondition",
  "confirmCondition",
  "shelveCondition",
  "unshelveCondition",
] as const;

/** What the device is to be told because an operator did it here. */
export interface FieldAct {
  readonly device: string;
  readonly condition: string;
  readonly action: (typeof FIELD_ACTIONS)[number];
  /** Who did it, for devices that keep that. */
  readonly by?: string;
  readonly comment?: string;
  /** For a shelving: until when, Unix ms. */
  readonly until?: number;
  readonly alarm: string;
}

/** Definition id of the alarm of a condition that no configuration names. */
export function fieldDefinition(device: string, condition: string): string {
  return `${FIELD}${device}/${condition}`;
}

/** The condition of such an alarm; undefined for any other alarm. */
export function foundCondition({ definition, device }: Pick<Alarm, "definition" | "device">): string | undefined {
  const prefix = `${FIELD}${device}/`;
  return device !== undefined && definition.startsWith(prefix) ? definition.slice(prefix.length) : undefined;
}

/**
 * Whose counter gives the episodes of an alarm: its definition's, or for a condition that nobody configured one of its device, because
 * a device may invent new ones for ever.
 */
export function episodeCounter(of: Pick<Alarm, "definition" | "device">): string {
  return foundCondition(of) === undefined ? of.definition : `${FIELD}${of.device}`;
}

/**
 * Was an acknowledged condition announced anew? Its device takes the acknowledgement back; or, where the device could not be heard,
 * it has told it again since somebody acknowledged it. `before`: what it had said last.
 */
export function announcedAnew(alarm: Alarm | undefined, seen: FieldCondition, before?: FieldCondition): boolean {
  if (alarm?.live !== true || !seen.active || seen.acknowledged !== false) return false;
  if (before?.acknowledged === true) return true;
  if (!alarm.acknowledged || (before !== undefined && alarm.stale !== true)) return false;
  return alarm.acknowledgedBy === FIELD_ACTOR || (seen.sourceTime ?? -Infinity) > (alarm.acknowledgedAt ?? Infinity);
}

/** The acknowledgement that somebody gave at the device; undefined when there is none that is not known here. */
export function acknowledgedThere(alarm: Alarm, seen: FieldCondition): AlarmEvent | undefined {
  if (seen.acknowledged !== true || alarm.acknowledged) return undefined;
  const at = seen.sourceTime ?? seen.observedAt;
  return { type: "acknowledge", occurrence: alarm.occurrence, by: FIELD_ACTOR, at };
}

/**
 * What the device still waits for although it was done here: acknowledged while it was out of reach, or reset before it asked for the
 * confirmation. [OPC 10000-9 §5.7.4]
 */
export function owedAct(alarm: Alarm, seen: FieldCondition): "acknowledge" | "reset" | undefined {
  if (seen.acknowledged === false) return alarm.acknowledged && alarm.live ? "acknowledge" : undefined;
  return alarm.resetAt !== undefined && !seen.active && seen.confirmed === false ? "reset" : undefined;
}

/** Which tracks stand for conditions that devices keep, and what the devices said last. */
export class FieldTracks {
  readonly #byDevice = new Map<string, Map<string, Track[]>>();
  /** By definition id of the condition; only of those that have tracks. */
  readonly #seen = new Map<string, FieldCondition>();
  readonly #of = new Map<Track, { readonly device: string; readonly condition: string }>();
  #found = 0;

  /** Adds the track of a configured definition. */
  add(track: Track, device: string, condition: string): void {
    const conditions = this.#byDevice.get(device) ?? new Map<string, Track[]>();
    this.#byDevice.set(device, conditions);
    conditions.set(condition, [...(conditions.get(condition) ?? []), track]);
    this.#of.set(track, { device, condition });
  }

  /** The tracks of a condition. */
  of(device: string, condition: string): readonly Track[] {
    return this.#byDevice.get(device)?.get(condition) ?? [];
  }

  /** Tracks of the device's conditions that the report does not name. */
  unnamed({ device, conditions }: ConditionReport): readonly Track[] {
    const named = new Set(conditions.map(({ condition }) => condition));
    return [...(this.#byDevice.get(device) ?? [])].flatMap(([condition, tracks]) =>
      named.has(condition) ? [] : tracks,
    );
  }

  /** Takes out the tracks of a device's found conditions whose episode is over, and gives them. */
  closed(device: string): readonly Track[] {
    const over: Track[] = [];
    for (const [condition, tracks] of this.#byDevice.get(device) ?? []) {
      const [track] = tracks;
      if (track === undefined || track.definition !== fieldDefinition(device, condition)) continue;
      if (track.alarm !== undefined && !isClosed(track.alarm)) continue;
      over.push(track);
      this.#byDevice.get(device)?.delete(condition);
      this.#seen.delete(track.definition);
      this.#of.delete(track);
      this.#found--;
    }
    return over;
  }

  /** Is there no room for another found condition? */
  get full(): boolean {
    return this.#found >= MAX_FOUND_CONDITIONS;
  }

  /** Devices that keep conditions. */
  get devices(): readonly string[] {
    return [...this.#byDevice.keys()];
  }

  /** A track for a condition that no definition names; undefined when there are too many. */
  found(seen: FieldCondition, origin: string, context: AlarmContext): Track | undefined {
    if (this.full) return undefined;
    this.#found++;
    const { device, condition, category = DEFAULT_CATEGORY, priority = DEFAULT_PRIORITY, message } = seen;
    const known = context.device(device);
    const definition = fieldDefinition(device, condition);
    const text = message ?? condition;
    const track = newTrack({
      definition,
      device,
      condition: { type: "field", device, condition },
      seed: {
        origin,
        definition,
        law: lawOf(category),
        category,
        priority,
        source: device,
        device,
        ...(known === undefined ? {} : { area: known.space }),
        message: `${known?.name ?? device}：${text}`,
        messageEn: `${known?.nameEn ?? device}: ${text}`,
      },
    });
    this.add(track, device, condition);
    return track;
  }

  /** The track of an open alarm of before whose condition no definition names; undefined when its device is gone. */
  restored(alarm: Alarm, context: AlarmContext): Track | undefined {
    const condition = foundCondition(alarm);
    if (condition === undefined || alarm.device === undefined) return undefined;
    if (context.device(alarm.device) === undefined) return undefined;
    // by now a definition names it: the alarm of that takes its place
    if (this.of(alarm.device, condition).length > 0) return undefined;
    this.#found++;
    const { origin, definition, law, category, priority, source, device, area, message, messageEn } = alarm;
    const track = newTrack({
      definition,
      device,
      condition: { type: "field", device, condition },
      seed: {
        origin,
        definition,
        law,
        category,
        priority,
        source,
        device,
        ...(area === undefined ? {} : { area }),
        message,
        messageEn,
      },
    });
    this.add(track, device, condition);
    return track;
  }

  /** Remembers what a device says of a condition that has tracks. Gives what it had said before. */
  tell(seen: FieldCondition): FieldCondition | undefined {
    const key = fieldDefinition(seen.device, seen.condition);
    const before = this.#seen.get(key);
    this.#seen.set(key, seen);
    return before;
  }

  /** What devices said last of the conditions that have tracks. */
  get seen(): readonly FieldCondition[] {
    return [...this.#seen.values()];
  }

  /** What is to be done at the device for an act of an operator here; undefined where nothing is. */
  actFor(
    track: Track,
    action: "acknowledge" | "reset" | "shelve" | "unshelve" | "outOfService" | "returnToService",
    said: { readonly by?: string; readonly comment?: string; readonly until?: number },
  ): FieldAct | undefined {
    const of = this.#of.get(track);
    if (of === undefined || track.alarm === undefined) return undefined;
    const told = this.#seen.get(fieldDefinition(of.device, of.condition));
    const frame = { ...of, ...said, alarm: track.alarm.id };
    switch (action) {
      case "acknowledge":
        return told?.acknowledged === false ? { ...frame, action: "acknowledgeCondition" } : undefined;
      case "reset":
        return told?.confirmed === false ? { ...frame, action: "confirmCondition" } : undefined;
      case "shelve":
        return { ...frame, action: "shelveCondition" };
      case "unshelve":
        return { ...frame, action: "unshelveCondition" };
      case "outOfService":
      case "returnToService":
        return undefined;
      default:
        return action satisfies never;
    }
  }
}
