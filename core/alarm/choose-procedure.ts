import type { Alarm } from "../model/alarm.ts";
import type { Procedure, ProcedureScope } from "../model/procedure.ts";

/** What of an alarm and its site decides which procedure is for it. */
export interface ProcedureQuestion extends Pick<Alarm, "definition" | "category" | "priority" | "law"> {
  /** Kind of the device that raised it. */
  readonly deviceKind?: string | undefined;
  /** The space it is shown at and those it lies in, the nearest first. */
  readonly areas: readonly string[];
}

/** Weight of how well one list of a scope fits; undefined when it does not. */
type Fit = number | undefined;

function named(definitions: readonly string[] | undefined, definition: string): Fit {
  if (definitions === undefined) return 0;
  if (definitions.includes(definition)) return Number.MAX_SAFE_INTEGER;
  const begins = definitions
    .filter((name) => name.endsWith("*") && definition.startsWith(name.slice(0, -1)))
    .map(({ length }) => length);
  return begins.length === 0 ? undefined : Math.max(...begins);
}

function listed<T>(list: readonly T[] | undefined, value: T | undefined): Fit {
  if (list === undefined) return 0;
  return value !== undefined && list.includes(value) ? 1 : undefined;
}

function near(scope: readonly string[] | undefined, areas: readonly string[]): Fit {
  if (scope === undefined) return 0;
  const distance = areas.findIndex((area) => scope.includes(area));
  return distance < 0 ? undefined : areas.length - distance;
}

/** How well a scope fits an alarm, the weightiest first; undefined when the alarm is none of its. */
function fit(scope: ProcedureScope, alarm: ProcedureQuestion): readonly number[] | undefined {
  const fits: readonly Fit[] = [
    named(scope.definitions, alarm.definition),
    listed(scope.deviceKinds, alarm.deviceKind),
    listed(scope.categories, alarm.category),
    near(scope.areas, alarm.areas),
    listed(scope.priorities, alarm.priority),
    scope.law === undefined ? 0 : scope.law === alarm.law ? 1 : undefined,
  ];
  const known = fits.filter((one) => one !== undefined);
  return known.length === fits.length ? known : undefined;
}

/**
 * The procedure for an alarm: of those whose scope it fits the most specific one. What happened counts for more than where: first
 * who names the definition (the longer beginning before the shorter), then the kind of device, the category, the nearest area, the
 * priority, the law; of equal ones the first by id.
 */
export function chooseProcedure(procedures: readonly Procedure[], alarm: ProcedureQuestion): Procedure | undefined {
  const fitting = procedures.flatMap((procedure) => {
    const weights = fit(procedure.scope, alarm);
    return weights === undefined ? [] : [{ procedure, weights }];
  });
  return fitting.toSorted((a, b) => {
    const at = a.weights.findIndex((weight, i) => weight !== b.weights[i]);
    if (at < 0) return a.procedure.id < b.procedure.id ? -1 : 1;
    return (b.weights[at] ?? 0) - (a.weights[at] ?? 0);
  })[0]?.procedure;
}
