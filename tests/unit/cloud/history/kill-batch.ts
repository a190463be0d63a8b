import { gatewayId, type PointId, pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import type { TestBatch } from "#tests/contract/telemetry-writes.ts";

export const KILL_GATEWAY = gatewayId("park/gw-1");
export const KILL_EPOCH = "c".repeat(32);
/** Samples of a batch; the offsets of batch b begin at b times this. */
export const KILL_BATCH = 120;
const POINTS = 24;
const T0 = 1_790_000_000_000;

export const KILL_POINTS: readonly PointId[] = Array.from({ length: POINTS }, (_, i) => pointId(`park/gw-1/d/p-${i}`));

/** The sample with an offset. Each seventh comes three hours late. */
export function killSample(offset: number): Sample {
  const point = KILL_POINTS[(offset * 7 + Math.floor(offset / POINTS)) % POINTS] ?? pointId("");
  const late = offset % 7 === 0 ? 3 * 3_600_000 + 500 : 0;
  return { point, value: offset, quality: offset % 50 === 3 ? "bad" : "good", observedAt: T0 + offset * 1000 - late };
}

/** One batch of the writer that is killed. */
export function killBatch(batch: number): TestBatch {
  const first = batch * KILL_BATCH;
  const samples = Array.from({ length: KILL_BATCH }, (_, i) => killSample(first + i));
  return { gateway: KILL_GATEWAY, epoch: KILL_EPOCH, first, samples };
}
