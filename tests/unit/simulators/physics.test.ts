import { beforeEach, describe, expect, it } from "vitest";
import type { SimulatedDevice } from "#simulators/device.ts";
import { surroundingsAt } from "#simulators/devices/physics.ts";
import { buildDevices, type ParkDevices } from "#simulators/park-devices.ts";

const START = Date.UTC(2026, 4, 12, 2, 0, 0);

/** The park without wires, with time in the test's hand. */
class Desk {
  readonly devices: ParkDevices;
  now = START;

  constructor(seed = 1) {
    this.devices = buildDevices(seed, () => this.now);
  }

  device(id: string): SimulatedDevice {
    const { bacnet, panel, lighting, powerMeters, cameras } = this.devices;
    const found = [...bacnet, panel, lighting, ...powerMeters, ...cameras].find((device) => device.id === id);
    if (found === undefined) throw new Error(`no ${id}`);
    return found;
  }

  run(seconds: number): void {
    const { bacnet, panel, lighting, powerMeters, cameras } = this.devices;
    for (let i = 0; i < seconds; i++) {
      this.now += 1000;
      for (const device of [...bacnet, panel, lighting, ...powerMeters, ...cameras]) device.step(1, this.now);
      this.devices.couple();
    }
  }

  number(id: string, signal: string): number {
    return Number(this.device(id).read(signal));
  }
}

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
  desk.run(600);
});

describe("air handling unit", () => {
  it("cools its supply air when the cooling valve is opened, and takes the valve back when relinquished", () => {
    const before = desk.number("ahu-1", "supply-air-temperature");
    desk.device("ahu-1").write("cooling-valve-command", 100);
    desk.run(60);
    expect(desk.number("ahu-1", "cooling-valve-position")).toBeGreaterThan(99);
    expect(desk.number("ahu-1", "supply-air-temperature")).toBeLessThan(before - 3);

    desk.device("ahu-1").relinquish?.("cooling-valve-command");
    desk.run(300);
    expect(desk.number("ahu-1", "supply-air-temperature")).toBeCloseTo(16, 0);
  });

  it("holds a new supply air temperature set point", () => {
    desk.device("ahu-1").write("supply-air-temperature-setpoint", 19);
    desk.run(300);
    expect(desk.number("ahu-1", "supply-air-temperature")).toBeGreaterThan(18.5);
    expect(desk.number("ahu-1", "supply-air-temperature")).toBeLessThan(19.5);
  });

  it("stops its fan on command or on a fault, and the duct loses its pressure", () => {
    desk.device("ahu-1").write("supply-fan-fault", true);
    desk.run(60);
    expect(desk.device("ahu-1").read("supply-fan-status")).toBe(false);
    expect(desk.number("ahu-1", "supply-duct-pressure")).toBeLessThan(5);
    expect(desk.number("vav-controller-1", "vav-1-air-flow")).toBeLessThan(200);
  });

  it("tells a clogged filter when the pressure over it is too high", () => {
    const dusty = new Desk();
    const ahu = dusty.device("ahu-2");
    expect(ahu.read("filter-alarm")).toBe(false);
    ahu.write("supply-duct-pressure-setpoint", 500);
    dusty.run(300);
    expect(dusty.number("ahu-2", "filter-pressure")).toBeGreaterThan(desk.number("ahu-2", "filter-pressure"));
  });
});

describe("VAV box", () => {
  it("cools its room with more air when the set point is lowered, and leaves the next room alone", () => {
    const neighbour = desk.number("vav-controller-1", "vav-2-zone-temperature");
    const before = desk.number("vav-controller-1", "vav-1-zone-temperature");
    const flow = desk.number("vav-controller-1", "vav-1-air-flow");
    desk.device("vav-controller-1").write("vav-1-temperature-setpoint", 21);
    desk.run(300);
    expect(desk.number("vav-controller-1", "vav-1-air-flow")).toBeGreaterThan(flow + 300);
    expect(desk.number("vav-controller-1", "vav-1-zone-temperature")).toBeLessThan(before - 0.7);
    expect(Math.abs(desk.number("vav-controller-1", "vav-2-zone-temperature") - neighbour)).toBeLessThan(0.5);
  });

  it("shuts every damper in the mode shutdown", () => {
    desk.device("vav-controller-2").write("mode", 3);
    desk.run(120);
    for (const n of [1, 2, 3, 4, 5, 6]) expect(desk.number("vav-controller-2", `vav-${n}-air-flow`)).toBeLessThan(30);
  });
});

