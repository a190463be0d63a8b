import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openDatabase } from "#cloud/db/database.ts";
import { InfluxTelemetryStore } from "#cloud/history/influx/store.ts";
import { RecordedRanges } from "#cloud/history/influx/stored-ranges.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { DAY, HOUR, SECOND, telemetryWrite } from "#tests/contract/telemetry-writes.ts";
import { influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";

const folder = path.resolve(import.meta.dirname, "../../../config/deploy/production/grafana");
const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly targets: readonly { readonly query: string; readonly datasource: { readonly uid: string } }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}
const dashboard = JSON.parse(read("dashboards/parkhub.json")) as Dashboard;
const source = parse(read("datasources/parkhub.yaml")) as {
  readonly datasources: readonly { readonly uid: string; readonly jsonData: { readonly dbName: string } }[];
};
const DATABASE = source.datasources[0]?.jsonData.dbName ?? "";
/** Two hours ago, at the beginning of an hour: so that there are whole hours. */
const FROM = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;

/** What Grafana puts in the place of its variables. */
function filledIn(query: string): string {
  return query
    .replaceAll("$timeFilter", `time >= ${FROM}ms and time <= ${FROM + 3 * HOUR}ms`)
    .replaceAll("$__interval", "10s")
    .replaceAll(/\$(gateway|point)\b/g, ".*");
}

const SAMPLES: readonly Sample[] = Array.from({ length: 240 }, (_, i) => ({
  point: pointId(`park/gw-1/ahu-1/${["supply", "fan", "mode"][i % 3]}`),
  value: [20 + (i % 7), i % 2 === 0, "auto"][i % 3] ?? null,
  ...(i % 10 === 0 ? { quality: "bad", reason: "commLost" } : { quality: "good" }),
  observedAt: FROM + i * 20 * SECOND,
}));

it("points every panel of the dashboard to the one data source", () => {
  const sources = dashboard.panels.flatMap(({ datasource, targets }) => [
    datasource,
    ...targets.map((t) => t.datasource),
  ]);
  expect(new Set(sources.map(({ uid }) => uid))).toEqual(new Set([source.datasources[0]?.uid]));
});

describe.skipIf(influxProgram() === undefined)("the dashboard's questions", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startInflux();
    const points = new PointNumbers();
    const records = await openDatabase(":memory:", silentLogger);
    const store = await InfluxTelemetryStore.open({
      url: influxUrl(server, DATABASE),
      points,
      ranges: new RecordedRanges(records),
      clock: systemClock,
      logger: silentLogger,
    });
    await store.write(
      telemetryWrite(points, [{ gateway: gatewayId("park/gw-1"), epoch: "e1", first: 0, samples: SAMPLES }]),
    );
    // The hours are summed up as in every night.
    await store.maintain({ rawBefore: FROM - 30 * DAY, summariesBefore: FROM - 60 * DAY });
    await store.maintain({ rawBefore: FROM + 2 * HOUR, summariesBefore: FROM - 60 * DAY });
    await store.close();
    await records.close();
  });
  afterAll(() => server?.remove());

  it.each(dashboard.panels.flatMap(({ title, targets }) => targets.map(({ query }) => ({ title, query }))))(
    "$title: the server has an answer",
    async ({ query }) => {
      const rows = await influxQuery(server, DATABASE, filledIn(query));
      const told = rows.flatMap((row) => row.slice(1)).filter((cell) => cell !== null && cell !== 0);
      expect(told.length).toBeGreaterThan(0);
    },
  );

  it.each(dashboard.templating.list)("the choice $name has something to choose from", async ({ query }) => {
    const rows = await influxQuery(server, DATABASE, filledIn(query));
    expect(rows.length).toBeGreaterThan(0);
  });
});
