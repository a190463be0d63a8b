import { beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import { isFromRecord, type Sample, type Value } from "#core/model/sample.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const ID = pointId("site/gw/ahu/temp");

function point(more: Partial<Point> = {}): Point {
  return {
    id: ID,
    name: "温度",
    nameEn: "temperature",
    kind: "number",
    space: "site",
    tags: [],
    writable: true,
    revision: 1,
    address: {},
    ...more,
  };
}

describe("the pipeline", () => {
  let clock: ManualClock;
  let changes: Sample[];
  let reports: Sample[];
  let pipeline: Pipeline;

  beforeEach(() => {
    clock = new ManualClock(1_800_000_000_000);
    changes = [];
    reports = [];
    pipeline = new Pipeline(clock, {
      onChange: (sample) => changes.push(sample),
      onReport: (samples) => reports.push(...samples),
    });
  });

  function raw(value: Value, more: Partial<Sample> = {}): void {
    pipeline.ingest([{ point: ID, value, quality: "good", observedAt: clock.now(), ...more }]);
  }

  it("gives engineering values by scale and offset, without decimals that only the arithmetic made", () => {
    pipeline.configure([point({ scale: 0.1, offset: -10 })]);
    raw(313);
    expect(pipeline.latest(ID)?.value).toBe(21.3);
  });

  it("passes over what is no sample, and takes those beside it", () => {
    pipeline.configure([point()]);
    const odd = [
      null,
      "x",
      { point: ID, value: 1, quality: "good" },
      { point: ID, value: 2, quality: "fine", observedAt: 5 },
    ];
    const late = { point: ID, value: 3, quality: "good", observedAt: 5, sourceTime: Number.NaN };
    pipeline.ingest([...odd, late, { point: ID, value: 4, quality: "good", observedAt: 5 }] as Sample[]);
    expect(changes.map(({ value, observedAt }) => [value, observedAt])).toEqual([[4, 5]]);
    expect(pipeline.counters["malformed"]).toBe(5);
  });

  it("tells the device's time where it is another than ours: equal times mark what comes out of a device's record", () => {
    pipeline.configure([point()]);
    const now = clock.now();
    raw(1, { sourceTime: now });
    raw(2, { sourceTime: now + 1 });
    raw(3, { sourceTime: now });
    expect(reports.map(({ sourceTime, observedAt }) => [sourceTime, observedAt])).toEqual([
      [undefined, now],
      [undefined, now + 1],
      [now, now + 2],
    ]);
    expect(reports.some(isFromRecord)).toBe(false);
    const past = { point: ID, value: 1, quality: "good", observedAt: now, sourceTime: now - 5 } as const;
    expect(pipeline.historical([past]).every(isFromRecord)).toBe(true);
  });

  it("shortens a text that no birth could carry, and says that it is not whole", () => {
    pipeline.configure([point({ kind: "string" })]);
    raw("x".repeat(2_001));
    expect(pipeline.latest(ID)).toMatchObject({ value: "x".repeat(2_000), quality: "uncertain", reason: "outOfRange" });
  });

  it("unscales a write, so that what is read back is what was asked for", () => {
    pipeline.configure([point({ scale: 0.1, offset: -10 })]);
    expect(pipeline.toRaw(ID, 21.3)).toEqual({ raw: 313 });
    expect(pipeline.toEngineering(ID, 313)).toBe(21.3);
  });

  it("reports a value by exception: unchanged ones and those within the deadband are not told", () => {
    pipeline.configure([point({ deadband: 0.5 })]);
    for (const value of [20, 20, 20.4, 20.49, 20.5, 20.2, 20]) raw(value);
    expect(reports.map((sample) => sample.value)).toEqual([20, 20.5, 20]);
  });

  it("lets alarms and linkages see every change, also within the deadband", () => {
    pipeline.configure([point({ deadband: 5 })]);
    for (const value of [20, 21, 21, 22]) raw(value);
    expect(changes.map((sample) => sample.value)).toEqual([20, 21, 22]);
  });

  it("reports every change of quality, also when the value stays within the deadband", () => {
    pipeline.configure([point({ deadband: 5 })]);
    raw(20);
    raw(20, { quality: "bad", reason: "commLost" });
    raw(20, { quality: "bad", reason: "deviceFault" });
    raw(20);
    expect(reports.map(({ quality, reason }) => [quality, reason])).toEqual([
      ["good", undefined],
      ["bad", "commLost"],
      ["bad", "deviceFault"],
      ["good", undefined],
    ]);
  });

  it("calls a value outside the believable range uncertain and keeps it", () => {
    pipeline.configure([point({ min: -20, max: 60 })]);
    raw(327.67);
    expect(pipeline.latest(ID)).toMatchObject({ value: 327.67, quality: "uncertain", reason: "outOfRange" });
  });

  it.each([
    ["number", "text", { value: null, quality: "bad", reason: "configError" }],
    ["number", Number.NaN, { value: null, quality: "bad", reason: "noValue" }],
    ["enum", 1.5, { value: null, quality: "bad", reason: "configError" }],
    ["boolean", 1, { value: true, quality: "good" }],
    ["boolean", 2, { value: null, quality: "bad", reason: "configError" }],
    ["string", "text", { value: "text", quality: "good" }],
    ["string", null, { value: null, quality: "bad", reason: "noValue" }],
  ] as const)("checks the kind of a %s that is %s", (kind, value, expected) => {
    pipeline.configure([point({ kind })]);
    raw(value);
    expect(pipeline.latest(ID)).toMatchObject(expected);
  });

  it("makes a point uncertain (stale) once when nothing is heard for 180 s, and good again when it is heard", () => {
    pipeline.configure([point()]);
    raw(20);
    clock.advance(180_000);
    pipeline.sweep();
    expect(pipeline.latest(ID)?.quality).toBe("good");
    clock.advance(1);
    pipeline.sweep();
    pipeline.sweep();
    raw(20);
    expect(reports.map(({ quality, reason }) => [quality, reason])).toEqual([
      ["good", undefined],
      ["uncertain", "stale"],
      ["good", undefined],
    ]);
  });

  it("takes an unchanged value for a sign of life", () => {
    pipeline.configure([point({ staleAfterMs: 1_000 })]);
    for (let i = 0; i < 5; i++) {
      raw(20);
      clock.advance(900);
      pipeline.sweep();
    }
    expect(reports).toHaveLength(1);
  });

  it("keeps the last value of a point whose driver is gone, as bad, and does not also call it stale", () => {
    pipeline.configure([point()]);
    raw(20);
    pipeline.fail([ID], "driverFailed");
    clock.advance(200_000);
    pipeline.sweep();
    expect(reports).toHaveLength(2);
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "bad", reason: "driverFailed" });
  });

  it("keeps the last value of a device that fell silent, as bad", () => {
    pipeline.configure([point()]);
    raw(20);
    raw(null, { quality: "bad", reason: "commLost" });
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "bad", reason: "commLost" });
  });

  it("tells a point that was never heard of after the same time, as bad without value", () => {
    pipeline.configure([point()]);
    clock.advance(180_001);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: null, quality: "bad", reason: "stale" });
  });

  it("calls a point stale that its device, which was lost and is back, has not told for that time", () => {
    pipeline.configure([point()]);
    raw(20);
    raw(null, { quality: "bad", reason: "commLost" });
    pipeline.deviceState("site/gw/ahu", false);
    clock.advance(600_000);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "bad", reason: "commLost" });
    pipeline.deviceState("site/gw/ahu", true);
    clock.advance(180_000);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ reason: "commLost" });
    clock.advance(1);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "uncertain", reason: "stale" });
  });

  it("says the same of one whose driver ended and runs again", () => {
    pipeline.configure([point()]);
    raw(20);
    pipeline.fail([ID], "driverFailed");
    pipeline.deviceState("site/gw/ahu", false);
    clock.advance(600_000);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "bad", reason: "driverFailed" });
    pipeline.deviceState("site/gw/ahu", true);
    clock.advance(180_001);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: 20, quality: "uncertain", reason: "stale" });
  });

  it("says the same of one that was lost from the beginning, and of none that is lost again before", () => {
    pipeline.configure([point()]);
    raw(null, { quality: "bad", reason: "commLost" });
    pipeline.deviceState("site/gw/ahu", true);
    clock.advance(100_000);
    pipeline.deviceState("site/gw/ahu", false);
    clock.advance(100_000);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: null, reason: "commLost" });
    pipeline.deviceState("site/gw/ahu", true);
    clock.advance(180_001);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ value: null, quality: "bad", reason: "stale" });
  });

  it("leaves to a point of a device that is back the reason that its driver has given since", () => {
    pipeline.configure([point()]);
    raw(null, { quality: "bad", reason: "commLost" });
    pipeline.deviceState("site/gw/ahu", true);
    raw(null, { quality: "bad", reason: "configError" });
    clock.advance(180_001);
    pipeline.sweep();
    expect(pipeline.latest(ID)).toMatchObject({ reason: "configError" });
  });

  it("gives row times that grow strictly, also when the clock is set back and after a restart", () => {
    const before = clock.now() + 5_000;
    const restarted = new Pipeline(
      clock,
      { onChange: () => undefined, onReport: (samples) => reports.push(...samples) },
      before,
    );
    restarted.configure([point()]);
    restarted.ingest([1, 2, 3].map((value) => ({ point: ID, value, quality: "good", observedAt: clock.now() })));
    clock.setWallClock(clock.now() - 3_600_000);
    restarted.ingest([{ point: ID, value: 4, quality: "good", observedAt: clock.now() }]);
    expect(reports.map((sample) => sample.observedAt)).toEqual([before + 1, before + 2, before + 3, before + 4]);
  });

  it("forgets the last value when the revision grows: it was in another unit", () => {
    pipeline.configure([point()]);
    raw(20);
    pipeline.configure([point({ revision: 2, scale: 2 })]);
    expect(pipeline.latest(ID)).toBeUndefined();
    raw(20);
    expect(reports.map((sample) => sample.value)).toEqual([20, 40]);
  });

  it.each([
    [point({ writable: false }), 1, "POINT_READ_ONLY"],
    [point({ min: 0, max: 10 }), 11, "VALUE_OUT_OF_RANGE"],
    [point(), "on", "VALUE_KIND"],
    [point({ kind: "enum", states: [{ value: 1, name: "开", nameEn: "on" }] }), 2, "VALUE_OUT_OF_RANGE"],
  ])("refuses a write the point forbids (%#)", (configured, value, code) => {
    pipeline.configure([configured]);
    expect(pipeline.toRaw(ID, value)).toMatchObject({ code });
  });

  it("lets a relinquish pass and refuses a point it does not know", () => {
    pipeline.configure([point({ min: 0 })]);
    expect(pipeline.toRaw(ID, null)).toEqual({ raw: null });
    expect(pipeline.toRaw("site/gw/ahu/other", 1)).toMatchObject({ code: "POINT_UNKNOWN" });
  });

  it("counts samples of points it does not know and drops them", () => {
    raw(1);
    expect(pipeline.counters["unknownPoint"]).toBe(1);
    expect(reports).toEqual([]);
  });
});
