import { describe, expect, it, onTestFinished } from "vitest";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { type InfluxPark, influxPark } from "./influx-park.ts";
import { type ScriptedAnswer, type SeenRequest, scriptedInflux } from "./influx-scripted.ts";
import { good, HOUR, oneASecond, POINT, T0 } from "./telemetry-writes.ts";

async function ownPark(...parameters: Parameters<typeof influxPark>): Promise<InfluxPark> {
  const park = await influxPark(...parameters);
  onTestFinished(() => park.close());
  return park;
}

const results = (...of: readonly object[]): ScriptedAnswer => ({ status: 200, body: JSON.stringify({ results: of }) });

/** The 1.x API of a later version: databases stand for buckets, and policies are nobody's to make. */
function laterVersion({ path, query, authorization }: SeenRequest): ScriptedAnswer {
  if (path === "/ping") return { status: 204 };
  if (authorization !== "Token s3cr3t/token==") return { status: 401, body: '{"code":"unauthorized","message":"no"}' };
  if (path === "/write") return { status: 204 };
  const statement = query.get("q") ?? "";
  const columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"];
  if (statement.startsWith("SHOW RETENTION"))
    return results({ statement_id: 0, series: [{ columns, values: [["autogen", "0s", "168h0m0s", 1, true]] }] });
  if (statement.startsWith("SELECT")) return results({ statement_id: 0 });
  return results({ statement_id: 0, error: `not implemented: ${statement.slice(0, 20)}` });
}

/** An InfluxDB 1.x of which nothing is missing; `answer` may speak first. */
const firstVersion =
  (answer: (request: SeenRequest) => ScriptedAnswer | undefined) =>
  (request: SeenRequest): ScriptedAnswer => {
    const own = answer(request);
    if (own !== undefined) return own;
    return request.path.endsWith("/query") ? results({ statement_id: 0 }) : { status: 204 };
  };

const url = (port: number): string => `http://hub:pass-word@127.0.0.1:${port}/park`;

describe("the 1.x API of a later InfluxDB", () => {
  it("is used with a token, without policies and without down-sampling, and the status says so", async () => {
    const { port, seen } = await scriptedInflux(laterVersion);
    const log = new KeptLog();
    const address = `http://127.0.0.1:${port}/park?token=${encodeURIComponent("s3cr3t/token==")}`;
    const park = await ownPark(address, log);
    expect(park.store.status).toMatchObject({
      ready: true,
      detail: expect.stringContaining('no retention policy "raw"'),
    });
    expect(await park.write([good(21.5, T0)])).toEqual({ stored: 1, duplicates: 0 });
    expect(await park.all()).toEqual([]);
    expect(await park.store.aggregate({ points: [POINT], edges: [T0, T0 + HOUR] })).toEqual([[]]);
    await park.store.maintain({ rawBefore: T0, summariesBefore: T0 });
    const write = seen.find(({ path }) => path === "/write");
    expect([...(write?.query ?? [])]).toEqual([
      ["db", "park"],
      ["precision", "ms"],
    ]);
    expect(write?.body).toMatch(
      /^telemetry,gateway=park\/gw-1,point=park\/gw-1\/ahu-1\/supply-temperature value=21.5,row="ng:[0-9a-f]{32}:0" 1789948800000\n$/,
    );
    const selects = seen.map(({ query }) => query.get("q") ?? "").filter((q) => q.startsWith("SELECT"));
    expect(selects).toHaveLength(2);
    for (const select of selects) expect(select).toContain(' FROM "telemetry" WHERE "point" = \'park/gw-1/');
    expect(log.lines).toHaveLength(1);
    expect(`${log.lines.join()} ${park.store.status.detail}`).not.toContain("s3cr3t");
  });

  it("is found behind a proxy's path", async () => {
    const { port, seen } = await scriptedInflux(firstVersion(() => undefined));
    const park = await ownPark(`http://127.0.0.1:${port}/metrics/influx/park`);
    await park.write([good(1, T0)]);
    await park.all();
    expect(new Set(seen.map(({ path }) => path))).toEqual(
      new Set(["/metrics/influx/ping", "/metrics/influx/query", "/metrics/influx/write"]),
    );
  });
});

