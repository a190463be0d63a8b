import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "#core/clock.ts";
import type { Agent } from "#edge/agent.ts";
import { ClockWatch } from "#edge/clock-watch.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "../integration/edge-cloud.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";

const TEMP = "park/gw/ahu/temp";
const HOUR_MS = 3_600_000;
const TEN_YEARS_MS = 10 * 365 * 24 * HOUR_MS;

/** The machine's clock with a hand that the test moves. */
class SetClock implements Clock {
  byMs = 0;
  now(): number {
    return systemClock.now() + this.byMs;
  }
  monotonic(): number {
    return systemClock.monotonic();
  }
  after(delayMs: number, callback: () => void): () => void {
    return systemClock.after(delayMs, callback);
  }
  every(periodMs: number, callback: () => void): () => void {
    return systemClock.every(periodMs, callback);
  }
}

describe("[catalogue 8] a gateway whose clock is set", () => {
  const folder = temporaryFolders();
  let cloud: EdgeCloud;
  let field: EdgeField;
  let agent: Agent | undefined;
  let clock: SetClock;
  let count: number;

  beforeEach(async () => {
    const root = folder();
    mkdirSync(join(root, "field"));
    field = new EdgeField(join(root, "field"));
    clock = new SetClock();
    count = 0;
    cloud = new EdgeCloud();
    await cloud.start();
    await cloud.announce(echoBundle(1, field.directory, [numberPoint("ahu", "temp")]), 1);
    agent = await runGateway(cloud, join(root, "data"), { clock });
    await expect.poll(() => cloud.samples.length).toBe(1);
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await cloud.stop();
  });

  const ofTemp = () => cloud.samples.filter(({ point }) => point === TEMP);
  async function reads(values: number): Promise<void> {
    for (let i = 0; i < values; i++) {
      const value = ++count;
      field.tell("temp", { value, at: clock.now() });
      await expect.poll(() => ofTemp().at(-1)?.value).toBe(value);
    }
  }
  function transitions(definition: string): string[] {
    return cloud.of("alarm").flatMap(({ transition, alarm }) => (alarm.definition === definition ? [transition] : []));
  }

  it.each([
    ["an hour back", [-HOUR_MS]],
    ["ten years ahead and back", [TEN_YEARS_MS, -TEN_YEARS_MS]],
  ])("%s keeps the order, overwrites nothing and says so", async (_, jumps) => {
    await reads(3);
    for (const jump of jumps) {
      clock.byMs += jump;
      await reads(3);
      await expect
        .poll(() => cloud.of("deviceEvent").findLast(({ event }) => event.kind === "clockJumped")?.event.data?.["byMs"])
        .toSatisfy((byMs: number) => Math.abs(byMs - jump) < 1_000);
    }
    const samples = ofTemp();
    expect(samples.map(({ value }) => value)).toEqual([0, ...Array.from({ length: count }, (_value, at) => at + 1)]);
    const times = samples.map(({ at }) => at);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
    expect(samples.map(({ offset }) => offset)).toEqual(samples.map((_sample, at) => at + 1));
    expect(samples.every(({ historical }) => !historical)).toBe(true);
    expect(transitions("gateway.clock-jumped")).toContain("raised");
    await expect.poll(() => transitions("gateway.clock-behind")).toEqual(["raised"]);
  });

  it("ahead only goes on with the new time", async () => {
    await reads(2);
    clock.byMs += HOUR_MS;
    await reads(2);
    expect(Math.abs((ofTemp().at(-1)?.at ?? 0) - clock.now())).toBeLessThan(5_000);
    await expect.poll(() => transitions("gateway.clock-jumped")).toContain("raised");
    expect(transitions("gateway.clock-behind")).toEqual([]);
  });
});

describe("the watch over the clock", () => {
  it("sees no leap where summer time ends, nor while the clock is steered, nor in a sleep", () => {
    // the last Sunday of October in Europe, 00:59 UTC
    const clock = new ManualClock(Date.UTC(2026, 9, 25, 0, 59));
    const leaps: number[] = [];
    const watch = new ClockWatch(
      clock,
      () => clock.monotonic(),
      (byMs) => leaps.push(byMs),
    );
    for (let second = 0; second < 7_200; second++) {
      clock.advance(1_000);
      // steered by half a millisecond a second
      if (second % 2 === 0) clock.setWallClock(clock.now() + 1);
      watch.look();
    }
    clock.advance(8 * HOUR_MS);
    watch.look();
    expect(leaps).toEqual([]);
    clock.setWallClock(clock.now() - HOUR_MS);
    watch.look();
    watch.look();
    expect(leaps).toEqual([-HOUR_MS]);
  });
});
