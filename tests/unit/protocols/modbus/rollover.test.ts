import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { RolloverMemory } from "#protocols/modbus/rollover.ts";
import { ManualClock } from "../../../manual-clock.ts";

const FULL = 2 ** 32;
const point = pointId("s/g/meter/energy");
let clock = new ManualClock(0);
let folder = "";
const memory = () => new RolloverMemory(path.join(folder, "modbus-1"), clock, silentLogger);

beforeEach(() => {
  clock = new ManualClock(0);
  folder = mkdtempSync(path.join(tmpdir(), "parkhub-rollover-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("a counter that starts again at 0 shows a continuous total", () => {
  const total = memory().totalOf(point, FULL);
  expect([FULL - 10, FULL - 1, 5, 20].map(total)).toEqual([FULL - 10, FULL - 1, FULL + 5, FULL + 20]);
  expect([FULL - 3, 2].map(total), "jumps of nearly a turn are none").toEqual([2 * FULL - 3, 2 * FULL + 2]);
});

it("a decimal counter of 8 digits starts again after 99,999,999", () => {
  const total = memory().totalOf(point, 100_000_000);
  expect([99_999_999, 0, 1].map(total)).toEqual([99_999_999, 100_000_000, 100_000_001]);
});

it("a counter that was set back falls with it, and is counted", () => {
  const counters = memory();
  const total = counters.totalOf(point, FULL);
  expect([1000, 3, 4].map(total)).toEqual([1000, 3, 4]);
  expect(counters.resets).toBe(1);
});

it("the total survives a kill right after the roll-over", () => {
  const total = memory().totalOf(point, FULL);
  expect([FULL - 1, 7].map(total)).toEqual([FULL - 1, FULL + 7]);
  expect(memory().totalOf(point, FULL)(9)).toBe(FULL + 9);
});

it("a roll-over while nobody looked is found", () => {
  const before = memory();
  expect(before.totalOf(point, FULL)(FULL - 50)).toBe(FULL - 50);
  before.close();
  expect(memory().totalOf(point, FULL)(70)).toBe(FULL + 70);
});

it("a reading is written within a minute, so that a kill loses no more", () => {
  memory().totalOf(point, FULL)(FULL - 50);
  clock.advance(60_000);
  expect(memory().totalOf(point, FULL)(70)).toBe(FULL + 70);
});

it("a point that was away for a while goes on from what it had, not from what the file held at the start", () => {
  const counters = memory();
  const total = counters.totalOf(point, FULL);
  expect([FULL - 1, 7].map(total)).toEqual([FULL - 1, FULL + 7]);
  counters.close();
  const later = memory();
  const again = later.totalOf(point, FULL);
  expect([FULL - 5, 3].map(again)).toEqual([2 * FULL - 5, 2 * FULL + 3]);
  later.keep(new Set());
  expect(later.totalOf(point, FULL)(8), "in the same run").toBe(2 * FULL + 8);
  later.keep(new Set());
  later.totalOf(pointId("s/g/other/energy"), FULL)(1);
  later.close();
  expect(memory().totalOf(point, FULL)(9), "after a restart").toBe(2 * FULL + 9);
});

it("a file that cannot be read begins anew", () => {
  const first = memory();
  first.totalOf(point, FULL)(5);
  first.close();
  const [file = ""] = readdirSync(path.join(folder, "modbus-1"));
  writeFileSync(path.join(folder, "modbus-1", file), "{");
  expect(memory().totalOf(point, FULL)(6)).toBe(6);
});
