import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { BlobQueue, type BlobQueueOptions } from "#edge/blobs.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { temporaryFolders } from "./temp-folder.ts";

describe("the queue of pictures", () => {
  const folder = temporaryFolders();
  const clock = new ManualClock(1_800_000_000_000);
  let directory = "";
  let http: Server;
  let status = 204;
  let taken: string[] = [];
  let queue: BlobQueue;

  beforeEach(async () => {
    directory = join(folder(), "blobs");
    status = 204;
    taken = [];
    http = createServer((request, response) => {
      request.resume();
      if (status === 204) taken.push(request.url?.slice(-64) ?? "");
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await queue.stop();
    http.closeAllConnections();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  });

  async function open(more: Partial<BlobQueueOptions> = {}): Promise<BlobQueue> {
    const cloud = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const fixed = { gateway: "park/gw", authorization: "Basic x", random: () => 0 };
    queue = new BlobQueue({ directory, cloud: () => cloud, ...fixed, clock, logger: silentLogger, ...more });
    await queue.start();
    return queue;
  }
  const picture = (text: string): Uint8Array => new TextEncoder().encode(text);
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  /** Waits until an attempt has failed, so that nothing is under way. */
  const refused = (times: number) => expect.poll(() => queue.counters["failed"]).toBe(times);

  it("goes on with the others when the file of one is gone", async () => {
    status = 503;
    await open();
    await queue.add(picture("lost"), "image/jpeg");
    await refused(1);
    await queue.add(picture("kept"), "image/jpeg");
    rmSync(join(directory, `${hash("lost")}.jpg`));
    status = 204;
    clock.advance(60_000);
    await expect.poll(() => taken).toEqual([hash("kept")]);
    await expect.poll(() => queue.counters).toMatchObject({ waiting: 0, waitingBytes: 0, dropped: 1 });
  });

  it("does not sit out a long pause when the cloud is known to be back", async () => {
    status = 503;
    await open();
    await queue.add(picture("a"), "image/jpeg");
    for (let failures = 1; failures <= 8; failures++) {
      await refused(failures);
      if (failures < 8) clock.advance(60_000);
    }
    status = 204;
    clock.advance(1000);
    queue.retrySoon();
    queue.retrySoon();
    expect(taken).toEqual([]);
    clock.advance(500);
    await expect.poll(() => taken).toEqual([hash("a")]);
    await expect.poll(() => queue.counters).toMatchObject({ waiting: 0, failed: 8, sent: 1 });
  });

  it("takes the same picture twice at the same time and keeps it once", async () => {
    status = 503;
    await open();
    const both = await Promise.all([queue.add(picture("a"), "image/jpeg"), queue.add(picture("a"), "image/jpeg")]);
    expect(both.map(({ sha256 }) => sha256)).toEqual([hash("a"), hash("a")]);
    expect(readdirSync(directory)).toEqual([`${hash("a")}.jpg`]);
    expect(queue.counters).toMatchObject({ waiting: 1, waitingBytes: 1 });
  });

  it("says that it is full from the first loss until there is room again", async () => {
    status = 503;
    await open({ capBytes: 100 });
    await queue.add(picture("a".repeat(60)), "image/jpeg");
    expect(queue.full).toBe(false);
    await queue.add(picture("b".repeat(60)), "image/jpeg");
    expect(queue.full).toBe(true);
    expect(queue.counters).toMatchObject({ dropped: 1, waiting: 1 });
    await refused(1);
    status = 204;
    clock.advance(60_000);
    await expect.poll(() => queue.full).toBe(false);
  });

  it("removes after a restart what was written in part, and nothing that is not its own", async () => {
    mkdirSync(join(directory, "ab"), { recursive: true });
    writeFileSync(join(directory, "ab", "of somebody else"), "x");
    writeFileSync(join(directory, `${hash("a")}.jpg.part`), "half");
    await open();
    expect(existsSync(join(directory, "ab", "of somebody else"))).toBe(true);
    expect(readdirSync(directory)).toEqual(["ab"]);
  });
});
