import { gatewayOf, type PointId } from "../ids.ts";
import type { AlarmCondition, AlarmDefinition, AlarmSuppressor } from "../model/alarm.ts";
import type { Point } from "../model/point.ts";
import type { Value } from "../model/sample.ts";
import { definitionFaults } from "./definition-law.ts";
import { compileExpression } from "./expression.ts";
import { LAW_RULES, lawOf } from "./law.ts";
import { pointsOf, sourceOf } from "./operands.ts";

/** What of the site a definition is checked against. Undefined or false for what the site does not have. */
export interface DefinitionSite {
  point(id: string): Pick<Point, "kind"> | undefined;
  device(id: string): boolean;
  definition(id: string): AlarmDefinition | undefined;
}

/** What is wrong with a definition, where, and what stands there. */
export interface DefinitionProblem {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly got: unknown;
}

type Path = DefinitionProblem["path"];

const found = (path: Path, expected: string, got: unknown): DefinitionProblem => ({ path, expected, got });
const when = (wrong: boolean, path: Path, expected: string, got: unknown): readonly DefinitionProblem[] =>
  wrong ? [found(path, expected, got)] : [];

/**
 * All that is wrong with a definition beyond its shape: references, kinds of points, limits that contradict each other, expressions,
 * and what its law forbids. Nothing is applied silently: standards' numbers are recommendations of the documentation.
 */
export function definitionProblems(definition: AlarmDefinition, site: DefinitionSite): readonly DefinitionProblem[] {
  return [
    ...references(definition.condition, site),
    ...conditionProblems(definition.condition, site),
    ...definitionFaults(undefined, definition).map(({ field, message }) =>
      found([field], message, definition[field as keyof AlarmDefinition]),
    ),
    ...attributeProblems(definition),
    ...suppressorProblems(definition, site),
  ];
}

function references(condition: AlarmCondition, site: DefinitionSite): readonly DefinitionProblem[] {
  if (condition.type === "event" || condition.type === "field")
    return when(!site.device(condition.device), ["condition", "device"], "a device", condition.device);
  const named: readonly (readonly [Path, string])[] =
    condition.type === "expression"
      ? Object.entries(condition.points).map(([name, point]) => [["condition", "points", name], point] as const)
      : [[["condition", "point"], condition.point]];
  const reference: readonly (readonly [Path, string])[] =
    condition.type === "deviation" && typeof condition.reference === "string"
      ? [[["condition", "reference"], condition.reference]]
      : [];
  const all = [...named, ...reference];
  const unknown = all.flatMap(([path, point]) => when(site.point(point) === undefined, path, "a point", point));
  if (unknown.length > 0) return unknown;
  const [first] = all;
  if (first === undefined) return [];
  const gateway = gatewayOf(first[1] as PointId);
  return all.flatMap(([path, point]) =>
    when(gatewayOf(point as PointId) !== gateway, path, `a point of ${gateway}, as the others`, point),
  );
}

function conditionProblems(condition: AlarmCondition, site: DefinitionSite): readonly DefinitionProblem[] {
  if (pointsOf(condition).some((point) => site.point(point) === undefined)) return [];
  switch (condition.type) {
    case "event":
    case "field":
      return [];
    case "equals":
      return valueProblems([condition.value], condition.point, ["condition", "value"], site);
    case "oneOf":
    case "noneOf":
      return valueProblems(condition.values, condition.point, ["condition", "values"], site);
    case "expression":
      return expressionProblems(condition, site);
    default:
      return [...numberProblems(pointsOf(condition), site), ...limitProblems(condition)];
  }
}

const FITS: Readonly<Record<Point["kind"], (value: Value) => boolean>> = {
  number: (value) => typeof value === "number",
  enum: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
};

function valueProblems(
  values: readonly Value[],
  point: string,
  path: Path,
  site: DefinitionSite,
): readonly DefinitionProblem[] {
  const kind = site.point(point)?.kind ?? "number";
  return values.flatMap((value) => when(!FITS[kind](value), path, `a value of kind ${kind}`, value));
}

function numberProblems(points: readonly string[], site: DefinitionSite): readonly DefinitionProblem[] {
  return points.flatMap((point) => {
    const kind = site.point(point)?.kind;
    return when(kind === "boolean" || kind === "string", ["condition"], "points that are numbers", point);
  });
}

type Limit = Extract<AlarmCondition, { deadband: number }>;

