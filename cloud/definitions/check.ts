import { definitionProblems } from "#core/alarm/definition-check.ts";
import { mainPoint, sourceOf } from "#core/alarm/operands.ts";
import { deviceOf, type PointId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { SiteCatalog } from "../ports.ts";

/** The site, as far as definitions refer to it. */
export type DefinitionSurroundings = Pick<SiteCatalog, "device" | "point" | "zones" | "spaces">;

/** The space at which a definition's alarms are shown, as the evaluator finds it. */
export function areaOfDefinition(
  { space, zone, condition }: AlarmDefinition,
  catalog: Pick<SiteCatalog, "device" | "point" | "zones">,
): string | undefined {
  const point = mainPoint(condition);
  const known = point === undefined ? undefined : catalog.point(point);
  const device = known === undefined ? sourceOf(condition) : deviceOf(known.id as PointId);
  return (
    space ??
    (zone === undefined ? undefined : catalog.zones().find(({ id }) => id === zone)?.space) ??
    known?.space ??
    catalog.device(device)?.space
  );
}

function placeFaults({ zone, space }: AlarmDefinition, site: DefinitionSurroundings): string[] {
  return [
    ...(zone === undefined || site.zones().some(({ id }) => id === zone)
      ? []
      : [`zone expected the id of a zone, got ${zone}`]),
    ...(space === undefined || site.spaces().some(({ id }) => id === space)
      ? []
      : [`space expected the id of a space, got ${space}`]),
  ];
}

function problemsOf(
  definition: AlarmDefinition,
  all: readonly AlarmDefinition[],
  site: DefinitionSurroundings,
): string[] {
  const problems = definitionProblems(definition, {
    point: (id) => site.point(id),
    device: (id) => site.device(id) !== undefined,
    definition: (id) => all.find((one) => one.id === id),
  });
  return problems.map(
    ({ path, expected, got }) => `${path.join("/")} expected ${expected}, got ${JSON.stringify(got)}`,
  );
}

/**
 * What of a definition does not fit the site that it will be part of: things it names that are not there, values that its point never
 * has, an expression that is none; and what of others would fit no more, because they name it. A gateway would refuse the whole of it.
 */
export function siteFaults(
  definition: AlarmDefinition,
  all: readonly AlarmDefinition[],
  site: DefinitionSurroundings,
): readonly string[] {
  const named = all.filter(
    ({ id, suppressedBy = [] }) =>
      id !== definition.id && suppressedBy.some((by) => "definition" in by && by.definition === definition.id),
  );
  return [
    ...placeFaults(definition, site),
    ...problemsOf(definition, all, site),
    ...named.flatMap((one) => problemsOf(one, all, site).map((problem) => `${one.id}: ${problem}`)),
  ];
}
