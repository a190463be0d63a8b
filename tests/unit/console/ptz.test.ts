import { beforeEach, describe, expect, it } from "vitest";
import type { PtzRequest } from "#cloud/console/api/hub-api.ts";
import { PtzDrive } from "#cloud/console/video/ptz-drive.ts";
import { atSpeed, DIRECTIONS, directionOf, isPtzKey } from "#cloud/console/video/ptz-keys.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { settled } from "./video-fixture.ts";

const RIGHT = { pan: 0.5 };
const UP = { tilt: 0.5 };
let clock: ManualClock;
let sent: PtzRequest[];
let failures: unknown[];
let answer: () => Promise<void>;
let drive: PtzDrive;

beforeEach(() => {
  clock = new ManualClock(0);
  sent = [];
  failures = [];
  answer = async () => undefined;
  drive = new PtzDrive({
    clock,
    send: (request) => {
      sent.push(request);
      return answer();
    },
    onFailure: (error) => failures.push(error),
  });
});

describe("turning a camera", () => {
  it("moves while it is held, told anew before the movement ends by itself, and stops when it is let go", async () => {
    drive.hold(RIGHT);
    await settled();
    expect(sent).toEqual([{ pan: 0.5, seconds: 2 }]);
    clock.advance(1200);
    await settled();
    clock.advance(1200);
    await settled();
    expect(sent).toHaveLength(3);
    drive.release();
    await settled();
    expect(sent.at(-1)).toEqual({ stop: true });
    clock.advance(10_000);
    await settled();
    expect(sent).toHaveLength(4);
    expect(clock.pending).toBe(0);
  });

  it("stops when it was let go before the movement was answered", async () => {
    let arrive = (): void => undefined;
    answer = () => new Promise((resolve) => (arrive = resolve));
    drive.hold(RIGHT);
    drive.release();
    await settled();
    expect(sent).toHaveLength(1);
    answer = async () => undefined;
    arrive();
    await settled();
    expect(sent).toEqual([{ pan: 0.5, seconds: 2 }, { stop: true }]);
  });

  it("goes another way when another direction is held, leaving out those in between", async () => {
    let arrive = (): void => undefined;
    answer = () => new Promise((resolve) => (arrive = resolve));
    drive.hold(RIGHT);
    drive.hold({ pan: 0.5, tilt: 0.5 });
    drive.hold(UP);
    answer = async () => undefined;
    arrive();
    await settled();
    expect(sent).toEqual([
      { pan: 0.5, seconds: 2 },
      { tilt: 0.5, seconds: 2 },
    ]);
  });

  it("moves no more when a movement is refused, and says so once", async () => {
    answer = () => Promise.reject(new Error("forbidden"));
    drive.hold(RIGHT);
    await settled();
    clock.advance(10_000);
    await settled();
    expect(sent).toHaveLength(1);
    expect(failures).toHaveLength(1);
    expect(drive.moving).toBe(false);
  });

  it("lets what is asked of the camera next come after its stop", async () => {
    let arrive = (): void => undefined;
    answer = () => new Promise((resolve) => (arrive = resolve));
    drive.hold(RIGHT);
    let rests = false;
    const rest = drive.rest().then(() => {
      rests = true;
    });
    arrive();
    await settled();
    expect(sent.at(-1)).toEqual({ stop: true });
    expect(rests).toBe(false);
    arrive();
    await rest;
    expect(sent).toHaveLength(2);
  });

  it("stops a camera that nobody holds when a person asks for it", async () => {
    drive.stop();
    await settled();
    expect(sent).toEqual([{ stop: true }]);
  });
});

describe("the keys of a camera", () => {
  it("turn it, two at once diagonally, and opposite ones not at all", () => {
    expect(directionOf(new Set(["ArrowUp"]))).toEqual({ tilt: 1 });
    expect(directionOf(new Set(["ArrowUp", "ArrowLeft"]))).toEqual({ pan: -1, tilt: 1 });
    expect(directionOf(new Set(["ArrowLeft", "ArrowRight"]))).toBeUndefined();
    expect(directionOf(new Set(["+", "="]))).toEqual({ zoom: 1 });
    expect(directionOf(new Set())).toBeUndefined();
  });
  it("are no others", () => {
    expect(["-", "ArrowDown", "a", "toString"].map(isPtzKey)).toEqual([true, true, false, false]);
  });
  it("drive at the speed that is chosen", () => {
    expect(atSpeed(DIRECTIONS.downRight, 0.5)).toEqual({ pan: 0.5, tilt: -0.5 });
  });
});
