import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedTelemetryStore } from "#cloud/history/embedded-store.ts";
import { startOfLocalDay } from "#cloud/history/local-day.ts";
import { TelemetryHistoryService } from "#cloud/history/service.ts";
import type { SiteCatalog } from "#cloud/ports.ts";
import { gatewayId, newEpoch, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";

const POINT = pointId("park/gw-1/ahu-1/temperature");
const T0 = Date.parse("2026-03-02T00:00:00Z");
const HOUR = 3_600_000;
let folder = "";
let store: EmbeddedTelemetryStore;
let service: TelemetryHistoryService;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-history-"));
  store = await EmbeddedTelemetryStore.open({ file: join(folder, "telemetry.db") }, silentLogger);
  const catalog: Pick<SiteCatalog, "point" | "timeZone"> = {
    timeZone: "Asia/Shanghai",
    point: (id) => (id === POINT ? ({ unit: "celsius" } as ReturnType<SiteCatalog["point"]>) : undefined),
  };
  service = new TelemetryHistoryService(store, catalog);
  const samples = Array.from({ length: 100 }, (_, i): Sample => {
    return { point: POINT, value: i, quality: i === 7 ? "bad" : "good", observedAt: T0 + i * 900_000 };
  });
  await store.write([{ gateway: gatewayId("park/gw-1"), epoch: newEpoch(), first: 1, last: 100, samples }]);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("history of a point", () => {
  it("gives raw samples with ISO times, quality and unit", async () => {
    const view = await service.history({ point: POINT, from: T0 + 7 * 900_000, to: T0 + 9 * 900_000, limit: 10 });
    expect(view).toEqual({
      point: POINT,
      unit: "celsius",
      samples: [
        { t: "2026-03-02T01:45:00.000Z", value: 7, quality: "bad" },
        { t: "2026-03-02T02:00:00.000Z", value: 8, quality: "good" },
      ],
    });
  });

  it("says when there is more than one answer carries, and only then", async () => {
    const range = { point: POINT, from: T0, to: T0 + 100 * 900_000 };
    expect(await service.history({ ...range, limit: 99 })).toMatchObject({ truncated: true });
    const whole = await service.history({ ...range, limit: 100 });
    expect(whole.samples).toHaveLength(100);
    expect(whole).not.toHaveProperty("truncated");
  });

  it("aligns day buckets to the site's midnight", async () => {
    const view = await service.history({
      point: POINT,
      from: T0,
      to: T0 + 25 * HOUR,
      intervalMs: 24 * HOUR,
      agg: true,
      limit: 1,
    });
    expect(view.buckets?.map(({ t, count }) => [t, count])).toEqual([
      ["2026-03-01T16:00:00.000Z", 63],
      ["2026-03-02T16:00:00.000Z", 36],
    ]);
  });

  it("chooses a width itself when none is asked for", async () => {
    const view = await service.history({ point: POINT, from: T0, to: T0 + 25 * HOUR, agg: true, limit: 1 });
    expect(view.buckets).toHaveLength(99);
  });

  it("of a point that is not configured any more is still there, without a unit", async () => {
    const view = await service.history({ point: "park/gw-1/old/one", from: 0, to: 1, limit: 1 });
    expect(view).toEqual({ point: "park/gw-1/old/one", unit: null, samples: [] });
  });

  it.each([
    [{ from: 5, to: 5 }, "HISTORY_RANGE_INVALID"],
    [{ from: Number.NaN, to: 5 }, "HISTORY_RANGE_INVALID"],
    [{ from: 0, to: T0, intervalMs: 1, agg: true }, "HISTORY_TOO_MANY_BUCKETS"],
    [{ from: 0, to: 1, point: "nonsense" }, "ID_INVALID"],
  ])("refuses %j with %s", async (query, code) => {
    await expect(service.history({ point: POINT, limit: 1, ...query })).rejects.toMatchObject({ code });
  });

  it("begins a local day at midnight, also where the clocks change", () => {
    expect(startOfLocalDay(T0, "Asia/Shanghai")).toBe(Date.parse("2026-03-01T16:00:00Z"));
    // 2026-03-29 02:00 became 03:00 in Berlin
    expect(startOfLocalDay(Date.parse("2026-03-29T20:00:00Z"), "Europe/Berlin")).toBe(
      Date.parse("2026-03-28T23:00:00Z"),
    );
  });
});
