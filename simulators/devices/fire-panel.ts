import type { SignalValue } from "../device.ts";
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
} from "./signal-device.ts";

/** Fire zones of the panel: building and floor. */
export const FIRE_ZONES = [
  { id: "a1", label: "A 座 1 层", labelEn: "Building A floor 1" },
  { id: "a2", label: "A 座 2 层", labelEn: "Building A floor 2" },
  { id: "a3", label: "A 座 3 层", labelEn: "Building A floor 3" },
  { id: "b1", label: "B 座 1 层", labelEn: "Building B floor 1" },
  { id: "b2", label: "B 座 2 层", labelEn: "Building B floor 2" },
] as const;
export type FireZone = (typeof FIRE_ZONES)[number]["id"];

/** What the rest of the park takes from the fire panel. */
export interface FirePanel extends SignalDevice {
  /** Is there a fire alarm in a zone of the building? */
  fireIn(building: "a" | "b"): boolean;
}

const IN_SERVICE = [
  ["投入", "enabled"],
  ["屏蔽", "disabled"],
] as const;
const ZONE_INPUTS = ["detector", "call-point", "sprinkler-flow"] as const;
/** Smoke density at which a detector alarms, % obscuration per metre. [EN 54-7] */
const DETECTOR_PCT = 4;
const CLEAN_AIR_PCT = 0.3;
const FULL_BATTERY_V = 27.2;
const LOW_BATTERY_V = 23.5;
const EMPTY_BATTERY_V = 21;
const DISCHARGE_V_PER_S = 0.01;
/** A panel needs a moment to reset its loops; an input that is still there then raises the alarm anew. */
const RESET_SECONDS = 3;

function zoneSignals({ id, label, labelEn }: (typeof FIRE_ZONES)[number]): readonly SignalSpec[] {
  const zone = `zone-${id}`;
  return [
    flagSignal(`${zone}-detector`, `${label}感烟探测器`, `${labelEn} smoke detector`, NORMAL_ALARM),
    flagSignal(`${zone}-call-point`, `${label}手动报警按钮`, `${labelEn} manual call point`, NORMAL_ALARM),
    flagSignal(`${zone}-sprinkler-flow`, `${label}水流指示器`, `${labelEn} sprinkler flow`, NORMAL_ALARM),
    flagSignal(`${zone}-fire`, `${label}火警`, `${labelEn} fire alarm`, NORMAL_ALARM),
    flagSignal(`${zone}-fault`, `${label}回路故障`, `${labelEn} fault`, NORMAL_FAULT),
    flagSignal(`${zone}-disabled`, `${label}屏蔽`, `${labelEn} disablement`, IN_SERVICE),
    numberSignal(`${zone}-smoke`, `${label}烟雾浓度`, `${labelEn} smoke density`, "pct", CLEAN_AIR_PCT, {
      decimals: 2,
      min: 0,
      max: 100,
      covIncrement: 0.1,
    }),
  ];
}

const PANEL_SIGNALS: readonly SignalSpec[] = [
  flagSignal("fire", "火警总状态", "Fire alarm", NORMAL_ALARM),
  flagSignal("fault", "故障总状态", "Fault", NORMAL_FAULT),
  flagSignal("disablement", "屏蔽总状态", "Disablement", IN_SERVICE),
  flagSignal("mains-fault", "主电故障", "Mains fault", NORMAL_FAULT),
  flagSignal("battery-low", "备电欠压", "Battery low", NORMAL_FAULT),
  numberSignal("battery-voltage", "备电电压", "Battery voltage", "V", FULL_BATTERY_V, {
    decimals: 2,
    min: 0,
    max: 30,
    covIncrement: 0.1,
  }),
  flagSignal("sounders", "声光警报器", "Sounders", OFF_ON),
  commandSignal("silence-command", "消音", "Silence"),
  commandSignal("reset-command", "复位", "Reset"),
];

