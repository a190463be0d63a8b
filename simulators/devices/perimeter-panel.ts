import type { SignalValue } from "../device.ts";
import { clamp, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NORMAL_ALARM,
  NORMAL_FAULT,
  numberSignal,
  SignalDevice,
} from "./signal-device.ts";

/** Zones of the perimeter panel. */
export const ZONE_COUNT = 8;
const ZONES = Array.from({ length: ZONE_COUNT }, (_, index) => index + 1);
const DISARMED_ARMED = [
  ["撤防", "disarmed"],
  ["布防", "armed"],
] as const;
const BYPASS = [
  ["正常", "in service"],
  ["旁路", "bypassed"],
] as const;
const BATTERY_LOW_V = 11.5;

function zoneSignals(n: number): readonly SignalSpec[] {
  const zone = `zone-${n}`;
  const zh = `${n} 号防区`;
  const en = `Zone ${n}`;
  return [
    flagSignal(`${zone}-alarm`, `${zh}报警`, `${en} alarm`, NORMAL_ALARM),
    flagSignal(`${zone}-tamper`, `${zh}防拆`, `${en} tamper`, NORMAL_ALARM),
    flagSignal(`${zone}-open`, `${zh}断路`, `${en} open circuit`, NORMAL_FAULT),
    flagSignal(`${zone}-short`, `${zh}短路`, `${en} short circuit`, NORMAL_FAULT),
    { ...flagSignal(`${zone}-armed`, `${zh}布防`, `${en} armed`, DISARMED_ARMED, true), writable: true },
    { ...flagSignal(`${zone}-bypass`, `${zh}旁路`, `${en} bypass`, BYPASS), writable: true },
  ];
}

/**
 * A perimeter alarm panel. A detector that is violated is an alarm only while its zone is armed and not bypassed; tamper, open
 * and short loops and the panel's own faults are told armed or not. [GB 50394 §5.2]
 */
class PerimeterPanel extends SignalDevice {
  /** Zones whose detector sees somebody. */
  readonly #violated = new Set<number>();
  #wasLow = false;

  constructor(identity: DeviceIdentity) {
    super(identity, [
      ...ZONES.flatMap(zoneSignals),
      flagSignal("mains-fault", "主电故障", "Mains fault", NORMAL_FAULT),
      flagSignal("battery-low", "电池欠压", "Battery low", NORMAL_FAULT),
      flagSignal("panel-tamper", "主机防拆", "Panel tamper", NORMAL_ALARM),
      flagSignal("panic-button", "紧急按钮", "Panic button", NORMAL_ALARM),
      commandSignal("siren", "警号", "Siren"),
      numberSignal("battery-voltage", "电池电压", "Battery voltage", "V", 13.6, { decimals: 2 }),
      numberSignal("zones-in-alarm", "报警防区数", "Zones in alarm", undefined, 0, { decimals: 0, covIncrement: 1 }),
    ]);
  }

  protected override written(signal: string, value: SignalValue): void {
    const [, number, part] = /^zone-(\d)-(alarm|armed|bypass)$/.exec(signal) ?? [];
    if (number === undefined) return;
    const zone = Number(number);
    if (part === "alarm" && value === true) this.#violated.add(zone);
    if (part === "alarm" && value === false) this.#violated.delete(zone);
    this.#derive(zone);
  }

  protected override advance(seconds: number, _surroundings: Surroundings): void {
    const mains = !this.flag("mains-fault");
    // Without mains the battery carries the panel for about ten minutes: short, so that it can be watched.
    const volts = this.number("battery-voltage");
    const next = mains ? lag(volts, 13.6, seconds, 60) : volts - 0.0035 * seconds;
    this.set("battery-voltage", clamp(next, 9, 13.8));
    const low = this.number("battery-voltage") < BATTERY_LOW_V;
    if (low !== this.#wasLow) this.set("battery-low", low);
    this.#wasLow = low;
  }

  #derive(zone: number): void {
    const alarm = this.#violated.has(zone) && this.flag(`zone-${zone}-armed`) && !this.flag(`zone-${zone}-bypass`);
    this.set(`zone-${zone}-alarm`, alarm);
    this.set("zones-in-alarm", ZONES.filter((n) => this.flag(`zone-${n}-alarm`)).length);
  }
}

/** Makes a perimeter alarm panel of eight zones; writing `zone-3-alarm` is what a person at the fence does to its detector. */
export function createPerimeterPanel(identity: DeviceIdentity): SignalDevice {
  return new PerimeterPanel(identity);
}
