import type { SignalValue } from "../device.ts";
import { clamp, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  type DeviceIdentity,
  flagSignal,
  NORMAL_ALARM,
  NORMAL_FAULT,
  numberSignal,
  SignalDevice,
} from "./signal-device.ts";

/** Zones of the burglar panel, with what they guard. */
export const BURGLAR_ZONES = [
  { number: 1, kind: "burglary", zh: "数据机房门磁", en: "Server room door" },
  { number: 2, kind: "burglary", zh: "数据机房红外", en: "Server room motion" },
  { number: 3, kind: "burglary", zh: "财务室门磁", en: "Finance office door" },
  { number: 4, kind: "burglary", zh: "财务室红外", en: "Finance office motion" },
  { number: 5, kind: "holdup", zh: "收银紧急按钮", en: "Cash desk hold-up button" },
  { number: 6, kind: "burglary", zh: "档案室玻璃破碎", en: "Archive glass break" },
] as const;

const BATTERY_LOW_V = 11.5;
const DISARMED_ARMED = [
  ["撤防", "disarmed"],
  ["布防", "armed"],
] as const;

function zoneSignals({ number, zh, en }: (typeof BURGLAR_ZONES)[number]): readonly SignalSpec[] {
  return [
    flagSignal(`zone-${number}-alarm`, `${zh}报警`, `${en} alarm`, NORMAL_ALARM),
    flagSignal(`zone-${number}-tamper`, `${zh}防拆`, `${en} tamper`, NORMAL_ALARM),
    flagSignal(`zone-${number}-trouble`, `${zh}故障`, `${en} trouble`, NORMAL_FAULT),
  ];
}

/**
 * An intrusion panel that reports to a receiver. A burglary zone alarms only while armed; the hold-up button and every tamper do so
 * always. [GB 50394 §5.2.4]
 */
class BurglarPanel extends SignalDevice {
  readonly #violated = new Set<number>();
  #wasLow = false;

  constructor(identity: DeviceIdentity) {
    super(identity, [
      ...BURGLAR_ZONES.flatMap(zoneSignals),
      { ...flagSignal("armed", "布防", "Armed", DISARMED_ARMED, true), writable: true },
      flagSignal("mains-fault", "主电故障", "Mains fault", NORMAL_FAULT),
      flagSignal("battery-low", "电池欠压", "Battery low", NORMAL_FAULT),
      flagSignal("panel-tamper", "主机防拆", "Panel tamper", NORMAL_ALARM),
      numberSignal("battery-voltage", "电池电压", "Battery voltage", "V", 13.6, { decimals: 2 }),
    ]);
  }

  protected override written(signal: string, value: SignalValue): void {
    const zone = Number(/^zone-(\d)-alarm$/.exec(signal)?.[1] ?? 0);
    if (zone > 0 && value === true) this.#violated.add(zone);
    if (zone > 0 && value === false) this.#violated.delete(zone);
    if (zone > 0 || signal === "armed") for (const { number } of BURGLAR_ZONES) this.#derive(number);
  }

  protected override advance(seconds: number, _surroundings: Surroundings): void {
    const volts = this.number("battery-voltage");
    const next = this.flag("mains-fault") ? volts - 0.0035 * seconds : lag(volts, 13.6, seconds, 60);
    this.set("battery-voltage", clamp(next, 9, 13.8));
    const low = this.number("battery-voltage") < BATTERY_LOW_V;
    if (low !== this.#wasLow) this.set("battery-low", low);
    this.#wasLow = low;
  }

  #derive(zone: number): void {
    const always = BURGLAR_ZONES.find(({ number }) => number === zone)?.kind === "holdup";
    this.set(`zone-${zone}-alarm`, this.#violated.has(zone) && (always || this.flag("armed")));
  }
}

/** Makes a burglar panel of six zones; writing `zone-1-alarm` is what a person does to its detector. */
export function createBurglarPanel(identity: DeviceIdentity): SignalDevice {
  return new BurglarPanel(identity);
}
