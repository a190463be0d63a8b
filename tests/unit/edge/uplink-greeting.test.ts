import { describe, expect, it } from "vitest";
import { CloudGreeting } from "#edge/uplink-greeting.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** A clock of a process that stood still: time has passed, and nothing was done in it. */
class ClockAfterStandstill extends ManualClock {
  stoodStillMs = 0;
  override monotonic(): number {
    return super.monotonic() + this.stoodStillMs;
  }
}

describe("waiting for the cloud's greeting", () => {
  it("ends after a second, for each lane or for the one that was greeted", () => {
    const clock = new ManualClock(0);
    const greeting = new CloudGreeting(clock);
    let over = 0;
    greeting.connected(() => void over++);
    greeting.answered("events");
    clock.advance(999);
    expect([greeting.over("events"), greeting.over("telemetry"), over]).toEqual([true, false, 0]);
    clock.advance(1);
    expect([greeting.over("telemetry"), over]).toEqual([true, 1]);
    expect(clock.pending).toBe(0);
  });

  it("leaves no timer behind when the gateway stops", () => {
    const clock = new ManualClock(0);
    const greeting = new CloudGreeting(clock);
    let over = 0;
    greeting.connected(() => void over++);
    greeting.stop();
    expect(clock.pending).toBe(0);
    clock.advance(2_000);
    expect(over).toBe(0);
  });

  it("goes on after a standstill: what came meanwhile is read first, or a copy would number over what the cloud has", () => {
    const clock = new ClockAfterStandstill(0);
    const greeting = new CloudGreeting(clock);
    greeting.connected(() => undefined);
    clock.stoodStillMs = 5_000;
    clock.advance(250);
    expect(greeting.over("telemetry")).toBe(false);
    expect(greeting.answered("telemetry")).toBe(true);
    expect(greeting.over("telemetry")).toBe(true);
  });

  it("begins anew with each connection, and that of the one before is forgotten", () => {
    const clock = new ManualClock(0);
    const greeting = new CloudGreeting(clock);
    const over: number[] = [];
    greeting.connected(() => over.push(1));
    clock.advance(600);
    greeting.connected(() => over.push(2));
    clock.advance(600);
    expect([greeting.over("ledger"), over]).toEqual([false, []]);
    clock.advance(400);
    expect([greeting.over("ledger"), over]).toEqual([true, [2]]);
  });
});
