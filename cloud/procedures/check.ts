import { InvalidInputError } from "#core/errors.ts";
import type { Procedure, ProcedureLink, ProcedureStep } from "#core/model/procedure.ts";
import type { SiteCatalog } from "../ports.ts";

/** The site, as far as procedures refer to it. */
export type ProcedureSurroundings = Pick<SiteCatalog, "device" | "point" | "doors" | "spaces"> & {
  definition(id: string): unknown;
};

function linkFault(link: ProcedureLink, site: ProcedureSurroundings): string | undefined {
  switch (link.kind) {
    case "camera":
      return site.device(link.device) === undefined ? `no device ${link.device}` : undefined;
    case "door":
      return site.doors().some(({ id }) => id === link.door) ? undefined : `no door ${link.door}`;
    case "command":
      return site.point(link.point)?.writable === true ? undefined : `no writable point ${link.point}`;
    default:
      return link satisfies never;
  }
}

function stepFaults(step: ProcedureStep, n: number, site: ProcedureSurroundings): string[] {
  const fault = step.link === undefined ? undefined : linkFault(step.link, site);
  return [
    ...(step.mandatory === true && step.confirm === "note"
      ? [`step ${n} is mandatory and has nothing to confirm`]
      : []),
    ...(fault === undefined ? [] : [`step ${n}: ${fault}`]),
  ];
}

/** What keeps a procedure from being published: things it names that are not there, steps that contradict themselves. */
export function procedureFaults({ scope, steps }: Procedure, site: ProcedureSurroundings): readonly string[] {
  const spaces = new Set(site.spaces().map(({ id }) => id));
  const areas = (scope.areas ?? []).filter((area) => !spaces.has(area));
  // definitions with a colon are minted by gateways, those with a star are many
  const definitions = (scope.definitions ?? []).filter(
    (id) => !id.includes(":") && !id.endsWith("*") && site.definition(id) === undefined,
  );
  return [
    ...areas.map((area) => `no space ${area}`),
    ...definitions.map((id) => `no alarm definition ${id}`),
    ...steps.flatMap((step, i) => stepFaults(step, i + 1, site)),
  ];
}

/** @throws PROCEDURE_INVALID */
export function requireSound(procedure: Procedure, site: ProcedureSurroundings): void {
  const faults = procedureFaults(procedure, site);
  if (faults.length > 0) throw new InvalidInputError("PROCEDURE_INVALID", `${procedure.id}: ${faults.join("; ")}`);
}
