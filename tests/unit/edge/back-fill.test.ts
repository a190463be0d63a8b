import { beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { BackFill } from "#edge/back-fill.ts";
import type { Outbox } from "#edge/outbox.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { StoredEvents } from "#edge/stored-events.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

const POINT = pointId("site/gw/pump/pressure");
const NOW = 1_800_000_000_000;

describe("values of the past out of a device's own record", () => {
  const bench = new OutboxBench();
  let outbox: Outbox;
  let pipeline: Pipeline;

  beforeEach(() => {
    outbox = bench.open();
    outbox.numbers.register([POINT]);
    pipeline = new Pipeline(new ManualClock(NOW), { onChange: () => undefined, onReport: () => undefined });
    const named = { name: "压力", nameEn: "pressure", space: "s", tags: [], revision: 1, address: {}, writable: false };
    pipeline.configure([{ ...named, id: POINT, kind: "number", scale: 0.1 }]);
  });

  const past = (value: number, sourceTime?: number): Sample => ({
    point: POINT,
    value,
    quality: "good",
    observedAt: NOW,
    ...(sourceTime === undefined ? {} : { sourceTime }),
  });
  const stored = () =>
    outbox
      .telemetryAfter(0, 10)
      .flatMap(({ samples }) => samples.map(({ value, observedAt, historical }) => [value, observedAt, historical]));

  it("are stored scaled, at the device's time, marked historical, and leave the live value alone", () => {
    new BackFill(outbox, pipeline).take([past(15, NOW - 2_000), past(16, NOW - 1_000)]);
    outbox.commit();
    expect(stored()).toEqual([
      [1.5, NOW - 2_000, true],
      [1.6, NOW - 1_000, true],
    ]);
    expect(pipeline.latest(POINT)).toBeUndefined();
  });

  it("are stored once, also when a driver reads the same stretch again after a restart", () => {
    new BackFill(outbox, pipeline).take([past(15, NOW - 2_000), past(16, NOW - 1_000)]);
    outbox.commit();
    const again = new BackFill(outbox, pipeline);
    again.take([past(15, NOW - 2_000), past(16, NOW - 1_000), past(17, NOW - 500)]);
    outbox.commit();
    expect(stored().map(([value]) => value)).toEqual([1.5, 1.6, 1.7]);
    expect(again.counters).toEqual({ taken: 1, known: 2 });
  });

  it("fill a hole that is older than what was filled already, each once", () => {
    const backFill = new BackFill(outbox, pipeline);
    backFill.take([past(40, NOW - 4_000), past(41, NOW - 3_500)]);
    backFill.take([past(20, NOW - 9_000), past(21, NOW - 8_500)]);
    backFill.take([past(30, NOW - 6_000)]);
    backFill.take([past(20, NOW - 9_000), past(30, NOW - 6_000), past(41, NOW - 3_500)]);
    outbox.commit();
    expect(stored().map(([value]) => value)).toEqual([4, 4.1, 2, 2.1, 3]);
    const again = new BackFill(outbox, pipeline);
    again.take([past(21, NOW - 8_500), past(22, NOW - 7_000), past(40, NOW - 4_000)]);
    outbox.commit();
    expect(stored().map(([value]) => value)).toEqual([4, 4.1, 2, 2.1, 3, 2.2]);
  });

  it("of both sides of a stretch that is known leave what is in it out", () => {
    const backFill = new BackFill(outbox, pipeline);
    backFill.take([past(30, NOW - 6_000), past(31, NOW - 5_000)]);
    backFill.take([past(10, NOW - 9_000), past(30, NOW - 6_000), past(50, NOW - 1_000)]);
    backFill.take([past(20, NOW - 7_000), past(40, NOW - 3_000)]);
    outbox.commit();
    expect(stored().map(([value]) => value)).toEqual([3, 3.1, 1, 5, 2, 4]);
  });

  it("need little memory, however many holes were filled: what is told again stays known", () => {
    const backFill = new BackFill(outbox, pipeline);
    const holes = Array.from({ length: 50 }, (_, i) => past(i, NOW - 1_000_000 + i * i * 100));
    for (const hole of holes) backFill.take([hole]);
    backFill.take(holes);
    outbox.commit();
    expect(backFill.counters).toEqual({ taken: 50, known: 50 });
    expect((outbox.records("backFill").get(POINT) as unknown[]).length).toBeLessThanOrEqual(8);
  });

  it("told by a former version up to a time are not stored again", () => {
    outbox.put("backFill", POINT, NOW - 5_000);
    outbox.commit();
    new BackFill(outbox, pipeline).take([past(10, NOW - 6_000), past(20, NOW - 5_000), past(30, NOW - 4_000)]);
    outbox.commit();
    expect(stored().map(([value]) => value)).toEqual([3]);
  });

  it("without a time or of a point that is not configured are left out and counted", () => {
    new BackFill(outbox, pipeline).take([past(15), { ...past(1, NOW), point: pointId("site/gw/pump/other") }]);
    outbox.commit();
    expect(stored()).toEqual([]);
    expect(pipeline.counters).toMatchObject({ malformed: 1, unknownPoint: 1 });
  });
});

describe("a device whose clock is ahead", () => {
  const bench = new OutboxBench();

  it("puts nothing into the future, and what it tells rightly later is still taken", () => {
    const outbox = bench.open();
    outbox.numbers.register([POINT]);
    const pipeline = new Pipeline(new ManualClock(NOW), { onChange: () => undefined, onReport: () => undefined });
    const named = { name: "压力", nameEn: "pressure", space: "s", tags: [], revision: 1, address: {}, writable: false };
    pipeline.configure([{ ...named, id: POINT, kind: "number" }]);
    const backFill = new BackFill(outbox, pipeline);
    const past = (value: number, sourceTime: number): Sample => ({
      point: POINT,
      value,
      quality: "good",
      observedAt: NOW,
      sourceTime,
    });
    backFill.take([past(1, NOW + 86_400_000)]);
    backFill.take([past(2, NOW - 1_000)]);
    outbox.commit();
    expect(outbox.telemetryAfter(0, 10).flatMap(({ samples }) => samples.map(({ value }) => value))).toEqual([2]);
    expect(outbox.lastObservedAt).toBe(NOW - 1_000);
    expect(pipeline.counters).toMatchObject({ malformed: 1 });
  });
});

describe("the sender of an event", () => {
  const bench = new OutboxBench();

  it("is told only after the commit that wrote it, and at once when it was refused", () => {
    const outbox = bench.open();
    const events = new StoredEvents(outbox);
    const told: [string, boolean][] = [];
    const event = { id: "e", device: "site/gw/panel", kind: "panelEvent", observedAt: NOW };
    events.after(outbox.append("events", { kind: "deviceEvent", event }), (stored) => told.push(["first", stored]));
    expect(told).toEqual([]);
    outbox.commit();
    expect(told).toEqual([["first", true]]);
    events.after(false, (stored) => told.push(["refused", stored]));
    expect(told).toEqual([
      ["first", true],
      ["refused", false],
    ]);
  });
});
