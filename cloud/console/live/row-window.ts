/** Rows drawn above and below those in sight: a quick scroll shows no gap. */
const SPARE_ROWS = 6;

/** What of a scrolled element is in sight, px. The rows begin at the top of what is scrolled, below a head that stays. */
export interface Sight {
  readonly scrollTop: number;
  readonly height: number;
  readonly rowPx: number;
}

/** Indexes of rows: from `from` up to but without `to`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** The rows that must exist. Also when the list has become shorter than what was scrolled to, the last ones are among them. */
export function rowsInSight({ scrollTop, height, rowPx }: Sight, count: number): RowRange {
  const shown = Math.ceil(height / rowPx) + 1;
  const top = Math.max(0, Math.min(Math.floor(scrollTop / rowPx), count - shown));
  return { from: Math.max(0, top - SPARE_ROWS), to: Math.min(count, top + shown + SPARE_ROWS) };
}

/** Where to scroll so that a row is wholly in sight below a head of `headPx`; undefined where it is already. */
export function scrollTo({ scrollTop, height, rowPx }: Sight, index: number, headPx: number): number | undefined {
  const start = index * rowPx;
  if (start < scrollTop) return start;
  const least = start + rowPx + headPx - height;
  return least > scrollTop ? least : undefined;
}
