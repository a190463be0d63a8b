import os from "node:os";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINES, hasProduction } from "#tests/servers/production.ts";
import { Park, type Profile } from "../e2e/park.ts";
import { KillStorm, type Victim, victimsOf } from "./kill-storm.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
const KILLS = 40;
const OF_EACH = 2;
/** From the kill until a value of after it is seen at the API: the new start of what was killed is in it. */
const RECOVERY_MS = 5000;
/** With more than so many tasks a core waiting, other work decides how long a new start takes. */
const BUSY = 3;
/** How long a part hangs, ms: longer than the gateway waits for an answer before it sends again. */
const HANG_MS = 6000;
const CUTS = LONG ? 20 : 4;
const MANY_FAULTS_MS = LONG ? 900_000 : 180_000;

/** Which are killed, in what order: twice each, or at random when the run may be long. */
function planOf(profile: Profile): readonly Victim[] {
  const victims = victimsOf(profile);
  if (!LONG) return Array.from({ length: OF_EACH }, () => victims).flat();
  return Array.from({ length: KILLS }, () => victims[Math.floor(Math.random() * victims.length)] ?? "cloud");
}

function faultsDoneTo(profile: Profile): void {
  const plan = planOf(profile);
  let park: Park;
  let storm: KillStorm;
  beforeAll(async () => {
    park = await Park.start({}, profile);
    storm = await KillStorm.begin(park, await park.signIn(), Math.random);
  }, 120_000);
  afterAll(() => park?.close());

  it(
    `[catalogue 1] goes on after each of ${plan.length} kills, the servers among those that die`,
    async () => {
      for (const victim of plan) await storm.kill(victim);
    },
    MANY_FAULTS_MS,
  );

  it(
    "[catalogue 2] goes on after each part has hung",
    async () => {
      const servers = profile === "production" ? ENGINES : [];
      for (const victim of ["cloud", ...servers] as const) await storm.hang(victim, HANG_MS);
    },
    MANY_FAULTS_MS,
  );

  it("[catalogue 3] goes on after an uplink that comes and goes", () => storm.flap(CUTS), MANY_FAULTS_MS);

  it("has lost nothing, doubled nothing, changed no value, and was back in time", async () => {
    const account = await storm.account();
    process.stderr.write(`kill storm, ${profile}: ${JSON.stringify(account)}\n`);
    expect(account).toMatchObject({ kills: plan.length, lost: 0, doubled: 0, wrong: 0 });
    expect(account.committed).toBeGreaterThan(plan.length * 100);
    const waiting = (os.loadavg()[0] ?? 0) / os.availableParallelism();
    if (waiting > BUSY) process.stderr.write(`${waiting.toFixed(1)} tasks a core: the recovery times are not judged\n`);
    else expect(account.maxRecoveryMs, JSON.stringify(account.recoveryMs)).toBeLessThanOrEqual(RECOVERY_MS);
  }, 120_000);
}

describe.skipIf(!hasProduction())("a park under load on the production profile", () => faultsDoneTo("production"));

// kill.test.ts and the tests of outages do this to the embedded profile in every run
describe.runIf(LONG)("a park under load on the embedded profile", () => faultsDoneTo("embedded"));
