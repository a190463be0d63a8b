import type { SignalValue } from "../device.ts";
import { clamp, Drift, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NORMAL_FAULT,
  numberSignal,
  OFF_ON,
  SignalDevice,
  setting,
  stateSignal,
} from "./signal-device.ts";

/** A chilled water plant and the heat it must carry off. */
export interface ChillerPlantOptions extends DeviceIdentity {
  /** Heat that the air handling units put into the chilled water, kW. */
  readonly coolingLoadKw: () => number;
}

/** What the rest of the park takes from the plant. */
export interface ChillerPlant extends SignalDevice {
  /** Chilled water that leaves the plant, degC. */
  supplyTemperature(): number;
  /** Electric power of chillers, pumps and tower, kW. */
  powerKw(): number;
}

const CHILLERS = [1, 2] as const;
const CAPACITY_KW = 220;
/** Other consumers of chilled water in the park. */
const BASE_LOAD_KW = 40;
/** Water in the loop: kJ for one kelvin. */
const LOOP_KJ_PER_K = 5000;
const PUMP_KW = 7.5;
const TOWER_FAN_KW = 5.5;
const FULL_FLOW = 45;
const KJ_PER_M3_K = 4186;
const MODES = [
  ["停机", "off"],
  ["供冷", "cooling"],
  ["自然冷却", "free cooling"],
] as const;
const OFF = 1;

function chillerSignals(n: number): readonly SignalSpec[] {
  const p = `chiller-${n}`;
  const zh = `${n} 号冷机`;
  const en = `Chiller ${n}`;
  const running = n === 1;
  return [
    commandSignal(`${p}-command`, `${zh}启停`, `${en} command`, running),
    flagSignal(`${p}-status`, `${zh}运行状态`, `${en} status`, OFF_ON, running),
    flagSignal(`${p}-trip`, `${zh}故障停机`, `${en} trip`, NORMAL_FAULT),
    commandSignal(`${p}-reset`, `${zh}故障复位`, `${en} reset`),
    numberSignal(`${p}-load`, `${zh}负荷率`, `${en} load`, "pct", running ? 50 : 0, { covIncrement: 1 }),
    numberSignal(`${p}-power`, `${zh}功率`, `${en} power`, "kW", running ? 22 : 0, { covIncrement: 0.5 }),
    numberSignal(`${p}-evaporator-pressure`, `${zh}蒸发压力`, `${en} evaporator pressure`, "kPa", 350, {
      decimals: 0,
      covIncrement: 5,
    }),
    numberSignal(`${p}-condenser-pressure`, `${zh}冷凝压力`, `${en} condenser pressure`, "kPa", 900, {
      decimals: 0,
      covIncrement: 10,
    }),
    numberSignal(`${p}-run-hours`, `${zh}运行时间`, `${en} run hours`, "h", 3100 + 700 * n, {
      decimals: 2,
      retained: true,
    }),
    commandSignal(`pump-${n}-command`, `${n} 号冷冻泵启停`, `Chilled water pump ${n} command`, running),
    flagSignal(`pump-${n}-status`, `${n} 号冷冻泵运行状态`, `Chilled water pump ${n} status`, OFF_ON, running),
    flagSignal(`pump-${n}-fault`, `${n} 号冷冻泵故障`, `Chilled water pump ${n} fault`, NORMAL_FAULT),
    commandSignal(`tower-fan-${n}-command`, `${n} 号塔风机启停`, `Tower fan ${n} command`, running),
    flagSignal(`tower-fan-${n}-status`, `${n} 号塔风机运行状态`, `Tower fan ${n} status`, OFF_ON, running),
  ];
}

