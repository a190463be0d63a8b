import { addRange, type Range } from "../db/ranges.ts";
import type { TelemetrySpan } from "../telemetry-ports.ts";
import type { CursorKey, LaneCursors } from "./cursors.ts";

/** More pieces than this are not remembered: more than can be under way at once, so only what was given up is ever forgotten. */
const MOST_PIECES = 327_680;

type Piece = { -readonly [K in keyof Range]: Range[K] };

const nameOf = ({ gateway, epoch }: Pick<CursorKey, "gateway" | "epoch">): string => `${gateway} ${epoch}`;

/** What of `from` is not in `covered`. Both are ascending and their members do not touch. */
function without(from: readonly Range[], covered: readonly Range[]): Piece[] {
  const left: Piece[] = [];
  let at = 0;
  for (const { from: first, to } of from) {
    let next = first;
    while ((covered[at]?.to ?? Number.POSITIVE_INFINITY) < next) at++;
    for (let i = at, range = covered[i]; range !== undefined && range.from <= to; range = covered[++i]) {
      if (range.from > next) left.push({ from: next, to: range.from - 1 });
      next = Math.max(next, range.to + 1);
    }
    if (next <= to) left.push({ from: next, to });
  }
  return left;
}

/**
 * Which offsets were told on and are under no cursor yet: they are on their way into the store. With the cursors this keeps a
 * row from being told twice in the life of this process, however often it is offered.
 */
export class ToldRows {
  readonly #cursors: Pick<LaneCursors, "get">;
  readonly #most: number;
  /** By gateway and epoch: ascending, members do not touch. */
  readonly #told = new Map<string, Piece[]>();
  #pieces = 0;

  constructor(cursors: Pick<LaneCursors, "get">, most = MOST_PIECES) {
    this.#cursors = cursors;
    this.#most = most;
  }

  /** Pieces that are remembered. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Takes note of a batch, and calls `tell` with its rows, `to` exclusive, that were neither told before nor stored. */
  take(span: TelemetrySpan, tell: (from: number, to: number) => void): void {
    const { gateway, epoch, first, last, start } = span;
    const name = nameOf(span);
    const stored = this.#cursors.get({ gateway, lane: "telemetry", epoch })?.covered;
    let told = this.#told.get(name);
    if (told === undefined) {
      told = [];
      this.#told.set(name, told);
    }
    const newest = told.at(-1);
    if (first > (stored?.at(-1)?.to ?? -1) && first > (newest?.to ?? -1)) {
      if (newest?.to === first - 1) newest.to = last;
      else {
        told.push({ from: first, to: last });
        this.#count(1);
      }
      tell(start, start + last - first + 1);
      return;
    }
    const { ranges, fresh } = addRange(told, { from: first, to: last });
    this.#told.set(name, ranges as Piece[]);
    this.#count(ranges.length - told.length);
    for (const { from, to } of without(fresh, stored ?? [])) tell(start + from - first, start + to - first + 1);
  }

  #count(more: number): void {
    this.#pieces += more;
    while (this.#pieces > this.#most) {
      const [oldest] = this.#told;
      if (oldest === undefined) return;
      this.#told.delete(oldest[0]);
      this.#pieces -= oldest[1].length;
    }
  }

  /** The cursor has moved: what lies under it needs not be remembered here. */
  settle(key: CursorKey): void {
    const name = nameOf(key);
    const told = this.#told.get(name);
    const stored = this.#cursors.get(key)?.covered;
    if (told === undefined || stored === undefined) return;
    const left = without(told, stored);
    this.#pieces += left.length - told.length;
    if (left.length === 0) this.#told.delete(name);
    else this.#told.set(name, left);
  }
}
