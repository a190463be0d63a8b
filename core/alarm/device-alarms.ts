import type { DeviceId } from "../ids.ts";
import type { Alarm } from "../model/alarm.ts";
import type { Sample } from "../model/sample.ts";
import type { AlarmChange, AlarmEvaluatorOptions } from "./change.ts";
import { LAW_RULES } from "./law.ts";
import { pointsOf } from "./operands.ts";
import { StaleDevices } from "./stale-devices.ts";
import { communicationDefinition, communicationDevice, communicationTrack, type Track } from "./track.ts";
import type { TrackLife } from "./track-life.ts";

type Options = Pick<AlarmEvaluatorOptions, "origin" | "context" | "clock" | "onChanges">;

/**
 * The built-in alarms of devices: one for a device out of reach, one for a device that answers but leaves points untold; with what
 * either means for the alarms that depend on the device. [AL-16, IN-04]
 */
export class DeviceAlarms {
  readonly #options: Options;
  readonly #life: TrackLife;
  readonly #stale: StaleDevices;

  constructor(options: Options, life: TrackLife) {
    this.#options = options;
    this.#life = life;
    this.#stale = new StaleDevices({
      options,
      life,
      builtIn: (definition, make, device) => this.#builtIn(definition, make, device),
    });
  }

  /** Makes the track of a built-in alarm of before, whose device the site still has. */
  restore(alarm: Alarm): void {
    const { context } = this.#options;
    const silent = communicationDevice(alarm.definition);
    if (silent !== undefined && context.device(silent) !== undefined) this.#communication(silent);
    this.#stale.restore(alarm);
  }

  /** Looks after what a former process has left. Call once. */
  start(): void {
    this.#stale.start();
  }

  /** Cancels the timers. */
  stop(): void {
    this.#stale.stop();
  }

  /** A live value, or that there is none. */
  onSample(sample: Sample): readonly AlarmChange[] {
    return this.#stale.onSample(sample);
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
      const wasSilent = cause.alarm?.live === true;
      const cleared = this.#life.clear(cause, { observedAt: state.at });
      if (wasSilent) this.#stale.back(state.device);
      return [...cleared, ...children.flatMap((track) => this.#reachable(track, comment))];
    }
    const facts = { observedAt: state.at, ...(state.reason === undefined ? {} : { value: state.reason }) };
    const raised = this.#life.activate(cause, facts);
    const stale = this.#stale.silent(state.device);
    return [...raised, ...stale, ...children.flatMap((track) => this.#silent(track, comment))];
  }

  /** What it means for a track that its device is out of reach; nothing when the device is not. */
  whileSilent(track: Track, device: string): readonly AlarmChange[] {
    const cause = this.#life.of(communicationDefinition(device));
    return cause?.alarm?.live === true ? this.#silent(track, cause.definition) : [];
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
