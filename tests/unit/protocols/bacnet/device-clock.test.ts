import { describe, expect, it } from "vitest";
import { DeviceClock } from "#protocols/bacnet/server/device-clock.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** Central European Summer Time ends. */
const AUTUMN = Date.UTC(2026, 9, 25, 1);
const HOUR_MS = 3_600_000;

describe("the clock of a device that stands where summer time ends", () => {
  it("shows the time and the UTC_Offset that hold then, and an earlier moment as it was shown [BACnet 12.11.25]", () => {
    const clock = new ManualClock(AUTUMN - HOUR_MS);
    const device = new DeviceClock(clock, (at) => (at < AUTUMN ? -120 : -60));
    const before = clock.now();
    expect([device.utcOffsetMin, device.local().time.hour]).toEqual([-120, 2]);
    clock.advance(2 * HOUR_MS);
    expect([device.utcOffsetMin, device.local().time.hour]).toEqual([-60, 3]);
    expect(device.local(before).time.hour).toBe(2);
  });
});
