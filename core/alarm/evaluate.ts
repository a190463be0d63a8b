import type { DeviceId } from "../ids.ts";
import type { Alarm, AlarmTransition } from "../model/alarm.ts";
import type { AlarmCommand } from "../model/command.ts";
import type { DeviceEvent } from "../model/event.ts";
import type { ConditionReport, FieldCondition } from "../model/field-condition.ts";
import type { Sample } from "../model/sample.ts";
import type { AlarmChange, AlarmCommandOutcome, AlarmEvaluatorOptions, AlarmSnapshot } from "./change.ts";
import { holds } from "./condition.ts";
import { eventOf, type Facts, factsOf } from "./facts.ts";
import { acknowledgedThere, announcedAnew, episodeCounter, FIELD_ACTOR, FieldTracks, owedAct } from "./field.ts";
import { LAW_RULES } from "./law.ts";
import { type AlarmEvent, type AlarmResult, alarmId, apply, isClosed, raise } from "./lifecycle.ts";
import {
  communicationDefinition,
  communicationDevice,
  communicationTrack,
  type PendingDelay,
  type Track,
  trackOf,
} from "./track.ts";
import { TrackIndex } from "./track-index.ts";

export type { AlarmChange, AlarmCommandOutcome, AlarmEvaluatorOptions, AlarmSnapshot } from "./change.ts";
export type { FieldAct } from "./field.ts";
export type { AlarmContext, PendingDelay } from "./track.ts";

/** The longest delay a timer takes, ms (2^31 - 1). */
const LONGEST_TIMER_MS = 0x7fff_ffff;

/**
 * Raises, clears and keeps the alarms whose condition is seen here. Every sample and event is judged on arrival, so that a pulse
 * of one notification is an alarm; nothing looks at "the present value" later. Holds no file and no socket: the caller stores each
 * change in the same transaction as it appends it to the outbox. Historical samples must not be given to it.
 */
export class AlarmEvaluator {
  readonly #options: AlarmEvaluatorOptions;
  readonly #tracks = new Map<string, Track>();
  readonly #index = new TrackIndex();
  readonly #byAlarm = new Map<string, Track>();
  readonly #field = new FieldTracks();
  readonly #episodes: Map<string, number>;

  /** @throws ID_INVALID when a definition names a point whose id is malformed */
  constructor(options: AlarmEvaluatorOptions) {
    this.#options = options;
    this.#episodes = new Map(Object.entries(options.restored?.episodes ?? {}));
    for (const definition of options.definitions) this.#add(trackOf(definition, options.origin, options.context));
    for (const alarm of options.restored?.alarms ?? []) this.#restore(alarm);
  }

  /**
   * Goes on where the restored state stopped: arms delays and ends of shelving. An alarm whose definition was taken away can be
   * seen no more: it is cleared (a security alarm stays latched). Conditions that devices told before are judged by the definitions
   * of now. Call once, before the first sample.
   */
  start(): readonly AlarmChange[] {
    for (const delay of this.#options.restored?.delays ?? []) {
      const track = this.#tracks.get(delay.definition);
      if (track?.condition !== undefined) this.#arm(track, delay);
    }
    const removed = [...this.#tracks.values()].flatMap((track) => {
      this.#armShelving(track);
      return track.seed === undefined ? this.#apply(track, { type: "clear" }, { comment: "definition removed" }) : [];
    });
    return [...removed, ...(this.#options.seen ?? []).flatMap((seen) => this.#recall(seen))];
  }

  /** Cancels all timers. The state stays readable. */
  stop(): void {
    for (const track of this.#tracks.values()) {
      track.cancelDelay?.();
      track.cancelShelving?.();
    }
  }

  /** A live value. A value that is not good neither raises nor clears: it marks the alarm stale. */
  onSample(sample: Sample): readonly AlarmChange[] {
    return this.#index.ofPoint(sample.point).flatMap((track) => {
      const { condition } = track;
      if (condition === undefined || !("point" in condition)) return [];
      const now = holds(condition, sample, track.alarm?.live ?? false);
      if (now === undefined) {
        this.#cancelDelay(track);
        return this.#apply(track, { type: "stale" });
      }
      return [...this.#apply(track, { type: "fresh" }), ...this.#condition(track, now, factsOf(sample))];
    });
  }

  /** A device event. One without `state` is a pulse: raised and cleared at once, without delays. */
  onEvent(event: DeviceEvent): readonly AlarmChange[] {
    const facts = factsOf(event);
    return this.#index.ofEvent(event.device, event.kind).flatMap((track) => {
      const fresh = this.#apply(track, { type: "fresh" });
      if (event.state !== undefined) return [...fresh, ...this.#condition(track, event.state, facts)];
      if (track.alarm?.live === true) return fresh;
      this.#cancelDelay(track);
      return [...fresh, ...this.#activate(track, facts), ...this.#clear(track, facts)];
    });
  }

