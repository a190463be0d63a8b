import type { AcknowledgeTimes, KpiFigures } from "../contracts/alarm-quality.ts";
import type { AlarmPriority } from "../model/alarm.ts";
import type { AlarmKind, Annunciation, Occurrence, Withheld } from "./annunciations.ts";
import type { Flood } from "./flood.ts";
import {
  BUCKET_MS,
  CHATTER_RAISES,
  CHATTER_WITHIN_MS,
  DAY_MS,
  FLEETING_MS,
  FLOOD_BEGINS_ABOVE,
  HOUR_LIMIT,
  HOUR_MS,
  STALE_MS,
} from "./kpi-numbers.ts";
import { bucketStart, hourStart, type Period, periodsIn, type WallClock } from "./periods.ts";

/** What the figures of one part and period are made of. */
export interface KpiPart {
  readonly span: Period;
  readonly annunciations: readonly Annunciation[];
  /** Those that were annunciated in the part. */
  readonly occurrences: readonly Occurrence[];
  /** Those that lasted longer than a day, of the part, whenever they began. */
  readonly long: readonly Occurrence[];
  readonly withheld: readonly Withheld[];
  readonly floods: readonly Flood[];
  readonly clock: WallClock;
}

/** Tells one alarm from another over all its occurrences. */
export function actorOf({ definition, source }: Pick<AlarmKind, "definition" | "source">): string {
  return `${definition}\n${source}`;
}

