import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { peer } from "#tests/peers.ts";
import { type PostgresServer, startPostgres } from "#tests/servers/postgres.ts";
import { FailingNetwork } from "#tests/servers/proxy.ts";
import { Domains, LI, NOON, RecordingLink } from "../unit/cloud/domain-bench.ts";
import { GW1, GW2, minted, told } from "../unit/cloud/small-park.ts";

const program = peer("postgres");

describe.skipIf(program === undefined)("while the record database is away", () => {
  let server: PostgresServer;
  let network: FailingNetwork;
  beforeAll(async () => {
    server = await startPostgres(program ?? "");
    network = await FailingNetwork.before(server.server.port);
  });
  afterAll(async () => {
    await network.close();
    await server.server.remove();
  });

  let folder = "";
  let clock: ManualClock;
  let db: Db;
  let cloud: Domains;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "parkhub-away-"));
    clock = new ManualClock(NOON);
    const url = (await server.schema()).replace(`:${server.server.port}/`, `:${network.port}/`);
    db = await openDatabase(url, silentLogger);
    cloud = new Domains(db, folder, clock, new RecordingLink());
    cloud.start();
  });
  afterEach(async () => {
    network.mode = "pass";
    for (const part of [cloud.commands, cloud.alarms, cloud.linkage]) part.stop();
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const answers = (): boolean => {
    try {
      return cloud.alarms.list({ limit: 1, visible: "all" }).items.length >= 0;
    } catch {
      return false;
    }
  };
  const goAway = async (): Promise<void> => {
    network.mode = "refuse";
    network.cut();
    await expect.poll(answers).toBe(false);
  };
  const comeBack = async (): Promise<void> => {
    network.mode = "pass";
    await expect.poll(answers).toBe(true);
  };
  const openAlarms = () => cloud.alarms.list({ limit: 10, visible: "all" }).items;

  it("no timer of any domain fails, and a lost gateway is alarmed as soon as it is back", async () => {
    await goAway();
    cloud.presence(GW1, false, clock.now());
    clock.advance(60_000);
    await comeBack();
    clock.advance(5000);
    expect(openAlarms()).toMatchObject([{ source: GW1, state: "B", raisedAt: "2026-11-22T04:00:00.000Z" }]);
  });

  it("a gateway that comes back does so in its alarm too, and in that of nobody else", async () => {
    for (const gateway of [GW1, GW2]) cloud.presence(gateway, false, clock.now());
    clock.advance(5000);
    expect(openAlarms()).toHaveLength(2);
    await goAway();
    cloud.presence(GW1, true, clock.now());
    clock.advance(30_000);
    await comeBack();
    clock.advance(5000);
    const live = openAlarms().map(({ source, condition }) => [source, condition]);
    expect(Object.fromEntries(live)).toEqual({ [GW1]: "inactive", [GW2]: "active" });
  });

  it("two gateways with one identity are alarmed, and the end of it is told, as soon as it is back", async () => {
    await goAway();
    cloud.alarms.gatewayCloned(GW1, true, clock.now());
    await comeBack();
    clock.advance(5000);
    expect(openAlarms()).toMatchObject([{ definition: `clone:${GW1}`, gateway: GW1, condition: "active" }]);
    await goAway();
    cloud.alarms.gatewayCloned(GW1, false, clock.now());
    await comeBack();
    clock.advance(5000);
    expect(openAlarms()).toMatchObject([{ definition: `clone:${GW1}`, condition: "inactive" }]);
  });

  it("what a rule has done is not forgotten: its run is written down later, and not taken up again", async () => {
    const { alarm, transition } = told(minted({ at: NOON }));
    const start = cloud.linkage.trigger({ type: "alarm", alarm, transition }, NOON);
    await goAway();
    start?.();
    for (let i = 0; i < 20; i++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await comeBack();
    expect(cloud.runs.opened()).toHaveLength(1);
    clock.advance(10_000);
    await expect.poll(() => cloud.runs.opened()).toEqual([]);
    expect(cloud.linkage.runsOf("fence-light", { limit: 10 }).items).toMatchObject([{ outcome: "actionFailed" }]);
  });

  it("what a person asks for is refused as something that may be tried again, and done once when it is", async () => {
    cloud.item(GW1, told(minted({ at: NOON })));
    const [alarm] = openAlarms();
    const act = { occurrence: 1, comment: "seen", idempotencyKey: "k" };
    const acknowledge = () => cloud.alarms.act(alarm?.id ?? "", "acknowledge", act, LI);
    await goAway();
    expect(acknowledge).toThrow(expect.objectContaining({ code: "DB_UNAVAILABLE", retriable: true }));
    await comeBack();
    network.mode = "loseAnswerOfCommit";
    expect(acknowledge).toThrow(expect.objectContaining({ code: "DB_COMMIT_UNKNOWN", retriable: true }));
    await comeBack();
    expect(acknowledge()).toMatchObject({ acknowledged: true });
    const journal = cloud.alarms.get(alarm?.id ?? "")?.journal ?? [];
    expect(journal.filter(({ transition }) => transition === "acknowledged")).toHaveLength(1);
    expect(cloud.audit.verify()).toBeUndefined();
  });
});
