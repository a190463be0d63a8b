import { describe, expect, it } from "vitest";
import { staleDefinition } from "#core/alarm/track.ts";
import { bench, facility, flow, setpoint, told } from "./al-bench.ts";
import { ahu, intrusion, panel, zone3 } from "./evaluator-fixtures.ts";

const high = facility({ id: "high", condition: { type: "above", point: flow, limit: 5, deadband: 0 } });
const off = facility({
  id: "off",
  condition: { type: "deviation", point: flow, reference: setpoint, over: 2, deadband: 0 },
});
const stale = { quality: "uncertain", reason: "stale" } as const;
const context = {
  zone: () => undefined,
  point: () => ({ space: "roof" }),
  device: () => ({ name: "1号空调机组", nameEn: "AHU 1", space: "roof" }),
};
const STALE = staleDefinition(ahu);

describe("AL-16 a point that is no longer updated while its device answers", () => {
  it("AL-16 keeps the last state, marked, and is told by one alarm of its device", () => {
    const { feed, letter, alarm } = bench([high, off], { context });
    feed(flow, 6);
    feed(setpoint, 1);
    expect(told(feed(flow, 6, stale))).toEqual([
      "high stale",
      "off stale",
      `${STALE} raised`,
      "high suppressed",
      "off suppressed",
    ]);
    expect([letter("high"), alarm("high")?.live, alarm("high")?.stale]).toEqual(["F", true, true]);
    expect(alarm(STALE)).toMatchObject({ category: "communication", law: "facility", area: "roof", value: "flow" });
    expect(feed(setpoint, 1, stale).map(({ transition }) => transition)).toEqual([]);
  });

  it("AL-16 is over with the last of the points, and the alarms are shown again", () => {
    const { feed, letter, alarm, act } = bench([high, off], { context });
    feed(flow, 6);
    feed(setpoint, 1);
    feed(flow, 6, stale);
    feed(setpoint, 1, stale);
    feed(flow, 7);
    expect([letter("high"), letter("off"), alarm(STALE)?.live]).toEqual(["B", "F", true]);
    feed(setpoint, 1);
    expect([letter("high"), letter("off"), letter(STALE)]).toEqual(["B", "B", "D"]);
    act("acknowledge", {}, STALE);
    expect(letter(STALE)).toBe("A");
  });

  it("AL-16 is not told where the device itself is silent: that has an alarm of its own", () => {
    const { feed, alarms, alarm, clock } = bench([high], { context });
    alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    feed(flow, 6, stale);
    expect(alarm(STALE)).toBeUndefined();
  });

  it("AL-16, IN-04 marks a security alarm and never hides it", () => {
    const { feed, letter, alarm } = bench([intrusion], { context });
    feed(zone3, true);
    expect(told(feed(zone3, true, stale))).toEqual(["zone-3.intrusion stale", `${staleDefinition(panel)} raised`]);
    expect([letter(), alarm()?.suppression, alarm()?.stale]).toEqual(["B", [], true]);
  });

  it("AL-16, AL-14 goes on over a restart until the point is heard of", () => {
    const first = bench([high], { context });
    first.feed(flow, 6);
    first.feed(flow, 6, stale);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    const second = bench([high], { context, restored, clock: first.clock });
    first.clock.advance(3_600_000);
    // nothing heard since the start is no news of the point
    second.feed(flow, null, { quality: "bad", reason: "noValue" });
    expect([second.letter("high"), second.letter(STALE)]).toEqual(["F", "B"]);
    second.feed(flow, 6);
    expect([second.letter("high"), second.letter(STALE)]).toEqual(["B", "D"]);
  });

  it("AL-16, AL-14 is over after a restart when its point is gone from the configuration", () => {
    const first = bench([high], { context });
    first.feed(flow, 6, stale);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    const without = { ...context, point: () => undefined };
    const second = bench([], { context: without, restored, clock: first.clock });
    expect(second.letter(STALE)).toBe("B");
    first.clock.advance(600_000);
    expect([second.letter(STALE), told(second.late)]).toEqual(["D", [`${STALE} cleared`]]);
  });
});

describe("AL-16 several operands", () => {
  it("AL-16 says nothing while one of them is not good", () => {
    const { feed, letter, alarm } = bench([off]);
    feed(setpoint, 1, { quality: "bad", reason: "commLost" });
    feed(flow, 9);
    expect(letter()).toBe("A");
    feed(setpoint, 1);
    expect([letter(), alarm()?.value]).toEqual(["B", 9]);
    feed(setpoint, 20, { quality: "uncertain", reason: "outOfRange" });
    expect([letter(), alarm()?.stale]).toEqual(["B", true]);
  });

  it("AL-16 waits until each has been heard of, and marks nothing meanwhile", () => {
    const first = bench([off]);
    first.feed(setpoint, 1);
    first.feed(flow, 9);
    const second = bench([off], { restored: JSON.parse(JSON.stringify(first.alarms.snapshot())) });
    expect(second.feed(setpoint, 1)).toEqual([]);
    expect(told(second.feed(flow, 1))).toEqual(["off cleared"]);
  });
});
