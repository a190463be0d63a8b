import type { Alarm } from "../model/alarm.ts";
import type { AlarmCommand } from "../model/command.ts";
import type { ConditionReport, FieldCondition } from "../model/field-condition.ts";
import type { AlarmChange, AlarmEvaluatorOptions } from "./change.ts";
import type { DeviceAlarms } from "./device-alarms.ts";
import { factsOf } from "./facts.ts";
import { acknowledgedThere, announcedAnew, FIELD_ACTOR, FieldTracks, owedAct } from "./field.ts";
import { isClosed } from "./lifecycle.ts";
import type { Track } from "./track.ts";
import type { TrackLife } from "./track-life.ts";

/** Rule under which a device itself shelves its condition. */
export const AT_DEVICE = "at:device";

type Options = Pick<
  AlarmEvaluatorOptions,
  "origin" | "context" | "clock" | "seen" | "onFieldAct" | "onConditionRefused"
>;

/**
 * The alarms of conditions that devices keep themselves: what a device tells of them becomes their state here, and what an operator
 * does here is told to the device. [ISA-18.2, OPC 10000-9 §5.7]
 */
export class FieldConditions {
  readonly #options: Options;
  readonly #life: TrackLife;
  readonly #devices: DeviceAlarms;
  readonly #tracks = new FieldTracks();

  constructor(options: Options, life: TrackLife, devices: DeviceAlarms) {
    this.#options = options;
    this.#life = life;
    this.#devices = devices;
  }

  /** Adds the track of a definition; only one that names a condition of a device is of interest. */
  add(track: Track): void {
    const { condition } = track;
    if (condition?.type === "field") this.#tracks.add(track, condition.device, condition.condition);
  }

  /** The track of an open alarm of before whose condition no definition names; undefined for any other alarm. */
  restore(alarm: Alarm): Track | undefined {
    const track = this.#tracks.restored(alarm, this.#options.context);
    if (track !== undefined) this.#life.register(track);
    return track;
  }

  /** Judges what devices told another evaluator before by the definitions of now. Call once, before the first report. */
  start(): readonly AlarmChange[] {
    return (this.#options.seen ?? []).flatMap((seen) => this.#recall(seen));
  }

  /**
   * What a device tells of its conditions. One that no definition names becomes an alarm all the same while it is active. After a
   * complete report nothing else of the device is active. [OPC 10000-9 §5.5.7 ConditionRefresh]
   */
  onReport(report: ConditionReport): readonly AlarmChange[] {
    this.#forgetFound(report.device);
    const changes = report.conditions.flatMap((seen) => {
      const tracks = this.#tracksOf(seen);
      if (tracks.length === 0) return [];
      const before = this.#tracks.tell(seen);
      return tracks.flatMap((track) => this.#seen(track, seen, before));
    });
    if (!report.complete) return changes;
    const now = { observedAt: this.#options.clock.now() };
    const over = this.#tracks
      .unnamed(report)
      .flatMap((track) => [...this.#life.apply(track, { type: "fresh" }), ...this.#life.condition(track, false, now)]);
    return [...changes, ...over];
  }

  /** What devices last said of conditions that are alarms here, for the evaluator that takes over. */
  get seen(): readonly FieldCondition[] {
    return this.#tracks.seen;
  }

  /** Tells the device that keeps a track's condition what an operator did to its alarm; nobody where no device keeps it. */
  tell(track: Track, action: AlarmCommand["action"], said: Parameters<FieldTracks["actFor"]>[2]): void {
    const act = this.#tracks.actFor(track, action, said);
    if (act !== undefined) this.#options.onFieldAct?.(act);
  }

  /** What a device said before this evaluator was made: an alarm that is open goes on, only a new one is raised. */
  #recall(seen: FieldCondition): readonly AlarmChange[] {
    const tracks = this.#tracksOf(seen);
    if (tracks.length > 0) this.#tracks.tell(seen);
    return tracks.flatMap((track) => {
      if (track.alarm !== undefined && !isClosed(track.alarm)) return [];
      return [...this.#told(track, seen), ...this.#devices.whileSilent(track, seen.device)];
    });
  }

  /** A condition that nobody configured is forgotten with its alarm: a device may name new ones for ever. */
  #forgetFound(device: string): void {
    for (const track of this.#tracks.closed(device)) this.#life.forget(track);
  }

  #tracksOf(seen: FieldCondition): readonly Track[] {
    const known = this.#tracks.of(seen.device, seen.condition);
    if (known.length > 0 || !seen.active) return known;
    const { origin, context, onConditionRefused } = this.#options;
    if (this.#tracks.full) for (const device of this.#tracks.devices) this.#forgetFound(device);
    const found = this.#tracks.found(seen, origin, context);
    if (found === undefined) {
      onConditionRefused?.(seen);
      return [];
    }
    this.#life.register(found);
    return [found];
  }

  #seen(track: Track, seen: FieldCondition, before: FieldCondition | undefined): readonly AlarmChange[] {
    const again = announcedAnew(track.alarm, seen, before);
    return [
      ...this.#life.apply(track, { type: "fresh" }),
      // announced anew without having been normal: another occurrence, which nobody has acknowledged yet
      ...(again ? this.#life.clear(track, factsOf(seen)) : []),
      ...this.#told(track, seen),
    ];
  }

  #told(track: Track, seen: FieldCondition): readonly AlarmChange[] {
    const facts = factsOf({ ...seen, ...(seen.message === undefined ? {} : { value: seen.message }) });
    return [
      ...this.#life.condition(track, seen.active, facts),
      ...this.#shelving(track, seen),
      ...this.#acknowledgement(track, seen),
    ];
  }

  #shelving(track: Track, { shelved }: FieldCondition): readonly AlarmChange[] {
    if (shelved === undefined || track.alarm === undefined || track.alarm.suppression.includes("shelved")) return [];
    const event = { type: shelved ? ("suppress" as const) : ("unsuppress" as const), rule: AT_DEVICE };
    return this.#life.apply(track, event, { comment: "shelved at the device" });
  }

  #acknowledgement(track: Track, seen: FieldCondition): readonly AlarmChange[] {
    const { alarm } = track;
    if (alarm === undefined || seen.acknowledged === undefined) return [];
    const taken = acknowledgedThere(alarm, seen);
    if (taken !== undefined) return this.#life.apply(track, taken, { actor: FIELD_ACTOR });
    const owed = owedAct(alarm, seen);
    const { acknowledgedBy: by } = alarm;
    if (owed !== undefined) this.tell(track, owed, by === undefined ? {} : { by });
    return [];
  }
}
