import { Drift, lag, type Surroundings } from "./physics.ts";
import type { SignalSpec } from "./signal-device.ts";
import {
  commandSignal,
  type DeviceIdentity,
  flagSignal,
  NO_YES,
  NORMAL_ALARM,
  NORMAL_FAULT,
  numberSignal,
  SignalDevice,
} from "./signal-device.ts";

/** A water meter with a shut-off valve. */
export interface WaterMeterOptions extends DeviceIdentity {
  /** Water drawn behind the meter, m3/h. */
  readonly demand: (surroundings: Surroundings) => number;
  /** Reading of the counter at the start, m3. */
  readonly volumeM3?: number;
  /** At most 8 characters. */
  readonly serialNumber: string;
}

/** What a broken pipe loses, m3/h. */
const LEAK_FLOW = 1.8;
/** What flows back while the pressure in the mains is gone, m3/h. */
const REVERSE_FLOW = -0.6;
const BATTERY_LOW_V = 3.2;
const VALVE = [
  ["关", "closed"],
  ["开", "open"],
] as const;

function signalsOf({ volumeM3 = 0, serialNumber }: WaterMeterOptions): readonly SignalSpec[] {
  const volume = { decimals: 3, retained: true } as const;
  return [
    numberSignal("flow", "瞬时流量", "Flow", "m3/h", 0, { decimals: 3, covIncrement: 0.02 }),
    numberSignal("volume", "累计用水量", "Volume", "m3", volumeM3, volume),
    numberSignal("reverse-volume", "反向累计水量", "Reverse volume", "m3", 0, volume),
    numberSignal("water-temperature", "水温", "Water temperature", "degC", 18, { decimals: 2 }),
    numberSignal("battery-voltage", "电池电压", "Battery voltage", "V", 3.6, { decimals: 3, min: 0, max: 4 }),
    flagSignal("leak", "漏水", "Leak", NORMAL_ALARM),
    flagSignal("reverse-flow", "反向流动", "Reverse flow", NO_YES),
    flagSignal("battery-low", "电池欠压", "Battery low", NORMAL_FAULT),
    {
      name: "serial-number",
      label: "表号",
      labelEn: "Serial number",
      kind: "string",
      writable: false,
      initial: serialNumber,
    },
    { ...commandSignal("valve", "阀门", "Valve", true), states: VALVE },
  ];
}

/**
 * Writing `leak` breaks a pipe behind the meter, writing `reverse-flow` takes the pressure from the mains; the closed valve stops
 * both.
 */
class WaterMeter extends SignalDevice {
  readonly #demand: (surroundings: Surroundings) => number;
  readonly #taps: Drift;

  constructor(options: WaterMeterOptions) {
    super(options, signalsOf(options));
    this.#demand = options.demand;
    this.#taps = new Drift(this.random, 0.35, 45);
  }

  protected override advance(seconds: number, surroundings: Surroundings): void {
    const drawn = this.#demand(surroundings) * Math.max(0, 1 + this.#taps.next(seconds));
    const wanted = this.flag("reverse-flow") ? REVERSE_FLOW : drawn + (this.flag("leak") ? LEAK_FLOW : 0);
    const flow = this.flag("valve") ? wanted : 0;
    this.set("flow", flow);
    const passed = (Math.abs(flow) * seconds) / 3600;
    const counter = flow < 0 ? "reverse-volume" : "volume";
    this.set(counter, this.number(counter) + passed);
    // what stands in the pipe takes the temperature of the building, what flows that of the ground
    const target = flow === 0 ? 22 : 15 + 0.15 * surroundings.outdoorTemperature;
    this.set("water-temperature", lag(this.number("water-temperature"), target, seconds, 600));
    this.set("battery-low", this.number("battery-voltage") < BATTERY_LOW_V);
  }
}

/** Makes a water meter that runs on a battery. */
export function createWaterMeter(options: WaterMeterOptions): SignalDevice {
  return new WaterMeter(options);
}

/** The demo park's three: `water-meter-1` to `-3` of building A, building B and the garden, on one RTU line as units 1 to 3. */
export function createWaterMeters(seed: number): readonly SignalDevice[] {
  return [
    createWaterMeter({
      id: "water-meter-1",
      name: "A 座水表",
      nameEn: "Building A water meter",
      seed,
      demand: ({ occupancy }) => 0.05 + 2.4 * occupancy,
      volumeM3: 48_213.7,
      serialNumber: "WM240117",
    }),
    createWaterMeter({
      id: "water-meter-2",
      name: "B 座水表",
      nameEn: "Building B water meter",
      seed,
      demand: ({ occupancy }) => 0.05 + 1.7 * occupancy,
      volumeM3: 31_907.2,
      serialNumber: "WM240118",
    }),
    createWaterMeter({
      id: "water-meter-3",
      name: "绿化水表",
      nameEn: "Garden water meter",
      seed,
      // the sprinklers run in the evening and before dawn
      demand: ({ hour }) => ((hour >= 19 && hour < 21) || (hour >= 4 && hour < 5.5) ? 3.2 : 0),
      volumeM3: 999_990.4,
      serialNumber: "WM231902",
    }),
  ];
}
