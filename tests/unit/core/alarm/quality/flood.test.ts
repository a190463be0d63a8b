import { describe, expect, it } from "vitest";
import { FloodMeter, floodsOf } from "#core/alarm/flood.ts";
import { periodOf, periodsIn } from "#core/alarm/periods.ts";
import { clockOf, DAY, every, HOUR, MINUTE, MONDAY, SECOND, SHANGHAI, SHIFTS } from "./journal.ts";

describe("a flood", () => {
  it("begins with the eleventh alarm in ten minutes and not with the tenth", () => {
    const meter = new FloodMeter();
    for (const at of every(SECOND, 10)) meter.add(at);
    expect(meter.flood).toBeUndefined();
    meter.add(MONDAY + 10 * SECOND);
    expect(meter.flood).toEqual({ from: MONDAY + 10 * SECOND, to: undefined, count: 11, peak: 11 });
  });

  it("goes on while five or more came in ten minutes, and ends when there are four", () => {
    const meter = new FloodMeter();
    for (const at of every(SECOND, 11)) meter.add(at);
    // Five more at the end of the window keep it alive.
    for (const at of every(SECOND, 5, MONDAY + 9 * MINUTE)) expect(meter.add(at)).toBeUndefined();
    expect(meter.advance(MONDAY + 18 * MINUTE)).toBeUndefined();
    expect(meter.count).toBe(5);
    expect(meter.advance(MONDAY + 20 * MINUTE)).toEqual({
      from: MONDAY + 10 * SECOND,
      to: MONDAY + 19 * MINUTE,
      count: 16,
      peak: 16,
    });
    expect(meter.flood).toBeUndefined();
  });

  it("does not begin anew while it swings between five and ten", () => {
    const times = [...every(SECOND, 11), ...every(MINUTE, 60, MONDAY + MINUTE)];
    expect(floodsOf(times, MONDAY + 59 * MINUTE)).toEqual([
      { from: MONDAY + 10 * SECOND, to: undefined, count: 71, peak: 20 },
    ]);
  });

  it("is the same flood for a process that takes up in the midst of it", () => {
    const times = every(10 * SECOND, 12);
    const whole = new FloodMeter();
    for (const at of times) whole.add(at);
    const { from, count, peak } = whole.flood ?? { from: 0, count: 0, peak: 0 };
    const resumed = FloodMeter.flooding({ from, count, peak }, times);
    expect(resumed.advance(MONDAY + HOUR)).toEqual(whole.advance(MONDAY + HOUR));
  });

  it("ends at once for a process that comes back when it is long over", () => {
    const resumed = FloodMeter.flooding({ from: MONDAY, count: 40, peak: 30 }, []);
    expect(resumed.advance(MONDAY + DAY)).toEqual({ from: MONDAY, to: MONDAY + DAY, count: 40, peak: 30 });
  });

  it("holds no more times than it needs, however many alarms come", () => {
    const meter = new FloodMeter();
    for (let i = 0; i < 50_000; i++) meter.add(MONDAY + i);
    expect(meter.count).toBe(20_000);
    expect(meter.flood?.count).toBe(50_000);
    meter.advance(MONDAY + HOUR);
    expect([meter.count, meter.flood]).toEqual([0, undefined]);
  });

  it("does not run backwards when the clock is set back", () => {
    const meter = new FloodMeter();
    meter.add(MONDAY + HOUR);
    meter.add(MONDAY);
    expect(meter.count).toBe(2);
    meter.advance(MONDAY + HOUR + 10 * MINUTE);
    expect(meter.count).toBe(0);
  });
});

describe("periods of the site", () => {
  it("are shifts from eight to eight by the wall clock", () => {
    const night = periodOf("shift", MONDAY + 2 * HOUR, SHANGHAI, SHIFTS);
    expect(night).toEqual({ from: MONDAY - 4 * HOUR, to: MONDAY + 8 * HOUR });
    expect(periodOf("shift", night.to, SHANGHAI, SHIFTS)).toEqual({ from: night.to, to: MONDAY + 20 * HOUR });
  });

  it("are days of 23 and 25 hours where the clocks change, and shifts that follow them", () => {
    const berlin = clockOf("Europe/Berlin");
    const lengthAt = (at: string, unit: "day" | "shift"): number => {
      const { from, to } = periodOf(unit, Date.parse(at), berlin, SHIFTS);
      return (to - from) / HOUR;
    };
    expect([lengthAt("2026-03-29T10:00:00Z", "day"), lengthAt("2026-10-25T10:00:00Z", "day")]).toEqual([23, 25]);
    expect([lengthAt("2026-03-29T00:30:00Z", "shift"), lengthAt("2026-10-25T00:30:00Z", "shift")]).toEqual([11, 13]);
  });

  it("cover a stretch without gap or overlap", () => {
    const span = { from: MONDAY + 3 * HOUR, to: MONDAY + 3 * DAY };
    for (const unit of ["hour", "shift", "day", "month"] as const) {
      const periods = periodsIn(unit, span, SHANGHAI, SHIFTS);
      expect(periods[0]?.from).toBe(span.from);
      expect(periods.at(-1)?.to).toBe(span.to);
      expect(periods.slice(1).map(({ from }) => from)).toEqual(periods.slice(0, -1).map(({ to }) => to));
    }
  });
});
