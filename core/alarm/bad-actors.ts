import type { BadActor, Proposal, ProposalKind } from "../contracts/alarm-quality.ts";
import type { AlarmCategory } from "../model/alarm.ts";
import type { AlarmKind, AlarmRecord, Occurrence } from "./annunciations.ts";
import { byActor, chatterBursts, isFleeting, isLong, quantile, raisesOf } from "./kpi-figures.ts";
import { FLEETING_MS } from "./kpi-numbers.ts";
import { lawOf, mayBeDelayed } from "./law.ts";
import type { Period } from "./periods.ts";

/** Longest delay that is ever proposed, ms: what lasts longer is a condition and no noise. */
export const MAX_PROPOSED_DELAY_MS = 300_000;
/** Longest debounce of a detector, ms. [GB 50394; ISA-18.2 contact: 0 to 0.5 s] */
export const MAX_DEBOUNCE_MS = 500;
/** Fewer short ones are chance. */
const LEAST_SAMPLES = 3;
/** Delays are proposed in whole steps, ms. */
const STEP_MS = 1000;
const DEBOUNCE_STEP_MS = 100;

/** What of a definition a proposal needs to know. */
export interface DefinitionFacts {
  /** An analogue limit with its deadband, when it is one. */
  readonly analog?: {
    readonly deadband: number;
    /** Of the point's range, in its unit; undefined when it has none. */
    readonly range: number | undefined;
    readonly unit: string | null;
  };
  readonly onDelayMs: number;
  readonly offDelayMs: number;
}

/** One alarm that loads the operators, without the words of its definition. */
export type ActorFigures = Pick<BadActor, "count" | "percent" | "chattering" | "fleeting" | "stale"> &
  Pick<BadActor, "proposal" | "noProposal"> & { readonly kind: AlarmKind };

/** May such a change be made to an alarm of this category? Never a delay for panic and fire, and a detector is only debounced. */
export function proposalAllowed(category: AlarmCategory, kind: ProposalKind, value: number): boolean {
  if (kind === "deadband") return lawOf(category) === "facility" && value > 0;
  if (!mayBeDelayed(category) || !Number.isInteger(value) || value < 0) return false;
  if (lawOf(category) === "security") return kind === "onDelay" && value <= MAX_DEBOUNCE_MS;
  return value <= MAX_PROPOSED_DELAY_MS;
}

/** Share of the range that noise of a quantity takes. [ISA-18.2 / TR18.2.3 starting values] */
function usualShare(unit: string | null): number {
  if (unit === null) return 0.02;
  if (/degC|degF|kelvin|^K$/i.test(unit)) return 0.01;
  return /m3|L\/|flow|^m$|level|percent|%/i.test(unit) ? 0.05 : 0.02;
}

function roundedUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

const shorts = (values: readonly number[]): readonly number[] =>
  values.filter((value) => value >= 0 && value < FLEETING_MS);

/** Times between going and coming back, ms. */
function gaps(occurrences: readonly Occurrence[]): readonly number[] {
  return occurrences.flatMap(({ raisedAt }, i) => {
    const cleared = occurrences[i - 1]?.clearedAt;
    return cleared === undefined ? [] : [raisedAt - cleared];
  });
}

function durations(occurrences: readonly Occurrence[]): readonly number[] {
  return occurrences.flatMap(({ raisedAt, clearedAt }) => (clearedAt === undefined ? [] : [clearedAt - raisedAt]));
}

function basisOf(samples: readonly number[]): { samples: number; p90Ms: number } | undefined {
  const p90Ms = quantile(samples, 0.9);
  return samples.length < LEAST_SAMPLES || p90Ms === null ? undefined : { samples: samples.length, p90Ms };
}

/**
 * What would quieten it: an alarm that is gone before anybody acts gets an on-delay, one that comes and goes an off-delay that
 * bridges its gaps; noise around an analogue limit gets a deadband. [ISA-18.2, standards.md 1.5]
 */
