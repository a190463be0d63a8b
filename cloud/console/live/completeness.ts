import type { Completeness } from "#core/contracts/completeness.ts";

type LaneProof = Completeness["lanes"][number];

/** How many offsets of a lane are not stored and were not told to be lost. */
export function missingCount(lane: LaneProof): number {
  return lane.missing.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** How many offsets the gateway itself has told to be lost. */
export function gapCount(lane: LaneProof): number {
  return lane.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** Stored share of what was seen, 0 to 1; 1 for a lane of which nothing was seen yet. */
export function storedShare(lane: LaneProof): number {
  const seen = lane.upTo - lane.from + 1;
  return seen <= 0 ? 1 : Math.min(1, lane.stored / seen);
}

/** A share as percent that says 100 only when nothing at all is missing. */
export function percentText(share: number): string {
  if (share >= 1) return "100 %";
  return `${Math.min(99.99, Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** All lanes together: what was numbered, stored, told as lost, and missing without a reason. */
export function totalOf(report: Completeness): {
  readonly numbered: number;
  readonly stored: number;
  readonly lost: number;
  readonly missing: number;
} {
  const sum = (of: (lane: LaneProof) => number): number => report.lanes.reduce((total, lane) => total + of(lane), 0);
  return {
    numbered: sum((lane) => Math.max(0, lane.upTo - lane.from + 1)),
    stored: sum((lane) => lane.stored),
    lost: sum(gapCount),
    missing: sum(missingCount),
  };
}

/** A stretch of a gap map: where it begins and how wide it is, as shares of the whole. */
export interface Stretch {
  readonly is: "gap" | "missing";
  readonly at: number;
  readonly width: number;
}

/** Narrowest stretch, as a share: one lost value in a million must still be seen. */
const SEEN = 0.004;

/** Where in a lane its gaps and its missing offsets lie. */
export function gapMap(lane: LaneProof): readonly Stretch[] {
  const whole = lane.upTo - lane.from + 1;
  if (whole <= 0) return [];
  const stretch = (is: Stretch["is"], from: number, to: number): Stretch => {
    const width = Math.min(1, Math.max(SEEN, (to - from + 1) / whole));
    return { is, at: Math.min(1 - width, Math.max(0, (from - lane.from) / whole)), width };
  };
  const all = [
    ...lane.gaps.map(({ from, to }) => stretch("gap", from, to)),
    ...lane.missing.map(({ from, to }) => stretch("missing", from, to)),
  ];
  // Narrow ones at the very end lie on each other: one of them is drawn.
  return [...new Map(all.map((one) => [`${one.is} ${one.at}`, one])).values()];
}
