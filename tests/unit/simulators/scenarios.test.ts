import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorCode, errorMessage } from "#core/errors.ts";
import { loadScenarios } from "#simulators/scenario.ts";
import { ScenarioRunner } from "#simulators/scenario-runner.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type DeskPark, parkOnADesk } from "./park-on-a-desk.ts";

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

let clock: ManualClock;
let park: DeskPark;

beforeEach(async () => {
  clock = new ManualClock(Date.UTC(2026, 4, 12, 2));
  park = await parkOnADesk(clock);
});
afterEach(() => park.close());

const panel = (signal: string) => park.value("perimeter-panel", signal);
const running = () => park.field.scenarios.running.map(({ name }) => name);

describe("scenario", () => {
  it("intrusion-zone-3 alarms zone 3 while cam-3 sees the intruder, then all is quiet", () => {
    const run = park.scenario("intrusion-zone-3", { seconds: 15 });
    expect(run.endsAt - run.startedAt).toBe(15_000);
    expect([panel("zone-3-alarm"), panel("zone-2-alarm")]).toEqual([true, false]);
    expect([park.value("cam-3", "motion"), park.value("cam-3", "field-intrusion")]).toEqual([true, true]);
    clock.advance(14_900);
    expect(panel("zone-3-alarm")).toBe(true);
    clock.advance(200);
    expect([panel("zone-3-alarm"), park.value("cam-3", "motion"), running()]).toEqual([false, false, []]);
  });

  it("tamper-zone-5 and panic-button tell their condition and end", () => {
    park.scenario("tamper-zone-5");
    park.scenario("panic-button");
    expect([panel("zone-5-tamper"), panel("panic-button")]).toEqual([true, true]);
    clock.advance(21_000);
    expect([panel("zone-5-tamper"), panel("panic-button"), running()]).toEqual([false, false, []]);
  });

  it("chiller-trip stops the chiller, which runs again at the end", () => {
    clock.advance(2000);
    park.scenario("chiller-trip", { seconds: 60 });
    clock.advance(10_000);
    expect(park.value("chiller-plant", "chiller-1-status")).toBe(false);
    expect(park.value("chiller-plant", "chiller-1-power")).toBeLessThan(20);
    clock.advance(52_000);
    expect(park.value("chiller-plant", "chiller-1-status")).toBe(true);
  });

  it("alarm-storm raises as many conditions as asked, many different ones, and leaves none", () => {
    const since = park.state().seq;
    park.scenario("alarm-storm", { count: 300, seconds: 10 });
    clock.advance(10_100);
    const raised = park.field.recorder
      .after(since, 10_000)
      .items.filter(({ type, value }) => type === "change" && value === true);
    expect(raised.length).toBe(300);
    expect(new Set(raised.map(({ device, signal }) => `${device}/${signal}`)).size).toBeGreaterThan(50);
    const held = Object.values(park.state().devices).flatMap(({ signals }) =>
      Object.values(signals).filter((signal) => signal.held === true),
    );
    expect([held, panel("zone-1-tamper"), running()]).toEqual([[], false, []]);
  });

  it("field-cut silences one device or all, and camera-offline-1 its camera", () => {
    const silent = () =>
      Object.values(park.state().devices)
        .filter((device) => device.silent)
        .map(({ id }) => id);
    park.scenario("field-cut", { device: "ahu-1", seconds: 20 });
    park.scenario("camera-offline-1", { seconds: 30 });
    expect(silent()).toEqual(["ahu-1", "cam-1"]);
    clock.advance(20_000);
    expect(silent()).toEqual(["cam-1"]);
    park.scenario("field-cut", { seconds: 5 });
    expect(silent().length).toBe(park.field.deviceIds.length);
    clock.advance(5000);
    // The other story has not ended: its camera stays silent.
    expect(silent()).toEqual(["cam-1"]);
    clock.advance(5000);
    expect(silent()).toEqual([]);
  });

  it("fire-building-b burns, brings the lift of its building down, and is reset at the end", () => {
    const fire = () => [park.value("fire-panel", "zone-b1-fire"), park.value("fire-panel", "sounders")];
    park.scenario("fire-building-b", { seconds: 40 });
    expect(fire()).toEqual([true, true]);
    clock.advance(39_000);
    expect([fire(), park.value("lift-2", "mode"), park.value("lift-1", "mode")]).toEqual([[true, true], 3, 1]);
    clock.advance(2000);
    expect([fire(), running()]).toEqual([[false, false], []]);
    clock.advance(5000);
    expect([fire(), park.value("fire-panel", "reset-command"), park.value("lift-2", "mode")]).toEqual([
      [false, false],
      false,
      1,
    ]);
  });

  it("fire-building-b leaves no fire behind when it is stopped early", () => {
    park.scenario("fire-building-b", { seconds: 600 });
    clock.advance(5000);
    park.field.scenarios.stop("fire-building-b");
    clock.advance(5000);
    expect([park.value("fire-panel", "fire"), park.value("fire-panel", "zone-b1-detector")]).toEqual([false, false]);
  });

  it("door-forced-2 forces the locked door open and closes it again", () => {
    const door = () => [park.value("door-controller", "door-2-open"), park.value("door-controller", "door-2-alarm")];
    park.scenario("door-forced-2", { seconds: 10 });
    expect(door()).toEqual([true, 2]);
    expect(park.value("cam-3", "motion")).toBe(true);
    clock.advance(11_000);
    expect([door(), running()]).toEqual([[false, 1], []]);
  });

  it("gateway-cut cuts the relay in the mode asked for and restores it", () => {
    park.scenario("gateway-cut", { seconds: 10, mode: "silent" });
    expect(park.state().relay.cut).toBe("silent");
    clock.advance(10_000);
    expect(park.state().relay.cut).toBeNull();
  });

  it("begins anew when it is started a second time", () => {
    park.scenario("intrusion-zone-3", { seconds: 10 });
    clock.advance(8000);
    park.scenario("intrusion-zone-3", { seconds: 10 });
    clock.advance(8000);
    expect(panel("zone-3-alarm")).toBe(true);
    clock.advance(2000);
    expect(panel("zone-3-alarm")).toBe(false);
    const changes = park.field.recorder.changesOf("perimeter-panel", "zone-3-alarm").map(({ value }) => value);
    expect(changes).toEqual([false, true, false, true, false]);
  });

  it("refuses an unknown name, device, parameter or value with a code and what was expected", () => {
    expect(errorCode(thrown(() => park.scenario("flood")))).toBe("SIM_SCENARIO_UNKNOWN");
    expect(errorCode(thrown(() => park.scenario("field-cut", { device: "ahu-9" })))).toBe("SIM_DEVICE_UNKNOWN");
    expect(errorCode(thrown(() => park.scenario("device-reboot")))).toBe("SIM_PARAM_INVALID");
    const faults = errorMessage(thrown(() => park.scenario("gateway-cut", { seconds: 0, mode: "loud", speed: 1 })));
    expect(faults).toContain("speed: expected one of seconds, mode");
    expect(faults).toContain("seconds: expected a number from 1 to 86400, got 0");
    expect(faults).toContain("mode: expected one of reset, silent");
    expect(running()).toEqual([]);
  });
});

