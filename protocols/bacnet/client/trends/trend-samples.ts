import type { Sample } from "#core/model/sample.ts";
import type { RawChoice } from "../../codec/fields.ts";
import type { LoggedValue } from "../../codec/services/log-records.ts";
import type { BacnetValue } from "../../codec/values.ts";
import type { DeviceTime } from "../control/clock.ts";
import { type Reading, readingOf, readingOfError } from "../map.ts";
import type { BoundPoint } from "../point-board.ts";
import type { LogPlan } from "./trend-logs.ts";
import type { LogRow } from "./trend-reader.ts";

/** A stretch of time by our clock, Unix ms: after `from`, up to `to`. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

// what is said of a point while its device did not log
const NOT_LOGGED: Reading = { value: null, quality: "bad", reason: "noValue" };
const MINUTE_MS = 60_000;
/** A clock of whole seconds, read over a network, cannot be told to be wrong by less. */
const EXACT_MS = 1500;

/** What is added to a device's local time to have ours, ms. */
export function correctionOf({ utcOffsetMin, driftMs }: DeviceTime): number {
  return utcOffsetMin * MINUTE_MS - (Math.abs(driftMs) < EXACT_MS ? 0 : driftMs);
}

/**
 * The records of one log that fall into an outage, as samples of its points with the time by our clock, in the order of the records.
 * NULL and a property that could not be read are bad values as they are when read live; where the log was stopped or interrupted the
 * points have no value from there on; a datum of a kind that nobody knows is left out. `correctionMs`: see `correctionOf`, as the
 * device's clock is now; where the log says that the clock was set, what is before has the correction of before.
 */
export function samplesOf(
  plan: LogPlan,
  rows: readonly LogRow[],
  correctionMs: number,
  outages: readonly Outage[],
  observedAt: number,
): readonly Sample[] {
  let clockMs = correctionMs;
  const samples: Sample[] = [];
  // from the newest back: how the clock stood is known of the newest only
  for (const row of rows.toReversed()) {
    const { content } = row;
    if (row.at !== undefined) {
      const sourceTime = Math.round(row.at + clockMs);
      if (outages.some(({ from, to }) => sourceTime > from && sourceTime <= to)) {
        for (const { point, reading } of told(plan, content))
          samples.push({ point, ...reading, sourceTime, observedAt });
      }
    }
    // 0 where the log does not know by how much [BACnet 12.25.14]
    if (content.type === "timeChange" && Number.isFinite(content.value)) clockMs += content.value * 1000;
  }
  return samples.reverse();
}

interface Told {
  readonly point: BoundPoint["point"];
  readonly reading: Reading;
}

function told({ columns }: LogPlan, content: LogRow["content"]): readonly Told[] {
  switch (content.type) {
    case "values":
      return columns.flatMap((points, column) => {
        const datum = content.value[column];
        if (datum === undefined || datum.type === "raw") return [];
        return points.map((bound) => ({
          point: bound.point,
          reading: readingOfDatum(bound, datum, content.statusFlags),
        }));
      });
    case "logStatus": {
      const [disabled = false, , interrupted = false] = content.value;
      if (!disabled && !interrupted) return [];
      return columns.flat().map(({ point }) => ({ point, reading: NOT_LOGGED }));
    }
    default:
      return [];
  }
}

function readingOfDatum(
  { target }: BoundPoint,
  datum: Exclude<LoggedValue | RawChoice, RawChoice>,
  flags: readonly boolean[] | undefined,
): Reading {
  if (datum.type === "failure") return readingOfError(datum.value);
  const values: readonly BacnetValue[] =
    datum.type === "any" ? datum.value : datum.type === "null" ? [{ type: "null" }] : [datum];
  return readingOf(target, values, flags === undefined ? undefined : { type: "bitString", value: flags });
}
