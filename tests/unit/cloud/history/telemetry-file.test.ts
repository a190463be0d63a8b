import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayId, newEpoch, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { EVERYTHING, GATEWAY, HOUR, oneASecond, POINT, T0, telemetryWrite } from "#tests/contract/telemetry-writes.ts";
import { HistoryFile, upTo } from "./history-file.ts";

let at: HistoryFile;
beforeEach(() => {
  at = new HistoryFile();
});
afterEach(() => at.remove());

const finish = () => at.store?.maintain({ rawBefore: 0, summariesBefore: 0 });
/** A logger that keeps what is told. */
function listening() {
  const told: string[] = [];
  const log = (fields: unknown, message?: string): void => {
    told.push(`${message ?? ""} ${JSON.stringify(fields)}`);
  };
  return { told, logger: { ...silentLogger, error: log, warn: log, info: log } as typeof silentLogger };
}

describe("the telemetry file", () => {
  it("holds one row a commit in its log and few rows a series after compaction, never one a sample", async () => {
    await at.open();
    for (let b = 0; b < 10; b++) await at.write(b * 200 + 1, (b + 1) * 200);
    expect(at.count("log")).toBe(10);
    await finish();
    expect([at.count("log"), at.count("chunks"), at.count("progress")]).toEqual([0, 2, 0]);
    expect(await at.values()).toEqual(upTo(2000));
  });

  it("compacts by itself when enough has come, and keeps in the log what is not worth a chunk", async () => {
    await at.open({ compactAt: 1000, chunkAt: 500 });
    const other = pointId("park/gw-1/d/rare");
    await at.writeSamples(
      5000,
      oneASecond(30, (i) => i, other),
    );
    for (let b = 0; b < 10; b++) await at.write(b * 100 + 1, (b + 1) * 100);
    await expect.poll(() => [at.count("chunks"), at.count("progress")]).toEqual([1, 0]);
    expect(at.sql("SELECT sum(n) AS n FROM log")[0]?.["n"]).toBeLessThanOrEqual(30);
    expect(await at.values()).toEqual(upTo(1000));
    expect(await at.store?.read({ ...EVERYTHING, point: other })).toHaveLength(30);
  });

  it("lets small chunks of a slow series grow together, night by night", async () => {
    await at.open();
    for (let night = 0; night < 12; night++) {
      await at.write(night * 10 + 1, (night + 1) * 10);
      await finish();
    }
    expect(at.count("chunks")).toBe(1);
    expect(await at.values()).toEqual(upTo(120));
  });

  it("joins the parts of a day's summaries, so that a day stays one row a group", async () => {
    await at.open({ compactAt: 1, chunkAt: 1 });
    for (let b = 0; b < 30; b++) {
      await at.write(b * 10 + 1, (b + 1) * 10);
      await expect.poll(() => at.count("log")).toBe(0);
    }
    expect(at.count("summaries")).toBeLessThanOrEqual(9);
    await finish();
    expect(at.count("summaries")).toBe(1);
    const [buckets] = (await at.store?.aggregate({ points: [POINT], edges: [T0, T0 + HOUR] })) ?? [];
    expect(buckets).toMatchObject([{ count: 300, min: 0.1, max: 30, first: 0.1, last: 30 }]);
  });

  it("keeps log and samples as they were when a compaction fails in the middle, tells of it, and compacts later", async () => {
    const { told, logger } = listening();
    await at.open({ compactAt: 15, chunkAt: 1 }, logger);
    at.sql("CREATE TRIGGER broken BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'no room'); END");
    await at.write(1, 20);
    await expect.poll(() => told.join()).toContain("no room");
    expect(await at.write(11, 30)).toEqual({ stored: 10, duplicates: 10 });
    expect(await at.values()).toEqual(upTo(30));
    expect(at.count("chunks")).toBe(0);
    at.sql("DROP TRIGGER broken");
    await at.write(31, 40);
    await expect.poll(() => at.count("chunks")).toBeGreaterThan(0);
    expect(await at.values()).toEqual(upTo(40));
  });

  it("knows nothing of a write whose commit failed, and takes it when it comes again", async () => {
    const store = await at.open();
    at.sql("CREATE TRIGGER broken BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no room'); END");
    await expect(at.write(1, 10)).rejects.toThrow("no room");
    expect(await store.ranges(GATEWAY)).toEqual([]);
    expect(await at.values()).toEqual([]);
    at.sql("DROP TRIGGER broken");
    expect(await at.write(1, 10)).toEqual({ stored: 10, duplicates: 0 });
    expect(await at.values()).toEqual(upTo(10));
    await at.open();
    expect(await at.values()).toEqual(upTo(10));
  });

  it("refuses more than it can hold as something to try again, and takes it when there is room", async () => {
    await at.open({ fullAt: 100 });
    at.sql("CREATE TRIGGER broken BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'no room'); END");
    await at.write(1, 150);
    await expect(at.write(151, 160)).rejects.toMatchObject({ code: "HISTORY_FULL", retriable: true });
    at.sql("DROP TRIGGER broken");
    await finish();
    expect(await at.write(151, 160)).toEqual({ stored: 10, duplicates: 0 });
    expect(await at.values()).toEqual(upTo(160));
  });

  it("goes on where it was when it is opened in the middle of a compaction", async () => {
    await at.open();
    const points = Array.from({ length: 5 }, (_, i) => pointId(`park/gw-1/d/p-${i}`));
    for (const [i, point] of points.entries())
      await at.writeSamples(
        i * 100,
        oneASecond(100, (k) => i * 100 + k, point),
      );
    await at.store?.close();
    // As a crash leaves it: the first two series are in chunks, the old records are still there.
    at.sql("INSERT INTO progress(upto, done) VALUES(5, 2)");
    const store = await at.open();
    expect(at.count("progress")).toBe(0);
    const lengths = await Promise.all(points.map(async (point) => (await store.read({ ...EVERYTHING, point })).length));
    expect(lengths).toEqual([0, 0, 100, 100, 100]);
    await at.open();
    await finish();
    const again = points.map(async (point) => (await at.store?.read({ ...EVERYTHING, point }))?.length);
    expect(await Promise.all(again)).toEqual([0, 0, 100, 100, 100]);
  });

  it("lets a write come between the steps of long work", async () => {
    const store = await at.open();
    const series = Array.from({ length: 2000 }, (_, i) => pointId(`park/gw-1/d/p-${i}`));
    await at.writeSamples(
      1,
      series.flatMap((point) => oneASecond(20, (i) => i, point)),
    );
    const order: string[] = [];
    const night = store.maintain({ rawBefore: 0, summariesBefore: 0 }).then(() => order.push("night"));
    await store.ranges(GATEWAY);
    await at.writeSamples(
      100_000,
      oneASecond(5, (i) => i),
    );
    order.push("write");
    await night;
    expect(order).toEqual(["write", "night"]);
  });

  it("keeps its write-ahead log short, however much is written", async () => {
    await at.open({ compactAt: 2000, chunkAt: 100 });
    for (let b = 0; b < 300; b++) await at.write(b * 100 + 1, (b + 1) * 100);
    await expect.poll(() => at.count("progress")).toBe(0);
    const wal = readFileSync(`${at.file}-wal`).length;
    expect(wal).toBeLessThan(24 * 1024 * 1024);
    expect(await at.values()).toEqual(upTo(30_000));
  });

  it("answers no more after it was closed", async () => {
    const store = await at.open();
    await store.close();
    await store.close();
    await expect(store.ranges(GATEWAY)).rejects.toMatchObject({ code: "HISTORY_CLOSED" });
    expect(store.status).toMatchObject({ ready: false, detail: "closed" });
  });

  it("answers everything that was asked when it is closed meanwhile", async () => {
    const store = await at.open();
    await at.write(1, 1000);
    const asked = [store.read(EVERYTHING), store.maintain({ rawBefore: 0, summariesBefore: 0 }), at.write(1001, 1002)];
    const answers = Promise.allSettled(asked);
    await store.close();
    for (const answer of await answers)
      if (answer.status === "rejected")
        expect(answer.reason).toMatchObject({ code: "HISTORY_CLOSED", retriable: true });
  });

  it("refuses a number that no point has, and lives on", async () => {
    const store = await at.open();
    await at.write(1, 5);
    const { columns, spans } = telemetryWrite(at.points, [
      { gateway: gatewayId("park/gw-9"), epoch: newEpoch(), first: 0, samples: oneASecond(2, (i) => i) },
    ]);
    columns.point[1] = 77;
    await expect(store.write({ columns, spans })).rejects.toThrow("point number 77");
    expect(store.status.ready).toBe(true);
    expect(await store.ranges(gatewayId("park/gw-9"))).toEqual([]);
    expect(await at.write(6, 10)).toEqual({ stored: 5, duplicates: 0 });
    expect(await at.values()).toEqual(upTo(10));
  });
});

