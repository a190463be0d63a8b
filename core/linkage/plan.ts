import type { TSchema } from "typebox";
import { Check, Errors } from "typebox/value";
import { errorMessage } from "../errors.ts";
import type { Value } from "../model/sample.ts";
import type { Zone } from "../model/site.ts";
import type { Effect, PlanSite } from "./action.ts";
import { actionByKind } from "./actions/index.ts";
import type { FromZone, Rule, RuleStep } from "./rule.ts";

/** One step of a decision, in the order in which it is to be run. Steps of one `group` run together; groups follow each other. */
export interface PlannedStep {
  /** Position in the rule's `then`. */
  readonly index: number;
  readonly action: string;
  readonly group: number;
  readonly onFailure: "continue" | "stop";
  readonly timeoutMs: number;
  /** `skipped`: the zone lacks what the step needs; nothing is done and the run does not fail by it. */
  readonly status: "planned" | "skipped";
  readonly effects: readonly Effect[];
  /** Point or device acted on. */
  readonly target?: string;
  /** Why it is skipped, or what was left out. */
  readonly detail?: string;
}

const DEFAULT_TIMEOUT_MS = 5000;

type Planned = { readonly steps: readonly PlannedStep[] } | { readonly refused: string };

/** Fills in what comes from the zone, checks each step against its action's schema and plans it. One bad step refuses the whole rule. */
export function planSteps(rule: Rule, zone: Zone | undefined, site: PlanSite): Planned {
  const steps: PlannedStep[] = [];
  for (const [index, step] of rule.then.entries()) {
    const planned = planStep(step, index, zone, site);
    if ("refused" in planned) return planned;
    steps.push(planned);
  }
  return { steps: steps.sort((a, b) => a.group - b.group || a.index - b.index) };
}

/** What is wrong with the steps of a rule, whatever triggers it: unknown actions, parameters that their schemas refuse. Empty when fine. */
export function ruleProblems(rule: Rule, site: PlanSite): string[] {
  return rule.then.flatMap((step, index) => {
    const planned = planStep(step, index, EXAMPLE_ZONE, site);
    return "refused" in planned ? [planned.refused] : [];
  });
}

/** Has all that a zone can have. */
const EXAMPLE_ZONE: Zone = {
  id: "zone",
  name: "zone",
  nameEn: "zone",
  partition: "partition",
  space: "space",
  kind: "perimeter",
  camera: "site/gateway/camera",
  preset: "1",
  light: "site/gateway/device/light",
};

function planStep(
  step: RuleStep,
  index: number,
  zone: Zone | undefined,
  site: PlanSite,
): PlannedStep | { refused: string } {
  const where = `step ${index + 1} (${step.action})`;
  const action = actionByKind.get(step.action);
  if (action === undefined)
    return { refused: `${where}: no such action; known are ${[...actionByKind.keys()].join(", ")}` };
  const { params, missing } = fillIn(step, zone);
  const needed = missing.find(({ name }) => isRequired(action.params, name));
  const frame = {
    index,
    action: step.action,
    group: step.group ?? 0,
    onFailure: step.onFailure ?? "continue",
    timeoutMs: step.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
  if (needed !== undefined) return { ...frame, status: "skipped", effects: [], detail: needed.why };
  if (!Check(action.params, params)) return { refused: `${where}: ${problemsOf(action.params, params)}` };
  let effects: readonly Effect[];
  try {
    effects = action.plan(params, site);
  } catch (error) {
    return { refused: `${where}: ${errorMessage(error)}` };
  }
  const target = targetOf(effects[0]);
  return {
    ...frame,
    status: "planned",
    effects,
    ...(target === undefined ? {} : { target }),
    ...(missing[0] === undefined ? {} : { detail: missing[0].why }),
  };
}

interface Missing {
  readonly name: string;
  readonly why: string;
}

function fillIn(
  step: RuleStep,
  zone: Zone | undefined,
): { params: Record<string, Value>; missing: readonly Missing[] } {
  const params: Record<string, Value> = {};
  const missing: Missing[] = [];
  for (const [name, given] of Object.entries(step.params)) {
    const value = isFromZone(given) ? zoneValue(given, zone) : given;
    if (value !== undefined) params[name] = value;
    else missing.push({ name, why: whyMissing(given, zone) });
  }
  return { params, missing };
}

function isFromZone(given: Value | FromZone): given is FromZone {
  return typeof given === "object" && given !== null;
}

function zoneValue({ from }: FromZone, zone: Zone | undefined): string | undefined {
  switch (from) {
    case "zone.camera":
      return zone?.camera;
    case "zone.preset":
      return zone?.preset;
    case "zone.light":
      return zone?.light;
    default:
      return from satisfies never;
  }
}

function whyMissing(given: Value | FromZone, zone: Zone | undefined): string {
  if (zone === undefined) return "the trigger has no zone";
  const what = isFromZone(given) ? given.from.slice("zone.".length) : "value";
  return `zone ${zone.id} has no ${what}`;
}

function isRequired(schema: TSchema, name: string): boolean {
  return "required" in schema && Array.isArray(schema.required) && schema.required.includes(name);
}

function problemsOf(schema: TSchema, params: unknown): string {
  return Errors(schema, params)
    .map(({ instancePath, message }) => `${instancePath === "" ? "params" : `params${instancePath}`} ${message}`)
    .join("; ");
}

function targetOf(effect: Effect | undefined): string | undefined {
  if (effect === undefined || effect.kind === "notifyConsole") return undefined;
  return effect.kind === "write" ? effect.point : effect.device;
}