/**
 * A fire alarm panel of both buildings. A fire alarm of a zone stays until the panel is reset and no input holds any more; a
 * disabled zone raises none. Sounders run with each new fire alarm until they are silenced. [EN 54-2 §7, §8, §9]
 */
class Panel extends SignalDevice implements FirePanel {
  readonly #air: Drift;
  #resettingSeconds = 0;
  #silenced = false;
  /** Written by a scenario: shall stay. */
  #batteryHeldLow = false;

  constructor(identity: DeviceIdentity) {
    super(identity, [...FIRE_ZONES.flatMap(zoneSignals), ...PANEL_SIGNALS]);
    this.#air = new Drift(this.random, 0.05, 120);
  }

  fireIn(building: "a" | "b"): boolean {
    return FIRE_ZONES.some(({ id }) => id.startsWith(building) && this.flag(`zone-${id}-fire`));
  }

  protected override written(signal: string, value: SignalValue): void {
    if (signal === "reset-command" && value === true) {
      this.#resettingSeconds = RESET_SECONDS;
      for (const { id } of FIRE_ZONES) this.set(`zone-${id}-fire`, false);
      this.#silenced = false;
      this.set("silence-command", false);
    }
    if (signal === "silence-command") this.#silenced = value === true;
    if (signal === "battery-low") this.#batteryHeldLow = value === true;
    this.#evaluate();
  }

  protected override advance(seconds: number, _surroundings: Surroundings): void {
    if (this.#resettingSeconds > 0) {
      this.#resettingSeconds = Math.max(0, this.#resettingSeconds - seconds);
      if (this.#resettingSeconds === 0) this.set("reset-command", false);
    }
    for (const { id } of FIRE_ZONES) this.#smoke(id, seconds);
    this.#supply(seconds);
    this.#evaluate();
  }

  #smoke(zone: FireZone, seconds: number): void {
    const burns = this.flag(`zone-${zone}-detector`);
    const target = burns ? 3 * DETECTOR_PCT : CLEAN_AIR_PCT + this.#air.next(seconds);
    const now = lag(this.number(`zone-${zone}-smoke`), target, seconds, burns ? 6 : 30);
    this.set(`zone-${zone}-smoke`, clamp(now, 0, 100));
  }

  #supply(seconds: number): void {
    const voltage = this.number("battery-voltage");
    const next = this.flag("mains-fault")
      ? Math.max(EMPTY_BATTERY_V, voltage - DISCHARGE_V_PER_S * seconds)
      : lag(voltage, FULL_BATTERY_V, seconds, 120);
    this.set("battery-voltage", next);
    this.set("battery-low", this.#batteryHeldLow || next < LOW_BATTERY_V);
  }

  #evaluate(): void {
    let raised = false;
    if (this.#resettingSeconds === 0) {
      for (const { id } of FIRE_ZONES) {
        if (this.flag(`zone-${id}-fire`) || !this.#isViolated(id)) continue;
        this.set(`zone-${id}-fire`, true);
        raised = true;
      }
    }
    // [EN 54-2 §7.8] a further zone in alarm resounds silenced sounders
    if (raised) {
      this.#silenced = false;
      this.set("silence-command", false);
    }
    const any = (suffix: string): boolean => FIRE_ZONES.some(({ id }) => this.flag(`zone-${id}-${suffix}`));
    this.set("fire", any("fire"));
    this.set("fault", any("fault") || this.flag("mains-fault") || this.flag("battery-low"));
    this.set("disablement", any("disabled"));
    this.set("sounders", any("fire") && !this.#silenced);
  }

  #isViolated(zone: FireZone): boolean {
    return !this.flag(`zone-${zone}-disabled`) && ZONE_INPUTS.some((input) => this.flag(`zone-${zone}-${input}`));
  }
}

/** Makes the fire alarm panel of the two buildings. */
export function createFirePanel(identity: DeviceIdentity): FirePanel {
  return new Panel(identity);
}
