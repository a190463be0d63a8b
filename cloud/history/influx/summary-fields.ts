import { MEASUREMENT } from "./line-encoder.ts";

/*
 * Summaries as InfluxDB makes them: fields of the hourly measurement, and the same names in the answer to a question over
 * raw samples. `value` is a number's, `flag` a boolean's as 0 and 1, `text` a text's; only usable samples have them, and
 * each other sample has `bad`.
 */

/** Measurement of the hourly summaries. */
export const HOURLY_MEASUREMENT = "telemetry_hourly";

const RAW_CALLS: readonly (readonly [name: string, call: string, field: string])[] = [
  ...["count", "sum", "min", "max", "first", "last"].map((call) => [`value_${call}`, call, "value"] as const),
  ...["count", "sum", "min", "max", "first", "last"].map((call) => [`flag_${call}`, call, "flag"] as const),
  ...["count", "first", "last"].map((call) => [`text_${call}`, call, "text"] as const),
  ["bad_count", "count", "bad"],
];

/** The aggregates of raw samples. */
export const RAW_SUMMARY = RAW_CALLS.map(([name, call, field]) => `${call}("${field}") AS "${name}"`).join(", ");

/** The same of hourly summaries: counts add up, extremes stay extremes. */
export const HOURLY_SUMMARY = RAW_CALLS.map(([name, call]) => {
  return `${call === "count" ? "sum" : call}("${name}") AS "${name}"`;
}).join(", ");

/** Quoted names of a policy's measurement; without a policy the database's default one. */
export function measurementIn(policy: string | undefined, measurement: string): string {
  return policy === undefined ? `"${measurement}"` : `"${policy}"."${measurement}"`;
}

/** Statement that sums raw samples up into hours, for all points; `where` with its keyword and a blank before it, or empty. */
export function downsample(database: string, rawPolicy: string, hourlyPolicy: string, where: string): string {
  const into = `${database}.${measurementIn(hourlyPolicy, HOURLY_MEASUREMENT)}`;
  const from = `${database}.${measurementIn(rawPolicy, MEASUREMENT)}`;
  return `SELECT ${RAW_SUMMARY} INTO ${into} FROM ${from}${where} GROUP BY time(1h), *`;
}
