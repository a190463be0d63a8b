import { clamp, Drift, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  type DeviceIdentity,
  flagSignal,
  NO_YES,
  NORMAL_FAULT,
  numberSignal,
  SignalDevice,
  setting,
  stateSignal,
} from "./signal-device.ts";

/** A controller of six VAV boxes and the air that feeds them. */
export interface VavControllerOptions extends DeviceIdentity {
  /** Supply air of the air handling unit: degC, and Pa in the duct. */
  readonly supplyAir: () => { readonly temperature: number; readonly pressure: number };
}

/** What the rest of the park takes from a VAV controller. */
export interface VavController extends SignalDevice {
  /** Mean of the zones: degC and ppm CO2. */
  returnAir(): { readonly temperature: number; readonly co2: number };
}

/** VAV boxes on one controller. */
export const VAV_COUNT = 6;
const BOXES = Array.from({ length: VAV_COUNT }, (_, index) => index + 1);
const FULL_FLOW = 2400;
const LEAST_FLOW = 300;
const NOMINAL_PRESSURE = 300;
const MODES = [
  ["自动", "auto"],
  ["无人", "unoccupied"],
  ["停机", "shutdown"],
] as const;
const UNOCCUPIED = 2;
const SHUTDOWN = 3;

function boxSignals(n: number): readonly SignalSpec[] {
  const p = `vav-${n}`;
  const zh = `${n} 号末端`;
  const en = `VAV ${n}`;
  const pct = { min: 0, max: 100, covIncrement: 2 } as const;
  const flow = { decimals: 0, covIncrement: 30 } as const;
  return [
    numberSignal(`${p}-zone-temperature`, `${zh}室温`, `${en} zone temperature`, "degC", 23.6 + 0.2 * n),
    setting(`${p}-temperature-setpoint`, `${zh}温度设定`, `${en} temperature set point`, "degC", 24, [18, 28]),
    numberSignal(`${p}-zone-humidity`, `${zh}湿度`, `${en} zone humidity`, "pctRH", 52, { covIncrement: 1 }),
    numberSignal(`${p}-zone-co2`, `${zh}二氧化碳`, `${en} zone CO2`, "ppm", 560, { decimals: 0, covIncrement: 15 }),
    numberSignal(`${p}-air-flow`, `${zh}风量`, `${en} air flow`, "m3/h", 1000, flow),
    numberSignal(`${p}-air-flow-setpoint`, `${zh}风量设定`, `${en} air flow set point`, "m3/h", 1000, flow),
    numberSignal(`${p}-damper-position`, `${zh}风阀开度`, `${en} damper position`, "pct", 42, pct),
    { ...numberSignal(`${p}-damper-command`, `${zh}风阀命令`, `${en} damper command`, "pct", 42, pct), writable: true },
    numberSignal(`${p}-discharge-temperature`, `${zh}送风温度`, `${en} discharge air temperature`, "degC", 17),
    { ...numberSignal(`${p}-reheat-command`, `${zh}再热命令`, `${en} reheat command`, "pct", 0, pct), writable: true },
    flagSignal(`${p}-occupied`, `${zh}有人`, `${en} occupied`, NO_YES, true),
    flagSignal(`${p}-fault`, `${zh}故障`, `${en} fault`, NORMAL_FAULT),
  ];
}

class VavBoxes extends SignalDevice implements VavController {
  readonly #supplyAir: VavControllerOptions["supplyAir"];
  readonly #crowd: readonly Drift[];
  /** Integral of the zone temperature error of each box, as a share of full flow. */
  readonly #integral: number[] = BOXES.map(() => 0.2);

  constructor(options: VavControllerOptions) {
    super(options, [
      ...BOXES.flatMap(boxSignals),
      numberSignal("inlet-temperature", "进风温度", "Inlet air temperature", "degC", 16),
      numberSignal("inlet-pressure", "进风静压", "Inlet duct pressure", "Pa", 300, { decimals: 0, covIncrement: 5 }),
      stateSignal("mode", "运行模式", "Mode", MODES, 1, true),
    ]);
    this.#supplyAir = options.supplyAir;
    this.#crowd = BOXES.map(() => new Drift(this.random, 0.12, 900));
  }

