import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { LiveClient } from "../e2e/live-client.ts";
import { Park, type PartName, until } from "../e2e/park.ts";
import type { BenchResult } from "./bench.ts";

/** Memory is looked at when the park has run so long: start-up garbage is gone by then. */
const SETTLE_MS = 30_000;

/** Resident memory of a process, MB; null where /proc does not tell. */
function residentMb(pid: number): number | null {
  if (process.platform !== "linux") return null;
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kb === undefined ? null : Math.round(Number(kb) / 102.4) / 10;
}

/** Resolves when the first value that was observed after `since` (Unix ms) has come over the live socket. */
async function firstLiveValue(client: ApiClient, since: number): Promise<void> {
  const live = await until("the live socket", () => LiveClient.open<PointView>(client, "points"), 60_000);
  const isNew = ({ current }: PointView): boolean =>
    current.quality === "good" && current.observedAt !== null && Date.parse(current.observedAt) >= since;
  try {
    await until("a live value", () => live.told.some(isNew) || undefined, 60_000);
  } finally {
    live.close();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return Math.round(performance.now() - started);
}

/** `npm run bench -- start`: how long the whole demo park takes to be up, the first and the second time, and its memory. */
export async function start(say: (text: string) => void): Promise<BenchResult> {
  say("bringing the console up to date, so that its build is not measured ...");
  await (await Park.start()).close();
  say("first start ...");
  const begun = performance.now();
  const park = await Park.start();
  try {
    const firstReadyMs = Math.round(performance.now() - begun);
    const client = await park.signIn();
    say(`first start ready after ${firstReadyMs} ms; second start on the same data ...`);
    await park.interrupt();
    const since = Date.now();
    const [secondReadyMs, firstLiveValueMs] = await Promise.all([
      timed(() => park.launch()),
      timed(() => firstLiveValue(client, since)),
    ]);
    say(
      `ready after ${secondReadyMs} ms, first live value after ${firstLiveValueMs} ms; memory in ${SETTLE_MS} ms ...`,
    );
    await sleep(SETTLE_MS);
    const rss = (part: PartName): number | null => residentMb(park.pid(part));
    return {
      figures: {
        firstReadyMs,
        secondReadyMs,
        firstLiveValueMs,
        gatewayRssMb: rss("gw-1"),
        cloudRssMb: rss("cloud"),
        simulatorsRssMb: rss("simulators"),
      },
    };
  } finally {
    await park.close();
  }
}
