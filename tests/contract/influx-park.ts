import { type Db, openDatabase } from "#cloud/db/database.ts";
import { InfluxTelemetryStore } from "#cloud/history/influx/store.ts";
import { RecordedRanges } from "#cloud/history/influx/stored-ranges.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { EVERYTHING, GATEWAY, telemetryWrite, withoutKey } from "./telemetry-writes.ts";

/** A store under test with everything it needs. */
export interface InfluxPark {
  readonly store: InfluxTelemetryStore;
  readonly points: PointNumbers;
  readonly records: Db;
  /** Writes samples of the gateway, offsets counted on. */
  write(samples: readonly Sample[]): Promise<{ readonly stored: number; readonly duplicates: number }>;
  /** All samples of a point, without their keys. */
  all(point?: Sample["point"]): Promise<readonly Sample[]>;
  close(): Promise<void>;
}

/** Opens a store on the URL, with records of its own. */
export async function influxPark(
  url: string,
  logger: Logger = silentLogger,
  clock: Clock = systemClock,
): Promise<InfluxPark> {
  const points = new PointNumbers();
  const records = await openDatabase(":memory:", silentLogger);
  const ranges = new RecordedRanges(records);
  const store = await InfluxTelemetryStore.open({ url, points, ranges, clock, logger });
  const epoch = newEpoch();
  let next = 0;
  let closing: Promise<void> | undefined;
  return {
    store,
    points,
    records,
    write(samples) {
      const first = next;
      next += samples.length;
      return store.write(telemetryWrite(points, [{ gateway: GATEWAY, epoch, first, samples }]));
    },
    async all(point = EVERYTHING.point) {
      return (await store.read({ ...EVERYTHING, point })).map(withoutKey);
    },
    close() {
      closing ??= store.close().then(() => records.close());
      return closing;
    },
  };
}
