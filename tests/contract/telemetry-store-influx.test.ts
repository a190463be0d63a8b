import { afterAll, beforeAll, describe } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { InfluxTelemetryStore } from "#cloud/history/influx/store.ts";
import { RecordedRanges } from "#cloud/history/influx/stored-ranges.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { influxProgram, influxQuery, influxUrl, startInflux } from "#tests/servers/influxd.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { type TelemetryStoreHarness, telemetryStoreContract } from "./telemetry-store.ts";

describe.skipIf(influxProgram() === undefined)("InfluxDB 1.x", () => {
  let server: TestServer;
  let databases = 0;
  beforeAll(async () => {
    server = await startInflux();
  });
  afterAll(() => server.remove());

  async function open(): Promise<TelemetryStoreHarness> {
    const database = `park_${databases++}`;
    const points = new PointNumbers();
    const records: Db = await openDatabase(":memory:", silentLogger);
    const openStore = (): Promise<InfluxTelemetryStore> =>
      InfluxTelemetryStore.open({
        url: influxUrl(server, database),
        points,
        ranges: new RecordedRanges(records),
        clock: systemClock,
        logger: silentLogger,
      });
    let store = await openStore();
    return {
      store,
      points,
      async reopen() {
        await store.close();
        store = await openStore();
        return store;
      },
      async remove() {
        await store.close();
        await records.close();
        await influxQuery(server, database, `DROP DATABASE "${database}"`);
      },
    };
  }

  telemetryStoreContract("InfluxDB", open, { knowsDuplicates: true, dropsAtOnce: true, runs: 15 });
});
