import { expect, it } from "vitest";
import { SignInThrottle } from "#cloud/auth/throttle.ts";
import { ManualClock } from "#tests/manual-clock.ts";

function guessing(times: number, keys: readonly string[] = ["user:a", "ip:1"]) {
  const clock = new ManualClock(1_000_000);
  const throttle = new SignInThrottle(clock);
  for (let i = 0; i < times; i++) throttle.failed(keys);
  return { clock, throttle };
}

it("forgives four failures, then doubles the wait with each further one up to a quarter of an hour", () => {
  const waits = [4, 5, 6, 7, 13, 14, 40].map((times) => guessing(times).throttle.waitMs(["user:a"]));
  expect(waits).toEqual([0, 2_000, 4_000, 8_000, 512_000, 900_000, 900_000]);
});

it("waits for the slowest of the keys: a guessed account and a guessing address", () => {
  const { throttle } = guessing(5, ["user:a"]);
  for (let i = 0; i < 6; i++) throttle.failed(["ip:1"]);
  expect(throttle.waitMs(["user:b", "ip:2"])).toBe(0);
  expect(throttle.waitMs(["user:a", "ip:2"])).toBe(2_000);
  expect(throttle.waitMs(["user:a", "ip:1"])).toBe(4_000);
});

it("lets try again when the wait is over, and forgets after an hour", () => {
  const { clock, throttle } = guessing(5);
  clock.advance(1_999);
  expect(throttle.waitMs(["user:a"])).toBe(1);
  clock.advance(1);
  expect(throttle.waitMs(["user:a"])).toBe(0);
  throttle.failed(["user:a"]);
  expect(throttle.waitMs(["user:a"])).toBe(4_000);
  clock.advance(60 * 60_000);
  throttle.failed(["user:a"]);
  expect(throttle.waitMs(["user:a"])).toBe(0);
});

it("clears the account that got in, but an address only of that one attempt", () => {
  const { throttle } = guessing(5);
  throttle.failed(["user:own", "ip:1"]);
  throttle.succeeded("user:own");
  throttle.takeBack("ip:1");
  expect(throttle.waitMs(["user:own"])).toBe(0);
  expect(throttle.waitMs(["user:a"])).toBe(2_000);
  expect(throttle.waitMs(["ip:1"])).toBe(2_000);
  throttle.takeBack("ip:1");
  expect(throttle.waitMs(["ip:1"])).toBe(0);
});

it("tells the first refusal of each waiting time", () => {
  const { clock, throttle } = guessing(5);
  const keys = ["user:a", "ip:1"];
  expect([1, 2, 3].map(() => throttle.firstRefusal(keys))).toEqual([true, false, false]);
  clock.advance(2_000);
  throttle.failed(keys);
  expect([1, 2].map(() => throttle.firstRefusal(keys))).toEqual([true, false]);
  expect(throttle.firstRefusal(["user:b"])).toBe(false);
});

it("remembers a bounded number of keys, the newest", () => {
  const { throttle } = guessing(5, ["user:old"]);
  for (let i = 0; i < 10_000; i++) throttle.failed([`user:${i}`]);
  expect(throttle.waitMs(["user:old"])).toBe(0);
});
