import type { Alarm, AlarmTransition } from "../model/alarm.ts";
import type { AlarmChange, AlarmEvaluatorOptions } from "./change.ts";
import type { Facts } from "./facts.ts";
import { episodeCounter } from "./field.ts";
import { MAX_SHELVE_MS } from "./law.ts";
import { type AlarmEvent, type AlarmResult, alarmId, apply, isClosed, raise, shelvedNoMore } from "./lifecycle.ts";
import { type PendingDelay, type Track, UNKNOWN_MS } from "./track.ts";
import { TrackIndex } from "./track-index.ts";
import { TrackTimers } from "./track-timers.ts";

/** Gateways read all of their points within so long after a start, ms. */
const SETTLING_MS = 30_000;

/** Who did something and why, for the journal. */
export interface Said {
  readonly actor?: string;
  readonly comment?: string;
}

type Options = Pick<AlarmEvaluatorOptions, "origin" | "epoch" | "clock" | "onChanges" | "onDelay">;

/**
 * The tracks and what becomes of their alarms: episodes, delays, shelving, re-alarm, suppression by design and first-out. What was
 * seen is judged elsewhere.
 */
export class TrackLife {
  readonly #options: Options;
  readonly #unshelved: (track: Track) => void;
  readonly #timers: TrackTimers;
  readonly #tracks = new Map<string, Track>();
  readonly #byAlarm = new Map<string, Track>();
  readonly #episodes: Map<string, number>;
  readonly #startedAt: number;
  readonly index = new TrackIndex();

  /** `episodes`: last episode of each counter. `unshelved`: told of a shelving that has ended because the condition has. */
  constructor(options: Options, episodes: Readonly<Record<string, number>>, unshelved: (track: Track) => void) {
    this.#options = options;
    this.#unshelved = unshelved;
    this.#timers = new TrackTimers(options.clock);
    this.#episodes = new Map(Object.entries(episodes));
    this.#startedAt = options.clock.monotonic();
  }

