import { describe, expect, it } from "vitest";
import type { AlarmCondition } from "#core/model/alarm.ts";
import type { Value } from "#core/model/sample.ts";
import { bench, facility, flow, running, setpoint } from "./al-bench.ts";
import { fault } from "./evaluator-fixtures.ts";

const MINUTE = 60_000;

/** Letters after each value of the flow. */
function after(condition: AlarmCondition, values: readonly Value[]): string {
  const { feed, act, letter } = bench([facility({ condition })]);
  return values
    .map((value) => {
      feed(flow, value);
      act("acknowledge");
      return letter();
    })
    .join("");
}

describe("AL-01, AL-03 bands and lists", () => {
  it("AL-03 is an alarm outside a band and over when inside by the deadband", () => {
    const condition = { type: "outside", point: flow, low: 10, high: 20, deadband: 1 } as const;
    expect(after(condition, [15, 20, 20.1, 20, 19.5, 19, 10, 9.9, 10.5, 11])).toBe("AACCCAACCA");
  });

  it("AL-03 goes from one side of a band to the other without being over", () => {
    const { feed, alarm } = bench([
      facility({ condition: { type: "outside", point: flow, low: 10, high: 20, deadband: 1 } }),
    ]);
    feed(flow, 25);
    feed(flow, 5);
    expect(alarm()).toMatchObject({ live: true, occurrence: 1 });
  });

  it("AL-03 is an alarm inside a forbidden band and over when outside by the deadband", () => {
    const condition = { type: "inside", point: flow, low: 10, high: 20, deadband: 1 } as const;
    expect(after(condition, [9, 10, 9.5, 9, 20, 20.5, 21])).toBe("ACCACCA");
  });

  it("AL-01 looks for a state in a list, or for one that is not in it", () => {
    expect(after({ type: "oneOf", point: flow, values: [3, 5] }, [1, 3, 5, 4])).toBe("ACCA");
    expect(after({ type: "noneOf", point: flow, values: ["auto", "manual"] }, ["auto", "error", "manual"])).toBe("ACA");
  });

  it("AL-16 asks no limit of what is no number", () => {
    expect(after({ type: "outside", point: flow, low: 1, high: 2, deadband: 0 }, ["9", true, Number.NaN, 9])).toBe(
      "AAAC",
    );
  });
});

describe("AL-01 deviation", () => {
  const off = { type: "deviation", point: flow, reference: setpoint, over: 3, under: 2, deadband: 1 } as const;

  it("AL-01 follows its reference: a new set point is judged on arrival", () => {
    const { feed, letter, alarm } = bench([facility({ condition: off })]);
    feed(flow, 20);
    expect(letter()).toBe("A");
    feed(setpoint, 18);
    expect(letter()).toBe("A");
    feed(setpoint, 16);
    expect([letter(), alarm()?.value, alarm()?.point]).toEqual(["B", 20, flow]);
  });

  it("AL-03 has a deadband on either side", () => {
    const { feed, act, letter } = bench([facility({ condition: off })]);
    feed(setpoint, 20);
    const letters = [23, 23.1, 22, 17.9, 18.5, 19].map((value) => {
      feed(flow, value);
      act("acknowledge");
      return letter();
    });
    expect(letters.join("")).toBe("ACACCA");
  });

  it("AL-01 may look at a constant, on one side alone", () => {
    const condition = { type: "deviation", point: flow, reference: 20, under: 2, deadband: 0 } as const;
    expect(after(condition, [30, 18, 17.9])).toBe("AAC");
  });
});

