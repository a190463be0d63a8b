import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Agent } from "#edge/agent.ts";
import { Outbox } from "#edge/outbox.ts";
import type { OutboxLimits } from "#edge/outbox-limits.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "../integration/edge-cloud.ts";

const POINT = pointId("site/gw/ahu/temp");
const MB = 1024 * 1024;
const DISK_MB = 12;
const LIMITS: Partial<OutboxLimits> = {
  telemetryBytes: 2 * MB,
  eventsBytes: 256 * 1024,
  ledgerBytes: 64 * 1024,
  reserveBytes: MB,
};
const root = mkdtempSync(path.join(tmpdir(), "parkhub-full-"));
const disk = path.join(root, "disk");
mkdirSync(disk);
const mounted =
  process.platform === "linux" &&
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "tmpfs", disk]).status === 0;
if (!mounted) process.stderr.write("no small disk can be mounted (not root?): tests of a full disk are skipped\n");

/** Somebody else on the same disk. */
const filler = path.join(disk, "somebody-elses-log");

/** Fills the disk to the last block. */
function fillDisk(): void {
  const file = openSync(filler, "a");
  for (let piece = MB; piece >= 512; ) {
    try {
      writeSync(file, Buffer.alloc(piece, 1));
    } catch {
      piece /= 2;
    }
  }
  closeSync(file);
}

/** The cloud's side: takes everything there is and acks it; what came is kept by offset. */
class Cloud {
  readonly samples = new Map<number, unknown>();
  readonly gaps: { from: number; to: number; reason: string }[] = [];
  readonly kinds: string[] = [];

  drain(outbox: Outbox): void {
    for (;;) {
      const rows = outbox.telemetryAfter(outbox.state("telemetry").acked, 100);
      for (const row of rows)
        for (const [at, { value }] of row.samples.entries()) this.samples.set(row.first + at, value);
      const last = rows.at(-1)?.last;
      if (last === undefined) break;
      outbox.markSent("telemetry", last);
      outbox.acknowledge({ lane: "telemetry", epoch: outbox.epoch, upTo: last });
    }
    outbox.closeGaps();
    outbox.commit();
    const items = outbox.itemsAfter("events", outbox.state("events").acked, 100_000);
    for (const item of items) {
      this.kinds.push(item.kind);
      if (item.kind === "gap" && item.lane === "telemetry")
        this.gaps.push({ from: item.from, to: item.to, reason: item.reason });
    }
    const last = items.at(-1)?.offset;
    if (last === undefined) return;
    outbox.markSent("events", last);
    outbox.acknowledge({ lane: "events", epoch: outbox.epoch, upTo: last });
  }
}

