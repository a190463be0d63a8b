import { describe, expect, it } from "vitest";
import { MAX_SHELVE_MS, operatorMayShelve } from "#core/alarm/law.ts";
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