  /** Last episode of each counter. */
  get episodes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#episodes);
  }

  get all(): readonly Track[] {
    return [...this.#tracks.values()];
  }

  of(definition: string): Track | undefined {
    return this.#tracks.get(definition);
  }

  ofAlarm(alarm: string): Track | undefined {
    return this.#byAlarm.get(alarm);
  }

  /** Adds a track, or puts it in the place of the one of its definition. */
  register(track: Track): void {
    this.#tracks.set(track.definition, track);
    this.index.add(track);
    if (track.alarm !== undefined) this.#byAlarm.set(track.alarm.id, track);
  }

  /** Gives a track the alarm that it had before. */
  adopt(track: Track, alarm: Alarm): void {
    track.alarm = alarm;
    this.#byAlarm.set(alarm.id, track);
    for (const { rule } of track.suppressors) if (alarm.suppressedBy?.includes(rule) === true) track.holding.add(rule);
  }

  /** Forgets a track whose episode is over. */
  forget(track: Track): void {
    this.#tracks.delete(track.definition);
    if (track.alarm !== undefined) this.#byAlarm.delete(track.alarm.id);
    if (track.device !== undefined) this.index.leave(track.device, track);
  }

  /** Arms what the records of a track wait for. */
  resume(track: Track): void {
    this.#armShelving(track);
    this.#armReAlarm(track);
  }

  stop(): void {
    for (const track of this.#tracks.values()) this.#timers.stop(track);
  }

  /** The condition holds, or holds no more: at once or after the delay. */
  condition(track: Track, now: boolean, facts: Facts): readonly AlarmChange[] {
    if (now === (track.alarm?.live ?? false)) {
      this.cancelDelay(track);
      return [];
    }
    const delayMs = now ? Math.max(track.onDelayMs, this.#settling(track)) : track.offDelayMs;
    if (delayMs === 0) return now ? this.activate(track, facts) : this.clear(track, facts);
    if (track.pending === undefined) {
      const delay = { definition: track.definition, holds: now, dueAt: this.#options.clock.now() + delayMs, ...facts };
      this.arm(track, delay);
      this.#options.onDelay?.(track.definition, delay);
    }
    return [];
  }

  /**
   * Just after a start it may not be known yet whether something suppresses the alarm: an alarm of equipment that is off would call
   * at each restart. It waits a moment, ms; later, or with everything known, not at all.
   */
  #settling(track: Track): number {
    const young = this.#options.clock.monotonic() - this.#startedAt < SETTLING_MS;
    return young && track.unheard.size > 0 ? UNKNOWN_MS : 0;
  }

  arm(track: Track, delay: PendingDelay): void {
    this.#timers.delay(track, delay, () => {
      this.#report(delay.holds ? this.activate(track, delay) : this.clear(track, delay));
      // After the change: a crash between the two ends in a delay that finds nothing left to do.
      this.cancelDelay(track);
    });
  }

  /** As `condition` for an alarm whose raise means more than itself: `raise` is asked for all of it after the on-delay. */
  raiseLater(track: Track, facts: Facts, raise: () => readonly AlarmChange[]): void {
    const { clock, onDelay } = this.#options;
    const { definition } = track;
    const delay = { definition, holds: true, dueAt: clock.now() + track.onDelayMs, ...facts };
    this.#timers.delay(track, delay, () => {
      this.#report(raise());
      this.cancelDelay(track);
    });
    onDelay?.(definition, delay);
  }

  cancelDelay(track: Track): void {
    if (this.#timers.endDelay(track)) this.#options.onDelay?.(track.definition, undefined);
  }

  /** Asks again after so long whether the condition still holds, until it does not and nothing is open any more. */
  lookAgain(track: Track, afterMs: number, look: () => readonly AlarmChange[]): void {
    this.#timers.look(track, afterMs, () => this.#report(look()));
  }

  lookNoMore(track: Track): void {
    this.#timers.endLook(track);
  }

  activate(track: Track, { value, sourceTime, observedAt }: Facts): readonly AlarmChange[] {
    const suppressedBy = [...track.holding];
    const event = {
      type: "activate" as const,
      observedAt,
      ...(value === undefined ? {} : { value }),
      ...(sourceTime === undefined ? {} : { sourceTime }),
      ...this.#marks(track),
      suppressedBy,
    };
    if (track.alarm !== undefined && !isClosed(track.alarm)) return this.apply(track, event);
    if (track.seed === undefined) return [];
    const { origin, epoch, clock } = this.#options;
    const counter = episodeCounter(track.seed);
    const episode = (this.#episodes.get(counter) ?? 0) + 1;
    this.#episodes.set(counter, episode);
    if (track.alarm !== undefined) this.#byAlarm.delete(track.alarm.id);
    const id = alarmId({ origin, definition: track.definition, epoch, episode });
    this.#byAlarm.set(id, track);
    const alarm = raise({ ...track.seed, id }, event, clock.now());
    const raised = this.take(track, { alarm, transition: "raised" }, {});
    if (alarm.suppressedBy === undefined) return raised;
    // it came suppressed; the entry names the rules [AL-11]
    const entered = { alarm: { ...alarm, version: alarm.version + 1 }, transition: "suppressed" as const };
    return [...raised, ...this.take(track, entered, { comment: alarm.suppressedBy.join(", ") })];
  }

  clear(track: Track, { sourceTime, observedAt }: Facts): readonly AlarmChange[] {
    return this.apply(track, { type: "clear", sourceTime: sourceTime ?? observedAt });
  }

  /** A rule of a suppressor begins or ceases to hold. */
  rule(track: Track, rule: string, holds: boolean): readonly AlarmChange[] {
    if (holds) track.holding.add(rule);
    else track.holding.delete(rule);
    if ((track.alarm?.suppressedBy?.includes(rule) === true) === holds) return [];
    return this.apply(track, { type: holds ? "suppress" : "unsuppress", rule }, { comment: rule });
  }

  /** What the field or the logic does; what is refused there simply does not happen. */
  apply(track: Track, event: AlarmEvent, said: Said = {}): readonly AlarmChange[] {
    if (track.alarm === undefined) return [];
    return this.take(track, apply(track.alarm, event, { now: this.#options.clock.now(), side: "minting" }), said);
  }

  /** Takes over what the lifecycle made of an event, with what follows from it for other alarms. */
  take(track: Track, result: AlarmResult, said: Said): readonly AlarmChange[] {
    if ("refused" in result || result.transition === undefined) return [];
    const { alarm, transition } = result;
    track.alarm = alarm;
    this.resume(track);
    const changes = [this.change({ alarm, transition }, said), ...this.dependents(track)];
    if (!shelvedNoMore(result)) return changes;
    this.#unshelved(track);
    return [...changes, ...this.apply(track, { type: "unshelve" })];
  }

  /** The change of one transition. */
  change({ alarm, transition }: { alarm: Alarm; transition: AlarmTransition }, said: Said): AlarmChange {
    const counter = episodeCounter(alarm);
    const episode = this.#episodes.get(counter) ?? 0;
    return { transition, alarm, at: this.#options.clock.now(), ...said, episode, counter, closed: isClosed(alarm) };
  }

  /**
   * Suppresses what is configured to be while this alarm is active, and frees it again. One that is out of service suppresses
   * nothing: its condition is not believed.
   */
  dependents(track: Track): readonly AlarmChange[] {
    const holds = track.alarm?.live === true && !track.alarm.suppression.includes("outOfService");
    return this.index
      .suppressedByAlarm(track.definition)
      .flatMap(({ track: dependent, by }) => (dependent === track ? [] : this.rule(dependent, by.rule, holds)));
  }

  /** Is it the first of its group, or which alarm was? Without a group: the alarm that suppresses it. [AL-11] */
  #marks(track: Track): { readonly firstOut?: boolean; readonly cause?: string } {
    if (track.firstOut === undefined) {
      const by = track.suppressors.find((one) => "definition" in one && track.holding.has(one.rule));
      const cause = by !== undefined && "definition" in by ? this.of(by.definition)?.alarm?.id : undefined;
      return cause === undefined ? {} : { cause };
    }
    if (withdrawn(track)) return {};
    const inAlarm = this.index
      .ofGroup(track.firstOut)
      .flatMap((one) => (one === track || !standsInAlarm(one) || one.alarm === undefined ? [] : [one.alarm]));
    const [any] = inAlarm;
    if (any === undefined) return track.holding.size === 0 ? { firstOut: true } : {};
    const first = inAlarm.find(({ firstOut }) => firstOut === true);
    return { cause: first?.id ?? inAlarm.find(({ cause }) => cause !== undefined)?.cause ?? any.id };
  }

  #armShelving(track: Track): void {
    this.#timers.at(track, "cancelShelving", { at: track.alarm?.shelvedUntil, longestMs: MAX_SHELVE_MS }, () =>
      this.#report(this.apply(track, { type: "unshelve" })),
    );
  }

  #armReAlarm(track: Track): void {
    this.#timers.at(track, "cancelReAlarm", { at: reAlarmAt(track) }, () =>
      this.#report(this.apply(track, { type: "reAlarm" })),
    );
  }

  #report(changes: readonly AlarmChange[]): void {
    if (changes.length > 0) this.#options.onChanges(changes);
  }
}

/** Is it hidden because people want it so? Then it neither comes first nor counts. */
function withdrawn({ alarm }: Track): boolean {
  return alarm?.suppression.some((one) => one !== "byDesign") === true;
}

function standsInAlarm(track: Track): boolean {
  return track.alarm !== undefined && track.alarm.condition !== "inactive" && !withdrawn(track);
}

/** When it is announced anew, Unix ms: so long after it came; where it was acknowledged later than that, so long after that. */
function reAlarmAt({ alarm, reAlarm }: Track): number | undefined {
  if (alarm === undefined || reAlarm === undefined || !alarm.live || !alarm.acknowledged) return undefined;
  if (alarm.suppression.length > 0 || (alarm.reAlarms ?? 0) >= reAlarm.limit) return undefined;
  const dueAt = alarm.receivedAt + reAlarm.afterMs;
  const { acknowledgedAt = 0 } = alarm;
  return acknowledgedAt < dueAt ? dueAt : acknowledgedAt + reAlarm.afterMs;
}
