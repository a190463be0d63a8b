import { describe, expect, it } from "vitest";
import { bench, facility, flow, told } from "./al-bench.ts";
import { START } from "./fixtures.ts";

const HOUR = 3_600_000;
const warm = facility({
  condition: { type: "above", point: flow, limit: 12, deadband: 0 },
  reAlarmMs: HOUR,
  reAlarmLimit: 2,
});

describe("AL-09 an alarm that stays active for too long", () => {
  it("AL-09 goes back from C to B as if it had just occurred, as another occurrence", () => {
    const { feed, act, letter, clock, alarm, late } = bench([warm]);
    feed(flow, 13);
    act("acknowledge");
    clock.advance(HOUR - 1);
    expect(letter()).toBe("C");
    clock.advance(1);
    expect([letter(), told(late)]).toEqual(["B", ["ahu-1.test reAlarmed"]]);
    expect(alarm()).toMatchObject({ occurrence: 2, raisedAt: START + HOUR, value: 13, reAlarms: 1 });
  });

  it("AL-09 is not called by an acknowledgement of the occurrence before", () => {
    const { feed, act, clock } = bench([warm]);
    feed(flow, 13);
    act("acknowledge");
    clock.advance(HOUR);
    expect(act("acknowledge", { occurrence: 1 }).refused?.code).toBe("ALARM_OCCURRENCE_STALE");
  });

  it("AL-09 waits for the acknowledgement where it is late, and for the time again after it", () => {
    const { feed, act, letter, clock, late } = bench([warm]);
    feed(flow, 13);
    clock.advance(2 * HOUR);
    expect([letter(), late]).toEqual(["B", []]);
    act("acknowledge");
    clock.advance(HOUR - 1);
    expect(letter()).toBe("C");
    clock.advance(1);
    expect(letter()).toBe("B");
  });

  it("AL-09 ends with its limit, and counts anew when the condition comes again", () => {
    const { feed, act, letter, clock, alarm } = bench([warm]);
    feed(flow, 13);
    for (let round = 0; round < 3; round++) {
      act("acknowledge");
      clock.advance(HOUR);
    }
    expect([letter(), alarm()?.reAlarms, alarm()?.occurrence]).toEqual(["C", 2, 3]);
    feed(flow, 11);
    feed(flow, 13);
    act("acknowledge");
    clock.advance(HOUR);
    expect([letter(), alarm()?.reAlarms]).toEqual(["B", 1]);
  });

  it("AL-09 does not call while the alarm is suppressed, nor after its condition is gone", () => {
    const { feed, act, clock, late, letter } = bench([{ ...warm, latching: true }]);
    feed(flow, 13);
    act("acknowledge");
    act("outOfService", { reason: "sensor" });
    clock.advance(2 * HOUR);
    expect([letter(), late]).toEqual(["G", []]);
    feed(flow, 11);
    act("returnToService");
    clock.advance(2 * HOUR);
    expect([letter(), late]).toEqual(["latched", []]);
  });

  it("AL-09, AL-14 calls at its time when the process was restarted in between", () => {
    const first = bench([warm]);
    first.feed(flow, 13);
    first.act("acknowledge");
    first.clock.advance(HOUR / 2);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    first.alarms.stop();
    const second = bench([warm], { restored, clock: first.clock });
    first.clock.advance(HOUR / 2 - 1);
    expect(second.letter()).toBe("C");
    first.clock.advance(1);
    expect([second.letter(), told(second.late), first.late]).toEqual(["B", ["ahu-1.test reAlarmed"], []]);
  });

  it("AL-09 looks at the wall clock, not at the time that has passed", () => {
    const { feed, act, letter, clock } = bench([warm]);
    feed(flow, 13);
    act("acknowledge");
    clock.setWallClock(START - HOUR);
    clock.advance(HOUR);
    expect(letter()).toBe("C");
    clock.advance(HOUR);
    expect(letter()).toBe("B");
  });
});
