import { beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { Rule } from "#core/linkage/rule.ts";
import { silentLogger } from "#core/logger.ts";
import { BlobQueue } from "#edge/blobs.ts";
import { Effects } from "#edge/effects.ts";
import { Linkage } from "#edge/linkage.ts";
import { Pipeline } from "#edge/pipeline.ts";
import { Writes } from "#edge/writes.ts";
import type { WriteRequest, WriteResult } from "#protocols/driver.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { OutboxBench, sample } from "./outbox-bench.ts";
import { temporaryFolders } from "./temp-folder.ts";

const LIGHT = pointId("site/gw/a/x");
const RULE: Rule = {
  id: "night",
  name: "夜间",
  nameEn: "night",
  enabled: true,
  when: { type: "point", point: LIGHT, operator: ">", value: 0 },
  then: [{ action: "writePoint", params: { point: LIGHT, value: 0 } }],
};

describe("the linkages of a gateway that is being stopped", () => {
  const bench = new OutboxBench();
  const folder = temporaryFolders();
  const clock = new ManualClock(1_800_000_000_000);
  let written: unknown[];

  beforeEach(() => {
    written = [];
  });

  function open(): { linkage: Linkage; records: () => number; close: () => void } {
    const outbox = bench.open();
    const logger = silentLogger;
    const pipeline = new Pipeline(clock, { onChange: () => undefined, onReport: () => undefined });
    const named = { name: "灯", nameEn: "light", space: "s", tags: [], revision: 1, address: {} };
    pipeline.configure([{ ...named, id: LIGHT, kind: "number", writable: true }]);
    // the field below the supervisor
    const supervisor = {
      write({ value }: WriteRequest): Promise<WriteResult> {
        written.push(value);
        return Promise.resolve({ status: "done", readBack: value });
      },
      act: () => Promise.resolve({ status: "done" as const }),
    };
    const cloud = { cloud: () => "http://127.0.0.1:9", gateway: "site/gw", authorization: "" };
    const blobs = new BlobQueue({ directory: folder(), ...cloud, clock, logger });
    const writes = new Writes({ pipeline, supervisor, outbox, clock, logger });
    const effects = new Effects({ writes, supervisor, blobs, outbox, clock });
    const linkage = new Linkage({
      gateway: "site/gw",
      outbox,
      effects,
      latest: (point) => pipeline.latest(point),
      clock,
      logger,
      onFailed: () => undefined,
    });
    linkage.configure({ rules: [RULE], zones: [], timeZone: "UTC" });
    linkage.start();
    return { linkage, records: () => outbox.records("run").size, close: () => bench.close(outbox) };
  }

  it("begin nothing more; what fired then is taken up by the next process", async () => {
    const first = open();
    await first.linkage.stop();
    first.linkage.trigger({ type: "point", sample: sample(LIGHT, 1, clock.now()) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toEqual([]);
    first.close();
    const second = open();
    expect(second.records()).toBe(1);
    clock.advance(3_000);
    await expect.poll(() => written).toEqual([0]);
    await second.linkage.stop();
  });
});
