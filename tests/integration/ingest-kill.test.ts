import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newEpoch } from "#core/ids.ts";
import { Bench, eventBatch, eventItem, GATEWAY, passwordOf, storedValues, WireGateway } from "./ingest-park.ts";

const KILLS = process.env["PARKHUB_TEST_LONG"] === "1" ? 100 : 4;
const WINDOW = 8;
const BATCH = 50;

let bench: Bench;
let child: ChildProcess | undefined;
let gateway: WireGateway | undefined;
beforeEach(() => {
  bench = new Bench();
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await gateway?.client.endAsync(true);
  await bench.clear();
});

async function startCloud(): Promise<number> {
  const started = spawn(
    process.execPath,
    [fileURLToPath(new URL("./ingest-child.ts", import.meta.url)), bench.folder],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  child = started;
  let text = "";
  for await (const chunk of started.stdout) {
    text += String(chunk);
    const port = /port (\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("the cloud process did not start");
}

/** Offers both lanes from what is acknowledged on, never more than a window beyond it. */
class Offering {
  readonly epoch = newEpoch();
  readonly acked = { telemetry: 0, events: 0 };
  #sent = { telemetry: 0, events: 0 };

  rewind(): void {
    this.#sent = { ...this.acked };
  }

  /** One step: takes the acks in and sends what fits. */
  step(to: WireGateway): void {
    for (const lane of ["telemetry", "events"] as const) {
      this.acked[lane] = Math.max(this.acked[lane], to.ackedUpTo(lane, this.epoch));
      while (this.#sent[lane] + BATCH <= this.acked[lane] + WINDOW * BATCH) {
        const first = this.#sent[lane] + 1;
        const last = this.#sent[lane] + BATCH;
        if (lane === "telemetry") to.batch(this.epoch, first, last);
        else
          to.events(
            eventBatch(
              this.epoch,
              Array.from({ length: BATCH }, (_, i) => eventItem(first + i)),
            ),
          );
        this.#sent[lane] = last;
      }
    }
  }
}

async function connect(offering: Offering): Promise<WireGateway> {
  const connected = await WireGateway.connect(await startCloud(), passwordOf(bench.folder));
  connected.client.on("error", () => undefined); // its cloud is about to be killed
  connected.births();
  offering.rewind();
  return connected;
}

it("loses no acknowledged sample and no acknowledged event, and doubles none, when the cloud is killed under load again and again", {
  timeout: 30_000 + KILLS * 5000,
}, async () => {
  const offering = new Offering();
  for (let kill = 0; kill < KILLS; kill++) {
    const current = await connect(offering);
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
    const gone = child === undefined ? Promise.resolve() : once(child, "exit");
    child?.kill("SIGKILL");
    await gone;
    await current.client.endAsync(true);
  }

  const cloud = await bench.cloud();
  const { epoch, acked } = offering;
  const values = (await storedValues(cloud)).map((value) => Math.round(Number(value) * 10));
  expect(values.length).toBeGreaterThanOrEqual(acked.telemetry);
  expect(values).toEqual(Array.from({ length: values.length }, (_, i) => i + 1));
  expect(await cloud.store.ranges(GATEWAY)).toEqual([{ epoch, from: 1, to: values.length }]);

  const applied = cloud.db.sync
    .all({ compile: () => sql<{ item: number }>`SELECT item FROM applied ORDER BY rowid`.compile(cloud.db.kysely) })
    .map(({ item }) => item);
  expect(applied.length).toBeGreaterThanOrEqual(acked.events);
  expect(applied).toEqual(Array.from({ length: applied.length }, (_, i) => i + 1));
  expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "events", epoch })?.upTo).toBe(applied.length);
});
