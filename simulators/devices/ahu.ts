import { clamp, Drift, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NORMAL_ALARM,
  NORMAL_FAULT,
  numberSignal,
  OFF_ON,
  SignalDevice,
  setting,
  stateSignal,
} from "./signal-device.ts";

/** An air handling unit and what it is coupled to. */
export interface AhuOptions extends DeviceIdentity {
  /** Chilled water that reaches the coil, degC. */
  readonly chilledWater: () => number;
  /** Air that comes back from the zones: degC and ppm CO2. */
  readonly returnAir: () => { readonly temperature: number; readonly co2: number };
  /** Pressure over the clean filter at full flow is 90 Pa; dust adds this much at the start. */
  readonly filterDustPa?: number;
}

/** What the rest of the park takes from an air handling unit. */
export interface Ahu extends SignalDevice {
  supplyAir(): { readonly temperature: number; readonly pressure: number };
  /** Heat taken out of the air by the cooling coil, kW. */
  coolingKw(): number;
  /** Electric power of both fans, kW. */
  powerKw(): number;
}

const FULL_FLOW = 20_000;
const FULL_PRESSURE = 600;
const FAN_KW = 15;
const FILTER_ALARM_PA = 250;
const MODES = [
  ["停机", "off"],
  ["自动", "auto"],
  ["夜间", "night"],
] as const;
const OFF = 1;
const NIGHT = 3;

function signalsOf(filterDustPa: number): readonly SignalSpec[] {
  const pct = { min: 0, max: 100, covIncrement: 1 } as const;
  return [
    numberSignal("supply-air-temperature", "送风温度", "Supply air temperature", "degC", 16),
    numberSignal("return-air-temperature", "回风温度", "Return air temperature", "degC", 24),
    numberSignal("mixed-air-temperature", "混风温度", "Mixed air temperature", "degC", 24.5),
    numberSignal("outdoor-air-temperature", "室外温度", "Outdoor air temperature", "degC", 26),
    numberSignal("supply-air-humidity", "送风湿度", "Supply air humidity", "pctRH", 75, { covIncrement: 1 }),
    numberSignal("return-air-humidity", "回风湿度", "Return air humidity", "pctRH", 52, { covIncrement: 1 }),
    numberSignal("outdoor-air-humidity", "室外湿度", "Outdoor air humidity", "pctRH", 65, { covIncrement: 1 }),
    numberSignal("return-air-co2", "回风二氧化碳", "Return air CO2", "ppm", 600, { decimals: 0, covIncrement: 10 }),
    numberSignal("supply-air-flow", "送风量", "Supply air flow", "m3/h", 14_000, { decimals: 0, covIncrement: 100 }),
    numberSignal("supply-duct-pressure", "送风静压", "Supply duct pressure", "Pa", 300, {
      decimals: 0,
      covIncrement: 5,
    }),
    numberSignal("filter-pressure", "过滤器压差", "Filter differential pressure", "Pa", 45 + filterDustPa, {
      decimals: 0,
      covIncrement: 5,
    }),
    numberSignal("chilled-water-temperature", "冷冻水进水温度", "Entering chilled water temperature", "degC", 7),
    numberSignal("cooling-valve-position", "冷水阀开度反馈", "Cooling valve position", "pct", 45, pct),
    numberSignal("heating-valve-position", "热水阀开度反馈", "Heating valve position", "pct", 0, pct),
    numberSignal("outdoor-damper-position", "新风阀开度反馈", "Outdoor damper position", "pct", 25, pct),
    numberSignal("supply-fan-speed", "送风机转速反馈", "Supply fan speed", "pct", 70, pct),
    numberSignal("return-fan-speed", "回风机转速反馈", "Return fan speed", "pct", 65, pct),
    numberSignal("supply-fan-power", "送风机功率", "Supply fan power", "kW", 5.1, { decimals: 2, covIncrement: 0.1 }),
    numberSignal("return-fan-power", "回风机功率", "Return fan power", "kW", 2.4, { decimals: 2, covIncrement: 0.1 }),
    numberSignal("supply-fan-current", "送风机电流", "Supply fan current", "A", 9.2, { covIncrement: 0.5 }),
    numberSignal("supply-fan-run-hours", "送风机运行时间", "Supply fan run hours", "h", 4210, {
      decimals: 2,
      retained: true,
    }),
    numberSignal("cooling-power", "供冷量", "Cooling power", "kW", 45, { covIncrement: 1 }),
    { ...numberSignal("cooling-valve-command", "冷水阀命令", "Cooling valve command", "pct", 45, pct), writable: true },
    { ...numberSignal("heating-valve-command", "热水阀命令", "Heating valve command", "pct", 0, pct), writable: true },
    {
      ...numberSignal("outdoor-damper-command", "新风阀命令", "Outdoor damper command", "pct", 25, pct),
      writable: true,
    },
    {
      ...numberSignal("supply-fan-speed-command", "送风机转速命令", "Supply fan speed command", "pct", 70, pct),
      writable: true,
    },
    setting(
      "supply-air-temperature-setpoint",
      "送风温度设定",
      "Supply air temperature set point",
      "degC",
      16,
      [12, 30],
    ),
    setting("supply-duct-pressure-setpoint", "送风静压设定", "Supply duct pressure set point", "Pa", 300, [100, 500]),
    setting("co2-setpoint", "二氧化碳设定", "CO2 set point", "ppm", 800, [400, 1500]),
    commandSignal("supply-fan-command", "送风机启停", "Supply fan command", true),
    commandSignal("return-fan-command", "回风机启停", "Return fan command", true),
    flagSignal("supply-fan-status", "送风机运行状态", "Supply fan status", OFF_ON, true),
    flagSignal("return-fan-status", "回风机运行状态", "Return fan status", OFF_ON, true),
    flagSignal("supply-fan-fault", "送风机故障", "Supply fan fault", NORMAL_FAULT),
    flagSignal("filter-alarm", "过滤器堵塞报警", "Filter alarm", NORMAL_ALARM),
    flagSignal("freeze-alarm", "防冻报警", "Freeze alarm", NORMAL_ALARM),
    stateSignal("operating-mode", "运行模式", "Operating mode", MODES, 2, true),
  ];
}

