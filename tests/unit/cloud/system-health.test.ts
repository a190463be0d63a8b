import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PartState } from "#cloud/api/deps.ts";
import { SystemHealth } from "#cloud/system-health.ts";
import type { CertificateView } from "#core/contracts/gateways.ts";
import { silentLogger } from "#core/logger.ts";
import { DomainBench, type Domains, LI } from "./domain-bench.ts";
import { GW1 } from "./small-park.ts";

const DAY_MS = 24 * 3_600_000;

let bench: DomainBench;
let cloud: Domains;
let health: SystemHealth;
const parts: Record<string, PartState> = {};
const jobs = { waiting: 0, active: 0, dead: 0 };
const gateways = [{ id: GW1, quarantined: 7 }];
const certificates: CertificateView[] = [];
let offsetMs: number | undefined;

function watch(): SystemHealth {
  return new SystemHealth({
    alarms: cloud.alarms,
    parts: () => parts,
    jobs: { counts: async () => jobs },
    gateways: () => gateways,
    certificatesOf: () => certificates,
    clockOffsetOf: () => offsetMs,
    clock: bench.clock,
    logger: silentLogger,
  });
}
/** Looks as often as it would in that time. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    bench.clock.advance(10_000);
    await health.look();
  }
}

beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
  for (const part of ["records", "telemetry", "jobs", "broker", "points"]) parts[part] = { ready: true };
  Object.assign(jobs, { waiting: 0, dead: 0 });
  gateways[0] = { id: GW1, quarantined: 7 };
  certificates.length = 0;
  offsetMs = undefined;
  health = watch();
  await health.look();
});
afterEach(() => bench.clear());

const open = () => cloud.alarms.list({ limit: 20, visible: "all" }).items;

describe("the hub itself", () => {
  it("raises nothing while all is well, nor for a part that is no alarm", async () => {
    parts["points"] = { ready: false };
    await pass(600_000);
    expect(open()).toEqual([]);
  });

  it.each([
    ["telemetry", "telemetryStore:hub", 40_000],
    ["broker", "broker:hub", 30_000],
    ["jobs", "jobs:hub", 70_000],
    ["records", "records:hub", 20_000],
  ])("raises one alarm when %s is in trouble, and clears it by itself", async (part, definition, afterMs) => {
    parts[part] = { ready: false, detail: "refused" };
    await pass(afterMs);
    expect(open()).toMatchObject([{ definition, category: "system", law: "facility", state: "B", value: "refused" }]);
    await pass(60_000);
    expect(open()).toHaveLength(1);
    parts[part] = { ready: true };
    await pass(10_000);
    expect(open()).toMatchObject([{ definition, state: "D", occurrence: 1 }]);
  });

  it("raises nothing for a store that is away for a moment", async () => {
    parts["telemetry"] = { ready: false };
    await pass(10_000);
    parts["telemetry"] = { ready: true };
    await pass(120_000);
    expect(open()).toEqual([]);
  });

  it("tells of jobs that have failed for good, until they are gone", async () => {
    jobs.dead = 2;
    await pass(10_000);
    expect(open()).toMatchObject([{ definition: "jobsDead:hub", value: "2", state: "B" }]);
    jobs.dead = 0;
    await pass(10_000);
    expect(open()).toMatchObject([{ state: "D" }]);
  });

  it("tells of jobs that pile up for minutes", async () => {
    jobs.waiting = 5000;
    await pass(300_000);
    expect(open()).toEqual([]);
    await pass(20_000);
    expect(open()).toMatchObject([{ definition: "jobsBacklog:hub" }]);
  });

  it("tells of a certificate a month before it ends, and no more once it was renewed", async () => {
    const times = {
      notBefore: "2026-01-01T00:00:00.000Z",
      notAfter: new Date(bench.clock.now() + 29 * DAY_MS).toISOString(),
    };
    const known = { gateway: GW1, channel: `${GW1}/opcua`, thumbprint: "ab12", subject: "CN=hub", issuer: "CN=hub" };
    certificates.push(
      { ...known, ...times, trust: "own" },
      { ...known, ...times, thumbprint: "cd", trust: "rejected" },
    );
    await pass(10_000);
    expect(open()).toMatchObject([
      { definition: `certificate:${GW1}/opcua/ab12`, messageEn: expect.stringContaining("CN=hub") },
    ]);
    certificates.length = 0;
    await pass(10_000);
    expect(open()).toMatchObject([{ state: "D" }]);
  });

  it("tells for an hour of what could not be stored, not of what was so before", async () => {
    expect(open()).toEqual([]);
    gateways[0] = { id: GW1, quarantined: 9 };
    await pass(10_000);
    expect(open()).toMatchObject([{ definition: `quarantine:${GW1}`, gateway: GW1, state: "B" }]);
    await pass(3_600_000);
    expect(open()).toMatchObject([{ state: "D" }]);
  });

  it("tells of a gateway whose clock is wrong for a minute, until it is right again", async () => {
    offsetMs = -4900;
    await pass(120_000);
    expect(open()).toEqual([]);
    offsetMs = -90_000;
    await pass(60_000);
    expect(open()).toEqual([]);
    await pass(20_000);
    expect(open()).toMatchObject([
      { definition: `gatewayClock:${GW1}`, gateway: GW1, category: "system", priority: "medium", value: "-90 s" },
    ]);
    // a hair below the limit is not right yet
    offsetMs = -4500;
    await pass(20_000);
    expect(open()).toMatchObject([{ state: "B" }]);
    // and neither is a gateway of which nothing has been heard since the hub began anew
    offsetMs = undefined;
    health = watch();
    await pass(20_000);
    expect(open()).toMatchObject([{ state: "B", occurrence: 1 }]);
    offsetMs = 1500;
    await pass(20_000);
    expect(open()).toMatchObject([{ state: "D" }]);
  });

  it("raises nothing for a gateway whose messages were late for a moment", async () => {
    offsetMs = -20_000;
    await pass(40_000);
    offsetMs = -100;
    await pass(120_000);
    expect(open()).toEqual([]);
  });

  it("clears after a restart what is well again, and raises nothing twice of what is not", async () => {
    jobs.dead = 1;
    parts["telemetry"] = { ready: false };
    await pass(60_000);
    expect(open()).toHaveLength(2);
    cloud = await bench.restart(cloud);
    parts["telemetry"] = { ready: true };
    health = watch();
    await health.look();
    await pass(20_000);
    expect(
      open()
        .map(({ definition, state, occurrence }) => [definition, state, occurrence])
        .sort(),
    ).toEqual([
      ["jobsDead:hub", "B", 1],
      ["telemetryStore:hub", "D", 1],
    ]);
  });

  it("tells of a record database that was away as soon as that takes anything again", async () => {
    const { transaction } = cloud.db.sync;
    cloud.db.sync.transaction = () => {
      throw new Error("away");
    };
    parts["records"] = { ready: false };
    await pass(20_000);
    parts["records"] = { ready: true };
    await pass(10_000);
    cloud.db.sync.transaction = transaction;
    await pass(10_000);
    const [alarm] = open();
    expect(alarm).toMatchObject({ definition: "records:hub", state: "D" });
    expect(cloud.alarms.get(alarm?.id ?? "")?.journal.map(({ transition }) => transition)).toEqual([
      "raised",
      "cleared",
    ]);
    expect(cloud.alarms.act(alarm?.id ?? "", "acknowledge", { occurrence: 1, comment: "seen" }, LI).state).toBe("A");
  });
});
