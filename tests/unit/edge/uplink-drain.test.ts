import { beforeEach, describe, expect, it } from "vitest";
import { DrainMeter, TelemetryWindow } from "#edge/uplink-drain.ts";
import { ManualClock } from "#tests/manual-clock.ts";

describe("the telemetry window", () => {
  let clock: ManualClock;
  let window: TelemetryWindow;

  beforeEach(() => {
    clock = new ManualClock(1_800_000_000_000);
    window = new TelemetryWindow(clock);
  });

  const open = (): void => {
    window.sent("backlog", 110, 100);
    window.acked(110);
  };

  it("sends the oldest row first and alone until the cloud has answered", () => {
    window.reset(100, 1_001);
    expect(window.room("live", false)).toBe(false);
    expect(window.room("backlog", false)).toBe(true);
    window.sent("backlog", 110, 100);
    expect(window.room("backlog", false)).toBe(false);
    window.acked(110);
    expect(window.room("live", false)).toBe(true);
    expect(window.room("backlog", false)).toBe(true);
  });

  it("sends the oldest row first and alone also when the cloud has said before what it had", () => {
    window.reset(100, 1_001);
    window.acked(100);
    expect(window.room("live", false)).toBe(false);
    window.sent("backlog", 110, 100);
    expect(window.room("backlog", false)).toBe(false);
    window.acked(110);
    expect(window.room("live", false)).toBe(true);
  });

  it("keeps room for what is live however much of the backlog is under way", () => {
    window.reset(100, 100_001);
    open();
    let last = 110;
    while (window.room("backlog", false)) window.sent("backlog", ++last, 100);
    expect(last).toBe(134);
    expect(window.room("live", false)).toBe(true);
    let live = 100_000;
    while (window.room("live", false)) window.sent("live", ++live, 100);
    expect(live).toBe(100_008);
  });

  it("lets the backlog have only a small share while events wait", () => {
    window.reset(100, 100_001);
    open();
    window.sent("backlog", 120, 100);
    window.sent("backlog", 130, 100);
    expect(window.room("backlog", true)).toBe(false);
    expect(window.room("backlog", false)).toBe(true);
  });

  it("takes a live batch for arrived when a later one of the backlog is acked, and goes back to it when it was lost", () => {
    window.reset(100, 201);
    open();
    for (let live = 201; window.room("live", false); live++) window.sent("live", live, 100);
    expect(window.room("live", false)).toBe(false);
    window.sent("backlog", 200, 100);
    window.acked(200);
    expect(window.room("live", false)).toBe(true);
    expect(window.remaining).toBe(0);
    clock.advance(4_999);
    expect(window.rewindIfStalled(200)).toBe(false);
    clock.advance(1);
    expect(window.rewindIfStalled(200)).toBe(true);
    expect(window.cursor("live")).toBe(200);
  });

  it("bounds what is under way by bytes as well", () => {
    window.reset(100, 201);
    open();
    window.sent("backlog", 111, 2 * 1024 * 1024);
    expect(window.room("backlog", false)).toBe(false);
    expect(window.room("live", false)).toBe(true);
  });

  it("gives the whole window to what is live when nothing waited before", () => {
    window.reset(100, 101);
    window.sent("live", 101, 10);
    window.acked(101);
    let last = 101;
    while (window.room("live", false)) window.sent("live", ++last, 10);
    expect(last).toBe(133);
  });

  it("makes history of what waited for long when births are sent again, and not of what is under way", () => {
    window.reset(100, 101);
    window.sent("live", 110, 10);
    window.reborn(100, 500);
    expect(window.liveFrom).toBe(101);
    window.sent("live", 110, 10);
    clock.advance(10_000);
    window.reborn(100, 500);
    expect(window.liveFrom).toBe(500);
    expect(window.remaining).toBe(399);
  });

  it("does not go back for rows that are in the file no more", () => {
    window.reset(100, 201);
    window.exhausted("backlog");
    expect(window.room("live", false)).toBe(true);
    clock.advance(60_000);
    expect(window.rewindIfStalled(100)).toBe(false);
  });
});

describe("the drain of a backlog", () => {
  it("is told by how fast acks come, and is unknown while none do", () => {
    const clock = new ManualClock(0);
    const meter = new DrainMeter(clock);
    expect(meter.look(0, 10_000)).toEqual({ perS: 0, drainedInS: -1 });
    clock.advance(4_000);
    expect(meter.look(2_000, 8_000)).toEqual({ perS: 500, drainedInS: 16 });
    clock.advance(4_000);
    expect(meter.look(4_000, 6_000)).toEqual({ perS: 500, drainedInS: 12 });
    clock.advance(400_000);
    expect(meter.look(4_000, 6_000)).toMatchObject({ drainedInS: -1 });
    expect(meter.look(10_000, 0)).toMatchObject({ drainedInS: 0 });
  });
});