function proposalFor(
  { category }: AlarmKind,
  occurrences: readonly Occurrence[],
  { chattering, fleeting }: Pick<BadActor, "chattering" | "fleeting">,
  factsOf: () => DefinitionFacts | undefined,
): Pick<BadActor, "proposal" | "noProposal"> {
  if (chattering === 0 && fleeting < LEAST_SAMPLES) return {};
  if (!mayBeDelayed(category)) return { noProposal: "lawForbids" };
  const short = basisOf(shorts(durations(occurrences)));
  if (lawOf(category) === "security") {
    const value = short && roundedUp(short.p90Ms + 1, DEBOUNCE_STEP_MS);
    if (short === undefined || value === undefined || value > MAX_DEBOUNCE_MS) return { noProposal: "checkDetector" };
    return offered({ kind: "onDelay", value, because: "fleeting", basis: short }, factsOf());
  }
  const facts = factsOf();
  const between = basisOf(shorts(gaps(occurrences)));
  if (chattering > 0 && between !== undefined) {
    const deadband = widerDeadband(facts);
    if (deadband !== undefined)
      return offered({ kind: "deadband", value: deadband, because: "chattering", basis: between }, facts);
    const value = Math.min(MAX_PROPOSED_DELAY_MS, roundedUp(between.p90Ms + 1, STEP_MS));
    return offered({ kind: "offDelay", value, because: "chattering", basis: between }, facts);
  }
  if (short === undefined || fleeting * 2 < occurrences.length) return {};
  const value = Math.min(MAX_PROPOSED_DELAY_MS, roundedUp(short.p90Ms + 1, STEP_MS));
  return offered({ kind: "onDelay", value, because: "fleeting", basis: short }, facts);
}

/** The usual deadband of an analogue limit that has a smaller one, in the point's unit. */
function widerDeadband(facts: DefinitionFacts | undefined): number | undefined {
  if (facts?.analog?.range === undefined) return undefined;
  const { deadband, range, unit } = facts.analog;
  const usual = Number((range * usualShare(unit)).toPrecision(3));
  return usual > deadband ? usual : undefined;
}

/** Nothing is proposed that the definition has already. */
function offered(proposal: Proposal, facts: DefinitionFacts | undefined): Pick<BadActor, "proposal"> {
  const held = { onDelay: facts?.onDelayMs, offDelay: facts?.offDelayMs, deadband: facts?.analog?.deadband };
  return proposal.value > (held[proposal.kind] ?? 0) ? { proposal } : {};
}

/** The alarms that load the operators most, the loudest first, at most `limit`. Step by step, as kpiSteps. */
export function* badActorSteps(
  record: AlarmRecord,
  options: {
    readonly span: Period;
    readonly chosen?: (kind: AlarmKind) => boolean;
    readonly factsOf?: (definition: string) => DefinitionFacts | undefined;
    readonly limit: number;
  },
): Generator<undefined, readonly ActorFigures[]> {
  const { span, chosen = () => true, factsOf = () => undefined, limit } = options;
  const shown = record.occurrences.filter(
    ({ announced, begunInside, raisedAt, clearedAt, kind }) =>
      announced && chosen(kind) && (begunInside || (clearedAt ?? span.to) - raisedAt > FLEETING_MS),
  );
  yield;
  const total = shown.filter(({ begunInside }) => begunInside).length;
  const actors = byActor(shown);
  yield;
  const found: ActorFigures[] = [];
  let looked = 0;
  for (const of of actors.values()) {
    if (++looked % 500 === 0) yield;
    const [first] = of;
    if (first === undefined) continue;
    const inOrder = of.filter(({ begunInside }) => begunInside).sort((a, b) => a.raisedAt - b.raisedAt);
    const chattering = chatterBursts(raisesOf(inOrder));
    const fleeting = inOrder.filter(isFleeting).length;
    found.push({
      kind: first.kind,
      count: inOrder.length,
      percent: total === 0 ? 0 : (100 * inOrder.length) / total,
      chattering,
      fleeting,
      stale: of.filter((one) => isLong(one, span.to)).length,
      ...proposalFor(first.kind, inOrder, { chattering, fleeting }, () => factsOf(first.kind.definition)),
    });
  }
  yield;
  return found
    .filter(({ count, stale }) => count > 0 || stale > 0)
    .sort((a, b) => b.count - a.count || b.stale - a.stale)
    .slice(0, limit);
}
