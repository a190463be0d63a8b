import { describe, expect, it } from "vitest";
import { MAX_SHELVE_MS, operatorMayShelve } from "#core/alarm/law.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { bench, facility, flow, told } from "./al-bench.ts";

const high = facility({ condition: { type: "above", point: flow, limit: 5, deadband: 0 } });

describe("AL-10 shelving", () => {
  it("AL-10 needs a reason and an end that is near enough", () => {
    const { feed, act, clock, letter } = bench([high]);
    feed(flow, 6);
    const shelve = (until: number, reason: string) => act("shelve", { until, reason }).refused?.code;
    expect(shelve(clock.now() + 1000, " ")).toBe("ALARM_REASON_MISSING");
    expect(shelve(clock.now() + MAX_SHELVE_MS + 1, "r")).toBe("ALARM_SHELVE_UNTIL_INVALID");
    expect(shelve(clock.now(), "r")).toBe("ALARM_SHELVE_UNTIL_INVALID");
    expect(shelve(clock.now() + MAX_SHELVE_MS, "r")).toBeUndefined();
    expect(letter()).toBe("E");
  });

  it("AL-10 ends by itself: back to B with another occurrence while the condition holds", () => {
    const { feed, act, clock, letter, alarm, late } = bench([high]);
    feed(flow, 6);
    act("acknowledge");
    act("shelve", { until: clock.now() + 1000, reason: "r" });
    clock.advance(1000);
    expect([letter(), alarm()?.occurrence, told(late)]).toEqual(["B", 2, ["ahu-1.test unshelved"]]);
  });

  it("AL-10 for once ends when the condition next returns to normal, and the next occurrence calls", () => {
    const { feed, act, clock, letter, alarm } = bench([high]);
    feed(flow, 6);
    act("acknowledge");
    act("shelve", { until: clock.now() + MAX_SHELVE_MS, reason: "r", once: true });
    expect([letter(), alarm()?.shelvedOnce]).toEqual(["E", true]);
    clock.advance(3_600_000);
    expect(letter()).toBe("E");
    expect(told(feed(flow, 4))).toEqual(["ahu-1.test cleared", "ahu-1.test unshelved"]);
    expect(letter()).toBe("A");
    feed(flow, 6);
    expect(letter()).toBe("B");
  });

  it("AL-10 for once keeps what nobody had acknowledged, and goes on over a return to normal that the off-delay bridges", () => {
    const { feed, act, clock, letter, alarm, late } = bench([{ ...high, offDelayMs: 1000 }]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + MAX_SHELVE_MS, reason: "r", once: true });
    feed(flow, 4);
    feed(flow, 6);
    expect(letter()).toBe("E");
    feed(flow, 4);
    clock.advance(1000);
    expect([letter(), told(late)]).toEqual(["D", ["ahu-1.test cleared", "ahu-1.test unshelved"]]);
    expect(alarm()).not.toHaveProperty("shelvedOnce");
  });

  it("AL-10 for once ends at the longest time where the condition never returns to normal", () => {
    const { feed, act, clock, letter, alarm } = bench([high]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + 1000, reason: "r", once: true });
    clock.advance(1000);
    expect(letter()).toBe("B");
    expect(alarm()).not.toHaveProperty("shelvedOnce");
  });

  it("AL-10 for once becomes one for a time, and the other way round, by the last wish", () => {
    const { feed, act, clock, letter, alarm } = bench([high]);
    feed(flow, 6);
    const until = clock.now() + 1000;
    act("shelve", { until, reason: "r", once: true });
    act("shelve", { until, reason: "r" });
    expect(alarm()).not.toHaveProperty("shelvedOnce");
    feed(flow, 4);
    expect(letter()).toBe("E");
    act("shelve", { until, reason: "r", once: true });
    expect(alarm()?.shelvedOnce).toBe(true);
    feed(flow, 6);
    expect(letter()).toBe("E");
    feed(flow, 4);
    // what came and went under the shelf calls nobody
    expect(letter()).toBe("A");
  });

  it("AL-10 for once shows a latching alarm again as soon as its condition is gone, so that it can be reset", () => {
    const { feed, act, clock, letter } = bench([{ ...high, latching: true }]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + 1000, reason: "r", once: true });
    feed(flow, 4);
    expect(letter()).toBe("latched");
  });

  it("AL-10, AL-14 for once goes on after a restart", () => {
    const first = bench([high]);
    first.feed(flow, 6);
    first.act("shelve", { until: first.clock.now() + MAX_SHELVE_MS, reason: "r", once: true });
    const second = bench([high], { restored: first.alarms.snapshot() });
    second.feed(flow, 6);
    expect(second.letter()).toBe("E");
    second.feed(flow, 4);
    expect(second.letter()).toBe("D");
  });

  it("AL-10, AL-14 ends soon after a gateway that began without the time has learnt it", () => {
    const first = bench([high]);
    first.feed(flow, 6);
    const until = first.clock.now() + 3_600_000;
    first.act("shelve", { until, reason: "r" });
    const clock = new ManualClock(0);
    const second = bench([high], { restored: first.alarms.snapshot(), clock });
    second.feed(flow, 6);
    clock.advance(30_000);
    expect(second.letter()).toBe("E");
    clock.setWallClock(until + 1);
    clock.advance(60_000);
    expect(second.letter()).toBe("B");
  });

  it("AL-10 lasts no longer than the longest time, however far the clock was set back", () => {
    const { feed, act, clock, letter } = bench([high]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + 3_600_000, reason: "r" });
    clock.setWallClock(clock.now() - 365 * 24 * 3_600_000);
    clock.advance(MAX_SHELVE_MS - 1);
    expect(letter()).toBe("E");
    clock.advance(1);
    expect(letter()).toBe("B");
  });

  it("AL-10 for the longest time is taken where the clock is a little behind the one by which it was asked for", () => {
    const { feed, act, clock, alarm } = bench([high]);
    feed(flow, 6);
    const createdAt = clock.now() + 1500;
    expect(act("shelve", { createdAt, until: createdAt + MAX_SHELVE_MS, reason: "r" }).refused).toBeUndefined();
    expect(alarm()?.shelvedUntil).toBe(clock.now() + MAX_SHELVE_MS);
    const longer = act("shelve", { createdAt, until: createdAt + MAX_SHELVE_MS + 1, reason: "r" });
    expect(longer.refused?.code).toBe("ALARM_SHELVE_UNTIL_INVALID");
  });

  it.each(["access", "intrusion", "panic", "tamper", "fire"] as const)("AL-10 is refused for %s", (category) => {
    const { feed, act, clock } = bench([{ ...high, category, priority: "low" }]);
    feed(flow, 6);
    expect(act("shelve", { until: clock.now() + 1000, reason: "r" }).refused?.code).toBe("ALARM_SHELVE_FORBIDDEN");
  });

  it("AL-10 is refused for the highest priority, whatever the law", () => {
    const { feed, act, clock, alarm } = bench([{ ...high, priority: "urgent" }]);
    feed(flow, 6);
    expect(act("shelve", { until: clock.now() + 1000, reason: "r" }).refused?.code).toBe("ALARM_SHELVE_FORBIDDEN");
    expect(operatorMayShelve({ law: "facility", priority: "urgent" })).toBe(false);
    expect(alarm()?.suppression).toEqual([]);
  });

  it("AL-13 goes on with the condition under the shelf; what came and went there calls nobody afterwards", () => {
    const { feed, act, clock, letter } = bench([high]);
    feed(flow, 6);
    act("acknowledge");
    act("shelve", { until: clock.now() + 1000, reason: "r" });
    feed(flow, 4);
    feed(flow, 6);
    feed(flow, 4);
    clock.advance(1000);
    expect(letter()).toBe("A");
  });

  it("AL-13 keeps what nobody had acknowledged before the shelf", () => {
    const { feed, act, clock, letter } = bench([high]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + 1000, reason: "r" });
    feed(flow, 4);
    clock.advance(1000);
    expect(letter()).toBe("D");
  });
});

describe("AL-12 out of service", () => {
  it("AL-12 needs a reason, lasts until somebody ends it and is shown before everything else", () => {
    const { feed, act, clock, letter } = bench([high]);
    feed(flow, 6);
    expect(act("outOfService", { reason: "" }).refused?.code).toBe("ALARM_REASON_MISSING");
    act("shelve", { until: clock.now() + 1000, reason: "r" });
    act("outOfService", { reason: "检修 7" });
    expect(letter()).toBe("G");
    clock.advance(30 * 24 * 3_600_000);
    expect(letter()).toBe("G");
    act("returnToService");
    expect(letter()).toBe("B");
  });

  it("AL-12, IN-03 is refused for panic", () => {
    const { feed, act, letter } = bench([{ ...high, category: "panic", priority: "urgent" }]);
    feed(flow, 6);
    expect(act("outOfService", { reason: "r" }).refused?.code).toBe("ALARM_OUT_OF_SERVICE_FORBIDDEN");
    expect(letter()).toBe("B");
  });
});
