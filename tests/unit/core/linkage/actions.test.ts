import { expect, it } from "vitest";
import { ACTIONS, actionByKind } from "#core/linkage/actions/index.ts";
import { ruleProblems } from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Door } from "#core/model/door.ts";
import type { Space } from "#core/model/site.ts";
import { camera, light, rule } from "./fixtures.ts";

const space = (id: string, parent?: string): Space => ({
  id,
  kind: "room",
  name: id,
  nameEn: id,
  ...(parent === undefined ? {} : { parent }),
});
const controller = "park/gw-1/doors-1";
const door = (id: string, at: string, onEscapeRoute?: boolean): Door => ({
  id,
  name: id,
  nameEn: id,
  space: at,
  device: controller,
  token: `token-${id}`,
  mode: `${controller}/${id}-mode`,
  ...(onEscapeRoute === undefined ? {} : { escape: onEscapeRoute }),
});
const site = planSite(
  [door("front", "lobby", true), door("back", "yard", true), door("vault", "lobby"), door("attic", "roof", true)],
  [
    space("park"),
    space("building-b", "park"),
    space("lobby", "building-b"),
    space("yard", "park"),
    space("roof", "lobby"),
  ],
);
const plan = (kind: string, params: object) => actionByKind.get(kind)?.plan(params, site);

it("offers each action under its own kind", () => {
  expect([...actionByKind.keys()]).toEqual([
    "writePoint",
    "ptzPreset",
    "snapshot",
    "recordClip",
    "controlDoor",
    "releaseEscapeDoors",
    "notifyConsole",
  ]);
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
  expect(ruleProblems(rule(), site)).toEqual([]);
  const problems = ruleProblems(
    rule({
      then: [
        { action: "siren", params: {} },
        { action: "snapshot", params: { camera } },
        { action: "writePoint", params: { point: { from: "zone.light" } } },
        { action: "ptzPreset", params: { camera: { from: "zone.light" }, preset: "1" } },
      ],
    }),
    site,
  );
  expect(problems.map((problem) => problem.slice(0, problem.indexOf(":")))).toEqual([
    "step 1 (siren)",
    "step 3 (writePoint)",
    "step 4 (ptzPreset)",
  ]);
});

it("releases every escape door of a building, on whichever floor, and no other door", () => {
  expect(plan("releaseEscapeDoors", { space: "building-b" })).toEqual([
    { kind: "door", device: controller, door: "token-front", operation: "lockOpen" },
    { kind: "door", device: controller, door: "token-attic", operation: "lockOpen" },
  ]);
});

it("refuses a rule that would release no door, and one that names a door the site does not have", () => {
  const problems = ruleProblems(
    rule({
      then: [
        { action: "releaseEscapeDoors", params: { space: "building-c" } },
        { action: "controlDoor", params: { door: "front", operation: "lock" } },
        { action: "controlDoor", params: { door: "side", operation: "lock" } },
        { action: "controlDoor", params: { door: "front", operation: "kick" } },
      ],
    }),
    site,
  );
  expect(problems.map((problem) => problem.slice(0, 6))).toEqual(["step 1", "step 3", "step 4"]);
  expect(problems[1]).toContain('expected the id of a door, got "side"');
});

it("ends at a ring of spaces that somebody has made", () => {
  const ring = planSite([door("front", "a", true)], [space("a", "b"), space("b", "a")]);
  expect(ring.escapeDoors("c")).toEqual([]);
});

it("keeps ten seconds before and thirty after unless told otherwise", () => {
  expect(plan("recordClip", { camera })).toEqual([
    { kind: "recordClip", device: camera, beforeMs: 10_000, afterMs: 30_000 },
  ]);
  expect(plan("recordClip", { camera, beforeS: 0, afterS: 5 })).toEqual([
    { kind: "recordClip", device: camera, beforeMs: 0, afterMs: 5_000 },
  ]);
});