describe("a file of another version", () => {
  const fixture = path.resolve(import.meta.dirname, "../../../fixtures/cloud/history/telemetry-layout-1.db.gz");
  const T1 = 1_790_000_000_000;
  const TEMPERATURE = pointId("park/gw-1/ahu-1/temperature");

  it("is refused when the version is newer, and left alone", async () => {
    await at.open();
    await at.store?.close();
    at.sql("PRAGMA user_version=99");
    await expect(at.open()).rejects.toMatchObject({ code: "HISTORY_NEWER" });
    expect(at.sql("PRAGMA user_version")).toMatchObject([{ user_version: 99 }]);
  });

  /** The sample that the fixture was made with. */
  function temperature(i: number): unknown {
    const lost = i % 10 === 3;
    return {
      point: TEMPERATURE,
      value: lost ? null : Math.round(2000 + 10 * Math.sin(i / 5) * 10) / 100,
      quality: lost ? "bad" : "good",
      ...(lost ? { reason: "commLost" } : {}),
      observedAt: T1 + i * 60_000,
      sourceTime: T1 + i * 60_000 - 25,
      epoch: (i < 300 ? "a" : "b").repeat(32),
      offset: i < 300 ? 1 + i * 3 : 871 + (i - 290) * 3,
    };
  }

  it("is upgraded when it is of the first one, with a backup beside it; samples, keys and ranges are those it had", async () => {
    writeFileSync(at.file, gunzipSync(readFileSync(fixture)));
    const store = await at.open();
    expect(existsSync(`${at.file}.before-upgrade-from-1`)).toBe(true);
    expect(await store.ranges(GATEWAY)).toEqual([
      { epoch: "a".repeat(32), from: 1, to: 900 },
      { epoch: "b".repeat(32), from: 871, to: 906 },
    ]);
    for (const prepare of [() => Promise.resolve(), finish]) {
      await prepare();
      const rows = await store.read({ ...EVERYTHING, point: TEMPERATURE });
      expect(rows).toEqual(Array.from({ length: 302 }, (_, i) => temperature(i)));
      const modes = await store.read({ ...EVERYTHING, point: pointId("park/gw-1/ahu-1/mode"), limit: 8 });
      expect(modes.map(({ value }) => value)).toEqual(["自动", "off", "off", "off", "off", "off", "off", "自动"]);
      const fan = pointId("park/gw-1/ahu-1/fan");
      const [buckets] = await store.aggregate({ points: [fan], edges: [T1 - HOUR, T1 + 10 * HOUR] });
      expect(buckets).toMatchObject([{ count: 302, bad: 0, min: 0, max: 1, mean: 0.5 }]);
    }
    expect(at.sql("PRAGMA user_version")).toMatchObject([{ user_version: 2 }]);
    await at.open();
    expect(await at.store?.read({ ...EVERYTHING, point: TEMPERATURE })).toHaveLength(302);
  });

  it("is as it was when the upgrade fails", async () => {
    const bytes = gunzipSync(readFileSync(fixture));
    writeFileSync(at.file, bytes);
    at.sql("CREATE TABLE summaries(in_the_way)");
    await expect(at.open()).rejects.toMatchObject({ code: "DB_FAILED" });
    expect(at.sql("PRAGMA user_version")).toMatchObject([{ user_version: 1 }]);
    expect([at.count("chunks"), at.count("log")]).toEqual([3, 3]);
  });
});

