import process from "node:process";
import { expect, it } from "vitest";
import { type SoakPlan, soakFor } from "../bench/soak.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
const PLAN: SoakPlan = LONG ? { seconds: 600, share: 0.5 } : { seconds: 6, share: 0.01 };
/** More than this from the second quarter of ten minutes to the last would be a leak: a share, and a slope in MB a minute. */
const FLAT = { growth: 1.15, slopeMbPerMin: 5 };
/** In six seconds nothing but a buffer that runs away can be seen, MB. */
const RUNAWAY_MB = 150;

it(
  `the data path holds its memory for ${PLAN.seconds} s at ${PLAN.share * 100} % of its load`,
  async () => {
    const figures = await soakFor(PLAN, (text) => process.stderr.write(`soak: ${text}\n`));
    process.stderr.write(`soak: ${JSON.stringify(figures)}\n`);
    expect(figures.samplesPerS).toBeGreaterThan(figures.mostSamplesPerS * PLAN.share * 0.5);
    if (LONG) {
      expect(figures.lateMb).toBeLessThanOrEqual(figures.earlyMb * FLAT.growth);
      expect(figures.slopeMbPerMin).toBeLessThanOrEqual(FLAT.slopeMbPerMin);
    } else expect(figures.lateMb - figures.earlyMb).toBeLessThanOrEqual(RUNAWAY_MB);
  },
  PLAN.seconds * 1000 + 120_000,
);
