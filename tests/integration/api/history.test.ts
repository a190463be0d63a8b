import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { HistorySeriesView, HistoryView } from "#core/contracts/history.ts";
import { HubError } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import { type ParkApi, parkApi, type SignedIn, sampleOf } from "#tests/fixtures/cloud/park-api.ts";
import { PARK } from "#tests/fixtures/cloud/small-park.ts";

const enc = encodeURIComponent;
const NINE = Date.parse("2026-11-21T01:00:00Z"); // 9:00 in Shanghai
const RANGE = "from=2026-11-21T00:00:00Z&to=2026-11-21T12:00:00Z";
let park: ParkApi;
let all: SignedIn;
let guard: SignedIn;

function keep(point: string, minute: number, value: Value, quality: "good" | "bad" = "good"): void {
  const offset = park.telemetry.samples.length + 1;
  const sample = { ...sampleOf(point, value, NINE + minute * 60_000), epoch: "e", offset };
  park.telemetry.samples.push(quality === "good" ? sample : { ...sample, quality, reason: "commLost" });
}

beforeAll(async () => {
  park = await parkApi();
  all = await park.person("admin", { role: "administrator", space: PARK.root });
  guard = await park.person("guard", { role: "security", space: "perimeter" });
  for (const [minute, value] of [20, 21, 22, 23].entries()) keep(PARK.setpoint, minute, value);
  keep(PARK.setpoint, 4, null, "bad");
  keep(PARK.setpoint, 180, 30);
  keep(PARK.fence, 0, '=HYPERLINK("http://x")');
  keep(PARK.fence, 1, 'a "quoted", text');
  keep(PARK.fence, 2, true);
});
afterAll(() => park.close());

