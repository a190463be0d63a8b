import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileBlobStore, MAX_BLOB_BYTES } from "#cloud/blobs/store.ts";
import type { Db } from "#cloud/db/database.ts";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

let db: Db;
let folder = "";
let blobs: FileBlobStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-blobs-"));
  db = await openRecords(":memory:");
  blobs = new FileBlobStore({ db, folder, clock: systemClock, logger: silentLogger });
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Its type and bytes, as somebody reads them. */
async function got(sha256: string, range?: { from: number; to: number }) {
  const found = blobs.find(sha256);
  const stream = await blobs.read(sha256, range);
  if (stream === undefined || found?.state !== "here") return undefined;
  return { contentType: found.contentType, bytes: [...(await buffer(stream))] };
}

const picture = new Uint8Array([0xff, 0xd8, 1, 2, 3]);
const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("blobs", () => {
  it("come back as they were given, with their type", async () => {
    await blobs.put(hash(picture), "image/jpeg", picture);
    expect(await got(hash(picture))).toEqual({ contentType: "image/jpeg", bytes: [...picture] });
    expect((await got(hash(picture), { from: 1, to: 2 }))?.bytes).toEqual([0xd8, 1]);
  });

  it.each(["text/html", "image/svg+xml", "application/javascript", "multipart/x-mixed-replace; boundary=x"])(
    "of the type %s come back as mere bytes: a camera brings no page and no script",
    async (type) => {
      await blobs.put(hash(picture), type, picture);
      expect((await got(hash(picture)))?.contentType).toBe("application/octet-stream");
    },
  );

  it("are stored once however often they are sent, also at the same time, and leave nothing half", async () => {
    await Promise.all(Array.from({ length: 5 }, () => blobs.put(hash(picture), "image/jpeg", picture)));
    await blobs.put(hash(picture), "image/jpeg", picture);
    expect(readdirSync(join(folder, hash(picture).slice(0, 2)))).toEqual([hash(picture)]);
  });

  it("are stored again when their file was lost", async () => {
    const path = join(folder, hash(picture).slice(0, 2), hash(picture));
    await blobs.put(hash(picture), "image/jpeg", picture);
    rmSync(path);
    expect(await got(hash(picture))).toBeUndefined();
    await blobs.put(hash(picture), "image/jpeg", picture);
    expect(existsSync(path)).toBe(true);
  });

  it.each([
    ["a hash of something else", hash(new Uint8Array([9])), "image/jpeg", picture, "BLOB_HASH_MISMATCH"],
    ["a path instead of a hash", "../../etc/passwd", "image/jpeg", picture, "BLOB_HASH_MISMATCH"],
    ["a type that would break a header", hash(picture), "image/jpeg\r\nX: y", picture, "BLOB_TYPE_INVALID"],
    ["too many bytes", "0".repeat(64), "image/jpeg", new Uint8Array(MAX_BLOB_BYTES + 1), "BLOB_TOO_LARGE"],
  ])("are refused with %s, and nothing is written", async (_what, sha256, type, bytes, code) => {
    await expect(blobs.put(sha256, type, bytes)).rejects.toMatchObject({ code });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that nobody sent, or names that are no hash, are not there", async () => {
    expect(await got("0".repeat(64))).toBeUndefined();
    expect(await got("../../../etc/passwd")).toBeUndefined();
  });
});
