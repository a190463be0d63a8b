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

/** What the rest of the park takes from the pump station. */
export interface PumpStation extends SignalDevice {
  /** Electric power of the pumps, kW. */
  powerKw(): number;
  /** Water that the buildings draw, m3/h. */
  flow(): number;
}

const PUMPS = [1, 2] as const;
const RATED_KW = 7.5;
const RATED_RPM = 2900;
/** Head of one pump at full speed without flow, kPa. */
const SHUT_OFF_KPA = 620;
/** What the head loses with the flow of one pump, kPa per (m3/h)^2. */
const CURVE_KPA = 0.45;
/** Drawn when everybody is in, m3/h. */
const PEAK_FLOW = 16;
const TANK_M3_PER_M = 20;
const TANK_FULL_M = 3.2;
const TANK_LOW_M = 0.8;
const LOW_PRESSURE_SHARE = 0.6;
const MODES = [
  ["自动", "auto"],
  ["手动", "manual"],
] as const;
const MANUAL = 2;

function pumpSignals(n: number): readonly SignalSpec[] {
  const p = `pump-${n}`;
  const zh = `${n} 号水泵`;
  const en = `Pump ${n}`;
  return [
    stateSignal(`${p}-mode`, `${zh}手自动`, `${en} mode`, MODES, 1, true),
    commandSignal(`${p}-command`, `${zh}启停命令`, `${en} command`),
    setting(`${p}-speed-command`, `${zh}手动转速`, `${en} manual speed`, "pct", 60, [0, 100]),
    flagSignal(`${p}-status`, `${zh}运行状态`, `${en} status`, OFF_ON),
    flagSignal(`${p}-fault`, `${zh}故障`, `${en} fault`, NORMAL_FAULT),
    numberSignal(`${p}-speed`, `${zh}转速`, `${en} speed`, "rpm", 0, {
      decimals: 0,
      min: 0,
      max: 3000,
      covIncrement: 10,
    }),
    numberSignal(`${p}-power`, `${zh}功率`, `${en} power`, "kW", 0, { decimals: 2, min: 0, max: 15 }),
    numberSignal(`${p}-run-hours`, `${zh}运行时间`, `${en} run hours`, "h", 4200 + 650 * n, {
      decimals: 2,
      min: 0,
      max: 1e6,
      retained: true,
    }),
  ];
}

const STATION_SIGNALS: readonly SignalSpec[] = [
  numberSignal("discharge-pressure", "出水压力", "Discharge pressure", "kPa", 380, { decimals: 0, min: 0, max: 1000 }),
  setting("pressure-setpoint", "压力设定", "Pressure set point", "kPa", 380, [200, 550]),
  numberSignal("flow", "供水流量", "Flow", "m3/h", 3, { decimals: 2, min: 0, max: 60, covIncrement: 0.2 }),
  numberSignal("tank-level", "水箱液位", "Tank level", "m", 2.6, { decimals: 2, min: 0, max: 4 }),
  flagSignal("tank-low", "水箱低液位", "Tank level low", NORMAL_ALARM),
  flagSignal("pressure-low", "出水压力低", "Discharge pressure low", NORMAL_ALARM),
  flagSignal("leak", "泵房漏水", "Leak in the pump room", NORMAL_ALARM),
];

/**
 * Domestic water at constant pressure: two pumps with variable speed on one tank. In auto one leads and the other helps when the
 * pressure cannot be held, or stands in for a faulty one; in manual a pump runs as commanded.
 */
class Station extends SignalDevice implements PumpStation {
  readonly #demand: Drift;
  /** Output of the pressure controller, share of full speed. */
  #output = 0.75;
  #helpSeconds = 0;
  #refilling = false;

  constructor(identity: DeviceIdentity) {
    super(identity, [...PUMPS.flatMap(pumpSignals), ...STATION_SIGNALS]);
    this.#demand = new Drift(this.random, 0.15, 40);
  }

  powerKw(): number {
    return PUMPS.reduce((sum, n) => sum + this.number(`pump-${n}-power`), 0);
  }

  flow(): number {
    return this.number("flow");
  }

