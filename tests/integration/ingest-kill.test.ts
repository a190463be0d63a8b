import { sql } from "kysely";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { peer } from "#tests/peers.ts";
import { Program } from "#tests/program.ts";
import { startPostgres } from "#tests/servers/postgres.ts";
import { Offering } from "./ingest-offering.ts";
import { Bench, GATEWAY, openCloud, passwordOf, storedValues, WireGateway } from "./ingest-park.ts";

const KILLS = process.env["PARKHUB_TEST_LONG"] === "1" ? 100 : 4;

let bench: Bench;
let child: Program | undefined;
let gateway: WireGateway | undefined;
beforeEach(() => {
  bench = new Bench();
});
afterEach(async () => {
  await child?.kill();
  await gateway?.client.endAsync(true);
  await bench.clear();
});

async function startCloud(records: string | undefined): Promise<number> {
  const more = records === undefined ? [] : [records];
  child = Program.start(["tests/integration/ingest-child.ts", bench.folder, ...more]);
  const [, port] = await child.line(/^port (\d+)$/);
  return Number(port);
}

async function connect(offering: Offering, records: string | undefined): Promise<WireGateway> {
  const connected = await WireGateway.connect(await startCloud(records), passwordOf(bench.folder));
  connected.client.on("error", () => undefined); // its cloud is about to be killed
  connected.births();
  offering.rewind();
  return connected;
}

const program = peer("postgres");
const RECORDS = ["a file", ...(program === undefined ? [] : ["PostgreSQL"])];

it.each(RECORDS)(
  "with records in %s loses no acknowledged sample and no acknowledged event, and doubles none, when the cloud is killed under load again and again",
  {
    timeout: 60_000 + KILLS * 10_000,
  },
  async (kind) => {
    const postgres = kind === "PostgreSQL" ? await startPostgres(program ?? "", { fsync: true }) : undefined;
    onTestFinished(() => postgres?.server.remove());
    const records = await postgres?.schema();
    const offering = new Offering();
    for (let kill = 0; kill < KILLS; kill++) {
      const current = await connect(offering, records);
      gateway = current;
      const goal = offering.acked.telemetry + 1000 + kill * 350;
      await expect
        .poll(
          () => {
            offering.step(current);
            return offering.acked.telemetry >= goal && offering.acked.events > 0;
          },
          { interval: 2, timeout: 15_000 },
        )
        .toBe(true);
      offering.step(current);
      await child?.kill();
      await current.client.endAsync(true);
    }

    const cloud = await openCloud(bench.folder, 0, undefined, records);
    onTestFinished(() => cloud.close());
    const { epoch, acked } = offering;
    const values = (await storedValues(cloud)).map((value) => Math.round(Number(value) * 10));
    expect(values.length).toBeGreaterThanOrEqual(acked.telemetry);
    expect(values).toEqual(Array.from({ length: values.length }, (_, i) => i + 1));
    expect(await cloud.store.ranges(GATEWAY)).toEqual([{ epoch, from: 1, to: values.length }]);

    const applied = cloud.db.sync
      .all({ compile: () => sql<{ item: number }>`SELECT item FROM applied ORDER BY item`.compile(cloud.db.kysely) })
      .map(({ item }) => item);
    expect(applied.length).toBeGreaterThanOrEqual(acked.events);
    expect(applied).toEqual(Array.from({ length: applied.length }, (_, i) => i + 1));
    expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "events", epoch })?.upTo).toBe(applied.length);
  },
);