  /**
   * What a device tells of the conditions that it keeps itself. One that no definition names becomes an alarm all the same while it
   * is active. After a complete report nothing else of the device is active. [ISA-18.2, OPC 10000-9 §5.5.7 ConditionRefresh]
   */
  onConditions(report: ConditionReport): readonly AlarmChange[] {
    this.#forgetFound(report.device);
    const changes = report.conditions.flatMap((seen) => {
      const tracks = this.#fieldTracks(seen);
      if (tracks.length === 0) return [];
      const before = this.#field.tell(seen);
      return tracks.flatMap((track) => this.#seen(track, seen, before));
    });
    if (!report.complete) return changes;
    const now = { observedAt: this.#options.clock.now() };
    const over = this.#field
      .unnamed(report)
      .flatMap((track) => [...this.#apply(track, { type: "fresh" }), ...this.#condition(track, false, now)]);
    return [...changes, ...over];
  }

  /** What devices last said of conditions that are alarms here, for the evaluator that takes over. */
  seen(): readonly FieldCondition[] {
    return this.#field.seen;
  }

  /** What a device said before this evaluator was made: an alarm that is open goes on, only a new one is raised. */
  #recall(seen: FieldCondition): readonly AlarmChange[] {
    const tracks = this.#fieldTracks(seen);
    if (tracks.length > 0) this.#field.tell(seen);
    const cause = this.#tracks.get(communicationDefinition(seen.device));
    return tracks.flatMap((track) => {
      if (track.alarm !== undefined && !isClosed(track.alarm)) return [];
      const changes = this.#told(track, seen);
      return cause?.alarm?.live === true ? [...changes, ...this.#silent(track, cause.definition)] : changes;
    });
  }

  /** A condition that nobody configured is forgotten with its alarm: a device may name new ones for ever. */
  #forgetFound(device: string): void {
    for (const track of this.#field.closed(device)) {
      this.#tracks.delete(track.definition);
      if (track.alarm !== undefined) this.#byAlarm.delete(track.alarm.id);
      this.#index.leave(device, track);
    }
  }

  /** Puts a remark into the journal of an open alarm, as when its device refused an act. */
  comment(alarm: string, actor: string, comment: string): readonly AlarmChange[] {
    const track = this.#byAlarm.get(alarm);
    if (track?.alarm === undefined) return [];
    return [this.#change({ alarm: track.alarm, transition: "commented" }, { actor, comment })];
  }

  #fieldTracks(seen: FieldCondition): readonly Track[] {
    const known = this.#field.of(seen.device, seen.condition);
    if (known.length > 0 || !seen.active) return known;
    const { origin, context, onConditionRefused } = this.#options;
    if (this.#field.full) for (const device of this.#field.devices) this.#forgetFound(device);
    const found = this.#field.found(seen, origin, context);
    if (found === undefined) {
      onConditionRefused?.(seen);
      return [];
    }
    this.#register(found);
    return [found];
  }

  #seen(track: Track, seen: FieldCondition, before: FieldCondition | undefined): readonly AlarmChange[] {
    const again = announcedAnew(track.alarm, seen, before);
    return [
      ...this.#apply(track, { type: "fresh" }),
      // announced anew without having been normal: another occurrence, which nobody has acknowledged yet
      ...(again ? this.#clear(track, factsOf(seen)) : []),
      ...this.#told(track, seen),
    ];
  }

  #told(track: Track, seen: FieldCondition): readonly AlarmChange[] {
    const facts = factsOf({ ...seen, ...(seen.message === undefined ? {} : { value: seen.message }) });
    return [
      ...this.#condition(track, seen.active, facts),
      ...this.#fieldShelving(track, seen),
      ...this.#fieldAcknowledgement(track, seen),
    ];
  }

  #fieldShelving(track: Track, { shelved }: FieldCondition): readonly AlarmChange[] {
    if (shelved === undefined || track.alarm === undefined || track.alarm.suppression.includes("shelved")) return [];
    return this.#apply(track, { type: shelved ? "suppress" : "unsuppress" }, { comment: "shelved at the device" });
  }

  #fieldAcknowledgement(track: Track, seen: FieldCondition): readonly AlarmChange[] {
    const { alarm } = track;
    if (alarm === undefined || seen.acknowledged === undefined) return [];
    const taken = acknowledgedThere(alarm, seen);
    if (taken !== undefined) return this.#apply(track, taken, { actor: FIELD_ACTOR });
    const owed = owedAct(alarm, seen);
    const { acknowledgedBy: by } = alarm;
    if (owed !== undefined) this.#tellField(track, owed, by === undefined ? {} : { by });
    return [];
  }

  #tellField(track: Track, action: AlarmCommand["action"], said: Parameters<FieldTracks["actFor"]>[2]): void {
    const act = this.#field.actFor(track, action, said);
    if (act !== undefined) this.#options.onFieldAct?.(act);
  }

