import type { DeviceId } from "../ids.ts";
import type { Alarm } from "../model/alarm.ts";
import type { AlarmCommand } from "../model/command.ts";
import type { DeviceEvent } from "../model/event.ts";
import type { ConditionReport, FieldCondition } from "../model/field-condition.ts";
import type { Sample } from "../model/sample.ts";
import type { AlarmChange, AlarmCommandOutcome, AlarmEvaluatorOptions, AlarmSnapshot } from "./change.ts";
import { DeviceAlarms } from "./device-alarms.ts";
import { eventOf, factsOf } from "./facts.ts";
import { AT_DEVICE, FieldConditions } from "./field-conditions.ts";
import type { Verdict } from "./judge.ts";
import { apply, isClosed } from "./lifecycle.ts";
import { newTrack, type Track, trackOf } from "./track.ts";
import { TrackLife } from "./track-life.ts";

/**
 * Raises, clears and keeps the alarms whose condition is seen here. Every sample and event is judged on arrival, so that a pulse
 * of one notification is an alarm; nothing looks at "the present value" later. Holds no file and no socket: the caller stores each
 * change in the same transaction as it appends it to the outbox. Historical samples must not be given to it.
 */
export class AlarmEvaluator {
  readonly #options: AlarmEvaluatorOptions;
  readonly #life: TrackLife;
  readonly #devices: DeviceAlarms;
  readonly #field: FieldConditions;

  /** @throws ID_INVALID when a definition names a point whose id is malformed, ALARM_EXPRESSION_INVALID */
  constructor(options: AlarmEvaluatorOptions) {
    this.#options = options;
    this.#life = new TrackLife(options, options.restored?.episodes ?? {}, (track) =>
      this.#field.tell(track, "unshelve", {}),
    );
    this.#devices = new DeviceAlarms(options, this.#life);
    this.#field = new FieldConditions(options, this.#life, this.#devices);
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
      // of a definition that is gone, or of a built-in alarm: what it waited for is told anew
      else this.#options.onDelay?.(delay.definition, undefined);
    }
    const removed = this.#life.all.flatMap((track) => {
      this.#life.resume(track);
      return track.seed === undefined
        ? this.#life.apply(track, { type: "clear" }, { comment: "definition removed" })
        : [];
    });
    const suppressed = this.#life.all.flatMap((track) => [...this.#life.dependents(track), ...this.#freed(track)]);
    this.#devices.start();
    return [...removed, ...suppressed, ...this.#field.start()];
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
    this.#devices.stop();
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
    return [...rules, ...judged, ...this.#devices.onSample(sample)];
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
    return this.#field.onReport(report);
  }

  /** What devices last said of conditions that are alarms here, for the evaluator that takes over. */
  seen(): readonly FieldCondition[] {
    return this.#field.seen;
  }

  /** Puts a remark into the journal of an open alarm, as when its device refused an act. */
  comment(alarm: string, actor: string, comment: string): readonly AlarmChange[] {
    const track = this.#life.ofAlarm(alarm);
    if (track?.alarm === undefined) return [];
    return [this.#life.change({ alarm: track.alarm, transition: "commented" }, { actor, comment })];
  }

  /**
   * A device became reachable or fell silent. Silence raises one alarm for the device; its own alarms keep their last state,
   * marked stale and suppressed by design, but never under the security law. [AL-16, IN-04]
   */
  onDevice(state: { device: DeviceId; online: boolean; reason?: string; at: number }): readonly AlarmChange[] {
    return this.#devices.onDevice(state);
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
    if (result.transition !== undefined) this.#field.tell(track, command.action, { ...said, ...more });
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
    this.#field.add(track);
  }

  #restore(alarm: Alarm): void {
    this.#devices.restore(alarm);
    let track = this.#life.of(alarm.definition) ?? this.#field.restore(alarm);
    if (track === undefined) {
      track = newTrack({ definition: alarm.definition });
      this.#life.register(track);
    }
    this.#life.adopt(track, alarm);
  }
}
