import { deviceOf, pointId, pointParts } from "../ids.ts";
import type { Alarm } from "../model/alarm.ts";
import type { Sample } from "../model/sample.ts";
import type { AlarmChange, AlarmEvaluatorOptions } from "./change.ts";
import { pointsOf } from "./operands.ts";
import { StalePoints } from "./stale-points.ts";
import { communicationDefinition, staleDefinition, staleDevice, staleTrack, type Track } from "./track.ts";
import type { TrackLife } from "./track-life.ts";

/** After a restart every point has been heard of, or is told to be stale anew, within this time, ms. */
const KNOWN_AFTER_MS = 600_000;

export interface StaleDevicesDeps {
  readonly options: Pick<AlarmEvaluatorOptions, "context" | "clock" | "onChanges">;
  readonly life: TrackLife;
  /** The track of a built-in alarm, made where it is not there yet. */
  readonly builtIn: (definition: string, make: typeof staleTrack, device: string) => Track;
}

/**
 * The alarms of devices that answer but leave points untold. Points must be stale, and their device reachable, for the whole on-delay
 * of the alarm: a device that comes back tells its points one after the other. While it is out of reach, and so long after that, the
 * alarm is held back by design: the lost device has an alarm of its own. [AL-16]
 */
export class StaleDevices {
  readonly #deps: StaleDevicesDeps;
  readonly #points = new StalePoints();
  /** Devices that are back, with what ends the time in which they settle. */
  readonly #settling = new Map<string, () => void>();
  #cancel: (() => void) | undefined;

  constructor(deps: StaleDevicesDeps) {
    this.#deps = deps;
  }

  /** Makes the track of an alarm of before, whose device the site still has. */
  restore(alarm: Alarm): void {
    const { options, builtIn } = this.#deps;
    const device = staleDevice(alarm.definition);
    if (device === undefined || options.context.device(device) === undefined) return;
    builtIn(alarm.definition, staleTrack, device);
    const point = `${device}/${alarm.value}`;
    if (alarm.live && options.context.point(point) !== undefined) this.#points.seed(pointId(point));
  }

  /** An alarm of a former process is over when none of its points is found stale again. Call once. */
  start(): void {
    const { life, options } = this.#deps;
    const open = life.all.filter((track) => staleDevice(track.definition) !== undefined && track.alarm?.live);
    if (open.length === 0) return;
    const { clock, onChanges } = options;
    this.#cancel = clock.after(KNOWN_AFTER_MS, () => {
      const over = open.filter(({ device }) => device === undefined || !this.#points.any(device));
      const changes = over.flatMap((track) => [
        ...this.#over(track, { observedAt: clock.now() }),
        ...life.index.ofDevice(track.device ?? "").flatMap((child) => this.#child(child, track)),
      ]);
      if (changes.length > 0) onChanges(changes);
    });
  }

  /** Cancels the timers. */
  stop(): void {
    this.#cancel?.();
    for (const cancel of this.#settling.values()) cancel();
    this.#settling.clear();
  }

  /** A point may have become stale, or have ceased to be. */
  onSample(sample: Sample): readonly AlarmChange[] {
    if (!this.#points.take(sample)) return [];
    const { life, builtIn } = this.#deps;
    const device = deviceOf(sample.point);
    const track = builtIn(staleDefinition(device), staleTrack, device);
    const told = { value: pointParts(sample.point).point, observedAt: sample.observedAt };
    let itself: readonly AlarmChange[] = [];
    if (!this.#points.any(device)) itself = this.#over(track, told);
    else if (!this.#silent(device)) {
      // the point that was waited for is heard again: the others have the whole on-delay for themselves
      if (track.pending?.value === told.value && !this.#points.has(device, sample.point)) life.cancelDelay(track);
      this.#wait(track, told.observedAt);
    }
    return [...itself, ...life.index.ofPoint(sample.point).flatMap((child) => this.#child(child, track))];
  }

  /** A device fell silent: what it leaves untold is explained by that. */
  silent(device: string): readonly AlarmChange[] {
    const { life } = this.#deps;
    this.#settled(device);
    const track = life.of(staleDefinition(device));
    if (track === undefined) return [];
    life.cancelDelay(track);
    if (track.alarm?.live !== true) return [];
    const rule = communicationDefinition(device);
    return life.apply(track, { type: "suppress", rule }, { comment: rule });
  }

  /** A device that was silent is back: it has the on-delay to tell its points. */
  back(device: string): void {
    const { life, options } = this.#deps;
    const track = life.of(staleDefinition(device));
    if (track === undefined) return;
    this.#wait(track, options.clock.now());
    if (track.alarm?.suppressedBy?.includes(communicationDefinition(device)) !== true) return;
    this.#settled(device);
    const { clock, onChanges } = options;
    this.#settling.set(
      device,
      clock.after(track.onDelayMs, () => {
        this.#settling.delete(device);
        const changes = this.#freed(track);
        if (changes.length > 0) onChanges(changes);
      }),
    );
  }

  #silent(device: string): boolean {
    return this.#deps.life.of(communicationDefinition(device))?.alarm?.live === true;
  }

  #settled(device: string): void {
    this.#settling.get(device)?.();
    this.#settling.delete(device);
  }

  /** Its device is in reach again for long enough, or it is over: the loss of the device holds it back no more. */
  #freed(track: Track): readonly AlarmChange[] {
    const rule = communicationDefinition(track.device ?? "");
    return this.#deps.life.apply(track, { type: "unsuppress", rule }, { comment: rule });
  }

  /** Waits for the point that is stale the longest: only one that is so for the whole on-delay is an alarm. */
  #wait(track: Track, observedAt: number): void {
    const { life } = this.#deps;
    const [point] = this.#points.of(track.device ?? "");
    if (point === undefined || track.alarm?.live === true || track.pending !== undefined) return;
    const facts = { value: pointParts(pointId(point)).point, observedAt };
    life.raiseLater(track, facts, () => {
      const raised = life.activate(track, facts);
      const children = new Set(this.#points.of(track.device ?? "").flatMap((point) => life.index.ofPoint(point)));
      return [...raised, ...[...children].flatMap((child) => this.#child(child, track))];
    });
  }

  #over(track: Track, facts: { readonly observedAt: number }): readonly AlarmChange[] {
    const { life } = this.#deps;
    life.cancelDelay(track);
    const cleared = life.clear(track, facts);
    const { device = "" } = track;
    if (this.#silent(device)) return cleared;
    this.#settled(device);
    return [...cleared, ...this.#freed(track)];
  }

  /** An alarm on a stale point keeps its last state and is held back, but never under the security law. */
  #child(track: Track, cause: Track): readonly AlarmChange[] {
    const { life } = this.#deps;
    const rule = cause.definition;
    const points = track.condition === undefined ? [] : pointsOf(track.condition);
    const stale = cause.alarm?.live === true && points.some((point) => this.#points.has(cause.device ?? "", point));
    return life.apply(track, { type: stale ? "suppress" : "unsuppress", rule }, { comment: rule });
  }
}