  /**
   * A device became reachable or fell silent. Silence raises one alarm for the device; its own alarms keep their last state,
   * marked stale and suppressed by design, but never under the security law. [AL-16, IN-04]
   */
  onDevice(state: { device: DeviceId; online: boolean; reason?: string; at: number }): readonly AlarmChange[] {
    const cause = this.#communication(state.device);
    const children = this.#index.ofDevice(state.device);
    const comment = cause.definition;
    if (state.online) {
      const cleared = this.#clear(cause, { observedAt: state.at });
      return [...cleared, ...children.flatMap((track) => this.#reachable(track, comment))];
    }
    const facts = { observedAt: state.at, ...(state.reason === undefined ? {} : { value: state.reason }) };
    const raised = this.#activate(cause, facts);
    return [...raised, ...children.flatMap((track) => this.#silent(track, comment))];
  }

  /** An operator's act that the other side took, or a local panel. Never throws: a refusal is an outcome. */
  command(command: AlarmCommand): AlarmCommandOutcome {
    const track = this.#byAlarm.get(command.alarm);
    if (track?.alarm === undefined)
      return { changes: [], refused: { code: "ALARM_UNKNOWN", message: `no alarm ${command.alarm} is open here` } };
    const result = apply(track.alarm, eventOf(command), { now: this.#options.clock.now(), side: "minting" });
    if ("refused" in result) return { changes: [], refused: { code: result.refused, message: result.message } };
    const said = command.reason === undefined ? {} : { comment: command.reason };
    const more = { by: command.requestedBy, ...(command.until === undefined ? {} : { until: command.until }) };
    if (result.transition !== undefined) this.#tellField(track, command.action, { ...said, ...more });
    return { changes: this.#take(track, result, { actor: command.requestedBy, ...said }) };
  }

  /** The open alarms, in the order of their definitions. */
  alarms(): readonly Alarm[] {
    return [...this.#tracks.values()].flatMap(({ alarm }) => (alarm === undefined || isClosed(alarm) ? [] : [alarm]));
  }

  /** All that must survive a restart. */
  snapshot(): AlarmSnapshot {
    const delays = [...this.#tracks.values()].flatMap(({ pending }) => (pending === undefined ? [] : [pending]));
    return { episodes: Object.fromEntries(this.#episodes), alarms: this.alarms(), delays };
  }

  #add(track: Track): void {
    this.#register(track);
    const { condition } = track;
    if (condition?.type === "field") this.#field.add(track, condition.device, condition.condition);
  }

  #register(track: Track): void {
    this.#tracks.set(track.definition, track);
    this.#index.add(track);
  }

  #restore(alarm: Alarm): void {
    const device = communicationDevice(alarm.definition);
    if (device !== undefined && this.#options.context.device(device) !== undefined) this.#communication(device);
    let track = this.#tracks.get(alarm.definition) ?? this.#restoredField(alarm);
    if (track === undefined) {
      track = { definition: alarm.definition, onDelayMs: 0, offDelayMs: 0 };
      this.#tracks.set(alarm.definition, track);
    }
    track.alarm = alarm;
    this.#byAlarm.set(alarm.id, track);
  }

  #restoredField(alarm: Alarm): Track | undefined {
    const track = this.#field.restored(alarm, this.#options.context);
    if (track !== undefined) this.#register(track);
    return track;
  }

  #communication(device: string): Track {
    const held = this.#tracks.get(communicationDefinition(device));
    if (held?.seed !== undefined) return held;
    const track = communicationTrack(device, this.#options.origin, this.#options.context);
    if (held?.alarm !== undefined) track.alarm = held.alarm;
    this.#tracks.set(track.definition, track);
    if (track.alarm !== undefined) this.#byAlarm.set(track.alarm.id, track);
    return track;
  }

  #silent(track: Track, comment: string): readonly AlarmChange[] {
    this.#cancelDelay(track);
    const stale = this.#apply(track, { type: "stale" });
    if (track.alarm === undefined || !LAW_RULES[track.alarm.law].suppressByDesign) return stale;
    return [...stale, ...this.#apply(track, { type: "suppress" }, { comment })];
  }

  #reachable(track: Track, comment: string): readonly AlarmChange[] {
    // An event or condition that is over says nothing more; what still held, and every point, is fresh when it is next heard of.
    const over = track.condition !== undefined && !("point" in track.condition) && track.alarm?.live === false;
    const fresh = over ? this.#apply(track, { type: "fresh" }) : [];
    return [...fresh, ...this.#apply(track, { type: "unsuppress" }, { comment })];
  }

  #condition(track: Track, now: boolean, facts: Facts): readonly AlarmChange[] {
    if (now === (track.alarm?.live ?? false)) {
      this.#cancelDelay(track);
      return [];
    }
    const delayMs = now ? track.onDelayMs : track.offDelayMs;
    if (delayMs === 0) return now ? this.#activate(track, facts) : this.#clear(track, facts);
    if (track.pending === undefined) {
      const delay = { definition: track.definition, holds: now, dueAt: this.#options.clock.now() + delayMs, ...facts };
      this.#arm(track, delay);
      this.#options.onDelay?.(track.definition, delay);
    }
    return [];
  }

  #arm(track: Track, delay: PendingDelay): void {
    const longestMs = delay.holds ? track.onDelayMs : track.offDelayMs;
    const leftMs = Math.min(Math.max(delay.dueAt - this.#options.clock.now(), 0), longestMs, LONGEST_TIMER_MS);
    track.pending = delay;
    track.cancelDelay = this.#options.clock.after(leftMs, () => {
      this.#report(delay.holds ? this.#activate(track, delay) : this.#clear(track, delay));
      // After the change: a crash between the two ends in a delay that finds nothing left to do.
      this.#cancelDelay(track);
    });
  }

  #cancelDelay(track: Track): void {
    if (track.pending === undefined) return;
    track.cancelDelay?.();
    delete track.cancelDelay;
    delete track.pending;
    this.#options.onDelay?.(track.definition, undefined);
  }

  #activate(track: Track, { value, sourceTime, observedAt }: Facts): readonly AlarmChange[] {
    const event = {
      type: "activate" as const,
      observedAt,
      ...(value === undefined ? {} : { value }),
      ...(sourceTime === undefined ? {} : { sourceTime }),
    };
    if (track.alarm !== undefined && !isClosed(track.alarm)) return this.#apply(track, event);
    if (track.seed === undefined) return [];
    const { origin, epoch, clock } = this.#options;
    const counter = episodeCounter(track.seed);
    const episode = (this.#episodes.get(counter) ?? 0) + 1;
    this.#episodes.set(counter, episode);
    if (track.alarm !== undefined) this.#byAlarm.delete(track.alarm.id);
    const id = alarmId({ origin, definition: track.definition, epoch, episode });
    this.#byAlarm.set(id, track);
    return this.#take(track, { alarm: raise({ ...track.seed, id }, event, clock.now()), transition: "raised" }, {});
  }

  #clear(track: Track, { sourceTime, observedAt }: Facts): readonly AlarmChange[] {
    return this.#apply(track, { type: "clear", sourceTime: sourceTime ?? observedAt });
  }

  /** What the field or the logic does; what is refused there simply does not happen. */
  #apply(track: Track, event: AlarmEvent, said: { actor?: string; comment?: string } = {}): readonly AlarmChange[] {
    if (track.alarm === undefined) return [];
    const result = apply(track.alarm, event, { now: this.#options.clock.now(), side: "minting" });
    return this.#take(track, result, said);
  }

  #take(track: Track, result: AlarmResult, said: { actor?: string; comment?: string }): readonly AlarmChange[] {
    if ("refused" in result || result.transition === undefined) return [];
    const { alarm, transition } = result;
    track.alarm = alarm;
    this.#armShelving(track);
    return [this.#change({ alarm, transition }, said)];
  }

  #change(
    { alarm, transition }: { alarm: Alarm; transition: AlarmTransition },
    said: { actor?: string; comment?: string },
  ): AlarmChange {
    const counter = episodeCounter(alarm);
    const episode = this.#episodes.get(counter) ?? 0;
    return { transition, alarm, at: this.#options.clock.now(), ...said, episode, counter, closed: isClosed(alarm) };
  }

  #armShelving(track: Track): void {
    track.cancelShelving?.();
    delete track.cancelShelving;
    const until = track.alarm?.shelvedUntil;
    if (until === undefined) return;
    const leftMs = Math.min(Math.max(until - this.#options.clock.now(), 0), LONGEST_TIMER_MS);
    track.cancelShelving = this.#options.clock.after(leftMs, () => {
      // The wall clock may have been set back meanwhile.
      if (this.#options.clock.now() < until) this.#armShelving(track);
      else this.#report(this.#apply(track, { type: "unshelve" }));
    });
  }

  #report(changes: readonly AlarmChange[]): void {
    if (changes.length > 0) this.#options.onChanges(changes);
  }
}