describe("AL-01 rate of change", () => {
  const fast = { type: "rate", point: flow, rise: 2, per: "minute", windowMs: 2 * MINUTE, deadband: 0.5 } as const;

  it("AL-01 measures over its window by the times of the samples, whatever their intervals", () => {
    const { feed, letter, clock } = bench([facility({ condition: fast })]);
    feed(flow, 10);
    clock.advance(10 * MINUTE);
    feed(flow, 13.9);
    expect(letter()).toBe("A");
    clock.advance(1000);
    feed(flow, 14.2);
    expect(letter()).toBe("B");
  });

  it("AL-03 ends when the value stands still, although no sample tells it", () => {
    const { feed, act, letter, clock, late } = bench([facility({ condition: fast })]);
    feed(flow, 10);
    clock.advance(MINUTE);
    feed(flow, 16);
    act("acknowledge");
    expect(letter()).toBe("C");
    clock.advance(2 * MINUTE - 15_000);
    expect(letter()).toBe("C");
    clock.advance(30_000);
    expect([letter(), late.map(({ transition }) => transition)]).toEqual(["A", ["cleared"]]);
    expect(clock.pending).toBe(0);
  });

  it("AL-01 takes the time of the source, so that late samples look no faster than they were", () => {
    const { feed, letter, clock } = bench([facility({ condition: fast })]);
    const start = clock.now();
    clock.advance(10 * MINUTE);
    for (let at = 0; at <= 10; at++) feed(flow, at * 1.5, { sourceTime: start + at * MINUTE });
    expect(letter()).toBe("A");
  });

  it("AL-01 does not take a gap for a jump", () => {
    const { feed, letter, clock } = bench([facility({ condition: fast })]);
    feed(flow, 10);
    feed(flow, 10, { quality: "bad", reason: "commLost" });
    clock.advance(1000);
    feed(flow, 40);
    expect(letter()).toBe("A");
  });

  it("AL-01 tells a fall as well, and passes a sample over that is older than the last", () => {
    const { feed, letter, clock } = bench([facility({ condition: { ...fast, fall: 1 } })]);
    feed(flow, 10);
    clock.advance(MINUTE);
    feed(flow, 0, { sourceTime: clock.now() - 2 * MINUTE });
    expect(letter()).toBe("A");
    feed(flow, 7.9);
    expect(letter()).toBe("B");
  });

  it.each([
    ["far in the future", 365 * 24 * 60 * MINUTE],
    ["an hour ahead", 60 * MINUTE],
  ])("AL-01 goes on after a sample whose source had its clock %s", (_what, aheadMs) => {
    const { feed, letter, clock } = bench([facility({ condition: fast })]);
    feed(flow, 10, { sourceTime: clock.now() });
    clock.advance(MINUTE);
    feed(flow, 10, { sourceTime: clock.now() + aheadMs });
    clock.advance(MINUTE);
    feed(flow, 10, { sourceTime: clock.now() });
    clock.advance(MINUTE);
    feed(flow, 16, { sourceTime: clock.now() });
    expect(letter()).toBe("B");
  });

  it("AL-14 does not end by a restart alone: for one window too little is known", () => {
    const first = bench([facility({ condition: fast })]);
    first.feed(flow, 10);
    first.clock.advance(MINUTE);
    first.feed(flow, 16);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    first.alarms.stop();
    const second = bench([facility({ condition: fast })], { restored, clock: first.clock });
    second.feed(flow, 17);
    first.clock.advance(MINUTE);
    expect(second.letter()).toBe("B");
    first.clock.advance(2 * MINUTE);
    expect(second.letter()).toBe("D");
  });

  it("AL-01 ends the on-delay when the rate has gone back without a sample", () => {
    const { feed, letter, clock } = bench([facility({ condition: fast, onDelayMs: 5 * MINUTE })]);
    feed(flow, 10);
    feed(flow, 30);
    clock.advance(10 * MINUTE);
    expect(letter()).toBe("A");
  });

  it("holds a bounded number of values, however fast they come", () => {
    const { feed, letter, clock } = bench([facility({ condition: fast })]);
    for (let at = 0; at < 20_000; at++) {
      clock.advance(10);
      feed(flow, at * 0.0003);
    }
    expect(letter()).toBe("A");
    for (let at = 0; at < 12_000; at++) {
      clock.advance(10);
      feed(flow, 6 + at * 0.0004);
    }
    expect(letter()).toBe("B");
  });
});

describe("AL-01 expressions", () => {
  const context = {
    zone: () => undefined,
    point: (id: string) => ({
      space: "roof",
      kind:
        id === flow || id === setpoint ? ("number" as const) : id === fault ? ("enum" as const) : ("boolean" as const),
    }),
    device: () => undefined,
  };
  const noFlow = facility({
    condition: {
      type: "expression",
      expression: "on && mode in [2, 3] && q < (live ? 8 : 5)",
      points: { q: flow, on: running, mode: fault },
    },
  });

  it("AL-01 are judged on arrival of any of their points, with all last values", () => {
    const { feed, letter, alarm } = bench([noFlow], { context });
    feed(flow, 3);
    feed(running, true);
    expect(letter()).toBe("A");
    feed(fault, 2);
    expect([letter(), alarm()?.value, alarm()?.point, alarm()?.area]).toEqual(["B", 3, flow, "roof"]);
  });

  it("AL-03 have a hysteresis through `live`", () => {
    const { feed, act, letter } = bench([noFlow], { context });
    feed(running, true);
    feed(fault, 3);
    const letters = [6, 4, 6, 8].map((value) => {
      feed(flow, value);
      act("acknowledge");
      return letter();
    });
    expect(letters.join("")).toBe("ACCA");
  });

  it("AL-16 are unknown while an operand is not good, and where they cannot be told", () => {
    const division = facility({
      condition: { type: "expression", expression: "10 / m > 2", points: { m: fault } },
    });
    const { feed, letter, alarm } = bench([division], { context });
    feed(fault, 1);
    expect(letter()).toBe("B");
    feed(fault, 0);
    expect([letter(), alarm()?.stale]).toEqual(["B", true]);
    feed(fault, 1, { quality: "uncertain", reason: "overridden" });
    expect(alarm()?.stale).toBe(true);
  });

  it("are refused when they are wrong", () => {
    const wrong = facility({ condition: { type: "expression", expression: "q +", points: { q: flow } } });
    expect(() => bench([wrong])).toThrowError(expect.objectContaining({ code: "ALARM_EXPRESSION_INVALID" }));
  });
});
