import type { Clock } from "../clock.ts";
import type { DeviceId } from "../ids.ts";
import type { Alarm, AlarmDefinition, AlarmTransition } from "../model/alarm.ts";
import type { AlarmCommand } from "../model/command.ts";
import type { DeviceEvent } from "../model/event.ts";
import type { Sample, Value } from "../model/sample.ts";
import { holds } from "./condition.ts";
import { LAW_RULES } from "./law.ts";
import { type AlarmEvent, type AlarmResult, alarmId, apply, isClosed, raise } from "./lifecycle.ts";
import {
  type AlarmContext,
  communicationDefinition,
  communicationDevice,
  communicationTrack,
  type PendingDelay,
  type Track,
  trackOf,
} from "./track.ts";

export type { AlarmContext, PendingDelay } from "./track.ts";

/** One transition that happened, with the whole alarm after it: what goes into the event lane and over the stored record. */
export interface AlarmChange {
  readonly transition: AlarmTransition;
  readonly alarm: Alarm;
  /** Unix ms, when the evaluator made it. */
  readonly at: number;
  /** Who acted; absent when the field or a timer did. */
  readonly actor?: string;
  /** The reason given by a person, or the definition that suppressed it by design. [AL-11] */
  readonly comment?: string;
  /** Episode counter of the alarm's definition, to be stored with the record. */
  readonly episode: number;
  /** The episode is over: the record need not be kept to go on after a restart. */
  readonly closed: boolean;
}

/** All that must survive a restart. [AL-14] */
export interface AlarmSnapshot {
  /** Last episode of each definition; never goes back, so that no id is minted twice. */
  readonly episodes: Readonly<Record<string, number>>;
  /** Open alarms. */
  readonly alarms: readonly Alarm[];
  /** Delays that are running. */
  readonly delays: readonly PendingDelay[];
}

export interface AlarmEvaluatorOptions {
  /** Who mints: `<site>/<gateway>`, or `<site>` for the cloud. */
  readonly origin: string;
  /** Epoch of the store that keeps the episode counters; part of every id, so that a lost store mints no id again. */
  readonly epoch: string;
  readonly definitions: readonly AlarmDefinition[];
  readonly context: AlarmContext;
  readonly clock: Clock;
  readonly restored?: Omit<AlarmSnapshot, "delays"> & Partial<Pick<AlarmSnapshot, "delays">>;
  /** Told what a delay or the end of a shelving caused; everything else is the return value of the call that caused it. */
  readonly onChanges: (changes: readonly AlarmChange[]) => void;
  /** Told when a delay of a definition begins (to be stored) or ends (undefined: to be removed). */
  readonly onDelay?: (definition: string, delay: PendingDelay | undefined) => void;
}

/** How an AlarmCommand ended. `refused.code` is one of AlarmRefusal, or `ALARM_UNKNOWN` when no such alarm is open here. */
export interface AlarmCommandOutcome {
  readonly changes: readonly AlarmChange[];
  readonly refused?: { readonly code: string; readonly message: string };
}

