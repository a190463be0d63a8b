import type { Rule } from "#core/linkage/rule.ts";

const POINT_ID = /^[^/]+(\/[^/]+){3}$/;

/** Ids of the points that a rule names: in its trigger, its conditions and its steps. */
export function pointsOfRule(rule: Rule): readonly string[] {
  const triggered = rule.when.type === "point" ? [rule.when.point] : [];
  const tested = (rule.if ?? []).flatMap(({ tests }) =>
    tests.flatMap((test) => (test.type === "point" ? [test.point] : [])),
  );
  const given = rule.then.flatMap(({ params }) =>
    Object.values(params).flatMap((value) => (typeof value === "string" && POINT_ID.test(value) ? [value] : [])),
  );
  return [...new Set([...triggered, ...tested, ...given])];
}
