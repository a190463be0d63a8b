import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { sql } from "kysely";
import { describe, expect, it, onTestFinished } from "vitest";
import { runSql } from "#tests/fixtures/cloud/record-databases.ts";
import { peer } from "#tests/peers.ts";
import { startPostgres } from "#tests/servers/postgres.ts";
import { Offering } from "./ingest-offering.ts";
import { type Cloud, GATEWAY, openCloud, passwordOf, storedValues, WireGateway } from "./ingest-park.ts";

const KILLS = process.env["PARKHUB_TEST_LONG"] === "1" ? 40 : 3;
/** Generous, for a busy machine: the bench says how long it takes. */
const PROGRESS_WITHIN_MS = 30_000;
/** Steps without progress of a lane after which a gateway offers again what was not acknowledged. */
const PATIENCE = 100;

const program = peer("postgres");

/** The cloud in this process, writing one row for each item it applies, in the item's transaction. */
function openApplying(folder: string, records: string): Promise<Cloud> {
  return openCloud(
    folder,
    0,
    (db) => {
      runSql(db, sql`create table if not exists applied (item bigint not null)`);
      return (_gateway, item) => {
        db.sync.run({ compile: () => sql`insert into applied (item) values (${item.offset})`.compile(db.kysely) });
        return undefined;
      };
    },
    records,
  );
}

/** Offers until both lanes have come this far. */
async function offerUntil(offering: Offering, gateway: WireGateway, goal: Offering["acked"]) {
  const idle = { telemetry: 0, events: 0 };
  await expect
    .poll(
      () => {
        const before = { ...offering.acked };
        offering.step(gateway);
        // A lane goes on without the other: each offers again by itself.
        for (const lane of ["telemetry", "events"] as const) {
          idle[lane] = offering.acked[lane] === before[lane] ? idle[lane] + 1 : 0;
          if (idle[lane] > 0 && idle[lane] % PATIENCE === 0) offering.rewind([lane]);
        }
        return offering.acked.telemetry >= goal.telemetry && offering.acked.events >= goal.events;
      },
      { interval: 2, timeout: PROGRESS_WITHIN_MS },
    )
    .toBe(true);
}

describe.skipIf(program === undefined)("records on PostgreSQL", () => {
  it("lose no acknowledged event and double none when the server is killed under load again and again", {
    timeout: 120_000 + KILLS * 20_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "parkhub-records-kill-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const postgres = await startPostgres(program ?? "", { fsync: true });
    onTestFinished(() => postgres.server.remove());
    const cloud = await openApplying(folder, await postgres.schema());
    onTestFinished(() => cloud.close());
    const gateway = await WireGateway.connect(cloud.port, passwordOf(folder));
    onTestFinished(() => gateway.client.endAsync(true));
    gateway.births();

    const offering = new Offering();
    const beyond = (count: number) => ({
      telemetry: offering.acked.telemetry + count,
      events: offering.acked.events + count,
    });
    for (let kill = 0; kill < KILLS; kill++) {
      await offerUntil(offering, gateway, beyond(300 + kill * 130));
      offering.step(gateway);
      await postgres.server.kill();
      offering.step(gateway);
      await postgres.server.start();
      await offerUntil(offering, gateway, beyond(1));
    }
    await offerUntil(offering, gateway, beyond(1));

    const { epoch, acked } = offering;
    const values = (await storedValues(cloud)).map((value) => Math.round(Number(value) * 10));
    expect(values.length).toBeGreaterThanOrEqual(acked.telemetry);
    expect(values).toEqual(Array.from({ length: values.length }, (_, i) => i + 1));
    const applied = runSql(cloud.db, sql<{ item: number }>`select item from applied order by item`).map(
      ({ item }) => item,
    );
    expect(applied.length).toBeGreaterThanOrEqual(acked.events);
    expect(applied).toEqual(Array.from({ length: applied.length }, (_, i) => i + 1));
    expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "events", epoch })?.upTo).toBe(applied.length);
  });
});
