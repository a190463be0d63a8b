import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Appender } from "#cloud/history/columns.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { SegmentStore } from "#cloud/history/segment-store.ts";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";

const POINT = pointId("park/gw-1/d/p");
const EPOCH = "0".repeat(32);
let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-segments-"));
  file = join(folder, "telemetry.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(store: SegmentStore, first: number, last: number): { stored: number; duplicates: number } {
  const appender = new Appender();
  for (let o = first; o <= last; o++)
    appender.sample(0, 0, o, {
      point: POINT,
      value: o / 10,
      quality: "good",
      observedAt: 1_790_000_000_000 + o * 1000,
    });
  return store.write(appender.columns, [{ gateway: "park/gw-1", epoch: EPOCH, first, last, start: 0 }], [POINT]);
}
const values = (store: SegmentStore) =>
  store.read({ point: POINT, from: 0, to: 2 ** 50, limit: 1e6 }).map((row) => Number(row.value) * 10);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
function sqlite(statement: string): void {
  const db = new DatabaseSync(file);
  db.exec(statement);
  db.close();
}
function rowsOf(table: string): number {
  const db = new DatabaseSync(file);
  const count = Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  db.close();
  return count;
}

describe("the telemetry file", () => {
  it("holds one row a commit in its log and few rows a series after compaction, never one a sample", () => {
    const store = new SegmentStore(file, 1000);
    for (let b = 0; b < 10; b++) write(store, b * 200 + 1, (b + 1) * 200);
    expect(rowsOf("log")).toBe(10);
    store.compactIfDue();
    expect([rowsOf("log"), rowsOf("chunks")]).toEqual([0, 2]);
    expect(values(store).map(Math.round)).toEqual(upTo(2000));
    store.close();
  });

  it("lets small chunks of a slow series grow together", () => {
    const store = new SegmentStore(file, 10);
    for (let b = 0; b < 20; b++) {
      write(store, b * 10 + 1, (b + 1) * 10);
      store.compactIfDue();
    }
    expect(rowsOf("chunks")).toBe(1);
    expect(values(store).map(Math.round)).toEqual(upTo(200));
    store.close();
  });

  it("keeps log and samples as they were when a compaction fails in the middle, and compacts later", () => {
    const store = new SegmentStore(file, 10);
    write(store, 1, 20);
    sqlite("CREATE TRIGGER broken BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'no room'); END");
    expect(() => store.compactIfDue()).toThrow("no room");
    expect(write(store, 11, 30)).toEqual({ stored: 10, duplicates: 10 });
    expect(values(store).map(Math.round)).toEqual(upTo(30));
    sqlite("DROP TRIGGER broken");
    store.compactIfDue();
    expect(rowsOf("log")).toBe(0);
    expect(values(store).map(Math.round)).toEqual(upTo(30));
    store.close();
  });

  it("knows nothing of a write whose commit failed, and takes it when it comes again", () => {
    const store = new SegmentStore(file);
    sqlite("CREATE TRIGGER broken BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no room'); END");
    expect(() => write(store, 1, 10)).toThrow("no room");
    expect(store.ranges("park/gw-1")).toEqual([]);
    expect(values(store)).toEqual([]);
    sqlite("DROP TRIGGER broken");
    expect(write(store, 1, 10)).toEqual({ stored: 10, duplicates: 0 });
    expect(values(store).map(Math.round)).toEqual(upTo(10));
    store.close();
  });

  it("is refused when a newer version wrote it", async () => {
    new SegmentStore(file).close();
    sqlite("PRAGMA user_version=99");
    await expect(EmbeddedTelemetryStore.open({ file }, silentLogger)).rejects.toMatchObject({ code: "HISTORY_NEWER" });
  });

  it("is refused, and left alone, when a block of it is damaged", () => {
    const store = new SegmentStore(file);
    write(store, 1, 100);
    store.close();
    sqlite("UPDATE log SET data = zeroblob(length(data))");
    expect(() => new SegmentStore(file)).toThrow(expect.objectContaining({ code: "HISTORY_CORRUPT" }));
  });

  it("answers no more after it was closed", async () => {
    const store = await EmbeddedTelemetryStore.open({ file }, silentLogger);
    await store.close();
    await store.close();
    await expect(store.ranges("park/gw-1" as never)).rejects.toMatchObject({ code: "HISTORY_CLOSED" });
  });
});
