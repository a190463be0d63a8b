import { clamp, Drift, type Random } from "./physics.ts";

/** Readings of a three-phase connection at one moment. Powers in kW, kvar and kVA, currents in A, phase voltages in V. */
export interface PhaseReadings {
  readonly voltage: readonly [number, number, number];
  readonly current: readonly [number, number, number];
  readonly power: readonly [number, number, number];
  readonly activePower: number;
  readonly reactivePower: number;
  readonly apparentPower: number;
  readonly powerFactor: number;
  readonly frequency: number;
}

/** Unequal as phases are. */
const SHARES = [0.345, 0.325, 0.33] as const;

/** A three-phase connection: turns a load into voltages, currents and powers, as a meter sees them. */
export class ThreePhase {
  readonly #voltage: readonly [Drift, Drift, Drift];
  readonly #frequency: Drift;
  readonly #load: Drift;

  constructor(random: Random) {
    const voltage = (): Drift => new Drift(random, 1.1, 90);
    this.#voltage = [voltage(), voltage(), voltage()];
    this.#frequency = new Drift(random, 0.015, 60);
    this.#load = new Drift(random, 0.01, 30);
  }

  /** Readings `seconds` later with a load of `loadKw`. */
  next(loadKw: number, seconds: number): PhaseReadings {
    const activePower = Math.max(0, loadKw * (1 + this.#load.next(seconds)));
    const powerFactor = clamp(0.86 + activePower / 1500, 0.86, 0.97);
    const apparentPower = activePower / powerFactor;
    // A loaded line sags.
    const phase = (index: 0 | 1 | 2) => 230.5 - activePower / 120 + this.#voltage[index].next(seconds);
    const voltage = [phase(0), phase(1), phase(2)] as const;
    const power = SHARES.map((share) => activePower * share) as [number, number, number];
    const amperes = (index: 0 | 1 | 2) => (power[index] * 1000) / powerFactor / voltage[index];
    return {
      voltage,
      current: [amperes(0), amperes(1), amperes(2)],
      power,
      activePower,
      reactivePower: Math.sqrt(Math.max(0, apparentPower ** 2 - activePower ** 2)),
      apparentPower,
      powerFactor,
      frequency: 50 + this.#frequency.next(seconds),
    };
  }
}

/** Mean power of the running quarter of an hour, as it is billed. */
export class Demand {
  #seconds = 0;
  #energy = 0;
  #last = 0;

  /** Adds `seconds` of `kw`; gives the mean of the last full period, or of the running one before the first is full. */
  add(kw: number, seconds: number): number {
    this.#seconds += seconds;
    this.#energy += kw * seconds;
    const mean = this.#energy / this.#seconds;
    if (this.#seconds >= 900) {
      this.#last = mean;
      this.#seconds = 0;
      this.#energy = 0;
    }
    return this.#last === 0 ? mean : this.#last;
  }
}
