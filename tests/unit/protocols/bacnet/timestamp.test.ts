import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { type BacnetDateTime, dateTimeOf, unixMsNear, unixMsOf } from "#protocols/bacnet/codec/timestamp.ts";

const CHINA = -480;
const MOMENT: BacnetDateTime = {
  date: { year: 126, month: 11, day: 21, weekday: 6 },
  time: { hour: 13, minute: 5, second: 6, hundredths: 78 },
};
const AT = Date.UTC(2026, 10, 21, 5, 5, 6, 780);

describe("BACnet dates and times", () => {
  it("are a moment through the device's UTC offset", () => {
    expect(unixMsOf(MOMENT, CHINA)).toBe(AT);
    expect(unixMsOf(MOMENT, 300)).toBe(Date.UTC(2026, 10, 21, 18, 5, 6, 780));
    expect(dateTimeOf(AT, CHINA)).toEqual(MOMENT);
  });

  it("agree with the calendar on every day they can tell, weekday included", () => {
    // 1900-01-01 to 2154-12-31: year 255 is the wildcard
    const days = fc.integer({ min: -25_567, max: 67_569 });
    const offset = fc.integer({ min: -780, max: 780 });
    fc.assert(
      fc.property(days, fc.nat(8_639_999), offset, (day, hundredths, utcOffsetMin) => {
        const local = day * 86_400_000 + hundredths * 10;
        const there = new Date(local);
        const told = dateTimeOf(local + utcOffsetMin * 60_000, utcOffsetMin);
        expect(told).toEqual({
          date: {
            year: there.getUTCFullYear() - 1900,
            month: there.getUTCMonth() + 1,
            day: there.getUTCDate(),
            weekday: there.getUTCDay() === 0 ? 7 : there.getUTCDay(),
          },
          time: {
            hour: there.getUTCHours(),
            minute: there.getUTCMinutes(),
            second: there.getUTCSeconds(),
            hundredths: there.getUTCMilliseconds() / 10,
          },
        });
        expect(unixMsOf(told, utcOffsetMin)).toBe(local + utcOffsetMin * 60_000);
      }),
    );
  });

  it.each([
    { what: "an unspecified year", date: { year: 255 } },
    { what: "any odd month", date: { month: 13 } },
    { what: "the last day of a month", date: { day: 32 } },
    { what: "a day that the month has not", date: { month: 2, day: 29 } },
    { what: "month 0", date: { month: 0 } },
    { what: "an unspecified hour", time: { hour: 255 } },
    { what: "minute 60", time: { minute: 60 } },
    { what: "an unspecified second", time: { second: 255 } },
    { what: "100 hundredths", time: { hundredths: 100 } },
  ])("are no moment with $what", ({ date, time }) => {
    const pattern = { date: { ...MOMENT.date, ...date }, time: { ...MOMENT.time, ...time } };
    expect(unixMsOf(pattern, CHINA)).toBeUndefined();
  });

  it("are refused where a field does not fit its byte, e.g. in the year 2200", () => {
    const late = dateTimeOf(Date.UTC(2200, 0, 1), CHINA);
    expect(() => encodeTimeSynchronization(late)).toThrow(expect.objectContaining({ code: "BACNET_MALFORMED" }));
  });

  it("are a moment where only the hundredths are unspecified", () => {
    const coarse = { ...MOMENT, time: { ...MOMENT.time, hundredths: 255 } };
    expect(unixMsOf(coarse, CHINA)).toBe(AT - 780);
  });

  it("are the nearest moment where a stamp is a time of day only", () => {
    const minute = 60_000;
    const justAfterMidnight = Date.UTC(2026, 10, 20, 16, 1);
    const stamp = { hour: 23, minute: 59, second: 0, hundredths: 0 };
    expect(unixMsNear(stamp, justAfterMidnight, CHINA)).toBe(justAfterMidnight - 2 * minute);
    expect(unixMsNear(MOMENT.time, AT + 5 * minute, CHINA)).toBe(AT);
    expect(unixMsNear({ ...stamp, minute: 255 }, AT, CHINA)).toBeUndefined();
  });
});