interface Facts {
  readonly value?: Value;
  readonly sourceTime?: number;
  readonly observedAt: number;
}

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
  readonly #byPoint = new Map<string, Track[]>();
  readonly #byEvent = new Map<string, Track[]>();
  readonly #byDevice = new Map<string, Track[]>();
  readonly #byAlarm = new Map<string, Track>();
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
   * seen no more: it is cleared (a security alarm stays latched). Call once, before the first sample.
   */
  start(): readonly AlarmChange[] {
    for (const delay of this.#options.restored?.delays ?? []) {
      const track = this.#tracks.get(delay.definition);
      if (track?.condition !== undefined) this.#arm(track, delay);
    }
    return [...this.#tracks.values()].flatMap((track) => {
      this.#armShelving(track);
      return track.seed === undefined ? this.#apply(track, { type: "clear" }, { comment: "definition removed" }) : [];
    });
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
    return (this.#byPoint.get(sample.point) ?? []).flatMap((track) => {
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
    return (this.#byEvent.get(eventKey(event.device, event.kind)) ?? []).flatMap((track) => {
      const fresh = this.#apply(track, { type: "fresh" });
      if (event.state !== undefined) return [...fresh, ...this.#condition(track, event.state, facts)];
      if (track.alarm?.live === true) return fresh;
      this.#cancelDelay(track);
      return [...fresh, ...this.#activate(track, facts), ...this.#clear(track, facts)];
    });
  }

  /**
   * A device became reachable or fell silent. Silence raises one alarm for the device; its own alarms keep their last state,
   * marked stale and suppressed by design, but never under the security law. [AL-16, IN-04]
   */
  onDevice(state: { device: DeviceId; online: boolean; reason?: string; at: number }): readonly AlarmChange[] {
    const cause = this.#communication(state.device);
    const children = this.#byDevice.get(state.device) ?? [];
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
    this.#tracks.set(track.definition, track);
    const { condition, device } = track;
    if (condition === undefined) return;
    if ("point" in condition) append(this.#byPoint, condition.point, track);
    else append(this.#byEvent, eventKey(condition.device, condition.kind), track);
    if (device !== undefined) append(this.#byDevice, device, track);
  }

  #restore(alarm: Alarm): void {
    const device = communicationDevice(alarm.definition);
    if (device !== undefined && this.#options.context.device(device) !== undefined) this.#communication(device);
    let track = this.#tracks.get(alarm.definition);
    if (track === undefined) {
      track = { definition: alarm.definition, onDelayMs: 0, offDelayMs: 0 };
      this.#tracks.set(alarm.definition, track);
    }
    track.alarm = alarm;
    this.#byAlarm.set(alarm.id, track);
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
    // An event that is over says nothing more; what still held, and every point, is fresh when it is next heard of.
    const over = track.condition?.type === "event" && track.alarm?.live === false;
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
    const episode = (this.#episodes.get(track.definition) ?? 0) + 1;
    this.#episodes.set(track.definition, episode);
    if (track.alarm !== undefined) this.#byAlarm.delete(track.alarm.id);
    const id = alarmId({ origin, definition: track.definition, epoch, episode });
    this.#byAlarm.set(id, track);
    return this.#take(track, { alarm: raise({ ...track.seed, id }, event, clock.now()), transition: "raised" }, {});
  }

  #clear(track: Track, { sourceTime, observedAt }: Facts): readonly AlarmChange[] {
    return this.#apply(track, { type: "clear", sourceTime: sourceTime ?? observedAt });
  }

  /** What the field or the logic does; what is refused there simply does not happen. */
  #apply(track: Track, event: AlarmEvent, said: { comment?: string } = {}): readonly AlarmChange[] {
    if (track.alarm === undefined) return [];
    const result = apply(track.alarm, event, { now: this.#options.clock.now(), side: "minting" });
    return this.#take(track, result, said);
  }

  #take(track: Track, result: AlarmResult, said: { actor?: string; comment?: string }): readonly AlarmChange[] {
    if ("refused" in result || result.transition === undefined) return [];
    const { alarm, transition } = result;
    track.alarm = alarm;
    this.#armShelving(track);
    const episode = this.#episodes.get(track.definition) ?? 0;
    return [{ transition, alarm, at: this.#options.clock.now(), ...said, episode, closed: isClosed(alarm) }];
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

function append(map: Map<string, Track[]>, key: string, track: Track): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, [track]);
  else held.push(track);
}

function eventKey(device: string, kind: string): string {
  return `${device} ${kind}`;
}

function factsOf(seen: { value?: Value; sourceTime?: number; observedAt: number }): Facts {
  return {
    observedAt: seen.observedAt,
    ...(seen.sourceTime === undefined ? {} : { sourceTime: seen.sourceTime }),
    ...(seen.value === undefined ? {} : { value: seen.value }),
  };
}

function eventOf(command: AlarmCommand): AlarmEvent {
  const { action, occurrence, requestedBy, createdAt, until, reason } = command;
  switch (action) {
    case "acknowledge":
    case "reset":
      return { type: action, occurrence, by: requestedBy, at: createdAt };
    case "shelve":
      return { type: action, occurrence, until: until ?? 0, reason: reason ?? "" };
    case "outOfService":
      return { type: action, occurrence, reason: reason ?? "" };
    case "unshelve":
    case "returnToService":
      return { type: action, occurrence };
    default:
      return action satisfies never;
  }
}
