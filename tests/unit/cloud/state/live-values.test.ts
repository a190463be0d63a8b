import { beforeEach, describe, expect, it } from "vitest";
import { LiveValues } from "#cloud/state/values.ts";
import { pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";

const point = pointId("park/gw-1/ahu-1/temperature");
const TEMPERATURE = 3;
const FAN = 5000;
const UNKNOWN = 4;
const DEVICE = 0;

type Reading = Omit<Sample, "point">;
const reading = (value: Sample["value"], observedAt: number): Reading => ({ value, quality: "good", observedAt });
const lost = (observedAt: number): Reading => ({ value: null, quality: "bad", reason: "commLost", observedAt });
/** What a birth made at `at` says of a point that no driver has read yet. */
const neverRead = (at: number): Reading => ({ value: null, quality: "bad", reason: "noValue", observedAt: at });

let values: LiveValues;
beforeEach(() => {
  values = new LiveValues();
  values.setDevices([[TEMPERATURE, FAN]]);
});

function columnsOf(rows: readonly (readonly [number, Reading])[]): SampleAppender["columns"] {
  const appender = new SampleAppender();
  for (const [number, sample] of rows) appender.sample(number, sample);
  return appender.columns;
}
const take = (...rows: readonly (readonly [number, Reading])[]): void => values.take(columnsOf(rows), 0, rows.length);
const birth = (...rows: readonly (readonly [number, Reading])[]): void => values.takeBirth(columnsOf(rows));
const held = (number = TEMPERATURE): Sample | undefined => values.get(number, point);

describe("the newest value of a point", () => {
  it("is the first reading, also where the driver saw it a moment before the birth that knew of none", () => {
    birth([TEMPERATURE, neverRead(1000)]);
    take([TEMPERATURE, reading(21.5, 980)]);
    expect(held()).toEqual({ point, ...reading(21.5, 980) });
  });

  it("is what the birth said, and not what was seen before and sent after it", () => {
    birth([TEMPERATURE, reading(22, 1000)]);
    take([TEMPERATURE, reading(21.5, 980)]);
    expect(held()).toEqual({ point, ...reading(22, 1000) });
  });

  it.each([
    reading("auto", 1),
    reading(false, 1),
    reading(-0, 1),
    { ...lost(1), sourceTime: 7 },
    { value: 1, quality: "uncertain", observedAt: 2 } as const,
  ])("is given back as it came: %o", (sample) => {
    take([TEMPERATURE, reading("before", 0)], [TEMPERATURE, sample]);
    expect(held()).toEqual({ point, ...sample });
  });

  it("is not changed by what is historical, nor kept of a point that the site does not have", () => {
    take(
      [TEMPERATURE, reading(20, 1)],
      [TEMPERATURE, { ...reading(30, 2), historical: true }],
      [UNKNOWN, reading(1, 1)],
    );
    expect(held()?.value).toBe(20);
    expect(held(UNKNOWN)).toBeUndefined();
    expect(values.drainChanged(10)).toEqual([TEMPERATURE]);
  });
});

describe("what has changed", () => {
  it("is told once for each point, however often it did, and the rest with the next question", () => {
    take([FAN, reading(true, 1)], [TEMPERATURE, reading(1, 1)], [FAN, reading(false, 2)]);
    expect(values.drainChanged(1)).toEqual([FAN]);
    take([TEMPERATURE, reading(2, 2)]);
    expect(values.changed).toBe(1);
    expect(values.drainChanged(10)).toEqual([TEMPERATURE]);
    expect(values.drainChanged(10)).toEqual([]);
  });

  it("since a revision is what came after it", () => {
    take([FAN, reading(true, 1)]);
    const { revision } = values;
    expect([...values.since(revision)]).toEqual([]);
    take([TEMPERATURE, reading(1, 1)]);
    expect([...values.since(revision)]).toEqual([TEMPERATURE]);
    expect([...values.since(0)]).toEqual([TEMPERATURE, FAN]);
  });
});

describe("a device", () => {
  it("is lost with its last point that can be reached and back with the first, each told once", () => {
    take([FAN, reading(true, 1)], [TEMPERATURE, reading(1, 1)]);
    expect(values.drainDevices()).toEqual([DEVICE]);
    take([FAN, lost(2)]);
    expect(values.drainDevices()).toEqual([]);
    take([TEMPERATURE, lost(3)]);
    expect(values.drainDevices()).toEqual([DEVICE]);
    expect(values.reachability([TEMPERATURE, FAN])).toEqual({
      known: true,
      online: false,
      reason: "commLost",
      since: 3,
    });
    take([FAN, reading(true, 4)], [FAN, lost(5)], [FAN, reading(true, 6)]);
    expect(values.drainDevices()).toEqual([DEVICE]);
    expect(values.isOnline(DEVICE)).toBe(true);
  });

  it("that falls silent and answers again in one commit has not changed", () => {
    take([FAN, reading(true, 1)]);
    values.drainDevices();
    take([FAN, lost(2)], [FAN, reading(true, 3)]);
    expect(values.drainDevices()).toEqual([]);
  });

  it("stands as before when the site is described anew", () => {
    take([FAN, reading(true, 1)], [TEMPERATURE, lost(1)]);
    values.setDevices([[UNKNOWN], [TEMPERATURE, FAN]]);
    expect([values.isOnline(0), values.isOnline(1)]).toEqual([false, true]);
    expect(values.drainDevices()).toEqual([]);
    take([FAN, lost(2)]);
    expect(values.isOnline(1)).toBe(false);
  });
});
