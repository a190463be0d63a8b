import type { KpiFigures, KpiSplit } from "../contracts/alarm-quality.ts";
import {
  type AlarmKind,
  type AlarmRecord,
  type Annunciation,
  JournalReader,
  type KpiEntry,
  type Occurrence,
  type Withheld,
} from "./annunciations.ts";
import { type Flood, floodsOf } from "./flood.ts";
import { counted, figureSteps, isLong } from "./kpi-figures.ts";
import { bucketStart, type Period, type PeriodUnit, periodsIn, type ShiftStarts, type WallClock } from "./periods.ts";

/** What the key figures are asked for. */
export interface KpiOptions {
  readonly span: Period;
  readonly by: KpiSplit;
  readonly clock: WallClock;
  readonly shifts: ShiftStarts;
  /** Which alarms count; all when absent. */
  readonly chosen?: (kind: AlarmKind) => boolean;
  /** When a maintenance permit began, Unix ms; undefined where that is not known. */
  readonly permitBegan?: (permit: string) => number | undefined;
  /** Operator positions that look after an alarm. */
  readonly positionsOf?: (kind: AlarmKind) => readonly string[];
}

/** Key figures in total and by part. */
export interface KpiResult {
  readonly total: KpiFigures;
  readonly groups: readonly { readonly key: string; readonly span: Period; readonly figures: KpiFigures }[];
  /** Annunciated alarms in ten minutes by the clock, in order; those without any are left out. */
  readonly buckets: readonly { readonly t: number; readonly count: number }[];
  readonly floods: readonly Flood[];
}

interface Part {
  readonly key: string;
  readonly span: Period;
  readonly annunciations: Annunciation[];
  readonly occurrences: Set<Occurrence>;
  readonly long: Occurrence[];
  readonly withheld: Withheld[];
}

/** So many are looked at in one go; others have their turn in between. */
const STEP = 5000;
const UNITS: readonly string[] = ["hour", "shift", "day", "month"] satisfies PeriodUnit[];

const newPart = (key: string, span: Period): Part => ({
  key,
  span,
  annunciations: [],
  occurrences: new Set(),
  long: [],
  withheld: [],
});

/** Drives steps to their end in one go. */
export function ended<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Splits by time or by what an alarm is. */
interface Splitter {
  readonly parts: readonly Part[];
  ofTime(at: number): readonly Part[];
  ofKind(kind: AlarmKind): readonly Part[];
}

function byTime(unit: PeriodUnit, { span, clock, shifts }: KpiOptions): Splitter {
  const parts = periodsIn(unit, span, clock, shifts).map((period) =>
    newPart(new Date(period.from).toISOString(), period),
  );
  const at = (time: number): readonly Part[] => {
    let [low, high] = [0, parts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((parts[middle]?.span.from ?? 0) <= time) low = middle;
      else high = middle - 1;
    }
    return parts.slice(low, low + 1);
  };
  // What lasts is looked at in every period.
  return { parts, ofTime: at, ofKind: () => parts };
}

function byKind(options: KpiOptions): Splitter {
  const { by, span, positionsOf } = options;
  const parts: Part[] = [];
  const byKey = new Map<string, Part>();
  const keysOf = (kind: AlarmKind): readonly string[] => {
    if (by === "position") return positionsOf?.(kind) ?? [];
    if (by === "area") return [kind.area ?? ""];
    return [kind[by as "law" | "category" | "priority"]];
  };
  return {
    parts,
    ofTime: () => [],
    ofKind: (kind) =>
      keysOf(kind).map((key) => {
        let part = byKey.get(key);
        if (part === undefined) {
          part = newPart(key, span);
          byKey.set(key, part);
          parts.push(part);
        }
        return part;
      }),
  };
}

/** Gives one after the other, with a pause after each STEP. */
function* slowly<T>(items: readonly T[], take: (item: T) => void): Generator<undefined, void> {
  for (const [i, item] of items.entries()) {
    if (i % STEP === STEP - 1) yield;
    take(item);
  }
}

/** Puts a record into its parts, and all of it into `whole`. */
function* sorted(
  record: AlarmRecord,
  options: KpiOptions,
  splitter: Splitter,
  whole: Part,
): Generator<undefined, void> {
  const { span, by, chosen = () => true } = options;
  const timed = UNITS.includes(by);
  yield* slowly(record.annunciations, (annunciation) => {
    const { at, withdrawn, occurrence } = annunciation;
    if (withdrawn || at < span.from || at >= span.to || !chosen(occurrence.kind)) return;
    const parts = timed ? splitter.ofTime(at) : splitter.ofKind(occurrence.kind);
    for (const part of [whole, ...parts]) {
      part.annunciations.push(annunciation);
      part.occurrences.add(occurrence);
    }
  });
  yield* slowly(record.occurrences, (occurrence) => {
    if (!isLong(occurrence, span.to) || !chosen(occurrence.kind)) return;
    for (const part of [whole, ...splitter.ofKind(occurrence.kind)]) part.long.push(occurrence);
  });
  yield* slowly(record.withheld, (withheld) => {
    if (!chosen(withheld.kind)) return;
    for (const part of [whole, ...splitter.ofKind(withheld.kind)]) part.withheld.push(withheld);
  });
}

/** Finds the key figures of a record step by step: whoever drives it lets others have their turn in between. */
export function* kpiSteps(record: AlarmRecord, options: KpiOptions): Generator<undefined, KpiResult> {
  const { span, by, clock } = options;
  const timed = UNITS.includes(by);
  const splitter = timed ? byTime(by as PeriodUnit, options) : byKind(options);
  const whole = newPart("", span);
  yield* sorted(record, options, splitter, whole);
  const floods = floodsOf(timesOf(whole), span.to);
  yield;
  const total = yield* figures(whole, floods, clock);
  yield;
  const groups: { key: string; span: Period; figures: KpiFigures }[] = [];
  for (const part of splitter.parts) {
    const own = timed ? floods : floodsOf(timesOf(part), part.span.to);
    const found = yield* figures(part, own, clock);
    groups.push({ key: part.key, span: part.span, figures: found });
    yield;
  }
  const buckets = [...counted(whole.annunciations, ({ at }) => bucketStart(at, clock))]
    .map(([t, count]) => ({ t: Number(t), count }))
    .sort((a, b) => a.t - b.t);
  if (!timed) groups.sort((a, b) => b.figures.alarmCount - a.figures.alarmCount);
  return { total, groups, buckets, floods };
}

function figures(part: Part, floods: readonly Flood[], clock: WallClock): Generator<undefined, KpiFigures> {
  return figureSteps({ ...part, occurrences: [...part.occurrences], floods, clock });
}

function timesOf({ annunciations }: Part): readonly number[] {
  return annunciations.map(({ at }) => at);
}

/** The key figures of a journal: a pure function of its entries, in the order in which they came to be known. [KP-01] */
export function kpiOf(entries: Iterable<KpiEntry>, options: KpiOptions): KpiResult {
  const reader = new JournalReader(options.span.from, options.permitBegan);
  for (const entry of entries) reader.take(entry);
  return ended(kpiSteps(reader.record, options));
}
