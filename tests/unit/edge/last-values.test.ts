import { beforeEach, describe, expect, it } from "vitest";
import { type PointId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import { LastValues } from "#edge/last-values.ts";
import type { Outbox } from "#edge/outbox.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

const POINTS = 3_000;
const idOf = (at: number): PointId => pointId(`site/gw/ahu/p${at}`);
const point = (at: number): Point => ({
  id: idOf(at),
  name: "p",
  nameEn: "p",
  kind: "number",
  space: "site",
  tags: [],
  writable: false,
  revision: 1,
  address: {},
});

describe("the last values of a gateway", () => {
  const bench = new OutboxBench();
  let outbox: Outbox;
  let pipeline: Pipeline;
  let last: LastValues;

  function begin(): void {
    outbox = bench.open();
    outbox.numbers.register(Array.from({ length: POINTS }, (_, at) => idOf(at)));
    pipeline = new Pipeline(new ManualClock(1_000), {
      onChange: () => undefined,
      onReport: (samples) => {
        outbox.appendSamples(samples);
        last.note(samples);
      },
    });
    pipeline.configure(Array.from({ length: POINTS }, (_, at) => point(at)));
    last = new LastValues(outbox, pipeline, silentLogger);
  }
  beforeEach(begin);

  function reads(more: Partial<Sample> = {}, points = POINTS): void {
    pipeline.ingest(
      Array.from({ length: points }, (_, at) => ({
        point: idOf(at),
        value: at,
        quality: "good" as const,
        observedAt: 5_000,
        ...more,
      })),
    );
  }
  function restart(): void {
    outbox.commit();
    bench.close(outbox);
    begin();
  }
  const known = (): number => Array.from({ length: POINTS }, (_, at) => last.get(idOf(at))).filter(Boolean).length;

  it("are written a bounded part at a time, and all in the end, those that wait longest first", () => {
    reads();
    last.keep();
    outbox.commit();
    expect(outbox.records("lastValue").size).toBe(10);
    for (let second = 0; second < 4; second++) last.keep();
    outbox.commit();
    expect(outbox.records("lastValue").size).toBeGreaterThanOrEqual(POINTS / 64);
    restart();
    expect(known()).toBe(POINTS);
    expect(last.get(idOf(7))).toEqual({
      point: idOf(7),
      value: 7,
      quality: "uncertain",
      reason: "stale",
      observedAt: 5_000,
    });
  });

  it("keep why they were bad", () => {
    reads({ quality: "bad", reason: "deviceFault" }, 1);
    last.keep();
    restart();
    expect(last.get(idOf(0))).toMatchObject({ quality: "bad", reason: "deviceFault" });
  });

  it("survive a second restart without any new reading, and give way to the first", () => {
    reads();
    last.keep(Number.POSITIVE_INFINITY);
    restart();
    reads({ value: 99, observedAt: 9_000 }, 1);
    expect(last.get(idOf(0))).toMatchObject({ value: 99, quality: "good" });
    last.keep(Number.POSITIVE_INFINITY);
    restart();
    expect(known()).toBe(POINTS);
    expect(last.get(idOf(0))).toMatchObject({ value: 99, quality: "uncertain" });
    expect(last.get(idOf(1))).toMatchObject({ value: 1, quality: "uncertain", observedAt: 5_000 });
  });

  it("are nothing for a point that has left the configuration", () => {
    reads();
    last.keep(Number.POSITIVE_INFINITY);
    restart();
    pipeline.configure([point(0)]);
    expect(known()).toBe(1);
  });
});