describe("a story with a fault", () => {
  const tell = (step: string) => {
    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-scenarios-"));
    try {
      writeFileSync(
        path.join(folder, "story.yaml"),
        `scenario: story\nname: x\nnameEn: x\nsteps:\n  - { do: fault, ${step}, for: 5 }\n`,
      );
      return new ScenarioRunner(loadScenarios(folder), park.field, clock);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it("switches it on for so long and then off", () => {
    tell("device: fire-panel, kind: slow, options: { ms: 300 }").start("story");
    expect(park.field.faults("fire-panel").active).toEqual(["slow"]);
    clock.advance(5000);
    expect(park.field.faults("fire-panel").active).toEqual([]);
  });

  it("is refused before it begins where the device has no such fault", () => {
    const story = tell("device: chiller-plant, kind: bad-status");
    expect(errorCode(thrown(() => story.start("story")))).toBe("SIM_FAULT_UNKNOWN");
    expect(story.running).toEqual([]);
  });
});

describe("scenario files", () => {
  it("tell every fault with file, line and column", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-scenarios-"));
    try {
      writeFileSync(
        path.join(folder, "wrong.yaml"),
        "scenario: other\nname: x\nnameEn: x\nsteps:\n  - { do: silence, device: $device, for: 5 }\n",
      );
      writeFileSync(
        path.join(folder, "endless.yaml"),
        "scenario: endless\nname: x\nnameEn: x\nsteps:\n  - { do: cut, mode: reset }\n",
      );
      const message = errorMessage(thrown(() => loadScenarios(folder)));
      expect(message).toContain('wrong.yaml:1:1 /scenario expected the file\'s name, got "other"');
      expect(message).toContain('/steps expected a parameter of the scenario, got "$device"');
      expect(message).toContain("endless.yaml:5:5 /steps/0/for expected a value");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
