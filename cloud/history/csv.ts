import { AGGREGATES, type Aggregate, type SeriesBucket } from "#core/contracts/history.ts";
import { csvLine } from "#core/csv.ts";

/** Fields of a line of samples. */
export const SAMPLE_FIELDS = ["time", "point", "name", "unit", "value", "quality", "reason"] as const;

/** Fields of a line of buckets, for the aggregates that were asked for. */
export function bucketFields(aggregates: readonly Aggregate[]): readonly string[] {
  return ["time", "point", "name", "unit", "count", "bad", ...shown(aggregates)];
}

/** The aggregates that have a field of their own, in their order. */
function shown(aggregates: readonly Aggregate[]): readonly Exclude<Aggregate, "count">[] {
  return AGGREGATES.filter(
    (name): name is Exclude<Aggregate, "count"> => name !== "count" && aggregates.includes(name),
  );
}

/** The line of one bucket. */
export function bucketLine(
  point: { readonly id: string; readonly name: string; readonly unit: string | null },
  bucket: SeriesBucket,
  aggregates: readonly Aggregate[],
): string {
  const figures = shown(aggregates).map((name) => bucket[name]);
  return csvLine([bucket.t, point.id, point.name, point.unit, bucket.count, bucket.bad, ...figures]);
}