function limitProblems(condition: Limit): readonly DefinitionProblem[] {
  const { deadband } = condition;
  const path = ["condition", "deadband"];
  switch (condition.type) {
    case "above":
    case "below":
      return [];
    case "inside":
      return when(condition.low > condition.high, ["condition", "low"], "at most `high`", condition.low);
    case "outside":
      return [
        ...when(condition.low >= condition.high, ["condition", "low"], "less than `high`", condition.low),
        // else nothing would ever be normal again
        ...when(deadband * 2 > condition.high - condition.low, path, "at most half of the band", deadband),
      ];
    case "deviation": {
      const { over, under } = condition;
      const room = (over ?? Infinity) + (under ?? Infinity);
      return [
        ...when(over === undefined && under === undefined, ["condition"], "`over`, `under` or both", condition.type),
        ...when(deadband * 2 > room, path, "at most half of `over` and `under` together", deadband),
      ];
    }
    case "rate":
      return [
        ...when(
          condition.rise === undefined && condition.fall === undefined,
          ["condition"],
          "`rise`, `fall` or both",
          condition.type,
        ),
        // a value that stands still has the rate 0
        ...when(
          deadband > Math.min(condition.rise ?? Infinity, condition.fall ?? Infinity),
          path,
          "at most the rate itself",
          deadband,
        ),
      ];
    default:
      return condition satisfies never;
  }
}

function expressionProblems(
  condition: Extract<AlarmCondition, { type: "expression" }>,
  site: DefinitionSite,
): readonly DefinitionProblem[] {
  const kinds = Object.fromEntries(
    Object.entries(condition.points).map(([name, point]) => [name, site.point(point)?.kind ?? "number"] as const),
  );
  const compiled = compileExpression(condition.expression, kinds);
  if (!("error" in compiled)) return [];
  const expected = `an expression that is true or false (${compiled.error})`;
  return [found(["condition", "expression"], expected, condition.expression)];
}

function attributeProblems(definition: AlarmDefinition): readonly DefinitionProblem[] {
  const { autoAcknowledge, latching, reAlarmMs, reAlarmLimit } = definition;
  const both = autoAcknowledge === true && latching === true;
  return [
    ...when(both, ["autoAcknowledge"], "either this or `latching`", autoAcknowledge),
    ...when(reAlarmLimit !== undefined && reAlarmMs === undefined, ["reAlarmLimit"], "`reAlarmMs` too", reAlarmLimit),
  ];
}

function suppressorProblems(definition: AlarmDefinition, site: DefinitionSite): readonly DefinitionProblem[] {
  const { suppressedBy = [], category } = definition;
  // what its law forbids is told already
  if (!LAW_RULES[lawOf(category)].suppressByDesign) return [];
  const rules = suppressedBy.map(({ rule }) => rule);
  return [
    ...when(new Set(rules).size < rules.length, ["suppressedBy"], "rules with different names", rules.join(", ")),
    ...suppressedBy.flatMap((by, at) => suppressor(definition, by, ["suppressedBy", at], site)),
    ...when(
      suppressesItself(definition, site),
      ["suppressedBy"],
      "no circle of alarms that suppress each other",
      rules,
    ),
  ];
}

function suppressor(
  definition: AlarmDefinition,
  by: AlarmSuppressor,
  path: Path,
  site: DefinitionSite,
): readonly DefinitionProblem[] {
  const here = gatewayAt(definition.condition);
  if ("point" in by) {
    const point = site.point(by.point);
    if (point === undefined) return [found([...path, "point"], "a point", by.point)];
    return [
      ...when(gatewayOf(by.point as PointId) !== here, [...path, "point"], `a point of ${here}`, by.point),
      ...valueProblems([by.equals], by.point, [...path, "equals"], site),
    ];
  }
  const cause = site.definition(by.definition);
  if (cause === undefined) return [found([...path, "definition"], "the id of an alarm", by.definition)];
  return when(gatewayAt(cause.condition) !== here, [...path, "definition"], `an alarm of ${here}`, by.definition);
}

function gatewayAt(condition: AlarmCondition): string {
  return gatewayOf(sourceOf(condition) as PointId);
}

/** Would an alarm, by way of others, suppress itself? Then nobody would see any of them. */
function suppressesItself(definition: AlarmDefinition, site: DefinitionSite): boolean {
  const seen = new Set<string>();
  const reaches = (one: AlarmDefinition): boolean =>
    (one.suppressedBy ?? []).some((by) => {
      if (!("definition" in by)) return false;
      if (by.definition === definition.id) return true;
      if (seen.has(by.definition)) return false;
      seen.add(by.definition);
      const next = site.definition(by.definition);
      return next !== undefined && reaches(next);
    });
  return reaches(definition);
}
