import { Drift, lag, type Surroundings } from "./physics.ts";
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

/** What the rest of the park takes from the street lighting. */
export interface StreetLighting extends SignalDevice {
  /** Electric power of all lamps, kW. */
  powerKw(): number;
  /** Does the light of a perimeter zone burn? */
  zoneLit(zone: number): boolean;
}

const CIRCUITS = [
  ["1", "东区道路", "East road"],
  ["2", "西区道路", "West road"],
  ["3", "停车场", "Car park"],
  ["4", "大门", "Main gate"],
  ["5", "景观", "Landscape"],
  ["6", "围墙", "Perimeter wall"],
] as const;
const ZONES = [1, 2, 3, 4, 5, 6, 7, 8] as const;
const CIRCUIT_KW = 2.4;
const ZONE_LIGHT_KW = 0.3;
const MODES = [
  ["光控", "daylight"],
  ["手动", "manual"],
] as const;
const DAYLIGHT = 1;

const SIGNALS: readonly SignalSpec[] = [
  ...CIRCUITS.flatMap(([n, zh, en]) => [
    commandSignal(`circuit-${n}-command`, `${zh}照明命令`, `${en} lighting command`),
    flagSignal(`circuit-${n}-status`, `${zh}照明状态`, `${en} lighting status`, OFF_ON),
    flagSignal(`circuit-${n}-fault`, `${zh}照明故障`, `${en} lighting fault`, NORMAL_FAULT),
    numberSignal(`circuit-${n}-power`, `${zh}照明功率`, `${en} lighting power`, "kW", 0, { decimals: 2 }),
    numberSignal(`circuit-${n}-hours`, `${zh}点灯时间`, `${en} lighting hours`, "h", 5200, {
      decimals: 2,
      retained: true,
    }),
  ]),
  ...ZONES.flatMap((n) => [
    commandSignal(`zone-${n}-light`, `${n} 号防区照明`, `Zone ${n} light`),
    flagSignal(`zone-${n}-light-status`, `${n} 号防区照明状态`, `Zone ${n} light status`, OFF_ON),
  ]),
  numberSignal("illuminance", "室外照度", "Outdoor illuminance", "lux", 100, { decimals: 0, covIncrement: 5 }),
  setting("illuminance-threshold", "光控阈值", "Daylight threshold", "lux", 50, [5, 500]),
  numberSignal("total-power", "照明总功率", "Lighting power", "kW", 0, { decimals: 2 }),
  stateSignal("mode", "照明模式", "Lighting mode", MODES, 1, true),
];

class Lighting extends SignalDevice implements StreetLighting {
  readonly #clouds: Drift;
  /** A circuit goes off a little later than it comes on, so that dawn does not flicker. */
  #dark = false;

  constructor(identity: DeviceIdentity) {
    super(identity, SIGNALS);
    this.#clouds = new Drift(this.random, 0.08, 300);
  }

  powerKw(): number {
    return this.number("total-power");
  }

  zoneLit(zone: number): boolean {
    return this.flag(`zone-${zone}-light-status`);
  }

  protected override written(signal: string): void {
    // Lamps follow their contactor at once.
    if (/^(circuit|zone)-|^mode$/.test(signal)) this.#switch();
  }

  protected override advance(seconds: number, { daylight }: Surroundings): void {
    const sky = Math.max(0.3, daylight * (1 + this.#clouds.next(seconds)));
    this.set("illuminance", lag(this.number("illuminance"), sky, seconds, 10));
    const threshold = this.number("illuminance-threshold");
    this.#dark = this.number("illuminance") < (this.#dark ? threshold * 1.2 : threshold);
    this.#switch();
    let total = 0;
    for (const [n] of CIRCUITS) {
      const on = this.flag(`circuit-${n}-status`);
      const power = on ? CIRCUIT_KW : 0;
      this.set(`circuit-${n}-power`, lag(this.number(`circuit-${n}-power`), power, seconds, 2));
      if (on) this.set(`circuit-${n}-hours`, this.number(`circuit-${n}-hours`) + seconds / 3600);
      total += this.number(`circuit-${n}-power`);
    }
    this.set("total-power", total + ZONES.filter((zone) => this.zoneLit(zone)).length * ZONE_LIGHT_KW);
  }

  /** By day the light control keeps circuits off unless somebody commands them on; zone lights burn on command only. */
  #switch(): void {
    const automatic = this.number("mode") === DAYLIGHT && this.#dark;
    for (const [n] of CIRCUITS) {
      const wanted = automatic || this.flag(`circuit-${n}-command`);
      this.set(`circuit-${n}-status`, wanted && !this.flag(`circuit-${n}-fault`));
    }
    for (const zone of ZONES) this.set(`zone-${zone}-light-status`, this.flag(`zone-${zone}-light`));
  }
}

/** Makes the street lighting: six circuits by daylight or command, and a light at each perimeter zone. */
export function createStreetLighting(identity: DeviceIdentity): StreetLighting {
  return new Lighting(identity);
}
