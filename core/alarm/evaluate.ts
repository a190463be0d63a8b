import { type DeviceId, deviceOf, pointId, pointParts } from "../ids.ts";
import type { Alarm } from "../model/alarm.ts";
import type { AlarmCommand } from "../model/command.ts";
import type { DeviceEvent } from "../model/event.ts";
import type { ConditionReport, FieldCondition } from "../model/field-condition.ts";
import type { Sample } from "../model/sample.ts";
import type { AlarmChange, AlarmCommandOutcome, AlarmEvaluatorOptions, AlarmSnapshot } from "./change.ts";
import { eventOf, factsOf } from "./facts.ts";
import { acknowledgedThere, announcedAnew, FIELD_ACTOR, FieldTracks, owedAct } from "./field.ts";
import type { Verdict } from "./judge.ts";
import { LAW_RULES } from "./law.ts";
import { apply, isClosed } from "./lifecycle.ts";
import { pointsOf } from "./operands.ts";
import { StalePoints } from "./stale-points.ts";
import {
  communicationDefinition,
  communicationDevice,
  communicationTrack,
  newTrack,
  staleDefinition,
  staleDevice,
  staleTrack,
  type Track,
  trackOf,
} from "./track.ts";
import { TrackLife } from "./track-life.ts";

export type { AlarmChange, AlarmCommandOutcome, AlarmEvaluatorOptions, AlarmSnapshot } from "./change.ts";
export type { FieldAct } from "./field.ts";
export type { AlarmContext, PendingDelay } from "./track.ts";

/** Rule under which a device itself shelves its condition. */
const AT_DEVICE = "at:device";
/** After a restart every point has been heard of, or is told to be stale anew, within this time, ms. */
const STALE_KNOWN_AFTER_MS = 600_000;

/**
 * Raises, clears and keeps the alarms whose condition is seen here. Every sample and event is judged on arrival, so that a pulse
 * of one notification is an alarm; nothing looks at "the present value" later. Holds no file and no socket: the caller stores each
 * change in the same transaction as it appends it to the outbox. Historical samples must not be given to it.
 */
export class AlarmEvaluator {
  readonly #options: AlarmEvaluatorOptions;
  readonly #life: TrackLife;
  readonly #field = new FieldTracks();
  readonly #stale = new StalePoints();
  #cancelStale: (() => void) | undefined;

