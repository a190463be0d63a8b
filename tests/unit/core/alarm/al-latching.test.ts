import { describe, expect, it } from "vitest";
import { bench, facility, flow } from "./al-bench.ts";

const latching = facility({ condition: { type: "above", point: flow, limit: 5, deadband: 0 }, latching: true });

describe("AL-08 an alarm of the facility law that latches", () => {
  it("AL-08 stays in the list after its condition is gone, acknowledged or not", () => {
    const { feed, act, letter } = bench([latching]);
    feed(flow, 6);
    feed(flow, 4);
    expect(letter()).toBe("latched");
    act("acknowledge");
    expect(letter()).toBe("latched");
  });

  it("AL-08 goes back to A only by a reset, and that only when the condition is gone and it is acknowledged", () => {
    const { feed, act, letter, alarm } = bench([latching]);
    feed(flow, 6);
    expect(act("reset").refused?.code).toBe("ALARM_STILL_ACTIVE");
    feed(flow, 4);
    expect(act("reset").refused?.code).toBe("ALARM_NOT_ACKNOWLEDGED");
    act("acknowledge");
    const id = alarm()?.id;
    const { changes } = act("reset", { requestedBy: "wang.fang" });
    expect(changes.map(({ alarm: one, closed }) => [one.id, one.resetBy, closed])).toEqual([[id, "wang.fang", true]]);
    expect(letter()).toBe("A");
  });

  it("AL-08 may be shelved all the same: the law decides, not the latch", () => {
    const { feed, act, letter, clock } = bench([latching]);
    feed(flow, 6);
    act("shelve", { until: clock.now() + 1000, reason: "工单 12" });
    feed(flow, 4);
    expect(letter()).toBe("E");
    clock.advance(1000);
    expect(letter()).toBe("latched");
  });

  it("AL-08 has nothing to reset where it does not latch", () => {
    const { feed, act } = bench([{ ...latching, latching: false }]);
    feed(flow, 6);
    act("acknowledge");
    expect(act("reset").refused?.code).toBe("ALARM_NOT_LATCHING");
  });
});