const ask = (url: string, as = all) => park.ask("GET", url, { as });
const history = (query: string) => ask(`/points/${enc(PARK.setpoint)}/history?${query}`);
const series = async (query: string): Promise<HistorySeriesView> => {
  const answer = await ask(`/history?points=${enc(PARK.setpoint)}&${RANGE}&${query}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
};

describe("history of one point", () => {
  it("comes as samples with quality and reason, and goes on where a page ends", async () => {
    const first: HistoryView = (await history(`${RANGE}&limit=4`)).json();
    expect(first).toMatchObject({ unit: "degreesCelsius", truncated: true, nextFrom: "2026-11-21T01:04:00.000Z" });
    const rest: HistoryView = (await history(`from=${first.nextFrom}&to=2026-11-21T12:00:00Z`)).json();
    expect(rest.samples).toMatchObject([
      { value: null, quality: "bad", reason: "commLost" },
      { t: "2026-11-21T04:00:00.000Z", value: 30 },
    ]);
    expect(rest).not.toHaveProperty("truncated");
  });

  it("says which samples were taken from the device's own record: their time is the device's", async () => {
    const at = Date.parse("2026-11-23T01:00:00Z");
    const times = [{ sourceTime: at }, { sourceTime: at + 999 }, {}];
    for (const [second, time] of times.entries()) {
      const sample = { ...sampleOf(PARK.setpoint, second, at + second * 1000), ...time };
      park.telemetry.samples.push({ ...sample, epoch: "e", offset: park.telemetry.samples.length + 1 });
    }
    const view: HistoryView = (await history("from=2026-11-23T00:00:00Z&to=2026-11-23T12:00:00Z")).json();
    expect(view.samples?.map(({ value, historical }) => [value, historical])).toEqual([
      [0, true],
      [1, undefined],
      [2, undefined],
    ]);
  });

  it("comes as buckets when a width or agg is given, with what was not usable counted apart", async () => {
    for (const query of ["interval=15m", "interval=PT15M", "interval=900000"]) {
      const view: HistoryView = (await history(`${RANGE}&${query}`)).json();
      expect(view.buckets, query).toMatchObject([
        { t: "2026-11-21T01:00:00.000Z", min: 20, max: 23, mean: 21.5, last: 23, count: 4, bad: 1 },
        { t: "2026-11-21T04:00:00.000Z", count: 1 },
      ]);
    }
    expect((await history(`${RANGE}&agg=true`)).json().buckets.length).toBeGreaterThan(1);
  });

  it("begins its days with the time zone asked for, else with the site's", async () => {
    await history(`${RANGE}&interval=1d`);
    expect(park.telemetry.asked?.edges[0]).toBe(Date.parse("2026-11-20T16:00:00Z"));
    await history(`${RANGE}&interval=1d&tz=UTC`);
    expect(park.telemetry.asked?.edges[0]).toBe(Date.parse("2026-11-21T00:00:00Z"));
  });

  it.each([
    ["from=2026-11-21T12:00:00Z&to=2026-11-21T00:00:00Z", "TIME_RANGE_INVALID"],
    ["from=2016-12-31T23:59:60Z", "TIME_RANGE_INVALID"],
    [`${RANGE}&interval=1s`, "HISTORY_TOO_MANY_BUCKETS"],
    [`${RANGE}&interval=1d&tz=Mars/Phobos`, "TIME_ZONE_INVALID"],
    [`${RANGE}&interval=1d&tz=%2B08:17`, "TIME_ZONE_INVALID"],
    [`${RANGE}&interval=9999999999h`, "INTERVAL_INVALID"],
    [`${RANGE}&interval=0m`, "VALIDATION"],
    [`${RANGE}&interval=P1X`, "VALIDATION"],
    ["from=yesterday", "VALIDATION"],
  ])("refuses %s with %s", async (query, code) => {
    const answer = await history(query);
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  });
});

describe("history of several points", () => {
  it("holds for each bucket what was asked for", async () => {
    const { interval, series: found } = await series("interval=1h&agg=min,max,twa,increase");
    expect(interval).toBe("1h");
    expect(found).toHaveLength(1);
    expect(found[0]?.buckets[0]).toEqual({
      t: "2026-11-21T01:00:00.000Z",
      count: 4,
      bad: 1,
      min: 20,
      max: 23,
      twa: 21.5,
      increase: 3,
    });
    expect(park.telemetry.asked).toMatchObject({ timeWeighted: true, counters: new Map([[PARK.setpoint, null]]) });
  });

  it.each([
    ["none", [20, 30]],
    ["null", [null, 20, null, null, 30, null]],
    ["previous", [null, 20, 23, 23, 30, 30]],
    ["linear", [null, 20, expect.closeTo((21.5 * 2 + 30) / 3), expect.closeTo((21.5 + 30 * 2) / 3), 30, null]],
  ])("fills what was not measured by %s", async (fill, expected) => {
    const [only] = (await series(`interval=1h&agg=min,mean,first&fill=${fill}`)).series;
    const shown = fill === "none" ? only?.buckets : only?.buckets.slice(0, 6);
    expect(shown?.map(({ first }) => first)).toEqual(expected);
    if (fill !== "none")
      expect(shown?.map(({ filled }) => filled === true)).toEqual([true, false, true, true, false, true]);
  });

  it("is refused as a whole when one of the points may not be seen, as one that is unknown", async () => {
    const both = `${enc(PARK.fence)},${enc(PARK.setpoint)}`;
    expect((await ask(`/history?points=${enc(PARK.fence)}&${RANGE}`, guard)).statusCode).toBe(200);
    const hidden = await ask(`/history?points=${both}&${RANGE}`, guard);
    const unknown = await ask(`/history?points=small-park/gw-1/x/y&${RANGE}`, guard);
    expect([hidden.statusCode, hidden.json().code]).toEqual([404, "POINT_UNKNOWN"]);
    expect([unknown.statusCode, unknown.json().code]).toEqual([404, "POINT_UNKNOWN"]);
  });

  it.each([
    [`points=${Array.from({ length: 21 }, (_, i) => `a/b/c/${i}`).join(",")}&${RANGE}`, "POINTS_TOO_MANY"],
    [`points=${enc(PARK.setpoint)}&${RANGE}&agg=median`, "AGGREGATE_INVALID"],
    [`points=${enc(PARK.setpoint)}&${RANGE}&fill=spline`, "VALIDATION"],
    [`points=${enc(PARK.setpoint)}&${RANGE}&rollover=0`, "VALIDATION"],
    [RANGE, "VALIDATION"],
  ])("refuses %s with %s", async (query, code) => {
    const answer = await ask(`/history?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  });
});

