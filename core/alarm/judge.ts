import { InvalidInputError } from "../errors.ts";
import type { AlarmCondition } from "../model/alarm.ts";
import type { Point } from "../model/point.ts";
import type { Sample, Value } from "../model/sample.ts";
import { above, holds, isNumber, type PointCondition } from "./condition.ts";
import { compileExpression, type Expression } from "./expression.ts";
import { pointsOf } from "./operands.ts";
import { RateWindow } from "./rate.ts";

/**
 * What a sample makes of a condition. `unknown`: a value is not good, so it is neither alarm nor normal. `waiting`: not everything
 * that it looks at has been heard of yet.
 */
export type Verdict = boolean | "unknown" | "waiting";

/** Judges one condition by the samples of the points that it looks at. Keeps what it needs of earlier ones. */
export interface Judge {
  /** `live`: does the alarm's condition hold so far? `nowMs`: monotonic. */
  take(sample: Sample, live: boolean, nowMs: number): Verdict;
  /** What time alone has made of a condition that holds. Absent where time changes nothing. */
  later?(nowMs: number, live: boolean): Verdict;
  /** How often `later` is to be asked while it holds, ms. */
  readonly lookAgainMs?: number;
  /** The value of the point at which the alarm is shown; undefined before the first. */
  readonly value: Value | undefined;
}

type Deviation = Extract<AlarmCondition, { type: "deviation" }>;
type Rate = Extract<AlarmCondition, { type: "rate" }>;

const PER_MS = { second: 1000, minute: 60_000, hour: 3_600_000 } as const satisfies Record<Rate["per"], number>;
/** A rate that has gone back is noticed after so many parts of its window at the latest. */
const LOOKS_PER_WINDOW = 10;
const LOOK_AT_MOST_EVERY_MS = 100;

/**
 * The judge of a condition; undefined where a device tells it. `kind` gives the kind of a point, `number` when it does not know it.
 * @throws ALARM_EXPRESSION_INVALID
 */
export function judgeOf(
  condition: AlarmCondition,
  kind: (point: string) => Point["kind"] | undefined,
): Judge | undefined {
  switch (condition.type) {
    case "event":
    case "field":
      return undefined;
    case "deviation":
      return typeof condition.reference === "number"
        ? new OfPoint((value, live) => deviates(condition, value, condition.reference, live))
        : new OfPoints(pointsOf(condition), ([value = null, reference = null], live) =>
            deviates(condition, value, reference, live),
          );
    case "rate":
      return new OfRate(condition);
    case "expression":
      return ofExpression(condition, kind);
    default:
      return new OfSample(condition);
  }
}

/** By how much a value is off, on either side. */
function deviates(
  { over, under, deadband }: Deviation,
  value: Value,
  reference: Value,
  live: boolean,
): boolean | undefined {
  if (!isNumber(value) || !isNumber(reference)) return undefined;
  const off = value - reference;
  return (
    (over !== undefined && above(off, over, deadband, live)) ||
    (under !== undefined && above(-off, under, deadband, live))
  );
}

function ofExpression(
  condition: Extract<AlarmCondition, { type: "expression" }>,
  kind: (point: string) => Point["kind"] | undefined,
): Judge {
  const names = Object.keys(condition.points);
  const kinds = Object.fromEntries(
    Object.entries(condition.points).map(([name, point]) => [name, kind(point) ?? "number"] as const),
  );
  const compiled = compileExpression(condition.expression, kinds);
  if ("error" in compiled)
    throw new InvalidInputError("ALARM_EXPRESSION_INVALID", `"${condition.expression}": ${compiled.error}`);
  const ask: Expression = compiled.expression;
  return new OfPoints(pointsOf(condition), (values, live) =>
    ask(new Map(names.map((name, at) => [name, values[at] ?? null])), live),
  );
}

class OfSample implements Judge {
  readonly #condition: PointCondition;
  value: Value | undefined;

  constructor(condition: PointCondition) {
    this.#condition = condition;
  }

  take(sample: Sample, live: boolean): Verdict {
    this.value = sample.value;
    return holds(this.#condition, sample, live) ?? "unknown";
  }
}

class OfPoint implements Judge {
  readonly #ask: (value: Value, live: boolean) => boolean | undefined;
  value: Value | undefined;

  constructor(ask: (value: Value, live: boolean) => boolean | undefined) {
    this.#ask = ask;
  }

  take(sample: Sample, live: boolean): Verdict {
    this.value = sample.value;
    return (sample.quality === "good" ? this.#ask(sample.value, live) : undefined) ?? "unknown";
  }
}

/** Several points: asked with all their last values when each of them is good. */
class OfPoints implements Judge {
  readonly #points: readonly string[];
  readonly #ask: (values: readonly Value[], live: boolean) => boolean | undefined;
  readonly #last = new Map<string, Sample>();

  constructor(points: readonly string[], ask: (values: readonly Value[], live: boolean) => boolean | undefined) {
    this.#points = points;
    this.#ask = ask;
  }

  get value(): Value | undefined {
    const [first] = this.#points;
    return first === undefined ? undefined : this.#last.get(first)?.value;
  }

  take(sample: Sample, live: boolean): Verdict {
    this.#last.set(sample.point, sample);
    const values: Value[] = [];
    let waiting = false;
    for (const point of this.#points) {
      const last = this.#last.get(point);
      if (last !== undefined && last.quality !== "good") return "unknown";
      if (last === undefined) waiting = true;
      else values.push(last.value);
    }
    return waiting ? "waiting" : (this.#ask(values, live) ?? "unknown");
  }
}

class OfRate implements Judge {
  readonly #condition: Rate;
  readonly #window: RateWindow;
  readonly lookAgainMs: number;
  value: Value | undefined;
  /** Monotonic ms at which the newest sample came. */
  #cameAt = 0;

  constructor(condition: Rate) {
    this.#condition = condition;
    this.#window = new RateWindow(condition.windowMs);
    this.lookAgainMs = Math.max(LOOK_AT_MOST_EVERY_MS, Math.ceil(condition.windowMs / LOOKS_PER_WINDOW));
  }

  take(sample: Sample, live: boolean, nowMs: number): Verdict {
    this.value = sample.value;
    if (sample.quality !== "good" || !isNumber(sample.value)) {
      this.#window.gap();
      return "unknown";
    }
    const before = this.#window.lastAt;
    this.#window.add(sample.sourceTime ?? sample.observedAt, sample.value);
    if (this.#window.lastAt !== before) this.#cameAt = nowMs;
    return this.#judge(nowMs, live);
  }

  /** The value stands still since its last sample. */
  later(nowMs: number, live: boolean): Verdict {
    return this.#judge(nowMs, live);
  }

  #judge(nowMs: number, live: boolean): Verdict {
    const { rise, fall, per, deadband } = this.#condition;
    const at = (this.#window.lastAt ?? 0) + nowMs - this.#cameAt;
    const rate = this.#window.perMs(at) * PER_MS[per];
    const fast =
      (rise !== undefined && above(rate, rise, deadband, live)) ||
      (fall !== undefined && above(-rate, fall, deadband, live));
    // after a gap or a restart too little is known to say that it is over
    return fast || (live && !this.#window.full(at));
  }
}
