import { mkdtempSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { decodeChunk } from "#cloud/history/chunk-codec.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { TelemetrySpan } from "#cloud/telemetry-ports.ts";
import { gatewayId, newEpoch, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { influxProgram } from "#tests/servers/influxd.ts";
import type { BenchResult } from "./bench.ts";
import { arrivals, DATA_START, makeSeries, QUALITIES, type TestSeries } from "./history-data.ts";
import { measureInflux } from "./history-influx.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW_MS = 600_000;

interface Filled {
  readonly file: string;
  readonly store: EmbeddedTelemetryStore;
  readonly samples: number;
  readonly samplesPerS: number;
  readonly longestWriteMs: number;
}

async function fill(folder: string, name: string, series: readonly TestSeries[], windowMs: number): Promise<Filled> {
  const file = path.join(folder, name);
  const points = new PointNumbers();
  const numbers = series.map((one) => points.numberOf(pointId(one.name)));
  const store = await EmbeddedTelemetryStore.open({ file, points }, silentLogger);
  const epochs = new Map<string, { epoch: string; next: number }>();
  let samples = 0;
  let writing = 0;
  let longestWriteMs = 0;
  for (const { columns, spans } of arrivals(series, numbers, windowMs)) {
    const batches = spans.map(({ gateway, start, end }): TelemetrySpan => {
      const state = epochs.get(gateway) ?? { epoch: newEpoch(), next: 1 };
      const first = state.next;
      state.next += end - start;
      epochs.set(gateway, state);
      return { gateway: gatewayId(gateway), epoch: state.epoch, first, last: state.next - 1, start };
    });
    const started = performance.now();
    const { stored } = await store.write({ columns, spans: batches });
    const took = performance.now() - started;
    writing += took;
    longestWriteMs = Math.max(longestWriteMs, took);
    samples += stored;
  }
  await store.maintain({ rawBefore: 0, summariesBefore: 0 });
  return { file, store, samples, samplesPerS: (samples / writing) * 1000, longestWriteMs };
}

/** Reads everything back and compares every bit of every field. */
async function proveLossless({ store, samples }: Filled, series: readonly TestSeries[]): Promise<void> {
  let seen = 0;
  for (const { name, time, value, quality, boolean } of series) {
    const rows = await store.read({ point: pointId(name), from: 0, to: 2 ** 45, limit: 10_000_000 });
    if (rows.length !== time.length) throw new Error(`${name}: ${rows.length} samples came back of ${time.length}`);
    for (const [i, row] of rows.entries()) {
      const expected = boolean ? value[i] === 1 : value[i];
      const text = row.reason === undefined ? row.quality : `${row.quality}|${row.reason}`;
      if (row.observedAt !== time[i] || !Object.is(row.value, expected) || text !== QUALITIES[quality[i] ?? 0])
        throw new Error(`${name}: sample ${i} came back as ${JSON.stringify(row)}`);
    }
    seen += rows.length;
  }
  if (seen !== samples) throw new Error(`${seen} samples came back of ${samples}`);
}

/** Bytes in use: of the chunks with their index, and of everything in the file. */
function sizes(file: string): { chunks: number; all: number; blobs: number } {
  const db = new DatabaseSync(file, { readOnly: true });
  const number = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
  const chunks = number("SELECT sum(pgsize) FROM dbstat WHERE aggregate=1 AND name LIKE 'chunks%'");
  const free = number("PRAGMA freelist_count") * number("PRAGMA page_size");
  const blobs = number("SELECT sum(length(data)) FROM chunks");
  db.close();
  return { chunks, all: statSync(file).size - free, blobs };
}

function decodeSpeed(file: string, forMs: number): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const blobs = db.prepare("SELECT n, data FROM chunks ORDER BY id LIMIT 2000").all();
  db.close();
  const chunks = blobs.map((row) => row["data"] as Uint8Array);
  const samples = blobs.reduce((sum, row) => sum + Number(row["n"]), 0);
  const run = (ms: number): number => {
    const started = performance.now();
    let rounds = 0;
    do {
      for (const chunk of chunks) decodeChunk(chunk);
      rounds++;
    } while (performance.now() - started < ms);
    return (rounds * samples * 1000) / (performance.now() - started);
  };
  run(forMs / 2);
  return run(forMs);
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

const round = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;

/** `npm run bench -- history`: size and speed of the embedded telemetry store beside InfluxDB on the same data. */
export async function history(say: (text: string) => void): Promise<BenchResult> {
  // `PARKHUB_BENCH_SMOKE=1` shows in seconds that it runs; its figures say nothing.
  const smoke = process.env["PARKHUB_BENCH_SMOKE"] === "1";
  const count = smoke ? 50 : 1000;
  const days = smoke ? 2 : 30;
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-bench-history-"));
  const stores: EmbeddedTelemetryStore[] = [];
  try {
    const cold = makeSeries(count, DAY_MS, 12_345);
    const month = makeSeries(count, days * DAY_MS, 54_321, WINDOW_MS);
    say(`${count} series: a day at full pace ...`);
    const day = await fill(folder, "day.db", cold, WINDOW_MS);
    stores.push(day.store);
    await proveLossless(day, cold);
    say(`${day.samples} samples stored and read back bit by bit; ${days} days at one sample in ten minutes ...`);
    const long = await fill(folder, "month.db", month, DAY_MS);
    stores.push(long.store);
    const size = sizes(day.file);
    const decodeSamplesPerS = decodeSpeed(day.file, smoke ? 200 : 2000);

    const edges = Array.from({ length: days * 24 + 1 }, (_, i) => DATA_START + i * HOUR_MS);
    const points = month.map(({ name }) => pointId(name));
    const polled = cold.filter(({ kind }) => kind === "temperature float32").map(({ name }) => pointId(name));
    let turn = 0;
    const one = { from: DATA_START, to: DATA_START + DAY_MS, limit: 100_000 };
    const hourly30dMs = await median(9, () => long.store.aggregate({ points, edges }));
    const objects = async (): Promise<number> =>
      (await long.store.aggregate({ points, edges })).reduce((sum, buckets) => sum + buckets.length, 0);
    if ((await objects()) < count * days * 20) throw new Error("too few buckets");
    const hourly30dObjectsMs = await median(5, objects);
    const raw1dMs = await median(41, () =>
      day.store.read({ ...one, point: polled[turn++ % polled.length] ?? pointId("") }),
    );
    const figures = {
      coldBytesPerSample: round(size.chunks / day.samples, 3),
      fileBytesPerSample: round(size.all / day.samples, 3),
      codecBytesPerSample: round(size.blobs / day.samples, 3),
      decodeSamplesPerS: Math.round(decodeSamplesPerS),
      hourly30dMs: round(hourly30dMs, 1),
      hourly30dObjectsMs: round(hourly30dObjectsMs, 1),
      raw1dMs: round(raw1dMs),
      writeSamplesPerS: Math.round(day.samplesPerS),
      longestWriteMs: round(day.longestWriteMs, 1),
    };
    if (influxProgram() === undefined) {
      say("influxd is not installed: no comparison");
      return { figures };
    }
    say("the same data into InfluxDB ...");
    const limit = await measureInflux(cold, month, { from: DATA_START, days, hours: days * 24 });
    return {
      figures,
      limit: {
        coldBytesPerSample: round(limit.coldBytesPerSample, 3),
        hourly30dMs: round(limit.hourly30dMs, 1),
        raw1dMs: round(limit.raw1dMs),
      },
      ratio: {
        coldBytesPerSample: round(figures.coldBytesPerSample / limit.coldBytesPerSample, 3),
        hourly30dMs: round(figures.hourly30dMs / limit.hourly30dMs, 4),
        raw1dMs: round(figures.raw1dMs / limit.raw1dMs, 3),
      },
    };
  } finally {
    for (const store of stores) await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