/** How often each comes. */
export function counted<T>(items: readonly T[], keyOf: (item: T) => string | number): Map<string | number, number> {
  const counts = new Map<string | number, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The value below which this share (0 to 1) of them lies: nearest rank. null for none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Bursts of three raises within one minute in a row of times (ascending); a raise belongs to one burst. */
export function chatterBursts(times: readonly number[]): number {
  let bursts = 0;
  let from = 0;
  for (let i = 0; i < times.length; i++) {
    while ((times[i] ?? 0) - (times[from] ?? 0) > CHATTER_WITHIN_MS) from++;
    if (i - from + 1 < CHATTER_RAISES) continue;
    bursts++;
    from = i + 1;
  }
  return bursts;
}

/** Was it gone before anybody could act? */
export function isFleeting({ announced, raisedAt, clearedAt }: Occurrence): boolean {
  return announced && clearedAt !== undefined && clearedAt - raisedAt < FLEETING_MS;
}

/** Is it, or was it, active for more than a day by then? */
export function isLong({ announced, raisedAt, clearedAt }: Occurrence, to: number): boolean {
  return announced && (clearedAt ?? to) - raisedAt > STALE_MS;
}

const percent = (part: number, whole: number): number => (whole <= 0 ? 0 : (100 * part) / whole);

/** The occurrences of each alarm. */
export function byActor(occurrences: readonly Occurrence[]): ReadonlyMap<string, readonly Occurrence[]> {
  const actors = new Map<string, Occurrence[]>();
  for (const occurrence of occurrences) {
    const actor = actorOf(occurrence.kind);
    const held = actors.get(actor);
    if (held === undefined) actors.set(actor, [occurrence]);
    else held.push(occurrence);
  }
  return actors;
}

/** When they were raised where it happened, ascending: what was sent late has not chattered. */
export function raisesOf(occurrences: readonly Occurrence[]): readonly number[] {
  return occurrences.map(({ raisedAt }) => raisedAt).sort((a, b) => a - b);
}

function chattering(occurrences: readonly Occurrence[]): number {
  return [...byActor(occurrences).values()].filter(
    (of) => of.length >= CHATTER_RAISES && chatterBursts(raisesOf(of)) > 0,
  ).length;
}

function stale({ long, span, clock }: KpiPart): number {
  if (long.length === 0) return 0;
  const days = periodsIn("day", span, clock, []);
  const on = ({ from, to }: Period): number =>
    long.filter(
      ({ raisedAt, clearedAt }) =>
        raisedAt + STALE_MS < to && (clearedAt ?? span.to) > Math.max(from, raisedAt + STALE_MS),
    ).length;
  return Math.max(...days.map(on));
}

function acknowledgeTimes(occurrences: readonly Occurrence[]): AcknowledgeTimes {
  const times = occurrences.flatMap(({ acknowledgedAt, raisedAt }) =>
    acknowledgedAt === undefined ? [] : [Math.max(0, acknowledgedAt - raisedAt)],
  );
  return { count: times.length, medianMs: quantile(times, 0.5), p95Ms: quantile(times, 0.95) };
}

function perPriority<T>(of: (priority: AlarmPriority) => T): Record<AlarmPriority, T> {
  return { urgent: of("urgent"), high: of("high"), medium: of("medium"), low: of("low") };
}

function overlapMs(floods: readonly Flood[], { from, to }: Period): number {
  return floods.reduce((sum, flood) => sum + Math.max(0, Math.min(flood.to ?? to, to) - Math.max(flood.from, from)), 0);
}

/** The largest of them, 0 for none; a spread of a hundred thousand arguments would be too many. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function load({ annunciations, span, clock }: KpiPart) {
  const lengthMs = span.to - span.from;
  const buckets = [...counted(annunciations, ({ at }) => bucketStart(at, clock)).values()];
  const hours = [...counted(annunciations, ({ at }) => hourStart(at, clock)).values()];
  const over = (counts: readonly number[], most: number): number => counts.filter((count) => count > most).length;
  const alarmCount = annunciations.length;
  const per = (unitMs: number): number => (lengthMs <= 0 ? 0 : (alarmCount * unitMs) / lengthMs);
  return {
    alarmCount,
    averageAlarmRate: per(BUCKET_MS),
    maximumAlarmRate: largest(buckets),
    perHour: per(HOUR_MS),
    perDay: per(DAY_MS),
    bucketsOver10Percent: Math.min(100, percent(over(buckets, FLOOD_BEGINS_ABOVE), Math.ceil(lengthMs / BUCKET_MS))),
    hoursOver30Percent: Math.min(100, percent(over(hours, HOUR_LIMIT), Math.ceil(lengthMs / HOUR_MS))),
  };
}

function topTen(annunciations: readonly Annunciation[]): number {
  const counts = [...counted(annunciations, ({ occurrence }) => actorOf(occurrence.kind)).values()];
  const ten = counts.sort((a, b) => b - a).slice(0, 10);
  return percent(
    ten.reduce((sum, count) => sum + count, 0),
    annunciations.length,
  );
}

/** The key figures of one part, piece by piece: a month of a large park is much to count in one go. */
export function* figureSteps(part: KpiPart): Generator<undefined, KpiFigures> {
  const { annunciations, occurrences, withheld, floods, span } = part;
  const loads = load(part);
  yield;
  const top10Percent = topTen(annunciations);
  yield;
  const chatteringCount = chattering(occurrences);
  yield;
  const acknowledge = acknowledgeTimes(occurrences);
  yield;
  const acknowledgeByPriority = perPriority((priority) =>
    acknowledgeTimes(occurrences.filter(({ kind }) => kind.priority === priority)),
  );
  yield;
  const priorities = counted(annunciations, ({ occurrence }) => occurrence.kind.priority);
  const shelved = withheld.filter(
    ({ by, from, to }) => by === "shelved" && from < span.to && (to ?? span.to) > span.from,
  );
  const lasting = shelved.filter(({ to }) => to === undefined || to > span.to);
  const begun = withheld.filter(({ from }) => from >= span.from && from < span.to);
  return {
    ...loads,
    floodPercent: percent(overlapMs(floods, span), span.to - span.from),
    floodCount: floods.filter(({ from, to }) => from < span.to && (to ?? span.to) > span.from).length,
    top10Percent,
    chatteringCount,
    fleetingCount: occurrences.filter(isFleeting).length,
    staleCount: stale(part),
    priority: perPriority((priority) => priorities.get(priority) ?? 0),
    acknowledge,
    acknowledgeByPriority,
    shelvedCount: shelved.length,
    shelvedOldestMs: lasting.length === 0 ? null : largest(lasting.map(({ from }) => span.to - from)),
    unauthorisedCount: begun.filter(({ unauthorised }) => unauthorised).length,
    maximumActiveStateMs: largest(
      [...occurrences, ...part.long].map(({ raisedAt, clearedAt }) => (clearedAt ?? span.to) - raisedAt),
    ),
    maximumUnAckMs: largest(occurrences.map(({ raisedAt, acknowledgedAt }) => (acknowledgedAt ?? span.to) - raisedAt)),
    maximumReAlarmCount: largest(occurrences.map(({ reAlarms }) => reAlarms)),
  };
}

/** A figure by its name in a target; parts of the priority split in percent. */
export function figureNamed(figures: KpiFigures, name: string): number {
  if (name.startsWith("priority.")) {
    const priority = name.slice("priority.".length) as AlarmPriority;
    return percent(figures.priority[priority], figures.alarmCount);
  }
  const value = figures[name as keyof KpiFigures];
  return typeof value === "number" ? value : 0;
}
