import { beforeEach, describe, expect, it } from "vitest";
import { ClockWatch } from "#cloud/ingest/clock-watch.ts";
import { gatewayId } from "#core/ids.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
const HOUR_MS = 3_600_000;
let clock: ManualClock;
let watch: ClockWatch;
let aheadMs = 0;
beforeEach(() => {
  clock = new ManualClock(1_790_000_000_000);
  watch = new ClockWatch(clock);
  aheadMs = 0;
});

/** So many messages, one a second, each `lateMs` under way: the jumps that were told. */
function messages(count: number, lateMs = 0): readonly number[] {
  return Array.from({ length: count }, () => {
    clock.advance(1000);
    return watch.take(GATEWAY, clock.now() + aheadMs - lateMs);
  }).filter((jump) => jump !== undefined);
}

describe("the clock of a gateway", () => {
  it("may be wrong as long as it goes on", () => {
    aheadMs = HOUR_MS;
    expect(messages(20)).toEqual([]);
  });

  it.each([HOUR_MS, -HOUR_MS, 10 * 365 * 24 * HOUR_MS, 6000])("that moves by %d ms is told once", (byMs) => {
    messages(5);
    aheadMs = byMs;
    expect(messages(20)).toEqual([byMs]);
  });

  it("that drifts or is set by less than five seconds has not jumped", () => {
    for (let i = 0; i < 30; i++) {
      aheadMs += 1000;
      expect(messages(1)).toEqual([]);
    }
  });

  it("has not jumped because its messages waited and then caught up", () => {
    messages(3);
    for (const lateMs of [20_000, 15_000, 9000, 3000, 0]) expect(messages(1, lateMs)).toEqual([]);
    expect(messages(10)).toEqual([]);
  });

  it("is compared with ours: when that is set, every gateway has jumped the other way", () => {
    messages(3);
    const theirs = clock.now();
    clock.setWallClock(theirs + HOUR_MS);
    aheadMs = -HOUR_MS;
    expect(messages(10)).toEqual([-HOUR_MS]);
  });
});