const PLANT_SIGNALS: readonly SignalSpec[] = [
  numberSignal("chilled-water-supply-temperature", "冷冻水供水温度", "Chilled water supply temperature", "degC", 7),
  numberSignal("chilled-water-return-temperature", "冷冻水回水温度", "Chilled water return temperature", "degC", 11),
  setting("chilled-water-setpoint", "冷冻水温度设定", "Chilled water set point", "degC", 7, [5, 15]),
  numberSignal("chilled-water-flow", "冷冻水流量", "Chilled water flow", "m3/h", 23, { covIncrement: 0.5 }),
  numberSignal("chilled-water-pressure", "冷冻水压差", "Chilled water differential pressure", "kPa", 120, {
    decimals: 0,
    covIncrement: 2,
  }),
  numberSignal(
    "condenser-water-supply-temperature",
    "冷却水供水温度",
    "Condenser water supply temperature",
    "degC",
    28,
  ),
  numberSignal(
    "condenser-water-return-temperature",
    "冷却水回水温度",
    "Condenser water return temperature",
    "degC",
    31,
  ),
  numberSignal("cooling-load", "冷负荷", "Cooling load", "kW", 110, { covIncrement: 1 }),
  numberSignal("total-power", "机房总功率", "Plant power", "kW", 38, { covIncrement: 0.5 }),
  numberSignal("efficiency", "能效比", "Coefficient of performance", undefined, 4.4, {
    decimals: 2,
    covIncrement: 0.1,
  }),
  numberSignal("outdoor-temperature", "室外温度", "Outdoor temperature", "degC", 26),
  stateSignal("plant-mode", "机房模式", "Plant mode", MODES, 2, true),
  flagSignal("leak-alarm", "漏水报警", "Leak alarm", NORMAL_FAULT),
];

class ChilledWaterPlant extends SignalDevice implements ChillerPlant {
  readonly #coolingLoadKw: () => number;
  readonly #sensor: Drift;

  constructor(options: ChillerPlantOptions) {
    super(options, [...CHILLERS.flatMap(chillerSignals), ...PLANT_SIGNALS]);
    this.#coolingLoadKw = options.coolingLoadKw;
    this.#sensor = new Drift(this.random, 3, 60);
  }

  supplyTemperature(): number {
    return this.number("chilled-water-supply-temperature");
  }

  powerKw(): number {
    return this.number("total-power");
  }

  protected override written(signal: string, value: SignalValue): void {
    const reset = /^chiller-(\d)-reset$/.exec(signal)?.[1];
    if (reset === undefined || value !== true) return;
    this.set(`chiller-${reset}-trip`, false);
    this.set(signal, false);
  }

  protected override advance(seconds: number, surroundings: Surroundings): void {
    const load = BASE_LOAD_KW + this.#coolingLoadKw() + this.#sensor.next(seconds);
    this.set("cooling-load", load);
    this.set("outdoor-temperature", surroundings.outdoorTemperature);
    this.#stage(load);
    const removed = this.#chill(load, seconds, surroundings);
    this.#water(load, removed, seconds);
    this.#condense(removed, seconds, surroundings);
    this.#account(seconds);
  }

