import { describe, expect, it } from "vitest";
import { createFirePanel } from "#simulators/devices/fire-panel.ts";
import { createLift } from "#simulators/devices/lift.ts";
import { createPumpStation } from "#simulators/devices/pump-station.ts";
import type { SignalDevice } from "#simulators/devices/signal-device.ts";

/** A working day in May, ten in the morning in China. */
const START = Date.UTC(2026, 4, 12, 2);

function run(device: SignalDevice, seconds: number): void {
  for (let second = 0; second < seconds; second++) device.step(1, START + second * 1000);
}

describe("a fire panel", () => {
  const panel = () => createFirePanel({ id: "fire-panel", name: "火警", nameEn: "Fire" });

  it("keeps a fire alarm after the smoke is gone, until it is reset", () => {
    const fire = panel();
    fire.write("zone-b1-detector", true);
    expect([fire.read("zone-b1-fire"), fire.read("fire"), fire.read("sounders")]).toEqual([true, true, true]);
    expect([fire.fireIn("a"), fire.fireIn("b")]).toEqual([false, true]);
    fire.write("zone-b1-detector", false);
    run(fire, 60);
    expect(fire.read("zone-b1-fire")).toBe(true);
    fire.write("reset-command", true);
    run(fire, 10);
    expect([fire.read("zone-b1-fire"), fire.read("fire"), fire.read("reset-command")]).toEqual([false, false, false]);
  });

  it("alarms again after a reset while there still is smoke", () => {
    const fire = panel();
    fire.write("zone-a2-detector", true);
    fire.write("reset-command", true);
    expect(fire.read("zone-a2-fire")).toBe(false);
    run(fire, 10);
    expect(fire.read("zone-a2-fire")).toBe(true);
  });

  it("raises no fire in a zone that is disabled, and tells the disablement", () => {
    const fire = panel();
    fire.write("zone-a1-disabled", true);
    fire.write("zone-a1-call-point", true);
    expect([fire.read("zone-a1-fire"), fire.read("disablement")]).toEqual([false, true]);
    fire.write("zone-a1-disabled", false);
    expect([fire.read("zone-a1-fire"), fire.read("disablement")]).toEqual([true, false]);
  });

  it("sounds again for a fire in a further zone after it was silenced", () => {
    const fire = panel();
    fire.write("zone-b1-sprinkler-flow", true);
    fire.write("silence-command", true);
    expect(fire.read("sounders")).toBe(false);
    fire.write("zone-b2-detector", true);
    expect(fire.read("sounders")).toBe(true);
  });

  it("lives on its battery without mains until that is low", () => {
    const fire = panel();
    fire.write("mains-fault", true);
    run(fire, 60);
    expect([fire.read("fault"), fire.read("battery-low")]).toEqual([true, false]);
    run(fire, 600);
    expect(fire.read("battery-low")).toBe(true);
    fire.write("mains-fault", false);
    run(fire, 900);
    expect([fire.read("battery-low"), fire.read("fault")]).toEqual([false, false]);
  });
});

describe("a lift", () => {
  const lift = (fire: () => boolean = () => false) =>
    createLift({ id: "lift-1", name: "电梯", nameEn: "Lift", floors: 3, fire, trips: 10 });

  it("comes to the floor it is called to, opens its door there and counts the trip", () => {
    const one = lift();
    one.write("call-floor", 3);
    run(one, 8);
    expect([one.read("direction"), one.read("floor")]).toEqual([1, 3]);
    run(one, 4);
    expect([one.read("door"), one.read("position"), one.read("trips")]).toEqual([3, 7.2, 11]);
  });

  it("goes down and stays there with its door open while its building burns", () => {
    let fire = false;
    const one = lift(() => fire);
    one.write("call-floor", 3);
    run(one, 12);
    fire = true;
    run(one, 30);
    expect([one.read("mode"), one.read("floor"), one.read("door"), one.read("load")]).toEqual([3, 1, 3, 0]);
    one.write("call-floor", 2);
    run(one, 30);
    expect([one.read("floor"), one.read("door")]).toEqual([1, 3]);
    fire = false;
    run(one, 1);
    expect(one.read("mode")).toBe(1);
  });

  it("traps whoever is in it when it fails between floors, until it is repaired", () => {
    const one = lift();
    one.write("load", 40);
    one.write("call-floor", 3);
    run(one, 3);
    one.write("fault", true);
    run(one, 5);
    const stuck = one.read("position");
    expect([one.read("trapped"), one.read("speed")]).toEqual([true, 0]);
    run(one, 20);
    expect(one.read("position")).toBe(stuck);
    one.write("fault", false);
    run(one, 30);
    expect(one.read("trapped")).toBe(false);
  });
});

describe("a pump station", () => {
  const station = () => createPumpStation({ id: "pump-station", name: "泵房", nameEn: "Pumps" });

  it("holds its pressure, also a new set point", () => {
    const pumps = station();
    run(pumps, 300);
    expect(pumps.read("discharge-pressure")).toBeGreaterThan(350);
    pumps.write("pressure-setpoint", 450);
    run(pumps, 300);
    expect(Math.abs(Number(pumps.read("discharge-pressure")) - 450)).toBeLessThan(30);
  });

  it("lets the second pump stand in for a faulty one", () => {
    const pumps = station();
    run(pumps, 60);
    expect([pumps.read("pump-1-status"), pumps.read("pump-2-status")]).toEqual([true, false]);
    pumps.write("pump-1-fault", true);
    run(pumps, 120);
    expect([pumps.read("pump-1-speed"), pumps.read("pump-2-status")]).toEqual([0, true]);
    expect(pumps.read("discharge-pressure")).toBeGreaterThan(330);
  });

  it("runs a pump in manual as it is told, and loses the pressure with both off", () => {
    const pumps = station();
    for (const n of [1, 2]) pumps.write(`pump-${n}-mode`, 2);
    for (const n of [1, 2]) pumps.write(`pump-${n}-command`, false);
    run(pumps, 60);
    expect([pumps.read("pressure-low"), pumps.read("flow")]).toEqual([true, 0]);
    pumps.write("pump-2-command", true);
    pumps.write("pump-2-speed-command", 90);
    run(pumps, 60);
    expect(pumps.read("pump-2-speed")).toBeGreaterThan(2500);
    expect(pumps.read("pressure-low")).toBe(false);
  });

  it("refills its tank before it is empty", () => {
    const pumps = station();
    run(pumps, 8 * 3600);
    expect(pumps.read("tank-level")).toBeGreaterThan(2);
    expect(pumps.read("tank-low")).toBe(false);
  });
});
