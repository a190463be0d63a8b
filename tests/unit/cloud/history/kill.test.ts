import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Bucket, StoredSample } from "#cloud/telemetry-ports.ts";
import { EVERYTHING } from "#tests/contract/telemetry-writes.ts";
import { HistoryFile } from "./history-file.ts";
import { KILL_BATCH, KILL_GATEWAY, KILL_POINTS, killSample } from "./kill-batch.ts";

const ROUNDS = process.env["PARKHUB_TEST_LONG"] === "1" ? 40 : 4;
const WRITER = path.join(import.meta.dirname, "kill-writer.ts");

let at: HistoryFile;
beforeEach(() => {
  at = new HistoryFile();
});
afterEach(() => at.remove());

/** Lets a writer go on until it has said that `batches` more are durable, kills it there, and gives the last one it told of. */
async function writeAndKill(from: number, batches: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, at.file, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let last = from - 1;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "open") continue;
    last = Number(line);
    if (last >= from + batches) child.kill("SIGKILL");
  }
  await exited;
  return last;
}

/** All that is stored, by offset. @throws when an offset is there twice */
async function everything(): Promise<Map<number, StoredSample>> {
  const rows = new Map<number, StoredSample>();
  for (const point of KILL_POINTS)
    for (const row of (await at.store?.read({ ...EVERYTHING, point })) ?? []) {
      if (rows.has(row.offset)) throw new Error(`offset ${row.offset} is stored twice`);
      rows.set(row.offset, row);
    }
  return rows;
}

function total(buckets: readonly (readonly Bucket[])[], pick: (bucket: Bucket) => number): number {
  return buckets.flat().reduce((sum, bucket) => sum + pick(bucket), 0);
}

describe("a store whose process is killed while it writes and compacts", () => {
  it(`has after each of ${ROUNDS} kills every sample it had said to be durable, once, in samples and in summaries`, async () => {
    const seed = Number(process.env["PARKHUB_TEST_SEED"] ?? Math.floor(Math.random() * 1e6));
    process.stderr.write(`kill rounds with PARKHUB_TEST_SEED=${seed}\n`);
    let from = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const durable = await writeAndKill(from, 20 + ((seed + round * 7919) % 90));
      await at.open({ compactAt: 700, chunkAt: 40 });
      const [range, ...others] = (await at.store?.ranges(KILL_GATEWAY)) ?? [];
      expect(others).toEqual([]);
      const count = (range?.to ?? -1) + 1;
      // The batch that was under way may be there as a whole; nothing else is.
      expect([(durable + 1) * KILL_BATCH, (durable + 2) * KILL_BATCH]).toContain(count);
      const rows = await everything();
      expect(rows.size).toBe(count);
      for (const [offset, { epoch: _epoch, offset: _offset, ...sample }] of rows)
        expect(sample).toEqual(killSample(offset));

      const edges = [0, 1_780_000_000_000, 1_790_001_000_000, 1_800_000_000_000];
      const buckets = (await at.store?.aggregate({ points: KILL_POINTS, edges })) ?? [];
      expect(total(buckets, (bucket) => bucket.count + bucket.bad)).toBe(count);
      const usable = [...rows.values()].filter(({ quality }) => quality === "good");
      const sum = usable.reduce((all, { value }) => all + Number(value), 0);
      expect(total(buckets, (bucket) => (bucket.mean ?? 0) * bucket.count)).toBeCloseTo(sum, 0);
      await at.store?.close();
      from = count / KILL_BATCH;
    }
    expect(at.count("chunks")).toBeGreaterThan(KILL_POINTS.length);
  }, 600_000);
});