  /** The second chiller helps when one is not enough, and stands in for one that has tripped. */
  #stage(load: number): void {
    const cooling = this.number("plant-mode") !== OFF;
    const down = this.flag("chiller-1-trip") || !this.flag("chiller-1-command");
    const help = down || load > 0.9 * CAPACITY_KW || (this.flag("chiller-2-status") && load > 0.7 * CAPACITY_KW);
    this.control("chiller-1-command", cooling);
    this.control("chiller-2-command", cooling && help);
    for (const n of CHILLERS) {
      const runs = this.flag(`chiller-${n}-command`);
      this.control(`pump-${n}-command`, runs);
      this.control(`tower-fan-${n}-command`, runs);
      const pumps = this.flag(`pump-${n}-command`) && !this.flag(`pump-${n}-fault`);
      this.set(`pump-${n}-status`, pumps);
      this.set(`tower-fan-${n}-status`, this.flag(`tower-fan-${n}-command`));
      // Without water no chiller runs: its flow switch stops it.
      this.set(`chiller-${n}-status`, cooling && runs && pumps && !this.flag(`chiller-${n}-trip`));
    }
  }

  /** Heat the chillers take out now, kW. */
  #chill(load: number, seconds: number, { outdoorTemperature }: Surroundings): number {
    const running = CHILLERS.filter((n) => this.flag(`chiller-${n}-status`));
    const tooWarm = this.number("chilled-water-supply-temperature") - this.number("chilled-water-setpoint");
    const wanted = clamp(load + tooWarm * 60, 0, running.length * CAPACITY_KW);
    let removed = 0;
    for (const n of CHILLERS) {
      const share = running.includes(n) ? (wanted / running.length / CAPACITY_KW) * 100 : 0;
      this.#follow(`chiller-${n}-load`, share, seconds, 12);
      const kw = (this.number(`chiller-${n}-load`) / 100) * CAPACITY_KW;
      removed += kw;
      const cop = clamp(5.4 - 0.06 * (outdoorTemperature - 20), 2, 6);
      this.set(`chiller-${n}-power`, kw / cop);
      this.#follow(`chiller-${n}-evaporator-pressure`, share > 0 ? 350 - 0.5 * share : 520, seconds, 20);
      this.#follow(`chiller-${n}-condenser-pressure`, share > 0 ? 820 + 2.2 * share : 560, seconds, 20);
    }
    return removed;
  }

  #water(load: number, removed: number, seconds: number): void {
    const pumps = CHILLERS.filter((n) => this.flag(`pump-${n}-status`)).length;
    this.#follow("chilled-water-flow", (FULL_FLOW / 2) * pumps, seconds, 8);
    this.#follow("chilled-water-pressure", pumps === 0 ? 0 : 80 + 40 * pumps, seconds, 8);
    const supply = this.number("chilled-water-supply-temperature") + ((load - removed) / LOOP_KJ_PER_K) * seconds;
    this.set("chilled-water-supply-temperature", clamp(supply, 3, 28));
    const kjPerSecondK = (Math.max(2, this.number("chilled-water-flow")) / 3600) * KJ_PER_M3_K;
    this.#follow("chilled-water-return-temperature", supply + Math.min(12, load / kjPerSecondK), seconds, 30);
  }

  #condense(removed: number, seconds: number, { outdoorTemperature }: Surroundings): void {
    const fans = CHILLERS.filter((n) => this.flag(`tower-fan-${n}-status`)).length;
    const approach = fans === 0 ? 12 : 3 + removed / (80 * fans);
    this.#follow("condenser-water-supply-temperature", outdoorTemperature - 3 + approach, seconds, 120);
    const supply = this.number("condenser-water-supply-temperature");
    this.#follow("condenser-water-return-temperature", supply + removed / 45, seconds, 60);
  }

  #account(seconds: number): void {
    let power = 0;
    for (const n of CHILLERS) {
      power += this.number(`chiller-${n}-power`);
      if (this.flag(`pump-${n}-status`)) power += PUMP_KW;
      if (this.flag(`tower-fan-${n}-status`)) power += TOWER_FAN_KW;
      if (!this.flag(`chiller-${n}-status`)) continue;
      this.set(`chiller-${n}-run-hours`, this.number(`chiller-${n}-run-hours`) + seconds / 3600);
    }
    this.set("total-power", power);
    this.set("efficiency", power > 1 ? clamp(this.number("cooling-load") / power, 0, 9) : 0);
  }

  #follow(signal: string, target: number, seconds: number, tauSeconds: number): void {
    this.set(signal, lag(this.number(signal), target, seconds, tauSeconds));
  }
}

/** Makes a plant of two chillers with pumps and tower fans; one leads, the other helps. */
export function createChillerPlant(options: ChillerPlantOptions): ChillerPlant {
  return new ChilledWaterPlant(options);
}
