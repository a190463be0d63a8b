import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BlobLimits, BlobRetention } from "#cloud/blobs/retention.ts";
import { FileBlobStore } from "#cloud/blobs/store.ts";
import type { Db } from "#cloud/db/database.ts";
import type { BlobUse } from "#cloud/media-ports.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const DAY = 86_400_000;
const START = 1_800_000_000_000;
const LIMITS: BlobLimits = { bytes: 1e6, days: { picture: 1, snapshot: 30, clip: 10, result: 5 } };

let db: Db;
let folder = "";
let clock: ManualClock;
let store: FileBlobStore;
let uses: BlobUse[];
let forgotten: string[];
let audited: unknown[];
let retention: BlobRetention;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-retention-"));
  db = await openRecords(":memory:");
  clock = new ManualClock(START);
  store = new FileBlobStore({ db, folder, clock, logger: silentLogger });
  uses = [];
  forgotten = [];
  audited = [];
  retention = keeping(LIMITS);
});
afterEach(async () => {
  await retention.stop();
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

function keeping(limits: BlobLimits): BlobRetention {
  const users = [
    {
      usesOf: (hashes: readonly string[]) => uses.filter(({ sha256 }) => hashes.includes(sha256)),
      forget(hashes: readonly string[]) {
        forgotten.push(...hashes);
        uses = uses.filter((use) => use.class !== "picture" || !hashes.includes(use.sha256));
      },
    },
    { usesOf: () => [], forget: () => undefined },
  ];
  const audit = {
    append: ({ action, detail }: { action: string; detail?: unknown }) => audited.push([action, detail]),
  };
  return new BlobRetention({ store, users, limits, audit, clock, logger: silentLogger });
}
/** A blob of so many bytes, told apart by its first one. */
async function blob(seed: number, kind?: BlobUse["class"], held = false, bytes = 100): Promise<string> {
  const content = new Uint8Array(bytes).fill(seed);
  const sha256 = createHash("sha256").update(content).digest("hex");
  await store.put(sha256, "image/jpeg", content);
  if (kind !== undefined) uses.push({ sha256, class: kind, held });
  return sha256;
}
const fileOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256);
const stateOf = (sha256: string) => [store.find(sha256)?.state, existsSync(fileOf(sha256))];
const HERE = ["here", true];
const EXPIRED = ["expired", false];
const GONE = [undefined, false];

describe("blobs", () => {
  it("go by the age of their class; the record that names one tells it as expired", async () => {
    const [picture, clip, snapshot, result] = [
      await blob(1, "picture"),
      await blob(2, "clip"),
      await blob(3, "snapshot"),
      await blob(4, "result"),
    ];
    clock.advance(DAY);
    expect((await retention.sweep()).removed).toEqual({ orphan: 0, age: 0, limit: 0 });
    clock.advance(1);
    await retention.sweep();
    expect([picture, clip, snapshot, result].map(stateOf)).toEqual([GONE, HERE, HERE, HERE]);
    clock.advance(10 * DAY);
    expect(await retention.sweep()).toEqual({ removed: { orphan: 0, age: 2, limit: 0 }, bytes: 200, kept: 100 });
    expect([clip, snapshot, result].map(stateOf)).toEqual([EXPIRED, HERE, EXPIRED]);
    expect(store.find(clip)).toEqual({ state: "expired", removedAt: START + 11 * DAY + 1 });
    expect(await store.read(clip)).toBeUndefined();
  });

  it("of open alarms stay, whatever their age and whatever the disk limit", async () => {
    const held = await blob(1, "clip", true, 900);
    retention = keeping({ ...LIMITS, bytes: 500 });
    clock.advance(100 * DAY);
    expect((await retention.sweep()).removed).toEqual({ orphan: 0, age: 0, limit: 0 });
    uses = uses.map((use) => ({ ...use, held: false }));
    await retention.sweep();
    expect(stateOf(held)).toEqual(EXPIRED);
  });

  it("of several uses are kept as long as the longest, and while one of them is held", async () => {
    const both = await blob(1, "clip");
    uses.push({ sha256: both, class: "snapshot", held: false });
    const held = await blob(2, "picture");
    uses.push({ sha256: held, class: "clip", held: true });
    clock.advance(29 * DAY);
    await retention.sweep();
    expect([stateOf(both), stateOf(held)]).toEqual([HERE, HERE]);
    clock.advance(2 * DAY);
    await retention.sweep();
    expect([stateOf(both), stateOf(held)]).toEqual([EXPIRED, HERE]);
  });

  it("to which nothing refers are removed after a day, without a trace", async () => {
    const orphan = await blob(1);
    clock.advance(DAY);
    await retention.sweep();
    expect(stateOf(orphan)).toEqual(HERE);
    clock.advance(1);
    expect((await retention.sweep()).removed.orphan).toBe(1);
    expect([stateOf(orphan), forgotten]).toEqual([GONE, [orphan]]);
  });

  it("beyond the disk limit go oldest first, until the rest fits", async () => {
    retention = keeping({ ...LIMITS, bytes: 250 });
    const shas: string[] = [];
    for (let i = 1; i <= 5; i++) {
      shas.push(await blob(i, "clip", i === 2));
      clock.advance(1000);
    }
    expect(await retention.sweep()).toEqual({ removed: { orphan: 0, age: 0, limit: 3 }, bytes: 300, kept: 200 });
    expect(shas.map((sha) => stateOf(sha)[0])).toEqual(["expired", "here", "expired", "expired", "here"]);
  });

  it("beyond the disk limit are pictures of a look first, however young: no clip goes for them", async () => {
    retention = keeping({ ...LIMITS, bytes: 250 });
    const clips = [await blob(1, "clip"), await blob(2, "snapshot")];
    clock.advance(3_600_000);
    const looks = [await blob(3, "picture"), await blob(4, "picture")];
    expect((await retention.sweep()).removed).toEqual({ orphan: 0, age: 0, limit: 2 });
    expect([...clips, ...looks].map(stateOf)).toEqual([HERE, HERE, GONE, GONE]);
    await blob(5, "clip");
    await retention.sweep();
    expect(clips.map(stateOf)).toEqual([EXPIRED, HERE]);
  });

  it("are removed when a new one passes the limit, by themselves", async () => {
    retention = keeping({ ...LIMITS, bytes: 250 });
    retention.start();
    const first = await blob(1, "clip");
    clock.advance(1);
    await blob(2, "clip");
    clock.advance(1);
    await blob(3, "clip");
    await expect.poll(() => stateOf(first)).toEqual(EXPIRED);
    await expect.poll(() => retention.usedBytes).toBe(200);
  });

  it("are looked after every hour, and no more after the stop", async () => {
    const orphan = await blob(1);
    clock.advance(DAY - 3_600_000 + 1);
    retention.start();
    clock.advance(60_000);
    await retention.sweep();
    expect(stateOf(orphan)).toEqual(HERE);
    clock.advance(3_600_000 - 60_000);
    await expect.poll(() => stateOf(orphan)).toEqual(GONE);
    await retention.stop();
    expect(clock.pending).toBe(0);
  });

  it("that were removed are told to the audit log as counts, and nothing is told of nothing", async () => {
    await blob(1);
    await blob(2, "clip");
    await retention.sweep();
    expect(audited).toEqual([]);
    clock.advance(11 * DAY);
    await retention.sweep();
    expect(audited).toEqual([["blob.remove", { orphan: 1, age: 1, limit: 0, bytes: 200 }]]);
  });

  it("that come again after they were removed are here again", async () => {
    const sha = await blob(1, "clip");
    clock.advance(11 * DAY);
    await retention.sweep();
    await blob(1);
    expect(stateOf(sha)).toEqual(HERE);
    await retention.sweep();
    expect(stateOf(sha)).toEqual(HERE);
  });

  it("leave no file behind that a crash has left without a row, unless it is young", async () => {
    const kept = await blob(1, "clip");
    mkdirSync(join(folder, "ab"), { recursive: true });
    const [old, young] = [join(folder, "ab", "ab".repeat(32)), join(folder, "ab", "x.partial")];
    for (const file of [old, young]) writeFileSync(file, "left");
    const twoDaysAgo = (START - 2 * DAY) / 1000;
    for (const file of [old, fileOf(kept)]) utimesSync(file, twoDaysAgo, twoDaysAgo);
    utimesSync(young, START / 1000, START / 1000);
    await retention.sweep();
    expect([existsSync(old), existsSync(young), existsSync(fileOf(kept))]).toEqual([false, true, true]);
  });

  it("in thousands are judged page by page", async () => {
    db.sync.transaction(() => {
      for (let i = 0; i < 1300; i++)
        db.sync.run(
          db.kysely.insertInto("blobs").values({
            sha256: i.toString(16).padStart(64, "0"),
            content_type: "image/jpeg",
            size: 10,
            created_at: START - 2 * DAY - (i % 7),
            removed_at: null,
          }),
        );
    });
    expect((await retention.sweep()).removed.orphan).toBe(1300);
    expect(store.usedBytes()).toBe(0);
  });
});
