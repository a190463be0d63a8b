import { describe, expect, it } from "vitest";
import { checkSchedule, nextTime } from "#cloud/jobs/schedule.ts";

const at = (text: string): number => Date.parse(text);
const shown = (time: number): string => new Date(time).toISOString();
const daily = (dailyAtMinute: number, timeZone: string) => ({ dailyAtMinute, timeZone });
/** The next so many times after one. */
function times(schedule: Parameters<typeof nextTime>[0], after: string, count: number): readonly string[] {
  const found: string[] = [];
  let last = at(after);
  for (let i = 0; i < count; i++) {
    last = nextTime(schedule, last);
    found.push(shown(last));
  }
  return found;
}

describe("a job of every day", () => {
  it("comes at the local time of the site, today when it is still to come", () => {
    expect(times(daily(150, "Asia/Shanghai"), "2026-11-21T12:00:00Z", 2)).toEqual([
      "2026-11-21T18:30:00.000Z",
      "2026-11-22T18:30:00.000Z",
    ]);
    expect(times(daily(0, "UTC"), "2026-11-21T00:00:00Z", 1)).toEqual(["2026-11-22T00:00:00.000Z"]);
    expect(times(daily(1439, "America/New_York"), "2026-12-31T23:00:00Z", 1)).toEqual(["2027-01-01T04:59:00.000Z"]);
  });

  it("comes once on the day on which clocks are set back, at the first of the two times", () => {
    expect(times(daily(150, "Europe/Berlin"), "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("comes once on the day on which clocks leap over its time, after the leap", () => {
    expect(times(daily(150, "Europe/Berlin"), "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  it("comes where a whole day is left out", () => {
    // Samoa had no 30th of December 2011.
    expect(times(daily(600, "Pacific/Apia"), "2011-12-29T00:00:00Z", 3)).toEqual([
      "2011-12-29T20:00:00.000Z",
      "2011-12-30T20:00:00.000Z",
      "2011-12-31T20:00:00.000Z",
    ]);
  });

  it("comes 365 times in a year, whatever the zone, each later than the one before", () => {
    for (const zone of [
      "Asia/Shanghai",
      "Europe/London",
      "America/Sao_Paulo",
      "Australia/Lord_Howe",
      "Asia/Kathmandu",
    ]) {
      const found = times(daily(135, zone), "2025-12-31T12:00:00Z", 365);
      expect(new Set(found).size, zone).toBe(365);
      expect(found.at(-1)?.slice(0, 7), zone).toMatch(/^2026-12/);
    }
  });
});

describe("a job of an interval", () => {
  it("comes at whole intervals from its last time, however many were missed", () => {
    const schedule = { everyMs: 1000 };
    expect(nextTime(schedule, 5000)).toBe(6000);
    expect(nextTime(schedule, 5000, 5000)).toBe(6000);
    expect(nextTime(schedule, 7300, 5000)).toBe(8000);
    expect(nextTime(schedule, 4000, 5000)).toBe(6000);
  });
});

it("a schedule is refused with its kind and what is wrong", () => {
  const code = expect.objectContaining({ code: "JOB_SCHEDULE_INVALID" });
  expect(() => checkSchedule("a", { everyMs: 1.5 })).toThrow(code);
  expect(() => checkSchedule("a", { everyMs: -1 })).toThrow("schedule of a: expected a whole number");
  expect(() => checkSchedule("a", daily(-1, "UTC"))).toThrow(code);
  expect(() => checkSchedule("a", daily(1.5, "UTC"))).toThrow(code);
  expect(() => checkSchedule("a", daily(1, "No/Where"))).toThrow("No/Where");
  expect(() => checkSchedule("a", daily(1439, "Asia/Shanghai"))).not.toThrow();
});
