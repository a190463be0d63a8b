import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Total } from "./map.ts";

/** How often the last readings are written while they change, ms: so much of a counter's way may be unknown after a restart. */
const SAVE_MS = 60_000;
const FILE = "rollover.json";
/** So many counters that nobody observes any more are remembered. */
const MAX_ASIDE = 10_000;

interface Remembered {
  /** Sum of all full turns. */
  base: number;
  /** Last reading. */
  last: number;
}

/**
 * Totals of counters that start again at 0. A reading below the last one is a roll-over when the way over the end is at most a
 * quarter of the counter's range; otherwise the counter was set back or its device exchanged: the total then falls with it, which
 * is logged and counted. What is remembered lies in the channel's folder and survives a restart; a roll-over is written at once,
 * so that one in the time of a restart is found too, unless the counter came past its old reading meanwhile.
 */
export class RolloverMemory {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counters = new Map<PointId, Remembered>();
  /** Points that are not observed, or not yet, as the file holds them; oldest first. */
  #aside: Map<string, unknown> | undefined;
  #dirty = false;
  #failing = false;
  #cancelSave: (() => void) | undefined;
  /** Readings that fell without being a roll-over, since the creation. */
  resets = 0;

  /** `folder` is made when something is first written. */
  constructor(folder: string, clock: Clock, logger: Logger) {
    this.#file = path.join(folder, FILE);
    this.#clock = clock;
    this.#logger = logger;
  }

  /** What makes the continuous total of one point, whose counter is 0 again at `rollover`. */
  totalOf(point: PointId, rollover: number): Total {
    const counter = this.#counters.get(point) ?? this.#remembered(point);
    if (counter !== undefined) this.#counters.set(point, counter);
    return (raw) => this.#next(point, rollover, raw);
  }

  /** Lays aside the points that are no longer observed: should they come back, they go on from their last reading. */
  keep(points: ReadonlySet<string>): void {
    const aside = this.#aside ?? this.#load();
    this.#aside = aside;
    for (const [point, counter] of this.#counters) {
      if (points.has(point)) continue;
      this.#counters.delete(point);
      aside.set(point, counter);
    }
    for (const point of aside.keys()) {
      if (aside.size <= MAX_ASIDE) break;
      if (!points.has(point)) aside.delete(point);
    }
  }

  /** Writes what has changed and ends. */
  close(): void {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    if (this.#dirty) this.#save();
  }

  #next(point: PointId, rollover: number, raw: number): number {
    const counter = this.#counters.get(point);
    if (counter === undefined) {
      this.#counters.set(point, { base: 0, last: raw });
      this.#changed();
      return raw;
    }
    if (raw === counter.last) return counter.base + raw;
    const turned = raw < counter.last && raw + rollover - counter.last <= rollover / 4;
    if (turned) counter.base += rollover;
    else if (raw < counter.last) {
      this.resets++;
      this.#logger.warn({ point, from: counter.last, to: raw }, "counter was set back");
    }
    counter.last = raw;
    if (turned) this.#save();
    else this.#changed();
    return counter.base + raw;
  }

  #changed(): void {
    this.#dirty = true;
    this.#cancelSave ??= this.#clock.after(SAVE_MS, () => {
      this.#cancelSave = undefined;
      this.#save();
    });
  }

  #save(): void {
    this.#dirty = false;
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      const draft = `${this.#file}.new`;
      const whole = { ...Object.fromEntries(this.#aside ?? []), ...Object.fromEntries(this.#counters) };
      // on the disk before it takes the place of the former: a power cut must not leave an empty file
      writeFileSync(draft, `${JSON.stringify(whole)}\n`, { flush: true });
      renameSync(draft, this.#file);
      this.#failing = false;
    } catch (error) {
      this.#dirty = true;
      if (!this.#failing) this.#logger.error({ error: errorMessage(error) }, "counter totals cannot be kept");
      this.#failing = true;
    }
  }

  #remembered(point: PointId): Remembered | undefined {
    this.#aside ??= this.#load();
    const kept = this.#aside.get(point);
    this.#aside.delete(point);
    if (typeof kept !== "object" || kept === null || !("base" in kept) || !("last" in kept)) return undefined;
    const { base, last } = kept;
    return typeof base === "number" && typeof last === "number" ? { base, last } : undefined;
  }

  #load(): Map<string, unknown> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, "utf8"));
      if (typeof value === "object" && value !== null) return new Map(Object.entries(value));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return new Map();
      this.#logger.error({ error: errorMessage(error) }, "counter totals cannot be read, they begin anew");
    }
    return new Map();
  }
}
