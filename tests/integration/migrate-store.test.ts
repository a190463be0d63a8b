import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { InfluxTelemetryStore } from "#cloud/history/influx/store.ts";
import { RecordedRanges } from "#cloud/history/influx/stored-ranges.ts";
import { migrateStore } from "#cloud/migrate-store.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { StoredSample, TelemetryStore } from "#cloud/telemetry-ports.ts";
import { systemClock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import { gatewayId, type PointId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import { type TestBatch, telemetryWrite } from "#tests/contract/telemetry-writes.ts";
import { peer } from "#tests/peers.ts";
import { Program } from "#tests/program.ts";
import { influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import { POSTGRES_PASSWORD, type PostgresServer, startPostgres } from "#tests/servers/postgres.ts";
import type { TestServer } from "#tests/servers/server.ts";

const program = peer("postgres");
/** A disk that is busy with something else holds a move up for so long and no longer, ms. */
const PATIENCE_MS = 90_000;
/** So often a server may be too slow for a move. */
const SLOW_SERVERS = 3;
const GATEWAY = gatewayId("park/gw-1");
const T0 = Date.parse("2026-09-21T00:00:00Z");
const POINTS = ["supply", "fan", "mode", "odd", "quiet"].map((name) => pointId(`park/gw-1/ahu-1/${name}`));
const EPOCHS = ["e1", "e2"];

/** Values of every kind, in turn; the series of odd ones holds what is hard to carry. */
function valueFor(point: number, i: number): Value {
  const odd: readonly Value[] = [
    -0,
    5e-324,
    1.7976931348623157e308,
    0.1,
    'a "quoted", = \\ 文字\nline',
    "",
    null,
    true,
  ];
  if (point === 3) return odd[i % odd.length] ?? null;
  if (point === 2) return i % 2 === 0 ? "自动" : "manual";
  return point === 1 ? i % 3 === 0 : 20 + Math.sin(i / 50);
}

function sampleOf(point: PointId, number: number, i: number): Sample {
  const base = { point, value: valueFor(number, i), observedAt: T0 + i * 1000 + number };
  const source = i % 5 === 0 ? { sourceTime: base.observedAt - 37 } : {};
  if (i % 11 === 0) return { ...base, ...source, quality: "bad", reason: "commLost" };
  return { ...base, ...source, quality: i % 13 === 0 ? "uncertain" : "good" };
}

/** Each batch holds samples of four points in turn, as a gateway sends them. */
function batches(each: number): readonly TestBatch[] {
  return EPOCHS.map((epoch, at) => ({
    gateway: GATEWAY,
    epoch,
    first: 0,
    samples: Array.from({ length: each }, (_, i) =>
      POINTS.slice(0, 4).map((point, number) => sampleOf(point, number, at * each + i)),
    ).flat(),
  }));
}

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), "parkhub-migrate-"));
  mkdirSync(path.join(data, "cloud"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const files = () => ({
  records: path.join(data, "cloud", "records.db"),
  telemetry: path.join(data, "cloud", "telemetry.db"),
});

function addUser(db: Db, name: string): void {
  const user = { name, display_name: name, password: "x", grants: "[]", disabled: 0, created_at: T0, changed_at: T0 };
  db.sync.run(db.kysely.insertInto("users").values(user));
}

/** A stopped embedded cloud: `each` samples of four points in two epochs, and a few records. */
async function embeddedCloud(each: number): Promise<Readonly<Record<PointId, readonly StoredSample[]>>> {
  const points = new PointNumbers();
  const store = await EmbeddedTelemetryStore.open({ file: files().telemetry, points }, silentLogger);
  for (const batch of batches(each)) await store.write(telemetryWrite(points, [batch]));
  const held = await contentOf(store);
  await store.close();
  const db = await openDatabase(files().records, silentLogger);
  for (const id of ["ada", "grace"]) addUser(db, id);
  await db.close();
  return held;
}

async function contentOf(store: TelemetryStore): Promise<Readonly<Record<PointId, readonly StoredSample[]>>> {
  const all: Record<PointId, readonly StoredSample[]> = {};
  for (const point of POINTS) all[point] = await store.read({ point, from: 0, to: 2 ** 45, limit: 10_000_000 });
  return all;
}

describe.skipIf(influxProgram() === undefined || program === undefined)("npm run migrate-store", () => {
  let influx: TestServer;
  let postgres: PostgresServer;
  let databases = 0;
  let urls: { PARKHUB_INFLUX_URL: string; PARKHUB_POSTGRES_URL: string };
  let said: string[];
  let child: Program | undefined;

  beforeAll(async () => {
    influx = await startInflux();
    postgres = await startPostgres(program ?? "");
  });
  afterAll(async () => {
    await influx?.remove();
    await postgres?.server.remove();
  });
  afterEach(() => child?.kill());
  beforeEach(async () => {
    said = [];
    urls = {
      PARKHUB_INFLUX_URL: influxUrl(influx, `park_${++databases}`),
      PARKHUB_POSTGRES_URL: await postgres.schema(),
    };
  });

  const move = (given: Partial<typeof urls> = urls) =>
    migrateStore({ data, urls: given, say: (line) => said.push(line), clock: systemClock, logger: silentLogger });
  const refused = async (given?: Partial<typeof urls>): Promise<string> => {
    const error: unknown = await move(given).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error === undefined ? "not refused" : errorCode(error);
  };

  /** What the production cloud would find. */
  async function inProduction<T>(look: (store: TelemetryStore, db: Db) => Promise<T>): Promise<T> {
    const db = await openDatabase(urls.PARKHUB_POSTGRES_URL, silentLogger);
    const store = await InfluxTelemetryStore.open({
      url: urls.PARKHUB_INFLUX_URL,
      points: new PointNumbers(),
      ranges: new RecordedRanges(db),
      clock: systemClock,
      logger: silentLogger,
    });
    try {
      return await look(store, db);
    } finally {
      await store.close();
      await db.close();
    }
  }

  it("moves every sample with value, quality, times and key, what is known of completeness, and every record", async () => {
    const held = await embeddedCloud(6000);
    const account = await move();
    expect(account.telemetry).toEqual({ series: 4, of: 4, samples: 48_000, verified: 48_000 });
    await inProduction(async (store, db) => {
      expect(await contentOf(store)).toEqual(held);
      expect(await store.ranges(GATEWAY)).toEqual(EPOCHS.map((epoch) => ({ epoch, from: 0, to: 23_999 })));
      expect(db.sync.all(db.kysely.selectFrom("users").select("name").orderBy("name"))).toEqual([
        { name: "ada" },
        { name: "grace" },
      ]);
    });
    expect(said).toContain("telemetry: 4 series, 48000 samples copied, 48000 verified");
    expect(said.at(-1)).toMatch(/^not moved: .*Redis/);
    expect(said.join("\n")).not.toContain(POSTGRES_PASSWORD);
    // Again: there is nothing left to do, and nothing is done twice.
    expect(await move()).toEqual({ telemetry: "done before", records: "done before" });
  });

  it("goes on where it was after kill -9, at whatever moment", { timeout: 300_000 }, async () => {
    const held = await embeddedCloud(20_000);
    const env = { ...urls, PARKHUB_DATA: data };
    const copied = (): number => {
      try {
        const db = new DatabaseSync(path.join(data, "cloud", "migrate-store.db"), { readOnly: true });
        try {
          return Number(db.prepare("SELECT coalesce(sum(samples), 0) AS n FROM series").get()?.["n"]);
        } finally {
          db.close();
        }
      } catch {
        return 0; // not made yet
      }
    };
    /** Moves until more than so many samples are copied. A move that a slow server ended is begun again, as the operator would. */
    const beyond = async (samples: number): Promise<void> => {
      const enough = (): true | undefined => copied() > samples || undefined;
      for (let ended = 0; ; ended++) {
        const move = Program.start(["cloud/migrate-store.ts"], { env });
        child = move;
        try {
          await move.until(`more than ${samples} samples to be copied`, enough, PATIENCE_MS);
          return;
        } catch (error) {
          if (move.running || ended === SLOW_SERVERS || !move.err.includes("run it again")) throw error;
        }
      }
    };
    const reached: number[] = [];
    for (const part of [0, 30_000, 90_000]) {
      await beyond(part);
      await child?.kill();
      reached.push(copied());
    }
    expect(reached.every((samples) => samples < 160_000)).toBe(true);
    const account = await move();
    expect(account.telemetry).toEqual({ series: 4, of: 4, samples: 160_000, verified: 160_000 });
    await inProduction(async (store) => expect(await contentOf(store)).toEqual(held));
  });

  it("finds what came late into the source between two runs, and copies the series again", async () => {
    await embeddedCloud(100);
    await move({ PARKHUB_INFLUX_URL: urls.PARKHUB_INFLUX_URL });
    const progress = new DatabaseSync(path.join(data, "cloud", "migrate-store.db"));
    progress.exec("UPDATE moves SET done=NULL");
    progress.close();
    const points = new PointNumbers();
    const store = await EmbeddedTelemetryStore.open({ file: files().telemetry, points }, silentLogger);
    const late: Sample = { point: pointId("park/gw-1/ahu-1/supply"), value: 7, quality: "good", observedAt: T0 + 500 };
    await store.write(telemetryWrite(points, [{ gateway: GATEWAY, epoch: "e3", first: 0, samples: [late] }]));
    const held = await contentOf(store);
    await store.close();
    const account = await move();
    expect(account.telemetry).toEqual({ series: 4, of: 4, samples: 801, verified: 801 });
    await inProduction(async (target) => expect(await contentOf(target)).toEqual(held));
  });

  it("copies again what has gone from the target since it was copied", async () => {
    const held = await embeddedCloud(200);
    await move({ PARKHUB_INFLUX_URL: urls.PARKHUB_INFLUX_URL });
    const progress = new DatabaseSync(path.join(data, "cloud", "migrate-store.db"));
    progress.exec("UPDATE moves SET done=NULL");
    progress.close();
    const database = new URL(urls.PARKHUB_INFLUX_URL).pathname.slice(1);
    await influxQuery(influx, database, `DELETE FROM "telemetry" WHERE time >= ${T0 + 50_000}ms`);
    await move();
    await inProduction(async (target) => expect(await contentOf(target)).toEqual(held));
  });

  it("moves the records first and the telemetry another time, and knows then whose records count", async () => {
    const held = await embeddedCloud(50);
    const { PARKHUB_POSTGRES_URL } = urls;
    expect(await move({ PARKHUB_POSTGRES_URL })).toMatchObject({ telemetry: undefined });
    // The cloud works on PostgreSQL in between.
    const records = await openDatabase(PARKHUB_POSTGRES_URL, silentLogger);
    addUser(records, "newcomer");
    await records.close();
    expect(await move()).toMatchObject({ telemetry: { samples: 400, verified: 400 }, records: "done before" });
    await inProduction(async (store, db) => {
      expect(await contentOf(store)).toEqual(held);
      expect(await store.ranges(GATEWAY)).toHaveLength(2);
      expect(db.sync.all(db.kysely.selectFrom("users").select("name"))).toHaveLength(3);
    });
  });

  it("refuses a folder whose cloud runs, a target that holds something else, a folder without a cloud, and no target at all", async () => {
    expect(await refused()).toBe("MIGRATE_NOTHING");
    await embeddedCloud(10);
    expect(await refused({})).toBe("MIGRATE_NOTHING");
    const running = await openDatabase(files().records, silentLogger);
    expect(await refused()).toBe("MIGRATE_RUNNING");
    await running.close();
    const database = new URL(urls.PARKHUB_INFLUX_URL).pathname.slice(1);
    await influxQuery(influx, database, `CREATE DATABASE "${database}"`);
    await fetch(`http://127.0.0.1:${influx.port}/write?db=${database}`, { method: "POST", body: "weather t=1" });
    expect(await refused()).toBe("MIGRATE_TARGET");
    const used = await openDatabase(urls.PARKHUB_POSTGRES_URL, silentLogger);
    addUser(used, "somebody-else");
    await used.close();
    expect(await refused({ PARKHUB_POSTGRES_URL: urls.PARKHUB_POSTGRES_URL })).toBe("DB_COPY_TARGET");
  });

  it("says that InfluxDB is away before anything is moved", async () => {
    await embeddedCloud(10);
    expect(await refused({ PARKHUB_INFLUX_URL: "http://127.0.0.1:1/park" })).toBe("HISTORY_UNAVAILABLE");
  });
});
