import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BenchResult } from "./bench.ts";
import type { CloudAnswer, CloudQuestion, GatewaysAnswer, GatewaysOrder } from "./ingest-messages.ts";

const SMOKE = process.env["PARKHUB_BENCH_SMOKE"] === "1";
const ROUNDS = SMOKE ? 1 : 3;
const WARM_UP_MS = SMOKE ? 500 : 3000;
const SATURATED_MS = SMOKE ? 500 : 3000;
const PACED_MS = SMOKE ? 500 : 10_000;
/** From the beginning of a load until it is measured. */
const SETTLE_MS = SMOKE ? 200 : 1500;

type Figures = Extract<CloudAnswer, { kind: "figures" }>;

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const answered = (message: unknown): void => {
      child.off("exit", ended);
      resolve(message as T);
    };
    const ended = (code: number | null): void => {
      child.off("message", answered);
      reject(new Error(`${child.spawnfile} ended with ${String(code)}`));
    };
    child.once("message", answered);
    child.once("exit", ended);
  });
}

function start(file: string, argument: string): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [argument]);
}

/** One cloud and its gateways. */
export class Site {
  readonly #cloud: ChildProcess;
  readonly #gateways: ChildProcess;

  private constructor(cloud: ChildProcess, gateways: ChildProcess) {
    this.#cloud = cloud;
    this.#gateways = gateways;
  }

  static async open(store: "none" | "store"): Promise<Site> {
    const cloud = start("./ingest-cloud.ts", store);
    const ready = await answerOf<CloudAnswer>(cloud);
    if (ready.kind !== "ready") throw new Error("the cloud did not start");
    const gateways = start("./ingest-gateways.ts", String(ready.port));
    await answerOf<GatewaysAnswer>(gateways);
    return new Site(cloud, gateways);
  }

  load(samplesPerS: number | "saturate"): void {
    const order: GatewaysOrder = { samplesPerS };
    this.#gateways.send(order);
  }

  /** Measures so long under the running load. */
  async measure(ms: number): Promise<Figures> {
    this.#ask("reset");
    await sleep(ms);
    this.#ask("figures");
    const figures = await answerOf<CloudAnswer>(this.#cloud);
    if (figures.kind !== "figures") throw new Error("no figures came");
    return figures;
  }

  /** Loads, measures, and lets everything that is left to do be done: nothing is measured in the wake of something else. */
  async under(samplesPerS: number | "saturate", settleMs: number, ms: number): Promise<Figures> {
    this.load(samplesPerS);
    await sleep(settleMs);
    const figures = await this.measure(ms);
    this.load(0);
    await this.rest();
    return figures;
  }

  /** Resolves when the cloud has nothing to do; gives how long that took, ms. */
  async rest(): Promise<number> {
    this.#ask("rest");
    const rested = await answerOf<CloudAnswer>(this.#cloud);
    return rested.kind === "rested" ? rested.afterMs : 0;
  }

  async close(): Promise<void> {
    const ended = [once(this.#gateways, "exit"), once(this.#cloud, "exit")];
    this.#gateways.send("stop" satisfies GatewaysOrder);
    this.#ask("stop");
    await Promise.all(ended);
  }

  #ask(question: CloudQuestion): void {
    this.#cloud.send(question);
  }
}

const perS = ({ samples, elapsedMs }: Figures): number => (samples * 1000) / elapsedMs;
const cpuOf = ({ cpuUs, samples }: Figures): number => cpuUs / samples;
const mainCpuOf = ({ mainCpuUs, samples }: Figures): number => mainCpuUs / samples;
const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));
const ms = (value: number | null): number | null => (value === null ? null : rounded(value));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function told({ p50Ms, p99Ms, ...figures }: Figures): string {
  const rate = `${Math.round(perS(figures as Figures) / 1000)} k/s`;
  const cpu = `${rounded(cpuOf(figures as Figures), 3)} us (main ${rounded(mainCpuOf(figures as Figures), 3)})`;
  return `${rate}, ${cpu} a sample, rules p50 ${ms(p50Ms)} p99 ${ms(p99Ms)} ms, ${Math.round(figures.rssMb)} MB`;
}

/**
 * `npm run bench -- ingest`: 20 gateways over TCP into broker, ingest, current values and rules, stored before it is
 * acknowledged; beside the same path whose store does nothing, by turns. The rates after it are sustained for 10 s each.
 */
export async function ingest(say: (text: string) => void): Promise<BenchResult> {
  const sites = [await Site.open("none"), await Site.open("store")] as const;
  const [none, store] = sites;
  try {
    for (const site of sites) await site.under("saturate", 0, WARM_UP_MS);
    const limits: Figures[] = [];
    const saturated: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      limits.push(await none.under("saturate", SETTLE_MS, SATURATED_MS));
      say(`without a store: ${told(limits[round] as Figures)}`);
      saturated.push(await store.under("saturate", SETTLE_MS, SATURATED_MS));
      say(`stored:          ${told(saturated[round] as Figures)}`);
    }
    const samplesPerS = median(saturated.map(perS));
    const limitPerS = median(limits.map(perS));
    const paced: Record<string, Figures> = {};
    for (const [name, rate] of [
      ["At10", samplesPerS * 0.1],
      ["At50", samplesPerS * 0.5],
      ["At90", samplesPerS * 0.9],
      ["At600k", 600_000],
    ] as const) {
      const figures = await store.under(rate, SETTLE_MS, PACED_MS);
      paced[name] = figures;
      say(`${name} (${Math.round(rate / 1000)} k/s): ${told(figures)}`);
    }
    const latency = (name: string, quantile: "p50Ms" | "p99Ms"): number | null => ms(paced[name]?.[quantile] ?? null);
    return {
      figures: {
        samplesPerS: Math.round(samplesPerS),
        cpuUsPerSample: rounded(median(saturated.map(cpuOf)), 3),
        mainCpuUsPerSample: rounded(median(saturated.map(mainCpuOf)), 3),
        p50MsAt10: latency("At10", "p50Ms"),
        p99MsAt10: latency("At10", "p99Ms"),
        p50MsAt50: latency("At50", "p50Ms"),
        p99MsAt50: latency("At50", "p99Ms"),
        p50MsAt90: latency("At90", "p50Ms"),
        p99MsAt90: latency("At90", "p99Ms"),
        p50MsAt600k: latency("At600k", "p50Ms"),
        p99MsAt600k: latency("At600k", "p99Ms"),
        cpuUsPerSampleAt600k: rounded(cpuOf(paced["At600k"] as Figures), 3),
        samplesPerSAt600k: Math.round(perS(paced["At600k"] as Figures)),
        rssMb: Math.round(Math.max(...saturated.map(({ rssMb }) => rssMb))),
      },
      limit: {
        samplesPerS: Math.round(limitPerS),
        cpuUsPerSample: rounded(median(limits.map(cpuOf)), 3),
        rssMb: Math.round(Math.max(...limits.map(({ rssMb }) => rssMb))),
      },
      ratio: { samplesPerS: rounded(samplesPerS / limitPerS) },
    };
  } finally {
    for (const site of sites) await site.close();
  }
}
