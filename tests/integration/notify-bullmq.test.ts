import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { BullJobQueue } from "#cloud/jobs/bull-queue.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { alarmOf, NotifyProcess, ruleOf } from "#tests/unit/cloud/notify/notify-bench.ts";
import { HttpReceiver } from "#tests/unit/cloud/notify/receivers.ts";

describe.skipIf(redisProgram() === undefined)("with BullMQ", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-notify-bull-"));
  const running: NotifyProcess[] = [];
  let redis: TestServer;
  let hook: HttpReceiver;
  let db: Db;

  /** A new process on the same records and the same Redis. */
  async function open(): Promise<NotifyProcess> {
    const connect = redisConnect(redisUrl(redis), silentLogger);
    const queue = new BullJobQueue({
      db,
      clock: systemClock,
      logger: silentLogger,
      prefix: "parkhub:notify",
      connect,
      waits: { firstMs: 50, longestMs: 200 },
    });
    const hub = new NotifyProcess(db, folder, systemClock, queue);
    await hub.start();
    running.push(hub);
    return hub;
  }
  beforeAll(async () => {
    redis = await startRedis();
    hook = await HttpReceiver.start();
    db = await openDatabase(path.join(folder, "records.db"), silentLogger);
  });
  afterAll(async () => {
    for (const { queue } of running) await queue.close();
    await hook?.close();
    await db?.close();
    await redis?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("tells each alarm once, after failures and across a restart with steps and messages on their way", async () => {
    let hub = await open();
    hub.channel("hook", { type: "webhook", name: "Hook", url: `${hook.url}/a`, language: "en" }, { signingKey: "k" });
    hub.channel(
      "second",
      { type: "webhook", name: "Second", url: `${hook.url}/b`, language: "en" },
      { signingKey: "k" },
    );
    hub.rule("r", ruleOf([{}, { channels: ["second"] }]));
    const failed = new Set<string>();
    hook.answer = (response, { headers }) => {
      const id = String(headers["idempotency-key"]);
      response.statusCode = failed.has(id) ? 200 : 503;
      failed.add(id);
      response.end();
    };
    const now = systemClock.now();
    const tellAll = (ids: readonly string[]): void => {
      for (const id of ids) hub.tell(alarmOf(id, { raisedAt: now }));
    };
    const names = Array.from({ length: 20 }, (_, i) => `a${i}`);
    tellAll(names.slice(0, 10));
    await expect.poll(() => hook.received.length, { timeout: 15_000 }).toBeGreaterThan(5);
    await hub.queue.close();
    hub = await open();
    tellAll(names);
    const sent = (): number => hub.deliveries().filter(({ status }) => status === "sent").length;
    await expect.poll(sent, { timeout: 30_000 }).toBe(40);
    expect(hub.deliveries()).toHaveLength(40);
    const told = hook.received
      .filter(
        ({ headers }, i, all) =>
          all.findLastIndex((one) => one.headers["idempotency-key"] === headers["idempotency-key"]) === i,
      )
      .map(({ url, body }) => `${url} ${JSON.parse(body).alarms[0].id}`);
    expect(told.sort()).toEqual(names.flatMap((name) => [`/a ${name}`, `/b ${name}`]).sort());
  }, 60_000);
});
