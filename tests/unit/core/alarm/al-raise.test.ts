import { describe, expect, it } from "vitest";
import { bench, facility, flow, told } from "./al-bench.ts";
import { ahu, event, motion, transitions } from "./evaluator-fixtures.ts";
import { START } from "./fixtures.ts";

const low = facility({ condition: { type: "below", point: flow, limit: 5, deadband: 1 }, onDelayMs: 3000 });

describe("AL-01 an alarm that comes", () => {
  it("AL-01 leads from A to B when the condition has held for the on-delay, and not before", () => {
    const { feed, letter, clock, late } = bench([low]);
    expect(feed(flow, 4)).toEqual([]);
    clock.advance(2999);
    expect(letter()).toBe("A");
    clock.advance(1);
    expect([letter(), told(late)]).toEqual(["B", ["ahu-1.test raised"]]);
  });

  it("AL-01 carries the time of its source, the time of receipt, priority, category, place and both texts", () => {
    const { feed, alarm } = bench([facility({ ...low, onDelayMs: 0, space: "plant-room" })]);
    feed(flow, 4, { sourceTime: START - 250 });
    expect(alarm()).toMatchObject({
      raisedAt: START - 250,
      receivedAt: START,
      value: 4,
      source: flow,
      device: ahu,
      area: "plant-room",
      priority: "medium",
      category: "equipment",
      law: "facility",
      message: "报警",
      messageEn: "Alarm",
      version: 1,
    });
  });

  it("AL-01 makes an alarm of a pulse that lasted one notification, beginning and end", () => {
    const { alarms, letter } = bench([motion]);
    expect(transitions(alarms.onEvent(event()))).toEqual(["raised", "cleared"]);
    expect(letter()).toBe("latched");
  });

  it("AL-01 begins the delay anew when the condition was gone meanwhile", () => {
    const { feed, letter, clock } = bench([low]);
    feed(flow, 4);
    clock.advance(2000);
    feed(flow, 8);
    feed(flow, 4);
    clock.advance(2999);
    expect(letter()).toBe("A");
    clock.advance(1);
    expect(letter()).toBe("B");
  });
});

describe("AL-02, AL-06 acknowledgement", () => {
  const now = facility({ ...low, onDelayMs: 0 });

  it("AL-02 leads from B to C, once: the second acknowledgement changes nothing", () => {
    const { feed, act, letter, alarm } = bench([now]);
    feed(flow, 4);
    expect(transitions(act("acknowledge", { requestedBy: "wang.fang" }).changes)).toEqual(["acknowledged"]);
    expect(act("acknowledge", { requestedBy: "li.wei" })).toEqual({ changes: [] });
    expect([letter(), alarm()?.acknowledgedBy]).toEqual(["C", "wang.fang"]);
  });

  it("AL-02 of an older occurrence never acknowledges a newer one", () => {
    const { feed, act, letter } = bench([now]);
    feed(flow, 4);
    feed(flow, 8);
    feed(flow, 3);
    expect(act("acknowledge", { occurrence: 1 }).refused?.code).toBe("ALARM_OCCURRENCE_STALE");
    expect(letter()).toBe("B");
  });

  it("AL-06 leads from D to B with another occurrence when it comes again", () => {
    const { feed, letter, alarm } = bench([now]);
    feed(flow, 4);
    feed(flow, 8);
    expect(letter()).toBe("D");
    feed(flow, 2);
    expect([letter(), alarm()?.occurrence, alarm()?.value]).toEqual(["B", 2, 2]);
  });
});
