import { describe, expect, it } from "vitest";
import { DueTimer } from "#core/due-timer.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const NOON = Date.UTC(2026, 10, 22, 4);

/** Things that are due, kept as a database would, and what was done when. */
function bench(setBack?: (byMs: number) => void) {
  const clock = new ManualClock(NOON);
  const due: number[] = [];
  const done: number[] = [];
  const failures: unknown[] = [];
  const setBacks: number[] = [];
  let broken = false;
  const timer = new DueTimer(
    clock,
    (now) => {
      if (broken) throw new Error("away");
      for (const at of due.filter((one) => one <= now)) {
        due.splice(due.indexOf(at), 1);
        done.push(clock.now());
      }
      return due.length === 0 ? undefined : Math.min(...due);
    },
    (error) => failures.push(error),
    setBack &&
      ((byMs) => {
        setBacks.push(byMs);
        setBack(byMs);
      }),
  );
  const add = (at: number): void => {
    due.push(at);
    timer.expect(at);
  };
  return { clock, due, done, failures, setBacks, timer, add, breaks: (is: boolean) => (broken = is) };
}

describe("what is due", () => {
  it("is done at its time, once, in whatever order it was added", () => {
    const { clock, done, timer, add } = bench();
    timer.start();
    for (const at of [NOON + 90_000, NOON + 500, NOON + 40_000]) add(at);
    clock.advance(3_600_000);
    expect(done).toEqual([NOON + 500, NOON + 40_000, NOON + 90_000]);
    expect(clock.pending).toBe(0);
  });

  it("of before the start is done with the start", () => {
    const { due, done, timer } = bench();
    due.push(NOON - 5000);
    timer.start();
    expect(done).toEqual([NOON]);
  });

  it("is not done after the end", () => {
    const { clock, done, timer, add } = bench();
    timer.start();
    add(NOON + 500);
    timer.stop();
    clock.advance(3_600_000);
    expect(done).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("is done soon after the wall clock was set beyond it, and not before its time when that was set back", () => {
    const forward = bench();
    forward.timer.start();
    forward.add(NOON + 3_600_000);
    forward.clock.setWallClock(NOON + 4_000_000);
    forward.clock.advance(30_000);
    expect(forward.done).toHaveLength(1);
    const back = bench();
    back.timer.start();
    back.add(NOON + 20_000);
    back.clock.setWallClock(NOON - 60_000);
    back.clock.advance(20_000);
    expect(back.done).toEqual([]);
    back.clock.advance(60_000);
    expect(back.done).toEqual([NOON + 20_000]);
  });

  it("after so long does not wait for a wall clock that was set back, and is told by how much", () => {
    const { clock, due, done, timer, add, setBacks } = bench((byMs) => {
      for (const [i, at] of due.entries()) due[i] = at - byMs;
    });
    timer.start();
    add(NOON + 600_000);
    clock.advance(100_000);
    clock.setWallClock(NOON - 3 * 3_600_000);
    clock.advance(499_999);
    expect(done).toEqual([]);
    clock.advance(1);
    expect(setBacks).toEqual([3 * 3_600_000 + 100_000]);
    expect(done).toEqual([NOON - 3 * 3_600_000 + 500_000]);
  });

  it("after so long waits no less when it begins to wait right after the wall clock was set back", () => {
    const HOUR_MS = 3_600_000;
    const { clock, due, done, timer, add, setBacks } = bench((byMs) => {
      for (const [i, at] of due.entries()) due[i] = at - byMs;
    });
    timer.start();
    expect(timer.behind()).toBe(0);
    add(NOON + 2 * HOUR_MS);
    clock.advance(10_000);
    clock.setWallClock(clock.now() - HOUR_MS);
    expect(timer.behind()).toBe(HOUR_MS);
    add(clock.now() + 60_000 + timer.behind());
    clock.advance(59_999);
    expect([setBacks, done]).toEqual([[HOUR_MS], []]);
    expect(timer.behind()).toBe(0);
    clock.advance(1);
    expect(done).toEqual([NOON + 10_000 - HOUR_MS + 60_000]);
  });

  it("is not moved by a clock that is steered or set ahead", () => {
    const { clock, timer, add, setBacks } = bench(() => {});
    timer.start();
    add(NOON + 3_600_000);
    for (let i = 0; i < 60; i++) {
      clock.advance(10_000);
      clock.setWallClock(clock.now() - 100);
    }
    clock.setWallClock(clock.now() + 600_000);
    clock.advance(60_000);
    expect(setBacks).toEqual([]);
  });

  it("that cannot be moved yet is moved when that succeeds, by all of it", () => {
    let broken = true;
    const { clock, timer, add, setBacks, failures } = bench(() => {
      if (broken) throw new Error("away");
    });
    timer.start();
    add(NOON + 3_600_000);
    clock.setWallClock(NOON - 60_000);
    clock.advance(31_000);
    clock.setWallClock(clock.now() - 5000);
    clock.advance(1000);
    broken = false;
    clock.advance(1000);
    expect([setBacks.at(-1), failures.length]).toEqual([65_000, 1]);
  });

  it("is tried again every second while it fails, and that is told once", () => {
    const { clock, done, failures, timer, add, breaks } = bench();
    timer.start();
    add(NOON + 500);
    breaks(true);
    clock.advance(5000);
    expect(failures).toHaveLength(1);
    breaks(false);
    clock.advance(1000);
    expect(done).toHaveLength(1);
    expect(done[0]).toBeLessThanOrEqual(NOON + 6500);
  });
});
