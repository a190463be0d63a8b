import { readdirSync } from "node:fs";
import path from "node:path";
import { Type } from "typebox";
import { ConfigError } from "#core/errors.ts";
import { Procedure, type ProcedureLink } from "#core/model/procedure.ts";
import type { Site } from "./schema/site.ts";
import { showPath, YamlFile } from "./yaml-file.ts";

/** `procedures/*.yaml`: response procedures; devices are `<gateway>/<device>`, points `<gateway>/<device>/<point>`. */
export const ProceduresFile = Type.Object({ procedures: Type.Array(Procedure) }, { additionalProperties: false });

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .sort();
  } catch {
    // a site without procedures has no such folder
    return [];
  }
}

/** Fault of a link, with the reference made complete. */
function completed(link: ProcedureLink, site: Site): { readonly link: ProcedureLink; readonly fault?: string } {
  switch (link.kind) {
    case "camera": {
      const device = `${site.site}/${link.device}`;
      const known = site.devices.some(({ id }) => id === device);
      return { link: { ...link, device }, ...(known ? {} : { fault: `a device, got ${link.device}` }) };
    }
    case "door": {
      const known = (site.doors ?? []).some(({ id }) => id === link.door);
      return { link, ...(known ? {} : { fault: `the id of a door, got ${link.door}` }) };
    }
    case "command": {
      const point = `${site.site}/${link.point}`;
      const known = site.points.some(({ id, writable }) => id === point && writable);
      return { link: { ...link, point }, ...(known ? {} : { fault: `a writable point, got ${link.point}` }) };
    }
    default:
      return link satisfies never;
  }
}

/** Faults of the scope, by the path in the procedure. */
function scopeFaults({ scope }: Procedure, site: Site): readonly (readonly [readonly (string | number)[], string])[] {
  const spaces = new Set(site.spaces.map(({ id }) => id));
  const definitions = new Set(site.alarms.map(({ id }) => id));
  const areas = (scope.areas ?? []).flatMap((id, i) =>
    spaces.has(id) ? [] : [[["scope", "areas", i], `the id of a space, got ${id}`] as const],
  );
  // definitions with a colon are minted by gateways, those with a star are many
  const named = (scope.definitions ?? []).flatMap((id, i) =>
    id.includes(":") || id.endsWith("*") || definitions.has(id)
      ? []
      : [[["scope", "definitions", i], `the id of an alarm, got ${id}`] as const],
  );
  return [...areas, ...named];
}

/**
 * Reads the response procedures of a site folder and completes what they refer to. They seed a hub that has none yet.
 * @throws CONFIG_INVALID with every fault at once, each `file:line:column path expected, got`
 */
export function loadProcedures(folder: string, site: Site): readonly Procedure[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const directory = path.join(folder, "procedures");
  const procedures = filesIn(directory).flatMap((name) => {
    const where = path.join(directory, name);
    const file = YamlFile.read(where, path.relative(process.cwd(), where), problems);
    const value = file?.check(ProceduresFile, problems);
    if (file === undefined || value === undefined) return [];
    const fault = (steps: readonly (string | number)[], expected: string): void => {
      problems.push(`${file.where(steps)} ${showPath(steps)} expected ${expected}`);
    };
    return value.procedures.map((procedure, p): Procedure => {
      const at = ["procedures", p] as const;
      if (seen.has(procedure.id)) fault([...at, "id"], `a procedure id used once, got ${procedure.id}`);
      seen.add(procedure.id);
      for (const [steps, expected] of scopeFaults(procedure, site)) fault([...at, ...steps], expected);
      const steps = procedure.steps.map((step, s) => {
        if (step.mandatory === true && step.confirm === "note")
          fault([...at, "steps", s, "mandatory"], "a step to confirm, got a note");
        if (step.link === undefined) return step;
        const { link, fault: wrong } = completed(step.link, site);
        if (wrong !== undefined) fault([...at, "steps", s, "link"], wrong);
        return { ...step, link };
      });
      return { ...procedure, steps };
    });
  });
  if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  return procedures;
}