  /** @throws ID_INVALID when a definition names a point whose id is malformed, ALARM_EXPRESSION_INVALID */
  constructor(options: AlarmEvaluatorOptions) {
    this.#options = options;
    this.#life = new TrackLife(options, options.restored?.episodes ?? {}, (track) =>
      this.#tellField(track, "unshelve", {}),
    );
    for (const definition of options.definitions) this.#add(trackOf(definition, options.origin, options.context));
    for (const alarm of options.restored?.alarms ?? []) this.#restore(alarm);
  }

  /**
   * Goes on where the restored state stopped: arms delays, ends of shelving and re-alarms. An alarm whose definition was taken away
   * can be seen no more: it is cleared (a security alarm stays latched). Conditions that devices told before are judged by the
   * definitions of now. Call once, before the first sample.
   */
  start(): readonly AlarmChange[] {
    for (const delay of this.#options.restored?.delays ?? []) {
      const track = this.#life.of(delay.definition);
      if (track?.condition !== undefined) this.#life.arm(track, delay);
    }
    const removed = this.#life.all.flatMap((track) => {
      this.#life.resume(track);
      return track.seed === undefined
        ? this.#life.apply(track, { type: "clear" }, { comment: "definition removed" })
        : [];
    });
    const suppressed = this.#life.all.flatMap((track) => [...this.#life.dependents(track), ...this.#freed(track)]);
    this.#watchStale();
    return [...removed, ...suppressed, ...(this.#options.seen ?? []).flatMap((seen) => this.#recall(seen))];
  }

  /** Ends suppressions whose rule is no longer configured, or whose cause was over when the process ended between the two. */
  #freed(track: Track): readonly AlarmChange[] {
    return (track.alarm?.suppressedBy ?? []).flatMap((rule) => {
      if (rule === AT_DEVICE || track.suppressors.some((one) => one.rule === rule)) return [];
      if (this.#life.of(rule)?.alarm?.live === true) return [];
      return this.#life.apply(track, { type: "unsuppress", rule }, { comment: rule });
    });
  }

  /** Cancels all timers. The state stays readable. */
  stop(): void {
    this.#life.stop();
    this.#cancelStale?.();
  }

  /** A live value. A value that is not good neither raises nor clears: it marks the alarm stale. */
  onSample(sample: Sample): readonly AlarmChange[] {
    const { index } = this.#life;
    const good = sample.quality === "good";
    const rules = index.suppressedByPoint(sample.point).flatMap(({ track, by }) => {
      track.unheard.delete(by.point);
      return good ? this.#life.rule(track, by.rule, sample.value === by.equals) : [];
    });
    const judged = index.ofPoint(sample.point).flatMap((track) => this.#judged(track, sample));
    return [...rules, ...judged, ...this.#staleness(sample)];
  }

  #judged(track: Track, sample: Sample): readonly AlarmChange[] {
    const { judge } = track;
    if (judge === undefined) return [];
    const { clock } = this.#options;
    const verdict = judge.take(sample, track.alarm?.live ?? false, clock.monotonic());
    if (verdict === "waiting") return [];
    if (verdict === "unknown") {
      this.#life.cancelDelay(track);
      this.#life.lookNoMore(track);
      return this.#life.apply(track, { type: "stale" });
    }
    const { value } = judge;
    const facts = { ...factsOf(sample), ...(value === undefined ? {} : { value }) };
    const fresh = this.#life.apply(track, { type: "fresh" });
    const changes = this.#life.condition(track, verdict, facts);
    this.#lookAgain(track, verdict);
    return [...fresh, ...changes];
  }

  /** Where time alone can end a condition it is looked at again; it never begins one. */
  #lookAgain(track: Track, verdict: Verdict): void {
    const { judge } = track;
    if (judge?.later === undefined || judge.lookAgainMs === undefined) return;
    if (verdict !== true && track.alarm?.live !== true) return;
    this.#life.lookAgain(track, judge.lookAgainMs, () => {
      const { clock } = this.#options;
      const now = judge.later?.(clock.monotonic(), track.alarm?.live ?? false) === true;
      const going = now && track.alarm?.live !== true && track.pending === undefined;
      const changes = going ? [] : this.#life.condition(track, now, { observedAt: clock.now() });
      if (track.alarm?.live === true || track.pending !== undefined) this.#lookAgain(track, true);
      return changes;
    });
  }

  /**
   * A device that answers but leaves points untold has one alarm, whatever their number; the alarms on those points keep their last
   * state and are suppressed by design, but never under the security law. [AL-16]
   */
  #staleness(sample: Sample): readonly AlarmChange[] {
    if (!this.#stale.take(sample)) return [];
    const device = deviceOf(sample.point);
    const cause = this.#builtIn(staleDefinition(device), staleTrack, device);
    const silent = this.#life.of(communicationDefinition(device))?.alarm?.live === true;
    const told = { value: pointParts(sample.point).point, observedAt: sample.observedAt };
    let itself: readonly AlarmChange[] = [];
    if (!this.#stale.any(device)) itself = this.#life.clear(cause, told);
    else if (!silent && cause.alarm?.live !== true) itself = this.#life.activate(cause, told);
    const children = this.#life.index.ofPoint(sample.point).flatMap((track) => this.#underStale(track, cause));
    return [...itself, ...children];
  }

  #underStale(track: Track, cause: Track): readonly AlarmChange[] {
    const rule = cause.definition;
    const points = track.condition === undefined ? [] : pointsOf(track.condition);
    const stale = cause.alarm?.live === true && points.some((point) => this.#stale.has(cause.device ?? "", point));
    if (!stale) return this.#life.apply(track, { type: "unsuppress", rule }, { comment: rule });
    return this.#life.apply(track, { type: "suppress", rule }, { comment: rule });
  }

  /** An alarm about stale points of a former process is over when none is found stale again. */
  #watchStale(): void {
    const open = this.#life.all.filter((track) => staleDevice(track.definition) !== undefined && track.alarm?.live);
    if (open.length === 0) return;
    const { clock, onChanges } = this.#options;
    this.#cancelStale = clock.after(STALE_KNOWN_AFTER_MS, () => {
      const over = open.filter(({ device }) => device === undefined || !this.#stale.any(device));
      const changes = over.flatMap((track) => [
        ...this.#life.clear(track, { observedAt: clock.now() }),
        ...this.#life.index.ofDevice(track.device ?? "").flatMap((child) => this.#underStale(child, track)),
      ]);
      if (changes.length > 0) onChanges(changes);
    });
  }

  /** A device event. One without `state` is a pulse: raised and cleared at once, without delays. */
  onEvent(event: DeviceEvent): readonly AlarmChange[] {
    const facts = factsOf(event);
    return this.#life.index.ofEvent(event.device, event.kind).flatMap((track) => {
      const fresh = this.#life.apply(track, { type: "fresh" });
      if (event.state !== undefined) return [...fresh, ...this.#life.condition(track, event.state, facts)];
      if (track.alarm?.live === true) return fresh;
      this.#life.cancelDelay(track);
      return [...fresh, ...this.#life.activate(track, facts), ...this.#life.clear(track, facts)];
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
      .flatMap((track) => [...this.#life.apply(track, { type: "fresh" }), ...this.#life.condition(track, false, now)]);
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
    const cause = this.#life.of(communicationDefinition(seen.device));
    return tracks.flatMap((track) => {
      if (track.alarm !== undefined && !isClosed(track.alarm)) return [];
      const changes = this.#told(track, seen);
      return cause?.alarm?.live === true ? [...changes, ...this.#silent(track, cause.definition)] : changes;
    });
  }

  /** A condition that nobody configured is forgotten with its alarm: a device may name new ones for ever. */
  #forgetFound(device: string): void {
    for (const track of this.#field.closed(device)) this.#life.forget(track);
  }

  /** Puts a remark into the journal of an open alarm, as when its device refused an act. */
  comment(alarm: string, actor: string, comment: string): readonly AlarmChange[] {
    const track = this.#life.ofAlarm(alarm);
    if (track?.alarm === undefined) return [];
    return [this.#life.change({ alarm: track.alarm, transition: "commented" }, { actor, comment })];
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
      ...this.#fieldShelving(track, seen),
      ...this.#fieldAcknowledgement(track, seen),
    ];
  }

  #fieldShelving(track: Track, { shelved }: FieldCondition): readonly AlarmChange[] {
    if (shelved === undefined || track.alarm === undefined || track.alarm.suppression.includes("shelved")) return [];
    const event = { type: shelved ? ("suppress" as const) : ("unsuppress" as const), rule: AT_DEVICE };
    return this.#life.apply(track, event, { comment: "shelved at the device" });
  }

  #fieldAcknowledgement(track: Track, seen: FieldCondition): readonly AlarmChange[] {
    const { alarm } = track;
    if (alarm === undefined || seen.acknowledged === undefined) return [];
    const taken = acknowledgedThere(alarm, seen);
    if (taken !== undefined) return this.#life.apply(track, taken, { actor: FIELD_ACTOR });
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
    const children = this.#life.index.ofDevice(state.device);
    const comment = cause.definition;
    if (state.online) {
      const cleared = this.#life.clear(cause, { observedAt: state.at });
      return [...cleared, ...children.flatMap((track) => this.#reachable(track, comment))];
    }
    const facts = { observedAt: state.at, ...(state.reason === undefined ? {} : { value: state.reason }) };
    const raised = this.#life.activate(cause, facts);
    return [...raised, ...children.flatMap((track) => this.#silent(track, comment))];
  }

  /** An operator's act that the other side took, or a local panel. Never throws: a refusal is an outcome. */
  command(command: AlarmCommand): AlarmCommandOutcome {
    const track = this.#life.ofAlarm(command.alarm);
    if (track?.alarm === undefined)
      return { changes: [], refused: { code: "ALARM_UNKNOWN", message: `no alarm ${command.alarm} is open here` } };
    const now = this.#options.clock.now();
    const result = apply(track.alarm, eventOf(command, now), { now, side: "minting" });
    if ("refused" in result) return { changes: [], refused: { code: result.refused, message: result.message } };
    const said = command.reason === undefined ? {} : { comment: command.reason };
    const more = { by: command.requestedBy, ...(command.until === undefined ? {} : { until: command.until }) };
    if (result.transition !== undefined) this.#tellField(track, command.action, { ...said, ...more });
    return { changes: this.#life.take(track, result, { actor: command.requestedBy, ...said }) };
  }

  /** The open alarms, in the order of their definitions. */
  alarms(): readonly Alarm[] {
    return this.#life.all.flatMap(({ alarm }) => (alarm === undefined || isClosed(alarm) ? [] : [alarm]));
  }

  /** All that must survive a restart. */
  snapshot(): AlarmSnapshot {
    const delays = this.#life.all.flatMap(({ pending }) => (pending === undefined ? [] : [pending]));
    return { episodes: this.#life.episodes, alarms: this.alarms(), delays };
  }

  #add(track: Track): void {
    this.#life.register(track);
    const { condition } = track;
    if (condition?.type === "field") this.#field.add(track, condition.device, condition.condition);
  }

  #restore(alarm: Alarm): void {
    const { context } = this.#options;
    const silent = communicationDevice(alarm.definition);
    if (silent !== undefined && context.device(silent) !== undefined) this.#communication(silent);
    const stale = staleDevice(alarm.definition);
    if (stale !== undefined && context.device(stale) !== undefined) {
      this.#builtIn(alarm.definition, staleTrack, stale);
      const point = `${stale}/${alarm.value}`;
      if (alarm.live && context.point(point) !== undefined) this.#stale.seed(pointId(point));
    }
    let track = this.#life.of(alarm.definition) ?? this.#restoredField(alarm);
    if (track === undefined) {
      track = newTrack({ definition: alarm.definition });
      this.#life.register(track);
    }
    this.#life.adopt(track, alarm);
  }

  #restoredField(alarm: Alarm): Track | undefined {
    const track = this.#field.restored(alarm, this.#options.context);
    if (track !== undefined) this.#life.register(track);
    return track;
  }

  #communication(device: string): Track {
    return this.#builtIn(communicationDefinition(device), communicationTrack, device);
  }

  #builtIn(definition: string, make: typeof communicationTrack, device: string): Track {
    const held = this.#life.of(definition);
    if (held?.seed !== undefined) return held;
    const { origin, context } = this.#options;
    const track = make(device, origin, context);
    if (held?.alarm !== undefined) track.alarm = held.alarm;
    this.#life.register(track);
    return track;
  }

  #silent(track: Track, rule: string): readonly AlarmChange[] {
    this.#life.cancelDelay(track);
    this.#life.lookNoMore(track);
    const stale = this.#life.apply(track, { type: "stale" });
    if (track.alarm === undefined || !LAW_RULES[track.alarm.law].suppressByDesign) return stale;
    return [...stale, ...this.#life.apply(track, { type: "suppress", rule }, { comment: rule })];
  }

  #reachable(track: Track, rule: string): readonly AlarmChange[] {
    // An event or condition that is over says nothing more; what still held, and every point, is fresh when it is next heard of.
    const told = track.condition !== undefined && pointsOf(track.condition).length === 0;
    const fresh = told && track.alarm?.live === false ? this.#life.apply(track, { type: "fresh" }) : [];
    return [...fresh, ...this.#life.apply(track, { type: "unsuppress", rule }, { comment: rule })];
  }
}
