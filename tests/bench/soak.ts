import process from "node:process";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { Site } from "./ingest.ts";

/** How long and how hard a soak is. */
export interface SoakPlan {
  readonly seconds: number;
  /** Share of what the path takes at most, 0 to 1. */
  readonly share: number;
}

/** What a soak has shown. Memory of the process that takes samples in, its store's thread included. */
export interface SoakFigures {
  readonly seconds: number;
  /** What the path takes at most, measured before. */
  readonly mostSamplesPerS: number;
  readonly samplesPerS: number;
  /** Middle of the second quarter of the time, MB. */
  readonly earlyMb: number;
  /** Middle of the last quarter, MB. */
  readonly lateMb: number;
  /** Straight line through the second half, MB a minute. */
  readonly slopeMbPerMin: number;
}

const SATURATED_MS = 2000;
const LOOK_MS = 1000;
const DEFAULT_SECONDS = 600;

const rounded = (value: number): number => Number(value.toFixed(2));

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Slope of the straight line that is nearest to the values, a step. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return spread === 0 ? 0 : values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread;
}

/** Loads broker, ingest, store, current values and rules for so long, and watches the memory. */
export async function soakFor({ seconds, share }: SoakPlan, say: (text: string) => void): Promise<SoakFigures> {
  const site = await Site.open("store");
  try {
    const most = await site.under("saturate", LOOK_MS, SATURATED_MS);
    const mostSamplesPerS = (most.samples * 1000) / most.elapsedMs;
    site.load(mostSamplesPerS * share);
    const memory: number[] = [];
    let samples = 0;
    let elapsedMs = 0;
    while (memory.length < seconds) {
      const figures = await site.measure(LOOK_MS);
      memory.push(figures.rssMb);
      samples += figures.samples;
      elapsedMs += figures.elapsedMs;
      if (memory.length % 30 === 0) say(`${memory.length} s: ${Math.round(figures.rssMb)} MB`);
    }
    const part = (from: number, to: number) => memory.slice(memory.length * from, Math.ceil(memory.length * to));
    return {
      seconds,
      mostSamplesPerS: Math.round(mostSamplesPerS),
      samplesPerS: Math.round((samples * 1000) / elapsedMs),
      earlyMb: Math.round(median(part(0.25, 0.5))),
      lateMb: Math.round(median(part(0.75, 1))),
      slopeMbPerMin: rounded(slopeOf(part(0.5, 1)) * (60_000 / LOOK_MS)),
    };
  } finally {
    await site.close();
  }
}

/** `npm run bench -- soak [--seconds N]`: half of what the data path takes at most, for ten minutes. */
export const soak: Bench = async (say) => {
  const { values } = parseArgs({ args: process.argv.slice(3), options: { seconds: { type: "string" } } });
  const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
  if (!(seconds >= 4)) throw new Error("--seconds: expected 4 or more");
  return { figures: { ...(await soakFor({ seconds, share: 0.5 }, say)) } };
};
