import type { Value } from "#core/model/sample.ts";
import type { Bucket } from "../../telemetry-ports.ts";

/** What the server said of one kind of values in one bucket. */
interface KindPart {
  count: number;
  sum: number;
  min: number;
  max: number;
  first: Value;
  last: Value;
}

/** What is known of one bucket; parts are added in order of time. */
export interface Partial {
  readonly value: KindPart;
  readonly flag: KindPart;
  readonly text: KindPart;
  bad: number;
}

const nothing = (): KindPart => ({
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  first: null,
  last: null,
});

/** Nothing known yet. */
export function newPartial(): Partial {
  return { value: nothing(), flag: nothing(), text: nothing(), bad: 0 };
}

function readValue(kind: "value" | "flag" | "text", cell: unknown): Value {
  return kind === "text" ? String(cell) : kind === "flag" ? Number(cell) === 1 : Number(cell);
}

/** Adds one row of an answer; `cell` gives its columns by name, null where the server had nothing. */
export function addPart(into: Partial, cell: (name: string) => unknown): void {
  into.bad += Number(cell("bad_count") ?? 0);
  for (const kind of ["value", "flag", "text"] as const) {
    const count = Number(cell(`${kind}_count`) ?? 0);
    if (count === 0) continue;
    const part = into[kind];
    if (part.count === 0) part.first = readValue(kind, cell(`${kind}_first`));
    part.last = readValue(kind, cell(`${kind}_last`));
    part.count += count;
    if (kind === "text") continue;
    part.sum += Number(cell(`${kind}_sum`));
    part.min = Math.min(part.min, Number(cell(`${kind}_min`)));
    part.max = Math.max(part.max, Number(cell(`${kind}_max`)));
  }
}

/** Do values of more than one kind meet in it? Then nobody has told which came first. */
export function isMixed({ value, flag, text }: Partial): boolean {
  return [value, flag, text].filter(({ count }) => count > 0).length > 1;
}

/** The bucket that begins at `t`. */
export function bucketOf(t: number, { value, flag, text, bad }: Partial): Bucket {
  const numbers = value.count + flag.count;
  const told = [value, flag, text].find(({ count }) => count > 0);
  return {
    t,
    count: numbers + text.count,
    bad,
    min: numbers > 0 ? Math.min(value.min, flag.min) : null,
    max: numbers > 0 ? Math.max(value.max, flag.max) : null,
    mean: numbers > 0 ? (value.sum + flag.sum) / numbers : null,
    first: told?.first ?? null,
    last: told?.last ?? null,
  };
}
