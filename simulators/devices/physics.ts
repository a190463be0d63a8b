/** Light physics and the weather of the demo park. Everything is a function of the clock and of a seed: the same run twice is the same. */

/** First-order lag: how far `current` has come towards `target` after `seconds` with the time constant `tauSeconds`. */
export function lag(current: number, target: number, seconds: number, tauSeconds: number): number {
  return target + (current - target) * Math.exp(-seconds / tauSeconds);
}

export function clamp(value: number, minimum: number, maximum: number): number {
  return Math.min(maximum, Math.max(minimum, value));
}

/** What the park's sky and calendar say at one moment. */
export interface Surroundings {
  /** Local time of day, 0 to 24 hours. */
  readonly hour: number;
  /** Outdoor air, degC. */
  readonly outdoorTemperature: number;
  /** Outdoor relative humidity, pctRH. */
  readonly outdoorHumidity: number;
  /** Share of the people who are in, 0 to 1. */
  readonly occupancy: number;
  /** Horizontal daylight, lux. */
  readonly daylight: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_DAYS = 365.25;

/**
 * Surroundings at `nowMs`. The climate is warm all year (20 to 28 degC mean), so that the chillers always have work.
 * `utcOffsetMinutes` is that of the site's local time; 480 (China) when absent.
 */
export function surroundingsAt(nowMs: number, utcOffsetMinutes = 480): Surroundings {
  const localMs = nowMs + utcOffsetMinutes * 60_000;
  const hour = (localMs % DAY_MS) / HOUR_MS;
  const day = Math.floor(localMs / DAY_MS);
  // Day 200 of a year is the warmest, 15:00 the warmest hour.
  const season = Math.cos((2 * Math.PI * ((day % YEAR_DAYS) - 200)) / YEAR_DAYS);
  const outdoorTemperature = 24 + 4 * season + 4.5 * Math.cos((2 * Math.PI * (hour - 15)) / 24);
  const sun = Math.sin((Math.PI * (hour - 6)) / 12);
  // 1970-01-01 was a Thursday.
  const weekend = (day + 4) % 7 === 0 || (day + 4) % 7 === 6;
  return {
    hour,
    outdoorTemperature,
    outdoorHumidity: clamp(70 - 2.5 * (outdoorTemperature - 24), 20, 98),
    occupancy: (weekend ? 0.2 : 1) * workday(hour),
    daylight: sun > 0 ? 60_000 * sun ** 1.5 : 0,
  };
}

/** People arrive from 7 to 9, some leave for lunch, the last go by 20. */
function workday(hour: number): number {
  const arrived = clamp((hour - 7) / 2, 0, 1);
  const left = clamp((hour - 17.5) / 2.5, 0, 1);
  const lunch = 0.35 * Math.exp(-(((hour - 12.3) / 0.5) ** 2));
  return clamp(arrived * (1 - left) * (1 - lunch), 0.03, 1);
}

/** A seeded sequence (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Next number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }
}

/** Slow noise around 0: what a sensor or a crowd does without reason. */
export class Drift {
  readonly #random: Random;
  readonly #amplitude: number;
  readonly #tauSeconds: number;
  #value = 0;

  /** `amplitude` is one standard deviation, `tauSeconds` how long the noise remembers. */
  constructor(random: Random, amplitude: number, tauSeconds: number) {
    this.#random = random;
    this.#amplitude = amplitude;
    this.#tauSeconds = tauSeconds;
  }

  /** The noise `seconds` later (an Ornstein-Uhlenbeck process with uniform steps). */
  next(seconds: number): number {
    const keep = Math.exp(-seconds / this.#tauSeconds);
    const step = (this.#random.next() * 2 - 1) * Math.sqrt(3);
    this.#value = this.#value * keep + this.#amplitude * Math.sqrt(1 - keep * keep) * step;
    return this.#value;
  }
}

/** A seed of its own for each device, from the park's seed and the device's id (FNV-1a). */
export function seedOf(seed: number, id: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const character of id) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}
