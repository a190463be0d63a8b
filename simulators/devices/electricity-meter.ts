import { Demand, type PhaseReadings, ThreePhase } from "./metering.ts";
import type { Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NORMAL_ALARM,
  numberSignal,
  SignalDevice,
} from "./signal-device.ts";

/** An electricity meter and what it measures. */
export interface ElectricityMeterOptions extends DeviceIdentity {
  /** Power drawn behind the meter, kW. */
  readonly loadKw: () => number;
  /** Reading of the energy register at the start, kWh. */
  readonly energyKwh?: number;
  /** Above it the meter tells an overload, kW. */
  readonly overloadKw?: number;
}

const PHASES = [1, 2, 3] as const;
const LINES = [
  [1, 2],
  [2, 3],
  [3, 1],
] as const;

function signalsOf(energyKwh: number): readonly SignalSpec[] {
  const kw = { decimals: 2, covIncrement: 0.5 } as const;
  const energy = { decimals: 2, covIncrement: 0.1, retained: true } as const;
  return [
    ...PHASES.map((n) =>
      numberSignal(`voltage-l${n}`, `L${n} 相电压`, `Voltage L${n}-N`, "V", 230, { covIncrement: 0.5 }),
    ),
    ...LINES.map(([a, b]) =>
      numberSignal(`voltage-l${a}-l${b}`, `L${a}-L${b} 线电压`, `Voltage L${a}-L${b}`, "V", 400, { covIncrement: 1 }),
    ),
    ...PHASES.map((n) => numberSignal(`current-l${n}`, `L${n} 相电流`, `Current L${n}`, "A", 100, { covIncrement: 2 })),
    numberSignal("current-neutral", "中性线电流", "Neutral current", "A", 5, { covIncrement: 1 }),
    ...PHASES.map((n) => numberSignal(`power-l${n}`, `L${n} 相有功功率`, `Active power L${n}`, "kW", 25, kw)),
    numberSignal("active-power", "总有功功率", "Active power", "kW", 75, kw),
    numberSignal("reactive-power", "总无功功率", "Reactive power", "kvar", 30, kw),
    numberSignal("apparent-power", "总视在功率", "Apparent power", "kVA", 82, kw),
    numberSignal("power-factor", "功率因数", "Power factor", "pf", 0.92, { decimals: 3, covIncrement: 0.01 }),
    numberSignal("frequency", "频率", "Frequency", "Hz", 50, { decimals: 2, covIncrement: 0.02 }),
    numberSignal("energy-import", "正向有功电能", "Active energy import", "kWh", energyKwh, energy),
    numberSignal("energy-export", "反向有功电能", "Active energy export", "kWh", 0, energy),
    numberSignal("reactive-energy", "无功电能", "Reactive energy", "kvarh", energyKwh * 0.42, energy),
    numberSignal("demand", "需量", "Demand", "kW", 75, kw),
    numberSignal("demand-maximum", "最大需量", "Maximum demand", "kW", 75, kw),
    numberSignal("distortion-voltage", "电压畸变率", "Voltage distortion", "pct", 1.8, { covIncrement: 0.2 }),
    numberSignal("distortion-current", "电流畸变率", "Current distortion", "pct", 8.5, { covIncrement: 0.5 }),
    flagSignal("overload", "过载", "Overload", NORMAL_ALARM),
    flagSignal("phase-failure", "缺相", "Phase failure", NORMAL_ALARM),
    commandSignal("demand-reset", "最大需量清零", "Reset maximum demand"),
  ];
}

class ElectricityMeter extends SignalDevice {
  readonly #options: ElectricityMeterOptions;
  readonly #line: ThreePhase;
  readonly #demand = new Demand();

  constructor(options: ElectricityMeterOptions) {
    super(options, signalsOf(options.energyKwh ?? 120_000));
    this.#options = options;
    this.#line = new ThreePhase(this.random);
  }

  protected override written(signal: string): void {
    if (signal !== "demand-reset" || !this.flag(signal)) return;
    this.set("demand-maximum", 0);
    this.set(signal, false);
  }

  protected override advance(seconds: number, _surroundings: Surroundings): void {
    const line = this.#line.next(this.#options.loadKw(), seconds);
    this.#phases(line);
    this.set("active-power", line.activePower);
    this.set("reactive-power", line.reactivePower);
    this.set("apparent-power", line.apparentPower);
    this.set("power-factor", line.powerFactor);
    this.set("frequency", line.frequency);
    this.set("energy-import", this.number("energy-import") + (line.activePower * seconds) / 3600);
    this.set("reactive-energy", this.number("reactive-energy") + (line.reactivePower * seconds) / 3600);
    const demand = this.#demand.add(line.activePower, seconds);
    this.set("demand", demand);
    this.set("demand-maximum", Math.max(this.number("demand-maximum"), demand));
    this.set("distortion-voltage", 1.5 + line.activePower / 250);
    this.set("distortion-current", 12 - line.activePower / 60);
    this.set("overload", line.activePower > (this.#options.overloadKw ?? Infinity));
    this.set(
      "phase-failure",
      line.voltage.some((volts) => volts < 160),
    );
  }

  #phases(line: PhaseReadings): void {
    for (const n of PHASES) {
      this.set(`voltage-l${n}`, line.voltage[n === 1 ? 0 : n === 2 ? 1 : 2]);
      this.set(`current-l${n}`, line.current[n === 1 ? 0 : n === 2 ? 1 : 2]);
      this.set(`power-l${n}`, line.power[n === 1 ? 0 : n === 2 ? 1 : 2]);
    }
    for (const [a, b] of LINES) {
      const mean = (this.number(`voltage-l${a}`) + this.number(`voltage-l${b}`)) / 2;
      this.set(`voltage-l${a}-l${b}`, mean * Math.sqrt(3));
    }
    const [i1, i2, i3] = line.current;
    // Of three currents 120 degrees apart what does not cancel.
    this.set("current-neutral", Math.sqrt(Math.max(0, i1 ** 2 + i2 ** 2 + i3 ** 2 - i1 * i2 - i2 * i3 - i3 * i1)));
  }
}

/** Makes a three-phase electricity meter as stands behind a building's transformer. */
export function createElectricityMeter(options: ElectricityMeterOptions): SignalDevice {
  return new ElectricityMeter(options);
}
