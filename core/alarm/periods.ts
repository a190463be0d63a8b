import { BUCKET_MS, DAY_MS, HOUR_MS } from "./kpi-numbers.ts";

const MINUTE_MS = 60_000;

/** The clock on the wall of the site. */
export interface WallClock {
  /** How far it is ahead of UTC at a moment, ms. */
  offsetMs(at: number): number;
  /** The moment (Unix ms) at which it shows a time, given as if it were UTC. */
  momentOf(wall: number): number;
}

/** Minutes after local midnight at which shifts begin, ascending. */
export type ShiftStarts = readonly number[];

/** A stretch of time, Unix ms, `to` exclusive. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

export type PeriodUnit = "hour" | "shift" | "day" | "month";

/** Beginning of the ten minutes by the clock that hold a moment. */
export function bucketStart(at: number, clock: WallClock): number {
  return aligned(at, BUCKET_MS, clock);
}

/** Beginning of the hour by the clock that holds a moment. */
export function hourStart(at: number, clock: WallClock): number {
  return aligned(at, HOUR_MS, clock);
}

function aligned(at: number, lengthMs: number, clock: WallClock): number {
  const wall = at + clock.offsetMs(at);
  return at - (((wall % lengthMs) + lengthMs) % lengthMs);
}

function localDay(at: number, clock: WallClock): number {
  return Math.floor((at + clock.offsetMs(at)) / DAY_MS) * DAY_MS;
}

/** The period that holds a moment. A day has 23 to 25 hours; a shift that begins in a leap of the clock begins after it. */
export function periodOf(unit: PeriodUnit, at: number, clock: WallClock, shifts: ShiftStarts): Period {
  switch (unit) {
    case "hour": {
      const from = hourStart(at, clock);
      return { from, to: from + HOUR_MS };
    }
    case "day": {
      const day = localDay(at, clock);
      return { from: clock.momentOf(day), to: clock.momentOf(day + DAY_MS) };
    }
    case "month": {
      const local = new Date(localDay(at, clock));
      const month = (more: number): number =>
        clock.momentOf(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + more, 1));
      return { from: month(0), to: month(1) };
    }
    case "shift":
      return shiftOf(at, clock, shifts);
    default:
      return unit satisfies never;
  }
}

function shiftOf(at: number, clock: WallClock, shifts: ShiftStarts): Period {
  const day = localDay(at, clock);
  const starts = [-1, 0, 1]
    .flatMap((days) => shifts.map((minute) => clock.momentOf(day + days * DAY_MS + minute * MINUTE_MS)))
    .sort((a, b) => a - b);
  const next = starts.findIndex((start) => start > at);
  return { from: starts[next - 1] ?? at, to: starts[next] ?? at };
}

/** The periods that a stretch of time touches, in order, cut to it. */
export function periodsIn(unit: PeriodUnit, span: Period, clock: WallClock, shifts: ShiftStarts): readonly Period[] {
  const periods: Period[] = [];
  for (let at = span.from; at < span.to; ) {
    const { to } = periodOf(unit, at, clock, shifts);
    periods.push({ from: at, to: Math.min(to, span.to) });
    at = Math.max(to, at + MINUTE_MS);
  }
  return periods;
}
