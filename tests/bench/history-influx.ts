import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { QUALITIES, type TestSeries } from "./history-data.ts";

/** What InfluxDB comes to on the same data. */
export interface InfluxFigures {
  readonly coldBytesPerSample: number;
  readonly hourly30dMs: number;
  readonly raw1dMs: number;
}

const LINES_AT_ONCE = 10_000;

function folderBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

async function post(url: string, body: string): Promise<string> {
  const response = await fetch(url, { method: "POST", body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} said ${response.status}: ${text.slice(0, 200)}`);
  return text;
}

async function query(server: TestServer, database: string, q: string): Promise<string> {
  const address = `http://127.0.0.1:${server.port}/query?epoch=ms&db=${database}&q=${encodeURIComponent(q)}`;
  return await post(address, "");
}

/** Value and, where it is not good, quality: as a user of InfluxDB would store it. */
function* lines(series: readonly TestSeries[]): Generator<string> {
  for (const { name, time, value, quality, boolean } of series)
    for (let i = 0; i < time.length; i++) {
      const text = boolean ? `b=${value[i] === 1}` : `v=${value[i]}`;
      const q = quality[i] === 0 ? "" : `,q="${QUALITIES[quality[i] ?? 0]}"`;
      yield `s,p=${name} ${text}${q} ${time[i]}`;
    }
}

async function fill(server: TestServer, database: string, series: readonly TestSeries[]): Promise<void> {
  await query(server, "", `CREATE DATABASE ${database}`);
  let batch: string[] = [];
  const address = `http://127.0.0.1:${server.port}/write?db=${database}&precision=ms`;
  for (const line of lines(series)) {
    batch.push(line);
    if (batch.length < LINES_AT_ONCE) continue;
    await post(address, batch.join("\n"));
    batch = [];
  }
  if (batch.length > 0) await post(address, batch.join("\n"));
}

/** Waits until its memory is written out as compressed files, or a minute. */
async function writtenOut(server: TestServer): Promise<void> {
  const wal = (): number => folderBytes(path.join(server.folder, "wal"));
  for (let i = 0; i < 120 && wal() > 100_000; i++) await setTimeout(500);
}

async function median(times: number, work: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    all.push(performance.now() - started);
  }
  return all.sort((a, b) => a - b)[times >> 1] ?? 0;
}

/**
 * Bytes a sample on disk, hourly summaries of all series of `month`, and one day of one series of `cold`, at an InfluxDB of its
 * own. `interleave` is called before each group of questions, so that both sides are measured on the same machine at the same time.
 */
export async function measureInflux(
  cold: readonly TestSeries[],
  month: readonly TestSeries[],
  range: { readonly from: number; readonly days: number; readonly hours: number },
): Promise<InfluxFigures> {
  const server = await startInflux({ snapshotAfter: "1s" });
  try {
    await fill(server, "cold", cold);
    await fill(server, "month", month);
    await writtenOut(server);
    const samples = cold.reduce((sum, { time }) => sum + time.length, 0);
    const bytes =
      folderBytes(path.join(server.folder, "data", "cold")) + folderBytes(path.join(server.folder, "wal", "cold"));
    const to = (hours: number): string => `time >= ${range.from}ms AND time < ${range.from + hours * 3_600_000}ms`;
    const hourly = `SELECT min(v), max(v), mean(v), last(v), count(v) FROM s WHERE ${to(range.hours)} GROUP BY p, time(1h) fill(none)`;
    const one = cold.find(({ kind }) => kind === "temperature float32")?.name ?? "";
    const raw = `SELECT v, q FROM s WHERE p = '${one}' AND ${to(24)}`;
    const hourly30dMs = await median(3, async () => JSON.parse(await query(server, "month", hourly)));
    const raw1dMs = await median(9, async () => JSON.parse(await query(server, "cold", raw)));
    return { coldBytesPerSample: bytes / samples, hourly30dMs, raw1dMs };
  } finally {
    await server.remove();
  }
}
