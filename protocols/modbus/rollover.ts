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
  #kept: Readonly<Record<string, unknown>> | undefined;
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

  /** Forgets the points that are no longer observed. */
  keep(points: ReadonlySet<PointId>): void {
    for (const point of this.#counters.keys()) if (!points.has(point)) this.#counters.delete(point);
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
      writeFileSync(draft, `${JSON.stringify(Object.fromEntries(this.#counters))}\n`);
      renameSync(draft, this.#file);
      this.#failing = false;
    } catch (error) {
      this.#dirty = true;
      if (!this.#failing) this.#logger.error({ error: errorMessage(error) }, "counter totals cannot be kept");
      this.#failing = true;
    }
  }

  #remembered(point: PointId): Remembered | undefined {
    this.#kept ??= this.#load();
    const kept = this.#kept[point];
    if (typeof kept !== "object" || kept === null || !("base" in kept) || !("last" in kept)) return undefined;
    const { base, last } = kept;
    return typeof base === "number" && typeof last === "number" ? { base, last } : undefined;
  }

  #load(): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, "utf8"));
      if (typeof value === "object" && value !== null) return { ...value };
    } catch (error) {
      if (errorCode(error) === "ENOENT") return {};
      this.#logger.error({ error: errorMessage(error) }, "counter totals cannot be read, they begin anew");
    }
    return {};
  }
}
