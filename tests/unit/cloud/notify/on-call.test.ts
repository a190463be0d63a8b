import { describe, expect, it } from "vitest";
import { onCallAt } from "#cloud/notify/on-call.ts";
import { quietUntil } from "#cloud/notify/weekly-time.ts";
import type { NotifyRota } from "#core/contracts/notify.ts";

const SHANGHAI = "Asia/Shanghai";
const BERLIN = "Europe/Berlin";
const ALL = [1, 2, 3, 4, 5, 6, 7];
const at = (text: string): number => Date.parse(text);
const rota = (parts: Partial<NotifyRota>): NotifyRota => ({ slots: [], overrides: [], otherwise: [], ...parts });

/** Day shift by li, night shift by wang, each 12 hours. */
const SHIFTS = rota({
  slots: [
    { days: ALL, from: "08:00", to: "20:00", contacts: ["li"] },
    { days: ALL, from: "20:00", to: "08:00", contacts: ["wang"] },
  ],
});

describe("who is on call", () => {
  it("follows the clock of the site, and the night shift goes on after midnight", () => {
    // 2026-11-23 is a Monday; Shanghai is eight hours ahead
    expect(onCallAt(SHIFTS, SHANGHAI, at("2026-11-23T00:00:00Z")).contacts).toEqual(["li"]);
    expect(onCallAt(SHIFTS, SHANGHAI, at("2026-11-23T11:59:59Z")).contacts).toEqual(["li"]);
    expect(onCallAt(SHIFTS, SHANGHAI, at("2026-11-23T12:00:00Z")).contacts).toEqual(["wang"]);
    expect(onCallAt(SHIFTS, SHANGHAI, at("2026-11-23T23:59:59Z")).contacts).toEqual(["wang"]);
  });

  it("says when it changes", () => {
    expect(onCallAt(SHIFTS, SHANGHAI, at("2026-11-23T10:00:00Z")).until).toBe(at("2026-11-23T12:00:00Z"));
    expect(onCallAt(rota({ otherwise: ["li"] }), SHANGHAI, at("2026-11-23T10:00:00Z"))).toEqual({ contacts: ["li"] });
  });

  it("knows weekdays by the local day, and who is on call otherwise", () => {
    const mondays = rota({
      slots: [{ days: [1], from: "00:00", to: "00:00", contacts: ["li"] }],
      otherwise: ["chen"],
    });
    expect(onCallAt(mondays, SHANGHAI, at("2026-11-22T15:59:59Z")).contacts).toEqual(["chen"]);
    expect(onCallAt(mondays, SHANGHAI, at("2026-11-22T16:00:00Z")).contacts).toEqual(["li"]);
    expect(onCallAt(mondays, SHANGHAI, at("2026-11-23T16:00:00Z")).contacts).toEqual(["chen"]);
  });

  it("has everybody of overlapping slots on call, each once", () => {
    const both = rota({
      slots: [
        { days: ALL, from: "08:00", to: "20:00", contacts: ["li", "chen"] },
        { days: ALL, from: "12:00", to: "14:00", contacts: ["chen", "wang"] },
      ],
    });
    expect(onCallAt(both, SHANGHAI, at("2026-11-23T05:00:00Z")).contacts).toEqual(["li", "chen", "wang"]);
  });

  it("lets an override for dates win over the week, the last one over those before, and take everybody away", () => {
    const holiday = rota({
      ...SHIFTS,
      overrides: [
        { from: "2026-11-23T00:00", to: "2026-11-24T00:00", contacts: ["chen"] },
        { from: "2026-11-23T12:00", to: "2026-11-23T13:00", contacts: [] },
      ],
    });
    expect(onCallAt(holiday, SHANGHAI, at("2026-11-23T03:59:00Z")).contacts).toEqual(["chen"]);
    expect(onCallAt(holiday, SHANGHAI, at("2026-11-23T04:30:00Z")).contacts).toEqual([]);
    expect(onCallAt(holiday, SHANGHAI, at("2026-11-23T05:00:00Z")).contacts).toEqual(["chen"]);
    expect(onCallAt(holiday, SHANGHAI, at("2026-11-23T16:00:00Z")).contacts).toEqual(["wang"]);
  });

  it("has exactly one shift on duty in every minute of the nights on which clocks are set", () => {
    const nights = rota({
      slots: [
        { days: ALL, from: "00:00", to: "01:30", contacts: ["first"] },
        { days: ALL, from: "01:30", to: "02:30", contacts: ["second"] },
        { days: ALL, from: "02:30", to: "00:00", contacts: ["third"] },
      ],
    });
    for (const night of ["2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"]) {
      const seen: string[] = [];
      for (let minute = 0; minute < 8 * 60; minute++) {
        const { contacts } = onCallAt(nights, BERLIN, at(night) + minute * 60_000);
        expect(contacts).toHaveLength(1);
        if (seen.at(-1) !== contacts[0]) seen.push(contacts[0] ?? "");
      }
      // nobody goes off duty and comes back when the hour comes twice
      expect(seen).toEqual(["third", "first", "second", "third"]);
    }
  });

  it("ends a shift at its wall-clock time on the day of 23 hours", () => {
    // clocks leap from 02:00 to 03:00 on 2026-03-29
    expect(onCallAt(SHIFTS, BERLIN, at("2026-03-29T05:59:59Z")).contacts).toEqual(["wang"]);
    expect(onCallAt(SHIFTS, BERLIN, at("2026-03-29T06:00:00Z")).contacts).toEqual(["li"]);
  });
});

describe("quiet hours", () => {
  const nights = [{ days: ALL, from: "22:00", to: "07:00" }];

  it("last until their end in the morning", () => {
    expect(quietUntil(nights, SHANGHAI, at("2026-11-23T13:59:59Z"))).toBeUndefined();
    expect(quietUntil(nights, SHANGHAI, at("2026-11-23T14:00:00Z"))).toBe(at("2026-11-23T23:00:00Z"));
    expect(quietUntil(nights, SHANGHAI, at("2026-11-23T23:00:00Z"))).toBeUndefined();
  });

  it("go on through those that follow without a gap", () => {
    const weekend = [
      { days: [6], from: "00:00", to: "00:00" },
      { days: [7], from: "00:00", to: "00:00" },
    ];
    expect(quietUntil(weekend, SHANGHAI, at("2026-11-28T04:00:00Z"))).toBe(at("2026-11-29T16:00:00Z"));
  });

  it("end some day even where somebody made all hours quiet", () => {
    const always = [{ days: ALL, from: "00:00", to: "00:00" }];
    const now = at("2026-11-23T04:00:00Z");
    const until = quietUntil(always, SHANGHAI, now) ?? 0;
    expect(until - now).toBeLessThanOrEqual(8 * 86_400_000);
    expect(until).toBeGreaterThan(now);
  });
});
