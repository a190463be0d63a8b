import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pointId } from "#core/ids.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { type InfluxSettings, influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { type InfluxPark, influxPark } from "./influx-park.ts";
import { bad, DAY, good, HOUR, oneASecond, POINT, T0 } from "./telemetry-writes.ts";

/** A server of one test. */
async function ownInflux(settings: InfluxSettings): Promise<TestServer> {
  const own = await startInflux(settings);
  onTestFinished(() => own.remove());
  return own;
}

/** A store of one test. */
async function ownPark(url: string, log?: KeptLog): Promise<InfluxPark> {
  const park = await influxPark(url, log);
  onTestFinished(() => park.close());
  return park;
}

const RETRIED = { timeout: 30_000 };
const skipped = influxProgram() === undefined;

describe.skipIf(skipped)("what the store sets up in an InfluxDB 1.x", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startInflux();
  });
  afterAll(() => server.remove());

  it("makes database, retention policies and the continuous query, and finds them the next time", async () => {
    for (let i = 0; i < 2; i++) {
      const log = new KeptLog();
      const park = await ownPark(influxUrl(server, "set-up"), log);
      expect(park.store.status).toMatchObject({ ready: true, pending: 0 });
      expect(log.lines).toEqual([expect.stringMatching(/^info InfluxDB is there .*"version":"1\./)]);
      await park.close();
    }
    const policies = await influxQuery(server, "", 'SHOW RETENTION POLICIES ON "set-up"');
    expect(policies.map(([name, kept]) => [name, kept])).toEqual([
      ["raw", "0s"],
      ["hourly", "0s"],
    ]);
    const queries = await influxQuery(server, "", "SHOW CONTINUOUS QUERIES");
    expect(queries).toEqual([["parkhub_hourly_1", expect.stringContaining("RESAMPLE EVERY 1h FOR 2h")]]);
  });

  it("leaves the policies of a database alone that others use as well", async () => {
    await influxQuery(server, "", 'CREATE DATABASE "shared"');
    const park = await ownPark(influxUrl(server, "shared"));
    await park.write([good(1, T0)]);
    expect(await park.all()).toEqual([good(1, T0)]);
    await park.close();
    const policies = await influxQuery(server, "", 'SHOW RETENTION POLICIES ON "shared"');
    expect(policies.filter(([, , , , isDefault]) => isDefault === true).map(([name]) => name)).toEqual(["autogen"]);
  });

  it("tells of hours what their samples told, after those are gone and after opening again", async () => {
    const url = influxUrl(server, "hours");
    const park = await ownPark(url);
    const now = Date.now();
    const begin = Math.floor((now - 20 * DAY) / DAY) * DAY;
    const hour = (h: number, values: readonly (number | boolean | string)[]) =>
      values.map((value, i) => good(value, begin + h * HOUR + i * 60_000));
    await park.write([
      ...hour(0, [1, 2, 6]),
      bad(5, begin + 50 * 60_000),
      ...hour(1, [true, false, true]),
      ...hour(3, ["auto", "off"]),
      ...hour(30, [-0.5, 0.25]),
    ]);
    // Told days later: it belongs to the same hours.
    await park.write([good(9, begin + 55 * 60_000)]);
    const edges = [0, 1, 2, 3, 4, 24, 48, 20 * 24].map((h) => begin + h * HOUR);
    const before = await park.store.aggregate({ points: [POINT], edges });
    await park.store.maintain({ rawBefore: now - 5 * DAY, summariesBefore: begin });
    expect(await park.all()).toEqual([]);
    const after = await park.store.aggregate({ points: [POINT], edges });
    expect(after).toEqual(before);
    expect(after[0]?.map(({ count, bad: unusable, first, last }) => [count, unusable, first, last])).toEqual([
      [4, 1, 1, 9],
      [3, 0, true, true],
      [2, 0, "auto", "off"],
      [2, 0, -0.5, 0.25],
    ]);
    await park.close();
    const again = await ownPark(url);
    expect(await again.store.aggregate({ points: [POINT], edges })).toEqual(before);
    expect(await again.all()).toEqual([]);
  });

  it("joins hours and samples where a bucket begins before the samples do", async () => {
    const park = await ownPark(influxUrl(server, "joined"));
    const now = Date.now();
    const begin = Math.floor((now - 12 * DAY) / DAY) * DAY;
    const samples = Array.from({ length: 11 * 24 }, (_, h) => good(h, begin + h * HOUR + 1));
    await park.write(samples);
    await park.store.maintain({ rawBefore: now - 6 * DAY, summariesBefore: begin });
    const edges = [begin, begin + 11 * DAY];
    const [buckets] = await park.store.aggregate({ points: [POINT], edges });
    expect(buckets).toEqual([{ t: begin, count: 264, bad: 0, min: 0, max: 263, mean: 131.5, first: 0, last: 263 }]);
    await park.close();
  });

  it("sums numbers up whose sum no number can hold", async () => {
    const park = await ownPark(influxUrl(server, "sums"));
    await park.write([good(Number.MAX_VALUE, T0), good(Number.MAX_VALUE, T0 + 1)]);
    const [buckets] = await park.store.aggregate({ points: [POINT], edges: [T0, T0 + HOUR] });
    expect(buckets).toMatchObject([{ count: 2, max: Number.MAX_VALUE, last: Number.MAX_VALUE }]);
    await park.close();
  });
});

describe.skipIf(skipped)("an InfluxDB 1.x with limits", () => {
  it("works with a user who may only read and write, says what is missing, and never tells the password", async () => {
    const server = await ownInflux({ auth: true });
    const log = new KeptLog();
    // The first user is made by nobody.
    let signedIn = "";
    const ask = async (q: string): Promise<void> => {
      const body = new URLSearchParams({ q });
      const url = `http://127.0.0.1:${server.port}/query?${signedIn}`;
      const answer = await fetch(url, { method: "POST", body });
      expect(answer.status, await answer.text()).toBe(200);
    };
    await ask("CREATE USER root WITH PASSWORD 'root-word' WITH ALL PRIVILEGES");
    signedIn = "u=root&p=root-word";
    await ask('CREATE DATABASE "park"');
    await ask("CREATE USER hub WITH PASSWORD 'pass:w@rd/x'");
    await ask('GRANT ALL ON "park" TO hub');
    const credentials = `hub:${encodeURIComponent("pass:w@rd/x")}@`;
    const park = await ownPark(influxUrl(server, "park", credentials), log);
    const denied = await ownPark(influxUrl(server, "park", "hub:wrong-word@"), log);
    const nowhere = await ownPark(influxUrl(server, "elsewhere", credentials), log);
    expect(park.store.status).toMatchObject({ ready: true, detail: expect.stringContaining("no retention policy") });
    await park.write([good(1, T0)]);
    expect(await park.all()).toEqual([good(1, T0)]);
    await park.store.maintain({ rawBefore: T0 - DAY, summariesBefore: T0 - DAY });
    expect(await park.store.aggregate({ points: [POINT], edges: [T0, T0 + HOUR] })).toMatchObject([[{ count: 1 }]]);

    expect(denied.store.status.ready).toBe(false);
    await expect(denied.write([good(1, T0)])).rejects.toMatchObject({ code: "HISTORY_UNAUTHORIZED", retriable: true });
    expect(nowhere.store.status).toMatchObject({ ready: false, detail: expect.stringContaining("not authorized") });
    const told = [...log.lines, ...[park, denied, nowhere].map(({ store }) => store.status.detail ?? "")].join("\n");
    const secret = Buffer.from("hub:pass:w@rd/x").toString("base64");
    for (const word of ["w@rd", "w%40rd", "wrong-word", "hub:", secret]) expect(told).not.toContain(word);
  }, 40_000);

  it("holds samples back that go over a limit an operator can lift, and says which", async () => {
    const server = await ownInflux({ maxValuesPerTag: 2 });
    const park = await ownPark(influxUrl(server, "park"));
    const of = (n: number) => good(n, T0, pointId(`park/gw-1/d/p${n}`));
    await park.write([of(1), of(2)]);
    await expect(park.write([of(3)])).rejects.toMatchObject({ code: "HISTORY_LIMIT", retriable: true });
    expect(park.store.status).toMatchObject({ ready: false, detail: expect.stringContaining("max-values-per-tag") });
  }, 40_000);

  it("sends in parts what is too large for the server in one piece", async () => {
    const server = await ownInflux({ maxBodySize: 50_000 });
    const park = await ownPark(influxUrl(server, "park"));
    const samples = oneASecond(3000, (i) => i / 7);
    expect(await park.write(samples)).toEqual({ stored: 3000, duplicates: 0 });
    expect(await park.all()).toEqual(samples);
  }, 40_000);
});

const DISK_MB = 8;
const disk = mkdtempSync(path.join(tmpdir(), "parkhub-influx-disk-"));
const mounted =
  !skipped &&
  process.getuid?.() === 0 &&
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "tmpfs", disk]).status === 0;
if (!mounted && !skipped)
  process.stderr.write("no small disk can be mounted (not root?): the test of InfluxDB's full disk is skipped\n");

