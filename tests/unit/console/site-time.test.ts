import { describe, expect, it } from "vitest";
import { instantOf } from "#cloud/console/i18n/site-time.ts";

const iso = (text: string, zone: string): string => new Date(instantOf(text, zone) ?? Number.NaN).toISOString();

describe("a time of the site", () => {
  it.each([
    ["2026-11-22T12:00", "Asia/Shanghai", "2026-11-22T04:00:00.000Z"],
    ["2026-07-01T00:30", "Europe/Berlin", "2026-06-30T22:30:00.000Z"],
    ["2026-01-01T00:30", "Europe/Berlin", "2025-12-31T23:30:00.000Z"],
    ["2026-11-22T12:00", "Asia/Kolkata", "2026-11-22T06:30:00.000Z"],
  ])("%s in %s is %s", (text, zone, expected) => expect(iso(text, zone)).toBe(expected));

  it("that the clocks show twice is the first of the two, and one that they skip is not lost", () => {
    expect(iso("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
    expect(["2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z"]).toContain(
      iso("2026-03-29T02:30", "Europe/Berlin"),
    );
  });

  it("is none where the text is none", () => {
    for (const text of ["", "2026-11-22", "tomorrow", "2026-13-40T99:00"])
      expect(instantOf(text, "Asia/Shanghai"), text).toBeUndefined();
  });
});
