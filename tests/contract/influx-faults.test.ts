import { appendFileSync, globSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { type InfluxPark, influxPark } from "./influx-park.ts";
import { GATEWAY, good, oneASecond, POINT, T0 } from "./telemetry-writes.ts";

const RETRIED = { timeout: 30_000 };

describe.skipIf(influxProgram() === undefined)("an InfluxDB in trouble", () => {
  let server: TestServer;
  let park: InfluxPark;
  const log = new KeptLog();
  beforeEach(async () => {
    server = await startInflux();
    log.lines.length = 0;
    park = await influxPark(influxUrl(server, "park"), log);
  });
  afterEach(async () => {
    await park.close();
    await server.remove();
  });

  const count = async (): Promise<number> => {
    const [row] = await influxQuery(server, "park", 'SELECT count("row") FROM "raw"."telemetry"');
    return Number(row?.[1] ?? 0);
  };

  /** The way ingest writes: the same again until it is stored. */
  async function persist(samples: readonly Sample[]): Promise<number> {
    const write = park.write(samples);
    let refusals = 0;
    const again = async (): Promise<unknown> => {
      try {
        return await write;
      } catch (error) {
        expect(error).toMatchObject({ retriable: true });
        refusals++;
        return await park.write(samples);
      }
    };
    await again();
    return refusals;
  }

  it("has every acknowledged sample with its value, however often it is killed in the middle of writing", async () => {
    const batches = Array.from({ length: 60 }, (_, b) =>
      oneASecond(1000, (i) => b * 1000 + i + 0.5, POINT, T0 + b * 1_000_000),
    );
    let killed = 0;
    const killer = (async () => {
      while (killed < 3) {
        const before = park.store.numbers.written;
        await expect.poll(() => park.store.numbers.written, RETRIED).toBeGreaterThan(before + 3000);
        await server.kill();
        killed++;
        await server.start();
      }
    })();
    for (const batch of batches) await persist(batch);
    await killer;
    expect(killed).toBe(3);
    const read = await park.all();
    const wrong = batches.flat().findIndex((sample, i) => {
      return read[i]?.observedAt !== sample.observedAt || read[i]?.value !== sample.value;
    });
    expect({ count: read.length, wrong }).toEqual({ count: 60_000, wrong: -1 });
    const { sent, written, refused, expired } = park.store.numbers;
    expect({ sent: written + refused + expired, refused, expired }).toEqual({ sent, refused: 0, expired: 0 });
    expect(await count()).toBe(60_000);
  }, 60_000);

  it("keeps what it acknowledged after a kill in the middle of an entry, when it is killed once more", async () => {
    await park.write([good(1, T0)]);
    await server.kill();
    // The kill came in the middle of an entry of 8,192 bytes.
    const logs = globSync("wal/park/raw/*/*.wal", { cwd: server.folder });
    expect(logs).toHaveLength(1);
    for (const file of logs)
      appendFileSync(
        path.join(server.folder, file),
        Buffer.concat([Buffer.from([1, 0, 0, 0x20, 0]), Buffer.alloc(99, 7)]),
      );
    await server.start();
    await persist([good(2, T0 + 1)]);
    await server.kill();
    await server.start();
    await expect.poll(() => park.all(), RETRIED).toEqual([good(1, T0), good(2, T0 + 1)]);
  }, 40_000);

  it("says that a hung server does not take writes, and finishes what was under way when it goes on", async () => {
    await park.write(oneASecond(10, (i) => i));
    server.signal("SIGSTOP");
    const writing = park.write(oneASecond(10, (i) => i, POINT, T0 + 60_000));
    await expect.poll(() => park.store.status, RETRIED).toMatchObject({ ready: false, pending: 10 });
    server.signal("SIGCONT");
    expect(await writing).toEqual({ stored: 10, duplicates: 0 });
    await expect.poll(() => park.store.status, RETRIED).toMatchObject({ ready: true, pending: 0 });
    expect(await park.all()).toHaveLength(20);
  }, 40_000);

  it("refuses writes as retriable while the server is away, holds nothing, and takes them when it is back", async () => {
    const samples = oneASecond(100, (i) => i);
    await server.kill();
    await expect(park.write(samples)).rejects.toMatchObject({ code: "HISTORY_UNAVAILABLE", retriable: true });
    // From then on each write is tried once, so that an hour of them costs nothing.
    await expect(park.write(samples)).rejects.toMatchObject({ code: "HISTORY_UNAVAILABLE", retriable: true });
    expect(park.store.status).toMatchObject({ ready: false, pending: 0 });
    await expect(park.store.read({ point: POINT, from: 0, to: T0, limit: 10 })).rejects.toMatchObject({
      code: "HISTORY_UNAVAILABLE",
      retriable: true,
    });
    expect(log.lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
    await server.start();
    expect(await park.write(samples)).toEqual({ stored: 100, duplicates: 0 });
    await expect.poll(() => park.store.status, RETRIED).toMatchObject({ ready: true });
    expect(await park.all()).toEqual(samples);
  }, 40_000);

  it("starts while the server is away and sets it up when it comes", async () => {
    await server.kill();
    const early = await influxPark(influxUrl(server, "later"));
    try {
      expect(early.store.status).toMatchObject({ ready: false });
      await expect(early.store.read({ point: POINT, from: 0, to: T0, limit: 10 })).rejects.toMatchObject({
        retriable: true,
      });
      await server.start();
      await expect.poll(() => early.store.status, RETRIED).toMatchObject({ ready: true });
      await early.write([good(1, T0)]);
      expect(await early.all()).toEqual([good(1, T0)]);
    } finally {
      await early.close();
    }
  }, 40_000);

  it("makes a database again that somebody has dropped", async () => {
    await park.write([good(1, T0)]);
    await influxQuery(server, "", 'DROP DATABASE "park"');
    await park.write([good(2, T0 + 1)]);
    expect(await park.all()).toEqual([good(2, T0 + 1)]);
  }, 40_000);

  it("names the points of samples that can never be stored, and stores all the others", async () => {
    const other = (n: number) => pointId(`park/gw-1/d/p${n}`);
    // Somebody else has written texts into our field: numbers of that week have no place.
    const line = `telemetry,point=x value="text" ${T0}`;
    const url = `http://127.0.0.1:${server.port}/write?db=park&rp=raw&precision=ms`;
    expect((await fetch(url, { method: "POST", body: line })).status).toBe(204);
    const texts = Array.from({ length: 300 }, (_, i) => good(`t${i}`, T0 + i, other(i)));
    const write = park.write([...texts, good(21.5, T0 + 1, other(300)), good(true, T0 + 2, other(301))]);
    await expect(write).rejects.toMatchObject({
      code: "HISTORY_PARTIAL_WRITE",
      retriable: false,
      message: expect.stringContaining(
        "park/gw-1/d/p300 (offset 300 of park/gw-1): 400 partial write: field type conflict",
      ),
    });
    expect(await park.all(other(7))).toEqual([good("t7", T0 + 7, other(7))]);
    expect(await park.all(other(301))).toEqual([good(true, T0 + 2, other(301))]);
    expect(await park.store.ranges(GATEWAY)).toEqual([]);
  });

  it("blames nobody for the samples of another writer in the same request", async () => {
    const line = `telemetry,point=x value="text" ${T0}`;
    const url = `http://127.0.0.1:${server.port}/write?db=park&rp=raw&precision=ms`;
    expect((await fetch(url, { method: "POST", body: line })).status).toBe(204);
    const results = await Promise.allSettled([
      park.write([good("a", T0)]),
      park.write([good(1, T0 + 1)]),
      park.write([good("b", T0 + 2)]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(park.store.numbers).toMatchObject({ sent: 3, written: 2, refused: 1 });
  });

  it("counts samples that are older than the retention, and takes them as stored", async () => {
    const now = Date.now();
    await park.store.maintain({ rawBefore: now - 3 * 86_400_000, summariesBefore: now - 900 * 86_400_000 });
    const fresh = good(2, now - 1000);
    expect(await park.write([good(1, now - 30 * 86_400_000), fresh])).toEqual({ stored: 2, duplicates: 0 });
    expect(park.store.numbers).toMatchObject({ sent: 2, written: 1, expired: 1, refused: 0 });
    expect(await park.all()).toEqual([fresh]);
  });

  it("takes no more writes than it has room for", async () => {
    server.signal("SIGSTOP");
    const waiting = [0, 1, 2].map((w) => park.write(oneASecond(80_000, (i) => i, POINT, T0 + w * 100_000_000)));
    await expect(waiting[2]).rejects.toMatchObject({ code: "HISTORY_BUSY", retriable: true });
    expect(park.store.status.pending).toBe(160_000);
    server.signal("SIGCONT");
    await Promise.all(waiting.slice(0, 2));
    expect(await count()).toBe(160_000);
  }, 40_000);

  it("ends what is under way when it is closed", async () => {
    server.signal("SIGSTOP");
    const writing = park.write([good(1, T0)]);
    const reading = park.all();
    const ended = Promise.allSettled([writing, reading]);
    await park.store.close();
    expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(park.write([good(2, T0)])).rejects.toMatchObject({ code: "HISTORY_CLOSED", retriable: true });
  });
});
