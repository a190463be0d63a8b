import process from "node:process";
import { BacnetField, takeCore } from "./bacnet-field.ts";
import { type Park, park } from "./bacnet-park.ts";
import { clientLoop, type Loop, POINTS, pingPong } from "./bacnet-requests.ts";
import type { BenchResult } from "./bench.ts";

const FEW = 20;
const PARK = 200;
// short rounds in turn: whatever else the machine does disturbs both alike
const ROUNDS = 9;
const WARM_UP_MS = 300;
const MEASURE_MS = 400;
const COV_MS = 2000;

interface Round {
  readonly ping: Loop;
  readonly client: Loop;
}

async function rounds(
  ports: readonly number[],
  count: number,
  say: (text: string) => void,
  what: string,
): Promise<readonly Round[]> {
  const done: Round[] = [];
  for (let round = 0; round < count; round++) {
    const ping = await pingPong(ports, WARM_UP_MS / 3, MEASURE_MS);
    const client = await clientLoop(ports, WARM_UP_MS, MEASURE_MS);
    if (client.bad !== 0) throw new Error(`${client.bad} points were not good`);
    done.push({ ping, client });
    const [a, b] = [client, ping].map(({ requestsPerS }) => Math.round(requestsPerS));
    say(`${what}: ${a} requests/s of ${b}, ${cpuUs(client).toFixed(1)} us CPU of ${cpuUs(ping).toFixed(1)}`);
  }
  return done;
}

function cpuUs({ cpuShare, requestsPerS }: Loop): number {
  return (cpuShare / requestsPerS) * 1e6;
}

function middle(all: readonly Round[], figure: (round: Round) => number): number {
  return all.map(figure).sort((a, b) => a - b)[all.length >> 1] ?? 0;
}

const rounded = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits;
const ratioOf = ({ client, ping }: Round): number => client.requestsPerS / ping.requestsPerS;

/**
 * `npm run bench -- bacnet`: ReadPropertyMultiple of 55 points, 1 and 20 devices, from what is to be read to a reading of each point,
 * beside a UDP ping-pong of the same bytes in bare Node. Both ask the same process, which sends prepared answers, so that no device's
 * work is measured; it has the other core, and for `OneCore` it shares ours. Then 200 devices with 10,000 points on the real driver.
 * `PARKHUB_BENCH_QUICK=1`: one round each, to see that it works.
 */
export async function bacnet(say: (text: string) => void): Promise<BenchResult> {
  const count = process.env["PARKHUB_BENCH_QUICK"] === "1" ? 1 : ROUNDS;
  const field = new BacnetField();
  const cores = takeCore();
  try {
    const few = await field.open(FEW);
    const apart = cores !== undefined && field.pin(cores.others);
    if (!apart) say("taskset or a second core is missing: the devices share the core that is measured");
    const one = await rounds(few.slice(0, 1), count, say, "1 device");
    const twenty = await rounds(few, count, say, `${FEW} devices`);
    const shares = cores !== undefined && field.pin(cores.ours);
    const oneCore = shares ? await rounds(few, count, say, `${FEW} devices on our core`) : twenty;
    if (cores !== undefined) field.pin(cores.others);
    say(`${PARK} devices on the driver`);
    const all = await field.open(PARK - FEW);
    return resultOf(one, twenty, oneCore, await park(field, all, COV_MS));
  } finally {
    cores?.release();
    field.close();
  }
}

function resultOf(
  one: readonly Round[],
  twenty: readonly Round[],
  oneCore: readonly Round[],
  { resyncMs, firstSyncMs, covPerS, mbPer1kPoints }: Park,
): BenchResult {
  const client = (all: readonly Round[], figure: (loop: Loop) => number): number =>
    middle(all, (round) => figure(round.client));
  const ping = (all: readonly Round[], figure: (loop: Loop) => number): number =>
    middle(all, (round) => figure(round.ping));
  const requests = ({ requestsPerS }: Loop): number => requestsPerS;
  return {
    figures: {
      requestsPerS1: Math.round(client(one, requests)),
      requestsPerS20: Math.round(client(twenty, requests)),
      requestsPerS20OneCore: Math.round(client(oneCore, requests)),
      pointsPerS20: Math.round(client(twenty, requests) * POINTS),
      cpuUsPerRequest: rounded(client(twenty, cpuUs), 1),
      p50Ms: rounded(
        client(one, ({ p50Ms }) => p50Ms),
        3,
      ),
      p99Ms: rounded(
        client(one, ({ p99Ms }) => p99Ms),
        3,
      ),
      p50Ms20: rounded(
        client(twenty, ({ p50Ms }) => p50Ms),
        3,
      ),
      p99Ms20: rounded(
        client(twenty, ({ p99Ms }) => p99Ms),
        3,
      ),
      covPerS: Math.round(covPerS),
      firstSync10kMs: Math.round(firstSyncMs),
      resync10kMs: Math.round(resyncMs),
      mbPer1kPoints: rounded(mbPer1kPoints),
    },
    limit: {
      requestsPerS1: Math.round(ping(one, requests)),
      requestsPerS20: Math.round(ping(twenty, requests)),
      requestsPerS20OneCore: Math.round(ping(oneCore, requests)),
      cpuUsPerRequest: rounded(ping(twenty, cpuUs), 1),
      p50Ms: rounded(
        ping(one, ({ p50Ms }) => p50Ms),
        3,
      ),
      p99Ms: rounded(
        ping(one, ({ p99Ms }) => p99Ms),
        3,
      ),
    },
    ratio: {
      requestsPerS1: rounded(middle(one, ratioOf)),
      requestsPerS20: rounded(middle(twenty, ratioOf)),
      requestsPerS20OneCore: rounded(middle(oneCore, ratioOf)),
    },
  };
}
