import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { Writes } from "#edge/writes.ts";
import type { WriteRequest, WriteResult } from "#protocols/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench } from "./outbox-bench.ts";

const LIGHT = pointId("site/gw/a/x");

describe("a lease on a point", () => {
  const bench = new OutboxBench();
  let clock: ManualClock;
  let field: WriteRequest[];
  let answer: WriteResult;
  let writes: Writes;

  beforeEach(() => {
    clock = new ManualClock(1_800_000_000_000);
    field = [];
    answer = { status: "done", readBack: 1 };
    const pipeline = new Pipeline(clock, { onChange: () => undefined, onReport: () => undefined });
    pipeline.configure([
      {
        id: LIGHT,
        name: "灯",
        nameEn: "light",
        kind: "number",
        space: "s",
        tags: [],
        writable: true,
        revision: 1,
        address: {},
      },
    ]);
    // the field below the supervisor
    const supervisor = {
      write(request: WriteRequest): Promise<WriteResult> {
        field.push(request);
        return Promise.resolve(answer);
      },
    };
    writes = new Writes({ pipeline, supervisor, outbox: bench.open(), clock, logger: silentLogger });
  });
  afterEach(() => writes.stop());

  const write = (value: number, leaseMs?: number) =>
    writes.write({ point: LIGHT, value, priority: 8, timeoutMs: 1_000, ...(leaseMs === undefined ? {} : { leaseMs }) });
  const written = (): unknown[] => field.map(({ value }) => value);

  it("is given back after its time", async () => {
    await write(80, 10_000);
    clock.advance(10_000);
    expect(written()).toEqual([80, null]);
  });

  it("is told to the driver with its owner, so that it is kept there too, and asked back only as far as it is still ours", async () => {
    await writes.write({ point: LIGHT, value: 80, priority: 8, timeoutMs: 1_000, leaseMs: 10_000, owner: "rule:r-1" });
    clock.advance(10_000);
    expect(field).toEqual([
      { point: LIGHT, value: 80, priority: 8, owner: "rule:r-1", leaseMs: 10_000 },
      { point: LIGHT, value: null, priority: 8, onlyOurs: true },
    ]);
  });

  it("ends with a later write that was done: that value stays", async () => {
    await write(80, 10_000);
    await write(30);
    clock.advance(20_000);
    expect(written()).toEqual([80, 30]);
  });

  it("goes on when a later write was not done, or the leased value would stay for ever", async () => {
    await write(80, 10_000);
    answer = { status: "rejected", code: "DRIVER_NOT_RUNNING", message: "down" };
    await write(30);
    answer = { status: "done", readBack: null };
    clock.advance(10_000);
    expect(written()).toEqual([80, 30, null]);
  });
});
