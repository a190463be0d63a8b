import { expect, it } from "vitest";
import { ACTIONS, actionByKind } from "#core/linkage/actions/index.ts";
import { ruleProblems } from "#core/linkage/evaluate.ts";
import { camera, light, rule } from "./fixtures.ts";

const plan = (kind: string, params: object) => actionByKind.get(kind)?.plan(params);

it("offers each action under its own kind", () => {
  expect([...actionByKind.keys()]).toEqual(["writePoint", "ptzPreset", "snapshot", "notifyConsole"]);
  expect(actionByKind.size).toBe(ACTIONS.length);
});

it("writes at the priority and for the time that are given, else at manual operator's priority without a lease", () => {
  expect(plan("writePoint", { point: light, value: null })).toEqual([
    { kind: "write", point: light, value: null, priority: 8 },
  ]);
  expect(plan("writePoint", { point: light, value: 2.5, priority: 1, leaseMs: 500 })).toEqual([
    { kind: "write", point: light, value: 2.5, priority: 1, leaseMs: 500 },
  ]);
});

it("notifies without a popup unless it is asked for", () => {
  expect(plan("notifyConsole", { text: "门", textEn: "Door" })).toEqual([
    { kind: "notifyConsole", text: "门", textEn: "Door", popup: false },
  ]);
});

it("finds all wrong steps of a rule at once and none in a right one", () => {
  expect(ruleProblems(rule())).toEqual([]);
  const problems = ruleProblems(
    rule({
      then: [
        { action: "siren", params: {} },
        { action: "snapshot", params: { camera } },
        { action: "writePoint", params: { point: { from: "zone.light" } } },
        { action: "ptzPreset", params: { camera: { from: "zone.light" }, preset: "1" } },
      ],
    }),
  );
  expect(problems.map((problem) => problem.slice(0, problem.indexOf(":")))).toEqual([
    "step 1 (siren)",
    "step 3 (writePoint)",
    "step 4 (ptzPreset)",
  ]);
});
