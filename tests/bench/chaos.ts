import process from "node:process";
import { parseArgs } from "node:util";
import { Park, type Profile } from "../e2e/park.ts";
import { KillStorm, victimsOf } from "../faults/kill-storm.ts";
import { hasProduction } from "../servers/production.ts";
import type { Bench } from "./bench.ts";

const DEFAULT_MINUTES = 5;
/** A history of the fastest point answers in one request for as long as this. */
const MOST_MINUTES = 45;

interface Options {
  readonly minutes: number;
  readonly profile: Profile;
}

function options(): Options {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { minutes: { type: "string" }, profile: { type: "string" } },
  });
  const minutes = Number(values.minutes ?? DEFAULT_MINUTES);
  if (!(minutes > 0 && minutes <= MOST_MINUTES)) throw new Error(`--minutes: expected up to ${MOST_MINUTES}`);
  const { profile = hasProduction() ? "production" : "embedded" } = values;
  if (profile !== "embedded" && profile !== "production") throw new Error("--profile: expected embedded or production");
  return { minutes, profile };
}

/** Kills processes and servers of a park under load at random, for `--minutes N` on `--profile embedded|production`. */
export const chaos: Bench = async (say) => {
  const { minutes, profile } = options();
  const park = await Park.start({}, profile);
  try {
    const storm = await KillStorm.begin(park, await park.signIn(), Math.random);
    const victims = victimsOf(profile);
    const end = performance.now() + minutes * 60_000;
    while (performance.now() < end) {
      const victim = victims[Math.floor(Math.random() * victims.length)] ?? "cloud";
      await storm.kill(victim);
      say(`killed ${victim}`);
    }
    const { recoveryMs, losses, missing, ...figures } = await storm.account();
    say(`longest recoveries, ms: ${JSON.stringify(recoveryMs)}; losses: ${JSON.stringify({ ...losses, missing })}`);
    if (figures.lost + figures.doubled + figures.wrong > 0) process.exitCode = 1;
    return { figures };
  } finally {
    await park.close();
  }
};
