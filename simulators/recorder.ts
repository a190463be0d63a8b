import type { Clock } from "#core/clock.ts";
import type { SignalValue, SimulatedDevice } from "./device.ts";

/**
 * One line of the park's own record. `change`: a signal that is no measurement (alarm, state, status) took another value.
 * `write`: a client wrote over the wire. `action`: a client moved a camera. `set`: a scenario or the control port set a signal.
 * `scenario`, `field`: a story began or ended; a device fell silent, came back or was rebooted; the uplink was cut.
 */
export interface LogEntry {
  readonly seq: number;
  /** Unix ms. */
  readonly at: number;
  readonly type: "change" | "write" | "action" | "set" | "scenario" | "field";
  readonly device?: string;
  readonly signal?: string;
  readonly value?: SignalValue | null;
  readonly detail?: string;
}

/** One value a signal took, and when. */
export interface SignalChange {
  readonly seq: number;
  readonly at: number;
  readonly value: SignalValue;
}

const LOG_ENTRIES = 20_000;
const CHANGES_PER_SIGNAL = 600;

/** Truth of the simulated field: every change of every signal, and everything that was done to the devices. Bounded. */
export class Recorder {
  readonly #clock: Clock;
  readonly #log: LogEntry[] = [];
  readonly #changes = new Map<string, SignalChange[]>();
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sequence number of the newest line; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /** Adds a line. */
  note(entry: Omit<LogEntry, "seq" | "at">): void {
    this.#log.push({ seq: ++this.#seq, at: this.#clock.now(), ...entry });
    if (this.#log.length > LOG_ENTRIES * 1.25) this.#log.splice(0, this.#log.length - LOG_ENTRIES);
  }

  /** Looks at every signal of a device and records what has changed since the last look. */
  scan(device: Pick<SimulatedDevice, "id" | "signals" | "read">): void {
    for (const { name, kind } of device.signals) {
      const value = device.read(name);
      const key = `${device.id}/${name}`;
      const changes = this.#changes.get(key);
      if (changes?.at(-1)?.value === value) continue;
      if (kind !== "number" && changes !== undefined) {
        this.note({ type: "change", device: device.id, signal: name, value });
      }
      const change = { seq: this.#seq, at: this.#clock.now(), value };
      if (changes === undefined) this.#changes.set(key, [change]);
      else {
        changes.push(change);
        if (changes.length > CHANGES_PER_SIGNAL * 1.25) changes.splice(0, changes.length - CHANGES_PER_SIGNAL);
      }
    }
  }

  /** Since when a signal has its present value, Unix ms. */
  since(device: string, signal: string): number | undefined {
    return this.#changes.get(`${device}/${signal}`)?.at(-1)?.at;
  }

  /** Changes of one signal at or after a time, oldest first. */
  changesOf(device: string, signal: string, sinceMs = 0): readonly SignalChange[] {
    return (this.#changes.get(`${device}/${signal}`) ?? []).filter(({ at }) => at >= sinceMs);
  }

  /** Lines after a sequence number, oldest first, at most `limit`. */
  after(seq: number, limit: number): { readonly items: readonly LogEntry[]; readonly oldest: number } {
    const items = this.#log.filter((entry) => entry.seq > seq).slice(0, limit);
    return { items, oldest: this.#log[0]?.seq ?? this.#seq + 1 };
  }
}
