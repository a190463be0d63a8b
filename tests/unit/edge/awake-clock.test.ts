import { beforeEach, describe, expect, it } from "vitest";
import type { PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { AwakeClock } from "#edge/awake-clock.ts";
import { WakeGrace } from "#edge/wake-grace.ts";
import type { DeviceState } from "#protocols/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** A machine on which timers that fall due while the process is stopped fire when it goes on, all at once. */
class StoppedClock extends ManualClock {
  #least = 0;
  override monotonic(): number {
    return Math.max(super.monotonic(), this.#least);
  }
  stopFor(ms: number): void {
    this.#least = this.monotonic() + ms;
    this.advance(ms);
  }
}

describe("the awake clock", () => {
  let machine: StoppedClock;
  let slept: number[];
  let elapsedMore: number;
  let clock: AwakeClock;

  beforeEach(() => {
    machine = new StoppedClock(0);
    slept = [];
    elapsedMore = 0;
    clock = new AwakeClock(machine, {
      onSlept: (ms) => slept.push(ms),
      elapsed: () => machine.monotonic() + elapsedMore,
    });
  });

  it("goes with the machine while the process runs", () => {
    machine.advance(60_000);
    expect(clock.monotonic()).toBe(60_000);
    expect(slept).toEqual([]);
  });

  it("stands still while the process is stopped, and tells it once", () => {
    machine.advance(1_000);
    machine.stopFor(20_000);
    expect(clock.monotonic()).toBeLessThan(2_000);
    machine.advance(5_000);
    expect(slept).toHaveLength(1);
    expect(slept[0]).toBeGreaterThan(19_000);
  });

  it("lets a timer wait for its time awake", () => {
    const fired: number[] = [];
    clock.after(3_000, () => fired.push(clock.monotonic()));
    machine.advance(1_000);
    machine.stopFor(20_000);
    expect(fired).toEqual([]);
    machine.advance(2_500);
    expect(fired).toHaveLength(1);
    expect(fired[0]).toBeGreaterThanOrEqual(2_980);
  });

  it("cancels a timer also after it was set anew", () => {
    let fired = false;
    const cancel = clock.after(1_000, () => {
      fired = true;
    });
    machine.stopFor(20_000);
    cancel();
    machine.advance(60_000);
    expect(fired).toBe(false);
    clock.stop();
    expect(machine.pending).toBe(0);
  });

  it("tells the sleep of the whole machine, in which its own time stands still anyway", () => {
    machine.advance(1_000);
    elapsedMore += 3_600_000;
    machine.advance(1_000);
    expect(slept).toEqual([3_600_000]);
    expect(clock.monotonic()).toBe(2_000);
  });
});

describe("drivers after a sleep", () => {
  let clock: ManualClock;
  let samples: string[];
  let states: string[];
  let grace: WakeGrace;
  const point = (slot: string): PointId => `s/g/d/${slot}` as PointId;
  const good = (slot: string): Sample => ({ point: point(slot), value: 1, quality: "good", observedAt: 1 });
  const lost = (slot: string): Sample => ({
    point: point(slot),
    value: null,
    quality: "bad",
    reason: "commLost",
    observedAt: 1,
  });
  const state = (device: string, online: boolean): DeviceState => ({ device, online, at: 1 }) as DeviceState;

  beforeEach(() => {
    clock = new ManualClock(0);
    samples = [];
    states = [];
    grace = new WakeGrace({
      clock,
      onSamples: (batch) => samples.push(...batch.map((sample) => `${sample.point.slice(6)} ${sample.quality}`)),
      onDevice: ({ device, online }) => states.push(`${device} ${online}`),
    });
  });

  it("are believed at once when there was none", () => {
    grace.samples([lost("x")]);
    grace.device(state("d", false));
    expect([samples, states]).toEqual([["x bad"], ["d false"]]);
  });

  it("have time to find a device again, which then was never lost", () => {
    grace.begin();
    grace.samples([good("y"), lost("x")]);
    grace.device(state("d", false));
    clock.advance(5_000);
    grace.samples([good("x")]);
    grace.device(state("d", true));
    clock.advance(60_000);
    expect(samples).toEqual(["y good", "x good"]);
    expect(states).toEqual(["d true"]);
  });

  it("owe a device's points again once it is found: what was said of them before is not told afterwards", () => {
    grace.begin();
    grace.samples([lost("x"), { ...lost("x"), point: "s/g/e/x" as PointId }]);
    grace.device(state("s/g/d", true));
    clock.advance(20_000);
    expect(samples).toEqual(["x bad"]);
    expect(states).toEqual(["s/g/d true"]);
  });

  it("are believed in the end also on a machine that stands still again and again", () => {
    for (let second = 0; second < 70; second++) {
      if (second % 10 === 0) grace.begin();
      grace.samples([lost("x")]);
      clock.advance(1_000);
    }
    expect(samples).toContain("x bad");
  });

  it("are believed when a device stays away for longer", () => {
    grace.begin();
    grace.samples([lost("x")]);
    grace.device(state("d", false));
    clock.advance(20_000);
    expect([samples, states]).toEqual([["x bad"], ["d false"]]);
    grace.samples([lost("z")]);
    expect(samples).toContain("z bad");
  });
});
