/** What a trend shows: the last `spanMs` up to now, or up to `endMs` where somebody looks back. */
export interface TrendWindow {
  readonly spanMs: number;
  /** Unix ms; absent: now, and it moves. */
  readonly endMs?: number;
}

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Shortest and longest that can be looked at. */
export const SHORTEST_MS = SECOND;
export const LONGEST_MS = 5 * 366 * DAY;

/** Spans that are one press away. */
export const TREND_SPANS = [
  { id: "m10", spanMs: 600_000 },
  { id: "h1", spanMs: HOUR },
  { id: "h8", spanMs: 8 * HOUR },
  { id: "h24", spanMs: DAY },
  { id: "d7", spanMs: 7 * DAY },
  { id: "d30", spanMs: 30 * DAY },
  { id: "y1", spanMs: 366 * DAY },
  { id: "y5", spanMs: LONGEST_MS },
] as const;

/** From and to of a window, Unix ms. */
export function boundsOf(
  { spanMs, endMs }: TrendWindow,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = endMs ?? nowMs;
  return { fromMs: toMs - spanMs, toMs };
}

/** The window between two times, in any order; one that reaches now goes on with it. */
export function windowOf(fromMs: number, toMs: number, nowMs: number): TrendWindow {
  const [from, to] = fromMs < toMs ? [fromMs, toMs] : [toMs, fromMs];
  const spanMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, to - from));
  return to >= nowMs ? { spanMs } : { spanMs, endMs: to };
}

/** Twice as wide around the same middle, but not into the future. */
export function zoomedOut(window: TrendWindow, nowMs: number): TrendWindow {
  const { fromMs, toMs } = boundsOf(window, nowMs);
  const half = (toMs - fromMs) / 2;
  return windowOf(fromMs - half, Math.min(nowMs, toMs + half), nowMs);
}

/** Moved by half of its width: -1 earlier, 1 later. */
export function moved(window: TrendWindow, by: -1 | 1, nowMs: number): TrendWindow {
  const { toMs } = boundsOf(window, nowMs);
  const endMs = toMs + (by * window.spanMs) / 2;
  return endMs >= nowMs ? { spanMs: window.spanMs } : { spanMs: window.spanMs, endMs };
}
