import { describe, expect, it } from "vitest";
import { bench, facility, flow, told } from "./al-bench.ts";

const low = facility({ condition: { type: "below", point: flow, limit: 5, deadband: 1 } });

describe("AL-03, AL-04, AL-05 return to normal", () => {
  it("AL-03 leads from C to A when the value is outside the deadband for the off-delay", () => {
    const { feed, act, letter, clock, late } = bench([{ ...low, offDelayMs: 2000 }]);
    feed(flow, 4);
    act("acknowledge");
    feed(flow, 5.5);
    clock.advance(5000);
    expect(letter()).toBe("C");
    feed(flow, 6);
    clock.advance(1999);
    expect(letter()).toBe("C");
    clock.advance(1);
    expect([letter(), told(late)]).toEqual(["A", ["ahu-1.test cleared"]]);
  });

  it("AL-04 leads from B to D while nobody has acknowledged it", () => {
    const { feed, letter, alarm } = bench([low]);
    feed(flow, 4);
    feed(flow, 7);
    expect([letter(), alarm()?.condition]).toEqual(["D", "inactive"]);
  });

  it("AL-05 leads from D to A with the acknowledgement; the next one is another alarm", () => {
    const { feed, act, letter, alarm } = bench([low]);
    feed(flow, 4);
    const first = alarm()?.id;
    feed(flow, 7);
    act("acknowledge");
    expect(letter()).toBe("A");
    feed(flow, 4);
    expect(alarm()).toMatchObject({ occurrence: 1 });
    expect(alarm()?.id).not.toBe(first);
  });
});

describe("AL-07 alarms that nobody needs to acknowledge", () => {
  const auto = { ...low, autoAcknowledge: true };

  it("AL-07 lead from B straight to A", () => {
    const { feed, letter, alarms } = bench([auto]);
    feed(flow, 4);
    expect(letter()).toBe("B");
    const [change] = feed(flow, 7);
    expect([letter(), change?.closed, change?.alarm.acknowledgedBy]).toEqual(["A", true, "auto"]);
    expect(alarms.alarms()).toEqual([]);
  });

  it("AL-07 keep the name of the person who did acknowledge", () => {
    const { feed, act } = bench([auto]);
    feed(flow, 4);
    act("acknowledge", { requestedBy: "li.wei" });
    expect(feed(flow, 7)[0]?.alarm.acknowledgedBy).toBe("li.wei");
  });

  it.each(["urgent", "high"] as const)("AL-07 wait for a person at priority %s", (priority) => {
    const { feed, letter } = bench([{ ...auto, priority }]);
    feed(flow, 4);
    feed(flow, 7);
    expect(letter()).toBe("D");
  });

  it.each(["access", "intrusion", "panic", "tamper", "fire"] as const)("AL-07 are never those of %s", (category) => {
    const { feed, letter, alarm } = bench([{ ...auto, category, priority: "low" }]);
    feed(flow, 4);
    feed(flow, 7);
    expect([letter(), alarm()?.acknowledged]).toEqual(["latched", false]);
  });
});
