import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "#core/clock.ts";
import { type PointId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { Outbox } from "#edge/outbox.ts";
import type { BenchResult } from "./bench.ts";

/** How often the gateway commits, ms. */
const TICK_MS = 50;
const SMOKE = process.env["PARKHUB_BENCH_SMOKE"] === "1";
/** Ticks of one round, and rounds of each kind in turns: the machine may have other work. */
const TICKS = SMOKE ? 4 : 20;
const ROUNDS = SMOKE ? 2 : 6;
const DEVICES = 20;
const BATCH = 100;
/** Ticks of the backlog that is written and drained without pauses. */
const BACKLOG_TICKS = SMOKE ? 100 : 1_200;
/** Rows under way when a backlog is drained; the cloud's ack comes for all of them at once. */
const WINDOW = 24;

const POINTS: readonly PointId[][] = Array.from({ length: DEVICES }, (_, device) =>
  Array.from({ length: BATCH }, (_point, at) => pointId(`site/gw/device-${device}/point-${at}`)),
);

type Synchronous = "FULL" | "NORMAL";

function open(folder: string, name: string, synchronous: Synchronous): Outbox {
  const outbox = new Outbox({
    path: path.join(folder, `${name}.db`),
    clock: systemClock,
    logger: silentLogger,
    synchronous,
    limits: { telemetryBytes: 4 * 1024 ** 3, pendingSamples: 5_000_000, reserveBytes: 0 },
  });
  outbox.numbers.register(POINTS.flat());
  return outbox;
}

let turn = 0;
function batch(points: readonly PointId[]): Sample[] {
  const observedAt = ++turn;
  return points.map((point, at) => ({ point, value: turn * 0.5 + at, quality: "good", observedAt }));
}

/** As an ack of everything: the file stays as large as it is. */
function trim(outbox: Outbox): void {
  const last = outbox.state("telemetry").next - 1;
  outbox.markSent("telemetry", last);
  outbox.acknowledge({ lane: "telemetry", epoch: outbox.epoch, upTo: last });
}

/** Batches a second when as many as possible are queued for 50 ms, committed, and so on. */
function round(outbox: Outbox): number {
  const startedAt = performance.now();
  let batches = 0;
  for (let tick = 1; tick <= TICKS; tick++) {
    const until = performance.now() + TICK_MS;
    do {
      outbox.appendSamples(batch(POINTS[batches % DEVICES] ?? []));
      batches++;
    } while (performance.now() < until);
    if (!outbox.commit()) throw new Error("commit refused");
    trim(outbox);
  }
  return (batches * 1_000) / (performance.now() - startedAt);
}

const middle = (figures: readonly number[]): number =>
  figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;

function backlog(outbox: Outbox): { readonly writePerS: number; readonly drainPerS: number } {
  const total = BACKLOG_TICKS * DEVICES * 10;
  let startedAt = performance.now();
  for (let tick = 0; tick < BACKLOG_TICKS; tick++) {
    for (const points of POINTS) outbox.appendSamples(batch(points.slice(0, 10)));
    outbox.commit();
  }
  const writePerS = (total * 1_000) / (performance.now() - startedAt);
  startedAt = performance.now();
  let committedAt = startedAt;
  let drained = 0;
  for (let cursor = outbox.state("telemetry").acked; ; ) {
    const rows = outbox.telemetryAfter(cursor, WINDOW);
    const last = rows.at(-1)?.last;
    if (last === undefined) break;
    for (const { samples } of rows) drained += samples.length;
    cursor = last;
    outbox.markSent("telemetry", last);
    outbox.acknowledge({ lane: "telemetry", epoch: outbox.epoch, upTo: last });
    if (performance.now() - committedAt < TICK_MS) continue;
    outbox.commit();
    committedAt = performance.now();
  }
  outbox.commit();
  if (drained < total) throw new Error(`drained ${drained} of ${total}`);
  return { writePerS, drainPerS: (drained * 1_000) / (performance.now() - startedAt) };
}

/** What durability costs: the outbox with a full sync at each tick beside one that never waits for the disk; and a backlog. */
export async function outbox(say: (text: string) => void): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "parkhub-bench-outbox-"));
  try {
    const files = { FULL: open(folder, "full", "FULL"), NORMAL: open(folder, "normal", "NORMAL") };
    const rates: Record<Synchronous, number[]> = { FULL: [], NORMAL: [] };
    for (const file of Object.values(files)) round(file);
    for (let at = 0; at < ROUNDS; at++)
      for (const kind of at % 2 === 0 ? (["FULL", "NORMAL"] as const) : (["NORMAL", "FULL"] as const))
        rates[kind].push(round(files[kind]));
    const full = middle(rates.FULL);
    const normal = middle(rates.NORMAL);
    say(`FULL ${Math.round(full)}, NORMAL ${Math.round(normal)} batches of ${BATCH} a second`);
    const { writePerS, drainPerS } = backlog(files.FULL);
    say(`backlog: ${Math.round(writePerS)} samples/s written, ${Math.round(drainPerS)} drained`);
    for (const file of Object.values(files)) file.close();
    return {
      figures: {
        fullBatchesPerS: Math.round(full),
        normalBatchesPerS: Math.round(normal),
        backlogWriteSamplesPerS: Math.round(writePerS),
        backlogDrainSamplesPerS: Math.round(drainPerS),
      },
      limit: { full: Math.round(normal) },
      ratio: { full: full / normal },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
