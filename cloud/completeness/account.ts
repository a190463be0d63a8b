import type { LaneAccount } from "#core/contracts/completeness.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import { addRange, missingIn, type Range, sizeOf } from "../db/ranges.ts";

/** A lane of one epoch as ingest knows it. */
export interface LaneStand {
  readonly lane: Lane;
  readonly epoch: string;
  /** First offset that counts. */
  readonly from: number;
  /** Acknowledged: up to here everything is stored or accounted for. */
  readonly upTo: number;
  readonly covered: readonly Range[];
}

/** What has been recorded as lost. */
export interface LostRange extends Range {
  readonly reason: string;
}

function within(ranges: readonly Range[], { from, to }: Range): readonly Range[] {
  return ranges
    .filter((range) => range.to >= from && range.from <= to)
    .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, to) }));
}

/**
 * The account of the offsets after `after` up to what is acknowledged. `stored`: ranges that the store itself says it has.
 * What is both stored and told as lost has arrived after all and counts as stored.
 */
export function accountOf(
  stand: LaneStand,
  after: number,
  stored: readonly Range[],
  lost: readonly LostRange[],
): LaneAccount {
  const { lane, epoch } = stand;
  const span = { from: Math.max(after + 1, stand.from), to: stand.upTo };
  const empty = {
    lane,
    epoch,
    from: span.from,
    to: span.from - 1,
    numbered: 0,
    stored: 0,
    lost: 0,
    missing: 0,
    gaps: [],
  };
  if (span.to < span.from) return empty;
  const present = within(stored, span).reduce<readonly Range[]>((all, range) => addRange(all, range).ranges, []);
  let known = present;
  const gaps: LaneAccount["gaps"] = [];
  for (const { reason, ...gap } of lost)
    for (const part of within([gap], span)) {
      const added = addRange(known, part);
      known = added.ranges;
      for (const fresh of added.fresh) gaps.push({ ...fresh, reason });
    }
  return {
    lane,
    epoch,
    ...span,
    numbered: span.to - span.from + 1,
    stored: sizeOf(present),
    lost: sizeOf(gaps),
    missing: sizeOf(missingIn(known, span)),
    gaps: gaps.sort((a, b) => a.from - b.from),
  };
}
