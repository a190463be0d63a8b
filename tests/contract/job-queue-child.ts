import { appendFileSync, existsSync } from "node:fs";
import path from "node:path";
import { openDatabase } from "#cloud/db/database.ts";
import { BullJobQueue } from "#cloud/jobs/bull-queue.ts";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { systemClock } from "#core/clock.ts";
import { newId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";

/*
 * A process that adds jobs and does them, to be killed: `folder` and, for BullMQ, the URL of Redis. Each line of its diary is
 * written before what comes next: `added <key> <due>`, `begun <key> <pid>`, `done <key> <pid> <at>`. It adds until the
 * folder holds a file `enough`.
 */
const [, , folder = "", url] = process.argv;
const db = await openDatabase(path.join(folder, "records.db"), silentLogger);
const deps = { db, clock: systemClock, logger: silentLogger, waits: { firstMs: 50, longestMs: 200 } };
const queue =
  url === undefined
    ? new EmbeddedJobQueue(deps)
    : new BullJobQueue({ ...deps, prefix: "kills", connect: redisConnect(url, silentLogger) });
const note = (line: string): void => appendFileSync(path.join(folder, "diary"), `${line}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

queue.work(
  "work",
  async ({ key, attempt }) => {
    note(`begun ${key} ${process.pid}`);
    await pause(Math.random() * 60);
    if (attempt === 1 && Math.random() < 0.03) throw new Error("one in thirty");
    note(`done ${key} ${process.pid} ${Date.now()}`);
  },
  { attempts: 20 },
);
await queue.start();
while (!existsSync(path.join(folder, "enough"))) {
  const key = newId(Date.now());
  const due = Date.now() + (Math.random() < 0.3 ? Math.floor(Math.random() * 600) : 0);
  queue.add({ kind: "work", key, data: { key }, runAt: due });
  note(`added ${key} ${due}`);
  await pause(8);
}
while ((await queue.counts()).waiting + (await queue.counts()).active > 0) await pause(30);
const { dead } = await queue.counts();
await queue.close();
await db.close();
note(`ended ${dead}`);