describe("a damaged telemetry file", () => {
  it("that is no database is refused, and left alone", async () => {
    writeFileSync(at.file, Buffer.alloc(50_000, "this is no database. "));
    await expect(at.open()).rejects.toMatchObject({ code: "DB_CORRUPT" });
    expect(readdirSync(at.folder)).toContain("telemetry.db");
  });

  it("says which samples of which point a damaged chunk has lost, once, and gives the others", async () => {
    const { told, logger } = listening();
    const store = await at.open({}, logger);
    await at.write(1, 2000);
    await finish();
    at.sql("UPDATE chunks SET data = zeroblob(length(data)) WHERE t_from = (SELECT min(t_from) FROM chunks)");
    const error = await store.read(EVERYTHING).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "HISTORY_CORRUPT", retriable: false });
    expect(String(error)).toContain(`1000 samples of ${POINT} from ${new Date(T0 + 1000).toISOString()}`);
    expect(told.join()).toContain("1000 samples of");
    expect(await at.values()).toEqual(upTo(2000, 1001));
    expect(store.status).toMatchObject({ ready: true, detail: "1 damaged blocks of the file were set aside" });
    expect(at.count("damaged")).toBe(1);
    // What was counted in time is still counted.
    const [buckets] = await store.aggregate({ points: [POINT], edges: [T0, T0 + HOUR] });
    expect(buckets).toMatchObject([{ count: 2000 }]);
    const again = await at.open();
    expect(again.status.detail).toContain("1 damaged");
    expect(await at.write(3000, 3009)).toEqual({ stored: 10, duplicates: 0 });
  });

  it("opens without a damaged record of its log, and says what was lost", async () => {
    const { told, logger } = listening();
    await at.open();
    await at.write(1, 100);
    await at.write(101, 200);
    await at.store?.close();
    at.sql("UPDATE log SET data = zeroblob(length(data)) WHERE seq = 1");
    await at.open({}, logger);
    await expect.poll(() => told.join()).toContain("100 samples of one commit");
    expect(await at.values()).toEqual(upTo(200, 101));
    expect(await at.write(201, 210)).toEqual({ stored: 10, duplicates: 0 });
  });

  it("makes damaged summaries anew out of the samples, and answers", async () => {
    const { told, logger } = listening();
    const store = await at.open({}, logger);
    await at.write(1, 7000);
    await finish();
    const edges = [T0, T0 + HOUR, T0 + 2 * HOUR];
    const before = await store.aggregate({ points: [POINT], edges, timeWeighted: true });
    const copy = JSON.stringify(before);
    at.sql("UPDATE summaries SET data = zeroblob(length(data))");
    expect(JSON.stringify(await store.aggregate({ points: [POINT], edges, timeWeighted: true }))).toBe(copy);
    expect(told.join()).toContain("made anew");
    at.sql("UPDATE summaries SET extra = zeroblob(length(extra))");
    expect(JSON.stringify(await store.aggregate({ points: [POINT], edges, timeWeighted: true }))).toBe(copy);
  });

  it("sets a damaged chunk aside that late samples belong into, and keeps the late ones", async () => {
    const { told, logger } = listening();
    await at.open({}, logger);
    await at.write(1, 1000);
    await finish();
    at.sql("UPDATE chunks SET data = zeroblob(length(data))");
    const late = oneASecond(3, (i) => i, POINT, T0 + 10_500);
    await at.writeSamples(1, late, newEpoch());
    await finish();
    expect(told.join()).toContain("1000 samples of");
    expect((await at.store?.read(EVERYTHING))?.map(({ observedAt }) => observedAt)).toEqual(
      late.map(({ observedAt }) => observedAt),
    );
  });
});
