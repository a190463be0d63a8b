import { describe, expect, it } from "vitest";
import type { CalendarEntry, TimeValue } from "#protocols/bacnet/codec/services/schedule.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import { DeviceClock } from "#protocols/bacnet/server/device-clock.ts";
import { Calendar, entryFits } from "#protocols/bacnet/server/schedules/calendar.ts";
import { Schedule, type ScheduleDefinition } from "#protocols/bacnet/server/schedules/schedule.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const ANY = 255;
const CHINA = -480;
/** Monday, 2 March 2026, 08:30 in China. */
const MONDAY_MORNING = Date.UTC(2026, 2, 2, 0, 30);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const day = (iso: string) => dateTimeOf(Date.parse(`${iso}T12:00:00Z`), 0).date;
const on = (hour: number, value: number): TimeValue => ({
  time: { hour, minute: 0, second: 0, hundredths: 0 },
  value: { type: "unsigned", value },
});

describe("an entry of a calendar", () => {
  it.each<[string, CalendarEntry, string, boolean]>([
    ["one date", { type: "date", value: day("2026-10-01") }, "2026-10-01", true],
    ["every first of May", { type: "date", value: { year: ANY, month: 5, day: 1, weekday: ANY } }, "2031-05-01", true],
    [
      "the last day of any month",
      { type: "date", value: { year: ANY, month: ANY, day: 32, weekday: ANY } },
      "2028-02-29",
      true,
    ],
    [
      "the last day of any month",
      { type: "date", value: { year: ANY, month: ANY, day: 32, weekday: ANY } },
      "2028-02-28",
      false,
    ],
    ["odd months", { type: "date", value: { year: ANY, month: 13, day: ANY, weekday: ANY } }, "2026-04-01", false],
    ["even days", { type: "date", value: { year: ANY, month: ANY, day: 34, weekday: ANY } }, "2026-04-02", true],
    ["Sundays", { type: "date", value: { year: ANY, month: ANY, day: ANY, weekday: 7 } }, "2026-03-01", true],
    ["a range", { type: "dateRange", value: { start: day("2026-02-15"), end: day("2026-02-21") } }, "2026-02-21", true],
    [
      "a range",
      { type: "dateRange", value: { start: day("2026-02-15"), end: day("2026-02-21") } },
      "2026-02-22",
      false,
    ],
    ["the second Monday of March", { type: "weekNDay", value: { month: 3, week: 2, weekday: 1 } }, "2026-03-09", true],
    ["the second Monday of March", { type: "weekNDay", value: { month: 3, week: 2, weekday: 1 } }, "2026-03-02", false],
    [
      "the last Friday of a month",
      { type: "weekNDay", value: { month: ANY, week: 6, weekday: 5 } },
      "2026-02-27",
      true,
    ],
    [
      "the last Friday of a month",
      { type: "weekNDay", value: { month: ANY, week: 6, weekday: 5 } },
      "2026-02-20",
      false,
    ],
  ])("names %s (%#)", (_name, entry, date, expected) => {
    expect(entryFits(entry, day(date))).toBe(expected);
  });
});

function schedule(definition: Partial<ScheduleDefinition> = {}, startMs = MONDAY_MORNING) {
  const clock = new ManualClock(startMs);
  const deviceClock = new DeviceClock(clock, CHINA);
  const written: [BacnetValue, number][] = [];
  const holidays = new Calendar(
    { instance: 1, name: "节假日", description: "", dates: [{ type: "date", value: day("2026-03-03") }] },
    deviceClock,
  );
  const week = [on(7, 1), on(18, 2)];
  const made = new Schedule(
    {
      instance: 1,
      name: "时间表",
      description: "",
      weekly: [week, week, week, week, week, [], []],
      default: { type: "unsigned", value: 9 },
      ...definition,
    },
    {
      clock: deviceClock,
      calendar: ({ instance }) => (instance === 1 ? holidays : undefined),
      write: (_reference, value, priority) => written.push([value, priority]) > 0,
    },
  );
  const now = (): unknown => {
    const value = made.presentValue();
    return "value" in value ? value.value : null;
  };
  return { clock, made, now, written };
}

describe("a schedule", () => {
  it("follows the week in the device's own time", () => {
    const { clock, now } = schedule();
    expect(now()).toBe(1);
    clock.advance(10 * HOUR);
    expect(now()).toBe(2);
    clock.advance(6 * HOUR);
    expect(now()).toBe(9);
    clock.advance(5 * DAY);
    expect(now()).toBe(9);
  });

  it("lets an exception go before the week, and the more urgent of two first", () => {
    const { clock, now } = schedule({
      exceptions: [
        { period: { type: "date", value: day("2026-03-02") }, timeValues: [on(8, 5)], priority: 10 },
        { period: { type: "date", value: day("2026-03-02") }, timeValues: [on(12, 6)], priority: 3 },
      ],
    });
    expect(now()).toBe(5);
    clock.advance(4 * HOUR);
    expect(now()).toBe(6);
  });

  it("asks its calendar for holidays", () => {
    const { clock, now } = schedule({
      exceptions: [
        {
          period: { type: "calendar", value: { type: 6, instance: 1 } },
          timeValues: [on(0, 7)],
          priority: 16,
        },
      ],
    });
    expect(now()).toBe(1);
    clock.advance(DAY);
    expect(now()).toBe(7);
  });

  it("gives the default outside of its effective period", () => {
    const effectivePeriod = { start: day("2026-03-03"), end: day("2026-03-04") };
    const { clock, now } = schedule({ effectivePeriod });
    expect(now()).toBe(9);
    clock.advance(DAY);
    expect(now()).toBe(1);
    clock.advance(2 * DAY);
    expect(now()).toBe(9);
  });

  it("writes to what it commands once for each change", () => {
    const { clock, made, written } = schedule({
      writes: [{ object: { type: 19, instance: 1 }, property: 85 }],
      priorityForWriting: 15,
    });
    made.scan();
    made.scan();
    clock.advance(10 * HOUR);
    made.scan();
    expect(written).toEqual([
      [{ type: "unsigned", value: 1 }, 15],
      [{ type: "unsigned", value: 2 }, 15],
    ]);
  });
});
