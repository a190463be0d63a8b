import { describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { sampleOf } from "#core/sparkplug/metric-sample.ts";
import type { ResolvedMetric } from "#core/sparkplug/metric-table.ts";
import { DataType } from "#core/sparkplug/payload.ts";

const POINT = pointId("park/gw-1/ahu-1/temperature");
const NOW = 1_790_000_000_000;
const metric = (more: Partial<ResolvedMetric>): ResolvedMetric => ({
  name: "temperature",
  alias: 1,
  datatype: DataType.Double,
  timestamp: NOW - 5,
  value: 20,
  isNull: false,
  isHistorical: false,
  isTransient: false,
  properties: undefined,
  skipped: false,
  ...more,
});

describe("the sample of a metric", () => {
  it("has the metric's time", () => {
    expect(sampleOf(POINT, metric({}), NOW)).toEqual({ point: POINT, value: 20, quality: "good", observedAt: NOW - 5 });
  });

  it.each([2 ** 53 - 1, Number.NaN])(
    "has the time of its arrival where the metric's (%d) is none that a date can hold",
    (timestamp) => {
      expect(sampleOf(POINT, metric({ timestamp }), NOW).observedAt).toBe(NOW);
    },
  );

  it("has no source time where the device's own is none", () => {
    const properties = { sourceTime: { type: DataType.Int64, value: 2 ** 53 - 1 } };
    expect(sampleOf(POINT, metric({ properties }), NOW)).not.toHaveProperty("sourceTime");
  });

  it.each([Number.NaN, Infinity, -Infinity])("of %d is no value, and bad", (value) => {
    expect(sampleOf(POINT, metric({ value }), NOW)).toMatchObject({ value: null, quality: "bad", reason: "noValue" });
  });
});
