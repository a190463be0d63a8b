import type { KpiTarget } from "../contracts/alarm-quality.ts";

/*
 * The numbers that the quality of an alarm system is measured by. [ISA-18.2 clause 16, EEMUA 191]
 */

/** Loads are counted in periods of ten minutes by the site's clock, ms. */
export const BUCKET_MS = 600_000;
/** ms. */
export const HOUR_MS = 3_600_000;
/** ms. */
export const DAY_MS = 86_400_000;
/** More in ten minutes begin a flood. */
export const FLOOD_BEGINS_ABOVE = 10;
/** Fewer in ten minutes end it. */
export const FLOOD_ENDS_BELOW = 5;
/** So many in one hour are too many. */
export const HOUR_LIMIT = 30;
/** So many raises of one alarm within CHATTER_WITHIN_MS are chattering. */
export const CHATTER_RAISES = 3;
/** ms. */
export const CHATTER_WITHIN_MS = 60_000;
/** Gone sooner than anybody could act, ms. */
export const FLEETING_MS = 60_000;
/** Active for longer is stale, ms. */
export const STALE_MS = DAY_MS;

const ISA = "ISA-18.2 / EEMUA 191";

/** What each figure should be. */
export const KPI_TARGETS: readonly KpiTarget[] = [
  { figure: "perDay", target: 150, limit: 300, sense: "atMost", unit: "count", source: ISA },
  { figure: "perHour", target: 6, limit: 12, sense: "atMost", unit: "count", source: ISA },
  { figure: "averageAlarmRate", target: 1, limit: 2, sense: "atMost", unit: "count", source: ISA },
  { figure: "maximumAlarmRate", target: FLOOD_BEGINS_ABOVE, sense: "atMost", unit: "count", source: ISA },
  { figure: "bucketsOver10Percent", target: 1, sense: "below", unit: "percent", source: "ISA-18.2" },
  { figure: "hoursOver30Percent", target: 1, sense: "below", unit: "percent", source: "ISA-18.2" },
  { figure: "floodPercent", target: 1, sense: "below", unit: "percent", source: ISA },
  { figure: "top10Percent", target: 1, limit: 5, sense: "atMost", unit: "percent", source: "ISA-18.2" },
  { figure: "chatteringCount", target: 0, sense: "atMost", unit: "count", source: "ISA-18.2" },
  { figure: "fleetingCount", target: 0, sense: "atMost", unit: "count", source: "ISA-18.2; 60 s: Parkhub" },
  { figure: "staleCount", target: 5, sense: "below", unit: "count", source: "ISA-18.2" },
  { figure: "priority.low", target: 80, limit: 70, sense: "atLeast", unit: "percent", source: ISA },
  { figure: "priority.medium", target: 15, limit: 25, sense: "atMost", unit: "percent", source: ISA },
  { figure: "priority.high", target: 5, limit: 10, sense: "atMost", unit: "percent", source: ISA },
  { figure: "priority.urgent", target: 1, limit: 5, sense: "atMost", unit: "percent", source: ISA },
  { figure: "unauthorisedCount", target: 0, sense: "atMost", unit: "count", source: "ISA-18.2" },
];

/** How a figure stands against its target. */
export function judged(value: number, { target, limit, sense }: KpiTarget): "good" | "fair" | "bad" {
  if (sense === "atLeast") return value >= target ? "good" : limit !== undefined && value >= limit ? "fair" : "bad";
  if (sense === "below" ? value < target : value <= target) return "good";
  return limit !== undefined && value <= limit ? "fair" : "bad";
}