describe.skipIf(!mounted)("an InfluxDB whose disk is full", () => {
  afterAll(() => {
    spawnSync("umount", [disk]);
    rmSync(disk, { recursive: true, force: true });
  });

  // InfluxDB 1.x remembers the failure of its log until it is started again.
  it("takes no samples until there is room again and it was restarted, and has every one that it took", async () => {
    const server = await ownInflux({ dataFolder: disk });
    const park = await ownPark(influxUrl(server, "park"));
    await park.write(oneASecond(1000, (i) => i + 0.1));
    const ballast = path.join(disk, "ballast");
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc((bavail - 2) * bsize));
    const more = oneASecond(20_000, (i) => Math.sin(i), POINT, T0 + DAY);
    await expect(park.write(more)).rejects.toMatchObject({ code: "HISTORY_UNAVAILABLE", retriable: true });
    expect(park.store.status).toMatchObject({ ready: false, detail: expect.stringContaining("no space left") });
    rmSync(ballast);
    await server.stop();
    await server.start();
    await park.write(more);
    await expect.poll(() => park.store.status.ready, RETRIED).toBe(true);
    expect(await park.all()).toEqual([...oneASecond(1000, (i) => i + 0.1), ...more]);
    await server.kill();
    await server.start();
    expect((await park.all()).length).toBe(21_000);
  }, 40_000);
});
