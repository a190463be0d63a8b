import type { Completeness } from "#core/contracts/http.ts";

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
