/** Whole numbers from `from` to `to`, both inclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Index of the first range that ends at or after `value - 1`: the first one that could touch it. */
function firstTouching(ranges: readonly Range[], value: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.to ?? 0) < value - 1) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Joins a range to a set. `ranges` is ascending and its members do not touch; so is the result.
 * `absorbed`: members that went into `merged`; `fresh`: what of the new range was not in the set before.
 */
export function addRange(
  ranges: readonly Range[],
  added: Range,
): {
  readonly ranges: readonly Range[];
  readonly absorbed: readonly Range[];
  readonly merged: Range;
  readonly fresh: readonly Range[];
} {
  const start = firstTouching(ranges, added.from);
  let end = start;
  let { from, to } = added;
  const fresh: Range[] = [];
  let next = added.from;
  for (let range = ranges[end]; range !== undefined && range.from <= added.to + 1; range = ranges[++end]) {
    if (range.from > next) fresh.push({ from: next, to: Math.min(range.from - 1, added.to) });
    next = Math.max(next, range.to + 1);
    from = Math.min(from, range.from);
    to = Math.max(to, range.to);
  }
  if (next <= added.to) fresh.push({ from: next, to: added.to });
  const merged = { from, to };
  const absorbed = ranges.slice(start, end);
  return { ranges: [...ranges.slice(0, start), merged, ...ranges.slice(end)], absorbed, merged, fresh };
}

/** What of `within` is not in the set. */
export function missingIn(ranges: readonly Range[], within: Range): readonly Range[] {
  return addRange(ranges, within).fresh;
}

/** How many numbers the ranges hold. */
export function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
}