describe("history while its store is away", () => {
  it.each(["HISTORY_UNAVAILABLE", "HISTORY_UNAUTHORIZED", "HISTORY_NO_DATABASE", "HISTORY_BUSY", "HISTORY_THREAD"])(
    "is refused as something to try again (%s), without a word of where the store is",
    async (code) => {
      const away = new HubError(code, "nobody at influx.example", { retriable: true });
      vi.spyOn(park.telemetry, "read").mockRejectedValueOnce(away);
      vi.spyOn(park.telemetry, "aggregate").mockRejectedValueOnce(away).mockRejectedValueOnce(away);
      const query = `points=${enc(PARK.setpoint)}&${RANGE}`;
      for (const answer of [await history(RANGE), await ask(`/history?${query}`), await ask(`/history.csv?${query}`)]) {
        expect([answer.statusCode, answer.json().code]).toEqual([503, code]);
        expect(answer.body).not.toContain("influx.example");
      }
    },
  );
});

describe("history as a file", () => {
  const file = (query: string, as = all) => ask(`/history.csv?${RANGE}&${query}`, as);

  it("holds every sample of each point, and no cell a spreadsheet would run", async () => {
    const answer = await file(`points=${enc(PARK.fence)}&raw=true`);
    expect(answer.headers).toMatchObject({ "content-type": "text/csv; charset=utf-8; header=present" });
    expect(answer.headers["content-disposition"]).toMatch(/^attachment; filename="history/);
    const lines = answer.body.split("\r\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe("time,point,name,unit,value,quality,reason");
    expect(lines[1]).toContain(`,"'=HYPERLINK(""http://x"")",good,`);
    expect(lines[2]).toContain(`,"a ""quoted"", text",good,`);
    expect(lines[3]).toContain(",true,good,");
  });

  it("holds the buckets asked for, with a byte order mark for those who need it", async () => {
    const answer = await file(`points=${enc(PARK.setpoint)}&interval=1h&agg=max,count&bom=true`);
    expect([...answer.rawPayload.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(answer.body.slice(1).split("\r\n").slice(0, 2)).toEqual([
      "time,point,name,unit,count,bad,max",
      expect.stringMatching(/^2026-11-21T01:00:00\.000Z,small-park\/gw-1\/ahu-1\/setpoint,.*,degreesCelsius,4,1,23$/),
    ]);
  });

  it.each(["linear", "previous"] as const)(
    "fills with %s as the answer of a page does, however it is cut",
    async (fill) => {
      // 6000 buckets are more than are made at a time; the last but one value was not usable, the last one comes hours later.
      const query = `agg=mean,last&fill=${fill}&interval=2s&from=2026-11-21T01:00:00Z&to=2026-11-21T04:20:00Z`;
      const view: HistorySeriesView = (await ask(`/history?points=${enc(PARK.setpoint)}&${query}`)).json();
      const lines = (await ask(`/history.csv?points=${enc(PARK.setpoint)}&${query}`)).body.trim().split("\r\n");
      const means = lines.slice(1).map((line) => line.split(",").at(-2));
      expect(view.series[0]?.buckets.length).toBe(6000);
      expect(means).toEqual(view.series[0]?.buckets.map(({ mean }) => (mean === null ? "" : String(mean))));
    },
  );

  it("is a problem document, and no broken file, when it is refused", async () => {
    const wide = await ask(`/history.csv?points=${enc(PARK.setpoint)}&from=2000-01-01T00:00:00Z&interval=1s`);
    expect([wide.statusCode, wide.json().code]).toEqual([400, "HISTORY_TOO_MANY_BUCKETS"]);
    const hidden = await file(`points=${enc(PARK.setpoint)}&raw=true`, guard);
    expect([hidden.statusCode, hidden.json().code]).toEqual([404, "POINT_UNKNOWN"]);
  });
});
