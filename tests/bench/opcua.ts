import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DriverDeps } from "#protocols/driver.ts";
import { opcua } from "#protocols/opcua/index.ts";
import { node, ServerProcess } from "#tests/fixtures/opcua/server-process.ts";
import type { BenchResult } from "./bench.ts";

const ITEMS = 10_000;
/** Each item changes twice a second. */
const PERIOD_MS = 500;
const MEASURE_MS = 15_000;
const SETTLE_MS = 3000;

/** What was told of each item: how often, and how many of its changes were not told. */
class Tally {
  readonly #last = new Map<string, number>();
  changes = 0;
  missed = 0;

  take(samples: readonly Sample[]): void {
    for (const { point, value, quality } of samples) {
      if (quality !== "good" || typeof value !== "number") continue;
      const before = this.#last.get(point);
      if (before === value) continue;
      this.changes++;
      // each change counts up by one
      if (before !== undefined && value > before + 1) this.missed += value - before - 1;
      this.#last.set(point, value);
    }
  }

  get known(): number {
    return this.#last.size;
  }
}

/** The driver's share of a core while 10,000 monitored items change at 2 Hz, signed and encrypted. */
export async function opcuaBench(say: (text: string) => void): Promise<BenchResult> {
  const folder = await mkdtemp(path.join(tmpdir(), "parkhub-bench-opcua-"));
  const server = await ServerProcess.start({ many: ITEMS });
  const tally = new Tally();
  const deps: DriverDeps = {
    logger: silentLogger,
    clock: systemClock,
    folder,
    onSamples: (samples) => tally.take(samples),
    onEvent: () => undefined,
    storeEvent: () => Promise.resolve(),
    onConditions: () => undefined,
    onHistory: () => undefined,
    onCertificates: () => undefined,
    onDevice: () => undefined,
  };
  const driver = await opcua.create({ publishingMs: PERIOD_MS }, deps);
  try {
    await driver.start(new AbortController().signal);
    const begun = performance.now();
    const points = Array.from({ length: ITEMS }, (_, at) => ({
      point: pointId(`park/gw-1/bench/${at}`),
      address: { nodeId: node(`Many.${at}`), samplingMs: 0 },
      writable: false,
    }));
    const config = { endpointUrl: server.url, trustOnFirstUse: true };
    await driver.bind([{ device: deviceId("park/gw-1/bench"), config, points }]);
    while (tally.known < ITEMS) await sleep(20);
    const setUpMs = Math.round(performance.now() - begun);
    say(`${ITEMS} items observed after ${setUpMs} ms`);
    await server.do({ kind: "ramp", periodMs: PERIOD_MS });
    await sleep(SETTLE_MS);
    const changesBefore = tally.changes;
    const cpuBefore = process.cpuUsage();
    const measured = performance.now();
    await sleep(MEASURE_MS);
    const cpu = process.cpuUsage(cpuBefore);
    const elapsedMs = performance.now() - measured;
    const changes = tally.changes - changesBefore;
    const rounds = Number(await server.do({ kind: "ramp", periodMs: 0 }));
    await sleep(SETTLE_MS);
    // the last round of every item must have come as well
    const total = ITEMS * (rounds + 1);
    const missed = Math.max(tally.missed, total - tally.changes);
    say(`${rounds} rounds of changes, ${tally.changes} of ${total} told`);
    const cpuShare = (cpu.user + cpu.system) / 1000 / elapsedMs;
    return {
      figures: {
        changesPerS: Math.round((changes * 1000) / elapsedMs),
        cpuShare: Math.round(cpuShare * 1000) / 1000,
        missed,
        setUpMs,
        rssMb: Math.round(process.memoryUsage().rss / 1e6),
      },
    };
  } finally {
    await driver.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
