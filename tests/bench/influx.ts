import { Agent, request } from "node:http";
import path from "node:path";
import { openDatabase } from "#cloud/db/database.ts";
import { LineBuffer } from "#cloud/history/influx/line-buffer.ts";
import { LineEncoder, type RowPlace } from "#cloud/history/influx/line-encoder.ts";
import { InfluxTelemetryStore } from "#cloud/history/influx/store.ts";
import { RecordedRanges } from "#cloud/history/influx/stored-ranges.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { TelemetrySpan, TelemetryWrite } from "#cloud/telemetry-ports.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId, newEpoch, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";
import { influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";
import type { BenchResult } from "./bench.ts";

const GATEWAYS = 20;
const POINTS_PER_GATEWAY = 100;
const BATCH = 100;
/** Samples of one write: what ingest stores in one commit. */
const WRITE_SAMPLES = 20_000;
const WRITES_A_ROUND = 8;
const ROUNDS = 5;
/** Writes, and ready-made requests, under way at once. */
const AT_ONCE = 2;
const REQUEST_LINES = 5000;
const START = 1_790_000_000_000;

/** Writes of one round: batches of 100 of twenty gateways, each sample of another time. */
function writesOf(round: number, points: PointNumbers, epoch: string): TelemetryWrite[] {
  return Array.from({ length: WRITES_A_ROUND }, (_, w) => {
    const appender = new SampleAppender();
    const spans: TelemetrySpan[] = [];
    for (let b = 0; b < WRITE_SAMPLES / BATCH; b++) {
      const gateway = gatewayId(`bench/gw-${b % GATEWAYS}`);
      const turn = (round * WRITES_A_ROUND + w) * (WRITE_SAMPLES / BATCH / GATEWAYS) + Math.floor(b / GATEWAYS);
      const first = turn * BATCH;
      spans.push({ gateway, epoch, first, last: first + BATCH - 1, start: appender.columns.length });
      for (let i = 0; i < BATCH; i++) {
        const point = pointId(`${gateway}/ahu-${i % 10}/supply-temperature-${i % POINTS_PER_GATEWAY}`);
        const value = Math.round((21 + Math.sin(turn / 50 + i)) * 100) / 100;
        const observedAt = START + turn * 1000 + ((i * 37) % 900);
        appender.sample(points.numberOf(point), { value, quality: "good", observedAt });
      }
    }
    return { columns: appender.columns, spans };
  });
}

/** The same samples as finished bodies of requests. */
function bodiesOf(writes: readonly TelemetryWrite[], points: PointNumbers): Buffer[] {
  const encoder = new LineEncoder(points);
  const bodies: Buffer[] = [];
  for (const write of writes)
    for (let place: RowPlace | undefined = { span: 0, row: 0 }; place !== undefined; ) {
      const buffer = new LineBuffer(1 << 20);
      place = encoder.encode(write, place, REQUEST_LINES, buffer).next;
      bodies.push(buffer.written);
    }
  return bodies;
}

async function post(port: number, agent: Agent, target: string, body: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, agent, method: "POST", path: target }, (answer) => {
      answer.resume();
      answer.once("end", () =>
        answer.statusCode === 204 ? resolve() : reject(new Error(`InfluxDB answers ${answer.statusCode}`)),
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

/** Milliseconds that `work` takes for all items, so many at once. */
async function timed<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const queue = [...items];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
  return performance.now() - started;
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

async function count(server: TestServer, database: string): Promise<number> {
  const [row] = await influxQuery(server, database, 'SELECT count("row") FROM "raw"."telemetry"');
  return Number(row?.[1] ?? 0);
}

async function measure(server: TestServer, say: (text: string) => void): Promise<BenchResult> {
  const points = new PointNumbers();
  const records = await openDatabase(path.join(server.folder, "records.db"), silentLogger);
  const store = await InfluxTelemetryStore.open({
    url: influxUrl(server, "ours"),
    points,
    ranges: new RecordedRanges(records),
    clock: systemClock,
    logger: silentLogger,
  });
  await influxQuery(server, "", 'CREATE DATABASE "ready" WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME "raw"');
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const epoch = newEpoch();
  const ours: number[] = [];
  const limits: number[] = [];
  const samples = WRITES_A_ROUND * WRITE_SAMPLES;
  const perS = (ms: number): number => Math.round((samples * 1000) / ms);
  // Round 0 warms both up; afterwards each goes first in turn.
  for (let round = 0; round <= ROUNDS; round++) {
    const writes = writesOf(round, points, epoch);
    const bodies = bodiesOf(writes, points);
    const sides = [
      async () => perS(await timed(writes, (write) => store.write(write))),
      async () =>
        perS(await timed(bodies, (body) => post(server.port, agent, "/write?db=ready&rp=raw&precision=ms", body))),
    ] as const;
    const first = round % 2;
    const firstPerS = await sides[first === 0 ? 0 : 1]();
    const secondPerS = await sides[first === 0 ? 1 : 0]();
    const [own, limit] = first === 0 ? [firstPerS, secondPerS] : [secondPerS, firstPerS];
    say(`round ${round}: ${own} samples/s, ready-made ${limit}`);
    if (round === 0) continue;
    ours.push(own);
    limits.push(limit);
  }
  const { sent } = store.numbers;
  const written = await count(server, "ours");
  agent.destroy();
  await store.close();
  await records.close();
  if (written !== sent) throw new Error(`${sent} samples sent, ${written} written`);
  return {
    figures: { samplesPerS: median(ours), written, sent },
    limit: { samplesPerS: median(limits) },
    ratio: { samplesPerS: Math.round(median(ours.map((own, i) => own / (limits[i] ?? 1))) * 100) / 100 },
  };
}

/** `npm run bench -- influx`: the store's write path beside posting the same lines ready-made to the same server, by turns. */
export async function influx(say: (text: string) => void): Promise<BenchResult> {
  if (influxProgram() === undefined) return { figures: { samplesPerS: null, written: null, sent: null } };
  const server = await startInflux();
  try {
    return await measure(server, say);
  } finally {
    await server.remove();
  }
}