describe("chiller plant", () => {
  it("loses its chilled water and warms both buildings' supply air when both chillers trip", () => {
    const air = desk.number("ahu-1", "supply-air-temperature");
    const plant = desk.device("chiller-plant");
    plant.write("chiller-1-trip", true);
    plant.write("chiller-2-trip", true);
    desk.run(400);
    expect(plant.read("chiller-1-status")).toBe(false);
    expect(desk.number("chiller-plant", "chilled-water-supply-temperature")).toBeGreaterThan(14);
    expect(desk.number("ahu-1", "supply-air-temperature")).toBeGreaterThan(air + 1);
  });

  it("lets the second chiller stand in for a tripped first one until that is reset", () => {
    const plant = desk.device("chiller-plant");
    plant.write("chiller-1-trip", true);
    desk.run(10);
    expect([plant.read("chiller-1-status"), plant.read("chiller-2-status")]).toEqual([false, true]);
    plant.write("chiller-1-reset", true);
    desk.run(10);
    expect([plant.read("chiller-1-trip"), plant.read("chiller-1-status")]).toEqual([false, true]);
    expect(plant.read("chiller-1-reset")).toBe(false);
  });
});

describe("meters", () => {
  it("count the energy of the power they show", () => {
    const before = desk.number("electricity-meter-1", "energy-import");
    let energy = 0;
    for (let minute = 0; minute < 10; minute++) {
      desk.run(60);
      energy += desk.number("electricity-meter-1", "active-power") / 60;
    }
    expect(desk.number("electricity-meter-1", "energy-import") - before).toBeGreaterThan(energy * 0.95);
    expect(desk.number("electricity-meter-1", "energy-import") - before).toBeLessThan(energy * 1.05);
  });

  it("show no current behind an opened breaker", () => {
    desk.device("power-meter-4").write("breaker-command", false);
    desk.run(2);
    expect(desk.number("power-meter-4", "active-power")).toBe(0);
    expect(desk.number("power-meter-4", "current-l1")).toBe(0);
    expect(desk.number("power-meter-4", "voltage-l1")).toBeGreaterThan(220);
  });

  it("see the street lights in their feeder", () => {
    const before = desk.number("power-meter-1", "active-power");
    desk.device("street-lighting").write("circuit-1-command", true);
    desk.run(20);
    expect(desk.number("power-meter-1", "active-power")).toBeGreaterThan(before + 2);
  });
});

describe("perimeter panel", () => {
  it("tells a violated zone only while it is armed and not bypassed, and a tamper always", () => {
    const panel = desk.device("perimeter-panel");
    panel.write("zone-3-armed", false);
    panel.write("zone-3-alarm", true);
    panel.write("zone-3-tamper", true);
    expect([panel.read("zone-3-alarm"), panel.read("zone-3-tamper")]).toEqual([false, true]);
    panel.write("zone-3-armed", true);
    expect(panel.read("zone-3-alarm")).toBe(true);
    expect(panel.read("zones-in-alarm")).toBe(1);
    panel.write("zone-3-bypass", true);
    expect(panel.read("zone-3-alarm")).toBe(false);
  });

  it("runs on its battery without mains until that is low, and recovers", () => {
    const panel = desk.device("perimeter-panel");
    panel.write("mains-fault", true);
    desk.run(60);
    expect(panel.read("battery-low")).toBe(false);
    desk.run(600);
    expect(panel.read("battery-low")).toBe(true);
    panel.write("mains-fault", false);
    desk.run(120);
    expect(panel.read("battery-low")).toBe(false);
  });
});

describe("street lighting", () => {
  it("burns by night and not by day", () => {
    const lighting = desk.device("street-lighting");
    expect(lighting.read("circuit-1-status")).toBe(false);
    desk.now = Date.UTC(2026, 4, 12, 15, 0, 0);
    desk.run(120);
    expect(lighting.read("circuit-1-status")).toBe(true);
  });

  it("lights the scene of the camera that looks at the zone", () => {
    const camera = desk.devices.cameras.find(({ id }) => id === "cam-3");
    camera?.goToPreset("zone-3");
    desk.run(5);
    expect([camera?.read("preset"), camera?.read("light")]).toEqual(["zone-3", false]);
    desk.device("street-lighting").write("zone-3-light", true);
    desk.run(1);
    expect(camera?.read("light")).toBe(true);
    camera?.goToPreset("zone-4");
    desk.run(5);
    expect(camera?.read("light")).toBe(false);
  });
});

describe("the park's time", () => {
  it("gives the same day twice for the same seed and clock, and another for another seed", () => {
    const reading = (one: Desk): readonly unknown[] =>
      one.devices.bacnet.flatMap((device) => device.signals.map(({ name }) => device.read(name)));
    const again = new Desk();
    const other = new Desk(2);
    again.run(600);
    other.run(600);
    expect(reading(again)).toEqual(reading(desk));
    expect(reading(other)).not.toEqual(reading(desk));
  });

  it("is warmest in the afternoon, dark at night and empty on Sunday", () => {
    const at = (day: number, hour: number) => surroundingsAt(Date.UTC(2026, 4, day, hour - 8, 0, 0));
    expect(at(12, 15).outdoorTemperature).toBeGreaterThan(at(12, 9).outdoorTemperature + 3);
    expect([at(12, 12).daylight > 10_000, at(12, 23).daylight]).toEqual([true, 0]);
    expect(at(12, 10).occupancy).toBeGreaterThan(0.8);
    expect(at(17, 10).occupancy).toBeLessThan(0.3);
  });
});
