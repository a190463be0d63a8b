import { describe, expect, it } from "vitest";
import { autoInterval, bucketEdges, formatInterval, parseInterval } from "#cloud/history/calendar.ts";
import { startOfLocalDay } from "#cloud/history/local-day.ts";

const at = (text: string): number => Date.parse(text);
const HOUR = 3_600_000;
const edges = (from: string, to: string, interval: string, zone: string): string[] =>
  bucketEdges(at(from), at(to), parseInterval(interval), zone, 1000).map((edge) => new Date(edge).toISOString());

describe("the local day", () => {
  it("begins at midnight, also where the clocks change", () => {
    expect(startOfLocalDay(at("2026-03-02T00:00:00Z"), "Asia/Shanghai")).toBe(at("2026-03-01T16:00:00Z"));
    // 2026-03-29 02:00 became 03:00 in Berlin
    expect(startOfLocalDay(at("2026-03-29T20:00:00Z"), "Europe/Berlin")).toBe(at("2026-03-28T23:00:00Z"));
    expect(startOfLocalDay(at("2026-10-25T22:30:00Z"), "Europe/Berlin")).toBe(at("2026-10-24T22:00:00Z"));
  });

  it.each([
    ["America/Sao_Paulo", "2018-11-04T15:00:00Z", "2018-11-04T03:00:00Z"],
    ["America/Havana", "2024-03-10T15:00:00Z", "2024-03-10T05:00:00Z"],
    ["Africa/Cairo", "2024-04-26T12:00:00Z", "2024-04-25T22:00:00Z"],
  ])("begins with the leap where the clocks of %s leap over midnight", (zone, within, begins) => {
    expect(startOfLocalDay(at(within), zone)).toBe(at(begins));
  });

  it("begins with the first midnight where there are two", () => {
    // 2024-11-03 01:00 became 00:00 in Havana
    expect(startOfLocalDay(at("2024-11-03T15:00:00Z"), "America/Havana")).toBe(at("2024-11-03T04:00:00Z"));
    expect(startOfLocalDay(at("2024-11-03T05:30:00Z"), "America/Havana")).toBe(at("2024-11-03T04:00:00Z"));
  });
});

describe("an interval", () => {
  it.each([
    ["500ms", "500ms"],
    ["60000", "1m"],
    ["PT90S", "90s"],
    ["24h", "24h"],
    ["PT1H", "1h"],
    ["P1D", "1d"],
    ["1w", "7d"],
    ["P3M", "3mo"],
    ["2y", "24mo"],
  ])("is read from %s and written as %s", (text, written) => {
    expect(formatInterval(parseInterval(text))).toBe(written);
  });

  it.each(["0m", "1.5h", "P1DT1H", "PT", "P", "hour", "", "9999999999mo", "99999999d", "9999999999h", "P999Y"])(
    "is refused when it is %j",
    (text) => {
      expect(() => parseInterval(text)).toThrow(expect.objectContaining({ code: "INTERVAL_INVALID" }));
    },
  );

  it("for a chart makes a bucket for about two pixels, from a second to years", () => {
    expect(formatInterval(autoInterval(1000, 600))).toBe("1s");
    expect(formatInterval(autoInterval(24 * HOUR, 600))).toBe("5m");
    expect(formatInterval(autoInterval(5 * 365 * 24 * HOUR, 600))).toBe("7d");
  });
});

describe("buckets", () => {
  it("are whole, the first and the last too", () => {
    expect(edges("2026-03-02T00:07:00Z", "2026-03-02T00:31:00Z", "15m", "UTC")).toEqual([
      "2026-03-02T00:00:00.000Z",
      "2026-03-02T00:15:00.000Z",
      "2026-03-02T00:30:00.000Z",
      "2026-03-02T00:45:00.000Z",
    ]);
  });

  it("of a day have 23 and 25 hours where the clocks change", () => {
    const widths = (from: string, to: string): number[] => {
      const found = edges(from, to, "1d", "Europe/Berlin").map(at);
      return found.slice(1).map((edge, i) => (edge - (found[i] ?? 0)) / HOUR);
    };
    expect(widths("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z")).toEqual([24, 23, 24]);
    expect(widths("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([24, 25, 24]);
  });

  it("of six hours begin anew with each local day", () => {
    expect(edges("2026-03-28T23:00:00Z", "2026-03-29T23:00:00Z", "6h", "Europe/Berlin")).toEqual([
      "2026-03-28T23:00:00.000Z",
      "2026-03-29T05:00:00.000Z",
      "2026-03-29T11:00:00.000Z",
      "2026-03-29T17:00:00.000Z",
      "2026-03-29T22:00:00.000Z",
      "2026-03-30T04:00:00.000Z",
    ]);
  });

  it("of weeks begin on Monday, of quarters with January", () => {
    expect(edges("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "1w", "UTC")).toEqual([
      "2026-11-16T00:00:00.000Z",
      "2026-11-23T00:00:00.000Z",
    ]);
    expect(edges("2026-11-21T00:00:00Z", "2027-01-02T00:00:00Z", "P3M", "Asia/Shanghai")).toEqual([
      "2026-09-30T16:00:00.000Z",
      "2026-12-31T16:00:00.000Z",
      "2027-03-31T16:00:00.000Z",
    ]);
  });

  it("are refused in too large a number before they are made", () => {
    expect(() => bucketEdges(0, at("2026-01-01T00:00:00Z"), parseInterval("1ms"), "UTC", 1000)).toThrow(
      expect.objectContaining({ code: "HISTORY_TOO_MANY_BUCKETS" }),
    );
  });
});