afterAll(() => {
  if (mounted) spawnSync("umount", [disk]);
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(!mounted)("[catalogue 5] a gateway whose disk is full to the last block", () => {
  let outbox: Outbox;
  let cloud: Cloud;
  let read = 0;

  function open(limits: Partial<OutboxLimits> = LIMITS): Outbox {
    outbox = new Outbox({
      path: path.join(disk, "outbox.db"),
      clock: new ManualClock(1_800_000_000_000),
      logger: silentLogger,
      limits,
    });
    outbox.numbers.register([POINT]);
    for (let i = 0; i < 5; i++) outbox.maintain();
    return outbox;
  }

  beforeEach(() => {
    cloud = new Cloud();
    read = 0;
    open();
  });
  afterEach(() => {
    outbox.close();
    for (const name of ["outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db.reserve"])
      rmSync(path.join(disk, name), { force: true });
    rmSync(filler, { force: true });
  });
  beforeAll(() => expect(statfsSync(disk).blocks * statfsSync(disk).bsize).toBe(DISK_MB * MB));

  /** One tick of the gateway: samples with values that tell their offset, and a commit. */
  function tick(count = 500): boolean {
    const next = read;
    outbox.appendSamples(
      Array.from({ length: count }, (_, at) => ({
        point: POINT,
        value: next + at + 1.5,
        quality: "good" as const,
        observedAt: next + at + 1,
      })),
    );
    read += count;
    return outbox.commit();
  }
  function result(id: string): boolean {
    outbox.append("events", { kind: "commandResult", result: { id, status: "done", finishedAt: 1 } });
    return outbox.commit();
  }
  /** N read = N stored + gaps, each offset in exactly one of them, each value at its offset. */
  function expectAccounted(): void {
    const lost = cloud.gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
    expect(new Set(lost).size, "gaps do not overlap").toBe(lost.length);
    expect(
      lost.filter((offset) => cloud.samples.has(offset)),
      "nothing lost has come",
    ).toEqual([]);
    expect(cloud.samples.size + lost.length).toBe(read);
    expect(outbox.state("telemetry").next - 1).toBe(read);
    for (const [offset, value] of cloud.samples) expect(value).toBe(offset + 0.5);
  }

  it("has kept back a reserve, gives it up, and still takes alarms and results and trims what is acked", () => {
    for (let i = 0; i < 40; i++) expect(tick()).toBe(true);
    expect(statSync(path.join(disk, "outbox.db.reserve")).size).toBe(MB);
    fillDisk();
    for (let i = 0; i < 60; i++) {
      expect(tick(), `tick ${i}`).toBe(true);
      expect(result(`c${i}`)).toBe(true);
    }
    expect(outbox.distressed).toBe(true);
    expect(outbox.counters["emergencies"]).toBe(1);
    expect(existsSync(path.join(disk, "outbox.db.reserve"))).toBe(false);
    cloud.drain(outbox);
    outbox.commit();
    expect(outbox.state("telemetry").count).toBe(0);
    expect(cloud.kinds.filter((kind) => kind === "commandResult")).toHaveLength(60);
    expectAccounted();
  });

  it("drops the oldest values first and accounts for each of them, for as long as it takes", () => {
    for (let i = 0; i < 40; i++) tick();
    fillDisk();
    for (let i = 0; i < 2_000; i++) expect(tick(), `tick ${i}`).toBe(true);
    expect(statSync(path.join(disk, "outbox.db-wal")).size).toBeLessThan(8 * MB);
    cloud.drain(outbox);
    expect(cloud.gaps.length).toBeGreaterThan(0);
    expect(cloud.gaps[0]?.from).toBe(1);
    const oldest = Math.min(...cloud.samples.keys());
    expect(cloud.samples.size).toBe(read - oldest + 1);
    expectAccounted();
  });

  it("takes what must not be lost also when somebody takes the reserve's place at once, and goes on after a restart there", () => {
    for (let i = 0; i < 40; i++) tick();
    fillDisk();
    tick();
    fillDisk();
    for (let i = 0; i < 300; i++) {
      tick();
      expect(result(`c${i}`), `result ${i}`).toBe(true);
      if (i % 50 === 0) fillDisk();
    }
    outbox.close();
    open();
    fillDisk();
    for (let i = 0; i < 50; i++) tick();
    rmSync(filler);
    expect(outbox.commit()).toBe(true);
    cloud.drain(outbox);
    expect(cloud.kinds.filter((kind) => kind === "commandResult")).toHaveLength(300);
    expectAccounted();
  });

  it("heals by itself when there is room again: the reserve is made anew and the file may grow", () => {
    for (let i = 0; i < 20; i++) tick();
    fillDisk();
    for (let i = 0; i < 200; i++) tick();
    const before = outbox.counters["droppedSamples"] ?? 0;
    expect(before).toBeGreaterThan(0);
    outbox.maintain();
    expect(outbox.distressed).toBe(true);
    rmSync(filler);
    outbox.maintain();
    expect(outbox.distressed).toBe(false);
    expect(statSync(path.join(disk, "outbox.db.reserve")).size).toBe(MB);
    for (let i = 0; i < 100; i++) tick();
    expect(outbox.counters["droppedSamples"]).toBe(before);
    cloud.drain(outbox);
    expectAccounted();
  });

  it("gives new points their numbers on a full disk too", () => {
    for (let i = 0; i < 40; i++) tick();
    fillDisk();
    const ids = Array.from({ length: 5_000 }, (_, at) => `site/gw/new/point-${at}`);
    outbox.numbers.register(ids);
    expect(outbox.numbers.numberOf("site/gw/new/point-4999")).toBeGreaterThan(5_000);
    expect(tick()).toBe(true);
    cloud.drain(outbox);
    expectAccounted();
  });

  it("plans no more than the disk can hold", () => {
    outbox.close();
    open({ telemetryBytes: 512 * MB, eventsBytes: 64 * MB, reserveBytes: 16 * MB });
    for (let i = 0; i < 2_500; i++) expect(tick(), `tick ${i}`).toBe(true);
    expect(outbox.distressed).toBe(false);
    cloud.drain(outbox);
    expect(cloud.gaps.map(({ reason }) => reason)).toEqual(["cap"]);
    expectAccounted();
  });
});

describe.skipIf(!mounted)("[catalogue 5] a running gateway whose disk fills", () => {
  let cloud: EdgeCloud;
  let agent: Agent | undefined;
  const field = new EdgeField(path.join(root, "field"));

  beforeEach(async () => {
    mkdirSync(field.directory, { recursive: true });
    cloud = new EdgeCloud();
    await cloud.start();
    await cloud.announce(echoBundle(1, field.directory, [numberPoint("ahu", "temp")]), 1);
    agent = await runGateway(cloud, path.join(disk, "gateway"), { limits: LIMITS });
    await expect.poll(() => cloud.samples.length).toBeGreaterThan(0);
  });
  afterEach(async () => {
    await agent?.stop();
    await cloud.stop();
    rmSync(path.join(disk, "gateway"), { recursive: true, force: true });
    rmSync(filler, { force: true });
  });

  function told(): string[] {
    return cloud
      .of("alarm")
      .flatMap(({ transition, alarm }) => (alarm.definition === "gateway.disk-full" ? [transition] : []));
  }

  it("raises an alarm, goes on with values, commands and their results, and ends the alarm when there is room", async () => {
    let value = 0;
    const change = (): void => field.set("temp", ++value);
    await expect.poll(() => existsSync(path.join(disk, "gateway", "outbox.db.reserve"))).toBe(true);
    fillDisk();
    await expect
      .poll(
        () => {
          change();
          return told();
        },
        { timeout: 20_000 },
      )
      .toEqual(["raised"]);
    for (let i = 0; i < 20; i++) {
      await cloud.command({ id: `w${i}`, kind: "write", point: "park/gw/ahu/temp", value: 500 + i, priority: 8 });
      await expect.poll(() => cloud.results(`w${i}`).map(({ status }) => status)).toEqual(["done"]);
    }
    await expect.poll(() => cloud.samples.at(-1)?.value).toBe(519);
    rmSync(filler);
    await expect.poll(told, { timeout: 15_000 }).toEqual(["raised", "cleared"]);
    expect(agent?.status().counters).toMatchObject({ outbox: { droppedSamples: 0 }, agent: { faults: 0 } });
  }, 60_000);
});
