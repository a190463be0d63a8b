import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Program } from "#tests/program.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";

const KILLS = process.env["PARKHUB_TEST_LONG"] === "1" ? 20 : 2;
const AT_ONCE = 8;

let folder: string;
let child: Program | undefined;
let redis: TestServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "parkhub-job-kills-"));
});
afterEach(async () => {
  await child?.kill();
  await redis?.remove();
  redis = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function diary(): readonly (readonly string[])[] {
  const file = path.join(folder, "diary");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(" "));
}
const count = (word: string): number => diary().filter(([first]) => first === word).length;

function startChild(): void {
  const more = redis === undefined ? [] : [redisUrl(redis)];
  child = Program.start(["tests/contract/job-queue-child.ts", folder, ...more]);
}

/** Resolves when the diary of the running child shows it. */
async function shown(what: string, look: () => boolean): Promise<void> {
  await child?.until(what, () => look() || undefined);
}

/** Under load, a varying while after the last kill. */
async function worked(kill: number): Promise<void> {
  const goal = count("done") + 25 + ((kill * 17) % 40);
  await shown(`more than ${goal} done jobs`, () => count("done") > goal);
}

/** Lets everything end, and gives who did each job when. */
async function accounts(): Promise<ReadonlyMap<string, { due: number; done: { pid: string; at: number }[] }>> {
  writeFileSync(path.join(folder, "enough"), "");
  await shown("the end", () => diary().some(([word]) => word === "ended"));
  const jobs = new Map<string, { due: number; done: { pid: string; at: number }[] }>();
  for (const [word, key = "", value] of diary()) if (word === "added") jobs.set(key, { due: Number(value), done: [] });
  for (const [word, key = "", pid = "", at] of diary())
    if (word === "done") jobs.get(key)?.done.push({ pid, at: Number(at) });
  expect(diary()).toContainEqual(["ended", "0"]);
  return jobs;
}

/** None lost, none early, none twice by a process that lived. */
function expectWhole(jobs: Awaited<ReturnType<typeof accounts>>): number {
  const all = [...jobs];
  expect(all.filter(([, { done }]) => done.length === 0)).toEqual([]);
  expect(all.filter(([, { due, done }]) => done.some(({ at }) => at < due))).toEqual([]);
  const twice = all.filter(([, { done }]) => done.length > 1);
  expect(twice.filter(([, { done }]) => new Set(done.map(({ pid }) => pid)).size < done.length)).toEqual([]);
  return twice.length;
}

const timeout = 60_000 + KILLS * 10_000;

it("loses no job and does none early when the process of the embedded queue is killed again and again", {
  timeout,
}, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    startChild();
    await worked(kill);
    await child?.kill();
  }
  startChild();
  const jobs = await accounts();
  expect(expectWhole(jobs)).toBeLessThanOrEqual(KILLS * AT_ONCE);
});

it.skipIf(redisProgram() === undefined)(
  "loses no job and does none early when the process of the BullMQ queue is killed again and again",
  { timeout },
  async () => {
    redis = await startRedis();
    for (let kill = 0; kill < KILLS; kill++) {
      startChild();
      await worked(kill);
      await child?.kill();
    }
    startChild();
    const jobs = await accounts();
    expect(expectWhole(jobs)).toBeLessThanOrEqual(KILLS * AT_ONCE);
  },
);

it.skipIf(redisProgram() === undefined)(
  "loses no job, does none early and none twice when Redis is killed again and again",
  { timeout },
  async () => {
    redis = await startRedis();
    startChild();
    for (let kill = 0; kill < KILLS; kill++) {
      await worked(kill);
      await redis.kill();
      const added = count("added");
      await shown("twenty jobs more", () => count("added") > added + 20);
      await redis.start();
    }
    await worked(0);
    const jobs = await accounts();
    expect(expectWhole(jobs)).toBe(0);
  },
);