class AirHandlingUnit extends SignalDevice implements Ahu {
  readonly #options: AhuOptions;
  readonly #sensor: Drift;
  #dustPa: number;

  constructor(options: AhuOptions) {
    super(options, signalsOf(options.filterDustPa ?? 60));
    this.#options = options;
    this.#sensor = new Drift(this.random, 0.05, 20);
    this.#dustPa = options.filterDustPa ?? 60;
  }

  supplyAir(): { readonly temperature: number; readonly pressure: number } {
    return { temperature: this.number("supply-air-temperature"), pressure: this.number("supply-duct-pressure") };
  }

  coolingKw(): number {
    return this.number("cooling-power");
  }

  powerKw(): number {
    return this.number("supply-fan-power") + this.number("return-fan-power");
  }

  protected override advance(seconds: number, surroundings: Surroundings): void {
    this.#controlLoops(seconds, surroundings);
    this.#fans(seconds);
    this.#air(seconds, surroundings);
  }

  #controlLoops(seconds: number, { outdoorTemperature }: Surroundings): void {
    const tooWarm = this.number("supply-air-temperature") - this.number("supply-air-temperature-setpoint");
    const cooling = this.number("cooling-valve-command");
    const heating = this.number("heating-valve-command");
    // One after the other: the heating valve moves only when the cooling valve is shut.
    this.control("cooling-valve-command", clamp(cooling + (heating > 0 ? 0 : tooWarm * 0.35 * seconds), 0, 100));
    this.control("heating-valve-command", clamp(heating - (cooling > 0 ? 0 : tooWarm * 0.35 * seconds), 0, 100));
    const stale = this.number("return-air-co2") - this.number("co2-setpoint");
    const free = outdoorTemperature < this.number("return-air-temperature") ? 25 : 15;
    this.control("outdoor-damper-command", clamp(free + stale * 0.15, 15, 100));
    const missing = this.number("supply-duct-pressure-setpoint") - this.number("supply-duct-pressure");
    const least = this.number("operating-mode") === NIGHT ? 30 : 40;
    const speed = this.number("supply-fan-speed-command") + missing * 0.02 * seconds;
    this.control("supply-fan-speed-command", clamp(speed, least, 100));
  }

  #fans(seconds: number): void {
    const allowed = this.number("operating-mode") !== OFF;
    const supplyOn = allowed && this.flag("supply-fan-command") && !this.flag("supply-fan-fault");
    const returnOn = allowed && this.flag("return-fan-command");
    this.set("supply-fan-status", supplyOn);
    this.set("return-fan-status", returnOn);
    const command = this.number("supply-fan-speed-command");
    this.#follow("supply-fan-speed", supplyOn ? command : 0, seconds, 6);
    this.#follow("return-fan-speed", returnOn ? command * 0.93 : 0, seconds, 6);
    const supply = this.number("supply-fan-speed") / 100;
    this.set("supply-fan-power", FAN_KW * supply ** 3);
    this.set("return-fan-power", FAN_KW * 0.6 * (this.number("return-fan-speed") / 100) ** 3);
    this.set("supply-fan-current", (FAN_KW * 1000 * supply ** 3) / (Math.sqrt(3) * 400 * 0.85));
    if (supplyOn) this.set("supply-fan-run-hours", this.number("supply-fan-run-hours") + seconds / 3600);
    this.#dustPa += (supply * seconds) / 36_000;
    this.set("supply-air-flow", FULL_FLOW * supply);
    this.set("supply-duct-pressure", FULL_PRESSURE * supply ** 2);
    this.set("filter-pressure", 90 * supply ** 2 + this.#dustPa);
    this.set("filter-alarm", this.number("filter-pressure") > FILTER_ALARM_PA);
  }

  #air(seconds: number, { outdoorTemperature, outdoorHumidity }: Surroundings): void {
    this.#follow("cooling-valve-position", this.number("cooling-valve-command"), seconds, 5);
    this.#follow("heating-valve-position", this.number("heating-valve-command"), seconds, 5);
    this.#follow("outdoor-damper-position", this.number("outdoor-damper-command"), seconds, 8);
    const back = this.#options.returnAir();
    const water = this.#options.chilledWater();
    const flow = this.number("supply-air-flow") / FULL_FLOW;
    const fresh = this.number("outdoor-damper-position") / 100;
    const mixed = fresh * outdoorTemperature + (1 - fresh) * back.temperature;
    const cooled = (this.number("cooling-valve-position") / 100) * 0.85 * Math.max(0, mixed - water);
    const heated = (this.number("heating-valve-position") / 100) * 20;
    // Standing air takes the temperature of the plant room, much more slowly.
    const target = flow > 0.05 ? mixed + 0.8 - cooled + heated : back.temperature;
    this.#follow("supply-air-temperature", target + this.#sensor.next(seconds), seconds, flow > 0.05 ? 20 : 600);
    this.set("return-air-temperature", back.temperature);
    this.set("mixed-air-temperature", mixed);
    this.set("outdoor-air-temperature", outdoorTemperature);
    this.set("outdoor-air-humidity", outdoorHumidity);
    this.set("return-air-co2", back.co2);
    this.set("chilled-water-temperature", water);
    const kgPerSecond = (this.number("supply-air-flow") * 1.2) / 3600;
    this.set("cooling-power", kgPerSecond * 1.006 * cooled);
    this.#follow("return-air-humidity", 45 + 0.12 * outdoorHumidity, seconds, 300);
    this.#follow("supply-air-humidity", clamp(60 + 2.5 * cooled, 20, 95), seconds, 60);
    this.set("freeze-alarm", this.number("supply-air-temperature") < 5);
  }

  #follow(signal: string, target: number, seconds: number, tauSeconds: number): void {
    this.set(signal, lag(this.number(signal), target, seconds, tauSeconds));
  }
}

/** Makes an air handling unit with fans, filter, cooling and heating coil and its own control loops. */
export function createAhu(options: AhuOptions): Ahu {
  return new AirHandlingUnit(options);
}
