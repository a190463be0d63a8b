import { AGGREGATES, type Aggregate, type SeriesBucket } from "#core/contracts/history.ts";
import type { Value } from "#core/model/sample.ts";

/** What a spreadsheet would take for a formula. [OWASP CSV Injection] */
const FORMULA = /^[=+\-@\t\r]/;

/** One field of a CSV file. Texts that look like a formula are made texts by an apostrophe; numbers are numbers. [RFC 4180 §2] */
export function csvField(value: Value | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One record with its line end. [RFC 4180 §2] */
export function csvLine(fields: readonly (Value | undefined)[]): string {
  return `${fields.map(csvField).join(",")}\r\n`;
}

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