  protected override advance(seconds: number, { occupancy }: Surroundings): void {
    const dry = this.number("tank-level") < 0.2;
    this.#stage(seconds, dry);
    const speeds = PUMPS.map((n) => this.#drive(n, seconds, dry));
    this.#water(speeds, occupancy, seconds);
    for (const [index, n] of PUMPS.entries()) this.#account(n, speeds[index] ?? 0, seconds);
  }

  /** Who runs: the first healthy pump in auto, and the next when full speed does not hold the pressure for some seconds. */
  #stage(seconds: number, dry: boolean): void {
    const short = this.#output >= 1 && this.number("discharge-pressure") < 0.9 * this.number("pressure-setpoint");
    this.#helpSeconds = short ? this.#helpSeconds + seconds : Math.max(0, this.#helpSeconds - seconds / 10);
    const healthy = PUMPS.filter((n) => !this.flag(`pump-${n}-fault`) && this.number(`pump-${n}-mode`) !== MANUAL);
    const wanted = this.#helpSeconds > 5 ? 2 : 1;
    for (const n of PUMPS) {
      if (this.number(`pump-${n}-mode`) === MANUAL) continue;
      this.set(`pump-${n}-command`, !dry && healthy.slice(0, wanted).includes(n));
    }
  }

  /** Share of full speed at which the pump turns now. */
  #drive(n: number, seconds: number, dry: boolean): number {
    const manual = this.number(`pump-${n}-mode`) === MANUAL;
    const wanted = manual ? this.number(`pump-${n}-speed-command`) / 100 : this.#output;
    const on = this.flag(`pump-${n}-command`) && !this.flag(`pump-${n}-fault`) && !dry;
    const rpm = lag(this.number(`pump-${n}-speed`), on ? wanted * RATED_RPM : 0, seconds, on ? 1.5 : 1);
    this.set(`pump-${n}-speed`, rpm < 5 ? 0 : rpm);
    this.set(`pump-${n}-status`, on);
    return rpm < 5 ? 0 : rpm / RATED_RPM;
  }

  #water(speeds: readonly number[], occupancy: number, seconds: number): void {
    const drawn = (0.8 + PEAK_FLOW * occupancy) * Math.max(0.2, 1 + this.#demand.next(seconds));
    const pressure = this.number("discharge-pressure");
    const setpoint = this.number("pressure-setpoint");
    // taps give less at less pressure
    const flow = drawn * Math.sqrt(clamp(pressure / setpoint, 0, 1.2)) + (this.flag("leak") ? 2 : 0);
    const turning = speeds.filter((speed) => speed > 0.05).length;
    const each = flow / Math.max(1, turning);
    const head = Math.max(0, ...speeds.map((speed) => SHUT_OFF_KPA * speed ** 2 - CURVE_KPA * each ** 2));
    this.set("discharge-pressure", lag(pressure, head, seconds, 2));
    this.set("flow", lag(this.number("flow"), turning === 0 ? 0 : flow, seconds, 2));
    this.#output = clamp(this.#output + ((setpoint - pressure) / setpoint) * 0.08 * seconds, 0.3, 1);
    const level = this.number("tank-level");
    if (level < TANK_FULL_M - 0.8) this.#refilling = true;
    if (level > TANK_FULL_M) this.#refilling = false;
    const inflow = this.#refilling ? 25 : 0;
    const next = level + ((inflow - this.number("flow")) / 3600 / TANK_M3_PER_M) * seconds;
    this.set("tank-level", clamp(next, 0, 4));
    this.set("tank-low", next < TANK_LOW_M);
    this.set("pressure-low", this.number("discharge-pressure") < LOW_PRESSURE_SHARE * setpoint);
  }

  #account(n: number, speed: number, seconds: number): void {
    const loading = 0.4 + 0.6 * clamp(this.number("flow") / PEAK_FLOW, 0, 1);
    this.set(`pump-${n}-power`, speed === 0 ? 0 : RATED_KW * speed ** 3 * loading);
    if (speed > 0) this.set(`pump-${n}-run-hours`, this.number(`pump-${n}-run-hours`) + seconds / 3600);
  }
}

/** Makes the domestic water pump station. */
export function createPumpStation(identity: DeviceIdentity): PumpStation {
  return new Station(identity);
}
