import type { PointDirectory, StoredSample, TelemetrySpan, TelemetryWrite } from "#cloud/telemetry-ports.ts";
import { type GatewayId, gatewayId, type PointId, pointId } from "#core/ids.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";

/** One batch of a gateway as objects: `samples[i]` has offset `first + i`. */
export interface TestBatch {
  readonly gateway: GatewayId;
  readonly epoch: string;
  readonly first: number;
  readonly samples: readonly Sample[];
}

export const GATEWAY = gatewayId("park/gw-1");
export const POINT = pointId("park/gw-1/ahu-1/supply-temperature");
export const OTHER_POINT = pointId("park/gw-1/ahu-1/fan");
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Midnight UTC. */
export const T0 = Date.parse("2026-09-21T00:00:00Z");
export const EVERYTHING = { point: POINT, from: 0, to: 2 ** 45, limit: 1_000_000 };

/** Batches as the columns and spans a store takes. */
export function telemetryWrite(points: PointDirectory, batches: readonly TestBatch[]): TelemetryWrite {
  const appender = new SampleAppender();
  const spans: TelemetrySpan[] = [];
  for (const { gateway, epoch, first, samples } of batches) {
    spans.push({ gateway, epoch, first, last: first + samples.length - 1, start: appender.columns.length });
    for (const sample of samples) appender.sample(points.numberOf(sample.point), sample);
  }
  return { columns: appender.columns, spans };
}

/** `count` good samples of one point, one a second from `t0`, values by `value`. */
export function oneASecond(
  count: number,
  value: (i: number) => Value,
  point: PointId = POINT,
  t0: number = T0,
): readonly Sample[] {
  return Array.from({ length: count }, (_, i) => ({
    point,
    value: value(i),
    quality: "good",
    observedAt: t0 + i * SECOND,
  }));
}

/** A good sample of POINT. */
export function good(value: Value, observedAt: number, point: PointId = POINT): Sample {
  return { point, value, quality: "good", observedAt };
}

/** A sample of POINT that cannot be used. */
export function bad(value: Value, observedAt: number, point: PointId = POINT): Sample {
  return { point, value, quality: "bad", reason: "commLost", observedAt };
}

/** What a gateway had sent, without the key under which it is stored. */
export function withoutKey({ epoch: _epoch, offset: _offset, ...sample }: StoredSample): Sample {
  return sample;
}

/** Borders of `count` equal buckets. */
export function edgesFrom(from: number, widthMs: number, count: number): readonly number[] {
  return Array.from({ length: count + 1 }, (_, i) => from + i * widthMs);
}