describe("an InfluxDB that answers as it should not", () => {
  it("is asked again after a failure of its own, and each sample counts once", async () => {
    let failures = 3;
    const script = firstVersion(({ path }) => {
      if (path !== "/write" || failures-- <= 0) return undefined;
      return failures === 1 ? (response) => response.destroy() : { status: 503, body: '{"error":"timeout"}' };
    });
    const { port } = await scriptedInflux(script);
    const park = await ownPark(url(port));
    expect(await park.write(oneASecond(7, (i) => i))).toEqual({ stored: 7, duplicates: 0 });
    expect(park.store.numbers).toMatchObject({ sent: 7, written: 7, requests: 4, retries: 3 });
  });

  it("does not keep a write waiting for an answer that never comes", async () => {
    const clock = new ManualClock(T0);
    const { port, seen } = await scriptedInflux(firstVersion(({ path }) => (path === "/write" ? () => {} : undefined)));
    const park = await ownPark(url(port), undefined, clock);
    const failed = park.write([good(1, T0)]).catch((error: unknown) => error);
    await expect.poll(() => seen.some(({ path }) => path === "/write")).toBe(true);
    clock.advance(12_000);
    expect(await failed).toMatchObject({ code: "HISTORY_UNAVAILABLE", retriable: true });
  });

  it.each([
    ["never begins", () => {}],
    ["ends in the middle", (response) => response.writeHead(200).write('{"results":[', () => response.destroy())],
  ] as const satisfies readonly (readonly [string, ScriptedAnswer])[])(
    "does not keep a reader waiting for an answer that %s",
    async (_name, answer) => {
      const clock = new ManualClock(T0);
      const isRead = ({ query }: SeenRequest): boolean => (query.get("q") ?? "").startsWith("SELECT");
      const { port, seen } = await scriptedInflux(firstVersion((request) => (isRead(request) ? answer : undefined)));
      const park = await ownPark(url(port), undefined, clock);
      const failed = park.all().catch((error: unknown) => error);
      await expect.poll(() => seen.some(isRead)).toBe(true);
      clock.advance(20_000);
      expect(await failed).toMatchObject({ code: "HISTORY_UNAVAILABLE", retriable: true });
    },
  );

  it("is read on where it leaves rows out of an answer", async () => {
    const columns = ["time", "row", "value"];
    const rows = Array.from({ length: 25 }, (_, i) => [T0 + i * 1000, `ng:e:${i}`, i]);
    const from = (q: string): number => Number(/time >= (\d+)ms/.exec(q)?.[1] ?? 0);
    const script = firstVersion(({ query }) => {
      const q = query.get("q") ?? "";
      if (!q.startsWith("SELECT")) return undefined;
      const left = rows.filter(([time]) => Number(time) >= from(q));
      const values = left.slice(0, 10);
      const series = { name: "telemetry", columns, values, partial: left.length > 10 };
      return results({ statement_id: 0, series: values.length > 0 ? [series] : [] });
    });
    const { port } = await scriptedInflux(script);
    const park = await ownPark(url(port));
    expect((await park.all()).map(({ value }) => value)).toEqual(rows.map(([, , value]) => value));
  });

  it("fails a reader as retriable where a proxy answers with a page of its own", async () => {
    const page = { status: 200, body: "<html>maintenance</html>" };
    const script = firstVersion(({ query }) => ((query.get("q") ?? "").startsWith("SELECT") ? page : undefined));
    const { port } = await scriptedInflux(script);
    const park = await ownPark(url(port));
    await expect(park.all()).rejects.toMatchObject({ code: "HISTORY_ANSWER_INVALID", retriable: true });
  });
});
