import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadProcedures } from "#config/load-procedures.ts";
import { loadSite } from "#config/load-site.ts";
import type { Site } from "#config/schema/site.ts";
import { chooseProcedure } from "#core/alarm/choose-procedure.ts";
import { lawOf } from "#core/alarm/law.ts";
import { ConfigError } from "#core/errors.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { driverByKind } from "#protocols/registry.ts";
import { SMALL_PARK } from "#tests/fixtures/cloud/small-park.ts";

const root = path.join(import.meta.dirname, "../../..");
const fixtures = path.join(import.meta.dirname, "../../fixtures/config");
const folder = path.join(root, "config/sites/demo-park");

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.slice(text.indexOf("all.yaml")));
    throw error;
  }
  return [];
}

describe("procedures of a site's files", () => {
  it("are none where there is no such folder", () => {
    expect(loadProcedures(path.join(root, "config/profiles"), SMALL_PARK)).toEqual([]);
  });

  it("tell each name that is not known, with where it is written", () => {
    expect(problemsOf(() => loadProcedures(path.join(fixtures, "broken-procedures"), SMALL_PARK))).toEqual([
      expect.stringMatching(/^all.yaml:7:\d+ \/procedures\/0\/steps\/0\/colour expected one of .*, got this name$/),
    ]);
  });

  it("tell everything that they name and the site does not have, and what contradicts itself", () => {
    const problems = problemsOf(() => loadProcedures(path.join(fixtures, "wrong-references"), SMALL_PARK));
    expect(problems.map((text) => text.replace(/:\d+ /, " "))).toEqual([
      "all.yaml:5 /procedures/0/scope/areas/0 expected the id of a space, got attic",
      "all.yaml:5 /procedures/0/scope/definitions/0 expected the id of an alarm, got nobody",
      "all.yaml:7 /procedures/0/steps/0/mandatory expected a step to confirm, got a note",
      "all.yaml:8 /procedures/0/steps/1/link expected a device, got gw-1/cam-9",
      "all.yaml:9 /procedures/0/steps/2/link expected the id of a door, got door-9",
      "all.yaml:10 /procedures/0/steps/3/link expected a writable point, got gw-1/ahu-1/temperature",
      "all.yaml:11 /procedures/1/id expected a procedure id used once, got one",
    ]);
  });
});

describe("the procedures of the demo park", () => {
  let site: Site;
  beforeAll(() => {
    site = loadSite(folder, path.join(root, "config/profiles"), driverByKind);
  });
  const areasOf = (space: string | undefined): string[] => {
    const areas: string[] = [];
    for (let at = space; at !== undefined; at = site.spaces.find(({ id }) => id === at)?.parent) areas.push(at);
    return areas;
  };
  const chosen = (
    definition: Pick<AlarmDefinition, "category" | "priority"> & { id: string },
    space: string,
    deviceKind?: string,
  ) => {
    const { id, category, priority } = definition;
    const question = { definition: id, category, priority, law: lawOf(category), deviceKind, areas: areasOf(space) };
    return chooseProcedure(loadProcedures(folder, site), question)?.id;
  };

  it("are for intrusion, fire, panic, a chiller that trips, a camera that is gone and a line that is silent", () => {
    const alarm = (id: string): AlarmDefinition => {
      const found = site.alarms.find((one) => one.id === id);
      if (found === undefined) throw new Error(`the demo park has no alarm ${id}`);
      return found;
    };
    const silent = { category: "communication", priority: "high" } as const;
    expect([
      chosen(alarm("zone-3-intrusion"), "perimeter-3"),
      chosen(alarm("fire-b1"), "building-b-1"),
      chosen(alarm("panic-1"), "control-room"),
      chosen(alarm("chiller-plant.chiller-1-trip"), "plant-room", "chiller"),
      chosen({ ...silent, id: "comm:demo-park/gw-1/cam-1" }, "gate-main", "camera"),
      chosen({ ...silent, id: "comm:demo-park/gw-1/ahu-1" }, "ahu-room-a", "ahu"),
      chosen(alarm("panel-mains"), "control-room"),
    ]).toEqual([
      "perimeter-intrusion",
      "fire",
      "panic",
      "chiller-trip",
      "camera-offline",
      "communication-lost",
      undefined,
    ]);
  });

  it("refer to things by their whole ids, and speak both languages", () => {
    const steps = loadProcedures(folder, site).flatMap((procedure) => procedure.steps);
    expect(steps.flatMap(({ link }) => (link === undefined ? [] : [link]))).toContainEqual({
      kind: "camera",
      device: "demo-park/gw-1/cam-3",
    });
    const chinese = steps.filter(({ title, titleEn, text, textEn }) => {
      const both = (text === undefined) === (textEn === undefined);
      return both && /\p{Script=Han}/u.test(title) && !/\p{Script=Han}/u.test(`${titleEn}${textEn ?? ""}`);
    });
    expect(chinese).toHaveLength(steps.length);
  });
});

describe("which definitions come from a profile", () => {
  it("is known for those that the device does not replace by its own", () => {
    const site = loadSite(folder, path.join(root, "config/profiles"), driverByKind);
    expect(site.alarmProfiles).toMatchObject({ "chiller-plant.chiller-1-trip": "chiller-plant" });
    expect(site.alarmProfiles).not.toHaveProperty("door-controller.door-1-forced");
    expect(site.alarmProfiles).not.toHaveProperty("zone-1-intrusion");
    const ids = new Set(site.alarms.map(({ id }) => id));
    expect(Object.keys(site.alarmProfiles ?? {}).filter((id) => !ids.has(id))).toEqual([]);
  });
});
