import { ThreePhase } from "./metering.ts";
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

/** A sub-meter with a breaker in one feeder. */
export interface PowerMeterOptions extends DeviceIdentity {
  /** Power that the feeder draws while its breaker is closed, kW. */
  readonly loadKw: (surroundings: Surroundings) => number;
  /** Reading of the energy counter at the start, kWh. */
  readonly energyKwh?: number;
  /** Above it the meter tells an overload, kW. */
  readonly overloadKw?: number;
}

/** What the rest of the park takes from a feeder. */
export interface PowerMeter extends SignalDevice {
  /** Power behind the meter now, kW. */
  powerKw(): number;
}

const PHASES = [
  [1, 0],
  [2, 1],
  [3, 2],
] as const;
const BREAKER = [
  ["分闸", "open"],
  ["合闸", "closed"],
] as const;

function signalsOf(energyKwh: number): readonly SignalSpec[] {
  const kw = { decimals: 3, covIncrement: 0.05 } as const;
  const volts = { decimals: 2, covIncrement: 0.5 } as const;
  const amperes = { decimals: 2, covIncrement: 0.2 } as const;
  const energy = { decimals: 1, retained: true } as const;
  return [
    ...PHASES.map(([n]) => numberSignal(`voltage-l${n}`, `L${n} 相电压`, `Voltage L${n}-N`, "V", 230, volts)),
    ...PHASES.map(([n]) => numberSignal(`current-l${n}`, `L${n} 相电流`, `Current L${n}`, "A", 10, amperes)),
    ...PHASES.map(([n]) => numberSignal(`power-l${n}`, `L${n} 相有功功率`, `Active power L${n}`, "kW", 2, kw)),
    numberSignal("active-power", "总有功功率", "Active power", "kW", 6, kw),
    numberSignal("reactive-power", "总无功功率", "Reactive power", "kvar", 3, kw),
    numberSignal("apparent-power", "总视在功率", "Apparent power", "kVA", 7, kw),
    numberSignal("power-factor", "功率因数", "Power factor", "pf", 0.9, { decimals: 3, covIncrement: 0.005 }),
    numberSignal("frequency", "频率", "Frequency", "Hz", 50, { decimals: 2 }),
    numberSignal("energy-import", "正向有功电能", "Active energy import", "kWh", energyKwh, energy),
    numberSignal("energy-export", "反向有功电能", "Active energy export", "kWh", 0, energy),
    numberSignal("reactive-energy", "无功电能", "Reactive energy", "kvarh", energyKwh * 0.4, energy),
    numberSignal("run-hours", "运行时间", "Run hours", "h", 8760, energy),
    flagSignal("breaker-status", "断路器状态", "Breaker status", BREAKER, true),
    flagSignal("overload", "过载", "Overload", NORMAL_ALARM),
    { ...commandSignal("breaker-command", "断路器命令", "Breaker command", true), states: BREAKER },
  ];
}

class FeederMeter extends SignalDevice implements PowerMeter {
  readonly #options: PowerMeterOptions;
  readonly #line: ThreePhase;

  constructor(options: PowerMeterOptions) {
    super(options, signalsOf(options.energyKwh ?? 15_000));
    this.#options = options;
    this.#line = new ThreePhase(this.random);
  }

  powerKw(): number {
    return this.number("active-power");
  }

  protected override written(signal: string): void {
    if (signal === "breaker-command") this.set("breaker-status", this.flag(signal));
  }

  protected override advance(seconds: number, surroundings: Surroundings): void {
    const closed = this.flag("breaker-status");
    const line = this.#line.next(closed ? this.#options.loadKw(surroundings) : 0, seconds);
    for (const [n, index] of PHASES) {
      this.set(`voltage-l${n}`, line.voltage[index]);
      this.set(`current-l${n}`, line.current[index]);
      this.set(`power-l${n}`, line.power[index]);
    }
    this.set("active-power", line.activePower);
    this.set("reactive-power", line.reactivePower);
    this.set("apparent-power", line.apparentPower);
    this.set("power-factor", line.powerFactor);
    this.set("frequency", line.frequency);
    this.set("energy-import", this.number("energy-import") + (line.activePower * seconds) / 3600);
    this.set("reactive-energy", this.number("reactive-energy") + (line.reactivePower * seconds) / 3600);
    if (closed) this.set("run-hours", this.number("run-hours") + seconds / 3600);
    this.set("overload", line.activePower > (this.#options.overloadKw ?? Infinity));
  }
}

/** Makes a three-phase sub-meter with energy counters and a breaker that can be opened. */
export function createPowerMeter(options: PowerMeterOptions): PowerMeter {
  return new FeederMeter(options);
}