  returnAir(): { readonly temperature: number; readonly co2: number } {
    const mean = (signal: string): number =>
      BOXES.reduce((sum, n) => sum + this.number(`vav-${n}-${signal}`), 0) / VAV_COUNT;
    return { temperature: mean("zone-temperature"), co2: mean("zone-co2") };
  }

  protected override advance(seconds: number, surroundings: Surroundings): void {
    const supply = this.#supplyAir();
    this.set("inlet-temperature", supply.temperature);
    this.set("inlet-pressure", supply.pressure);
    for (const n of BOXES) this.#box(n, seconds, surroundings);
  }

  #box(n: number, seconds: number, surroundings: Surroundings): void {
    const p = `vav-${n}`;
    const crowd = this.#crowd[n - 1]?.next(seconds) ?? 0;
    const people = clamp(surroundings.occupancy * (0.8 + 0.06 * n) + crowd, 0, 1.2);
    this.set(`${p}-occupied`, people > 0.15);
    this.#controlBox(n, seconds);

    // The box delivers what its damper lets through at the pressure the duct has.
    const push = Math.sqrt(Math.max(0, this.number("inlet-pressure")) / NOMINAL_PRESSURE);
    const opening = this.number(`${p}-damper-position`);
    this.#follow(`${p}-damper-position`, this.number(`${p}-damper-command`), seconds, 10);
    this.#follow(`${p}-air-flow`, clamp((opening / 100) * FULL_FLOW * push, 0, FULL_FLOW * 1.3), seconds, 5);
    const flow = this.number(`${p}-air-flow`) / FULL_FLOW;
    const reheat = (this.number(`${p}-reheat-command`) / 100) * 14;
    const discharge = this.number("inlet-temperature") + 0.5 + reheat;
    this.#follow(`${p}-discharge-temperature`, discharge, seconds, 30);

    const zone = this.number(`${p}-zone-temperature`);
    const exchange = ((this.number(`${p}-discharge-temperature`) - zone) * flow) / 600;
    const envelope = (surroundings.outdoorTemperature - zone) / 9000;
    const gains = 0.0012 + 0.0065 * people;
    this.set(`${p}-zone-temperature`, clamp(zone + (exchange + envelope + gains) * seconds, 5, 45));
    this.#follow(`${p}-zone-co2`, 430 + (900 * people) / (1 + 2.5 * flow), seconds, 400);
    this.#follow(
      `${p}-zone-humidity`,
      clamp(46 + 0.08 * surroundings.outdoorHumidity + 4 * people, 20, 90),
      seconds,
      600,
    );
  }

  #controlBox(n: number, seconds: number): void {
    const p = `vav-${n}`;
    const mode = this.number("mode");
    const widened = mode === UNOCCUPIED ? 3 : 0;
    const error = this.number(`${p}-zone-temperature`) - this.number(`${p}-temperature-setpoint`) - widened;
    const integral = clamp((this.#integral[n - 1] ?? 0) + error * 0.0008 * seconds, 0, 1);
    this.#integral[n - 1] = integral;
    const share = mode === SHUTDOWN || this.flag(`${p}-fault`) ? 0 : clamp(0.6 * error + integral, 0, 1);
    const wanted = mode === SHUTDOWN ? 0 : LEAST_FLOW + (FULL_FLOW - LEAST_FLOW) * share;
    this.set(`${p}-air-flow-setpoint`, wanted);
    const missing = (wanted - this.number(`${p}-air-flow`)) / FULL_FLOW;
    this.control(`${p}-damper-command`, clamp(this.number(`${p}-damper-command`) + missing * 6 * seconds, 0, 100));
    const tooCold = -error - widened - 0.7;
    this.control(`${p}-reheat-command`, clamp(tooCold * 60, 0, 100));
  }

  #follow(signal: string, target: number, seconds: number, tauSeconds: number): void {
    this.set(signal, lag(this.number(signal), target, seconds, tauSeconds));
  }
}

/** Makes a controller with six VAV boxes, each with its own room. */
export function createVavController(options: VavControllerOptions): VavController {
  return new VavBoxes(options);
}
