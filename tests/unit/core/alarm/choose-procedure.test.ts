import { describe, expect, it } from "vitest";
import { chooseProcedure, type ProcedureQuestion } from "#core/alarm/choose-procedure.ts";
import type { Procedure, ProcedureScope } from "#core/model/procedure.ts";

const ALARM: ProcedureQuestion = {
  definition: "chiller-plant.chiller-1-trip",
  category: "equipment",
  priority: "high",
  law: "facility",
  deviceKind: "chiller",
  areas: ["plant-room", "building-b", "park"],
};

const procedure = (id: string, scope: ProcedureScope): Procedure => ({
  id,
  title: id,
  titleEn: id,
  scope,
  steps: [{ title: "看", titleEn: "Look", confirm: "person" }],
});

describe("the procedure for an alarm", () => {
  it("is the most specific: what happened counts for more than where", () => {
    const ranked = [
      procedure("exact", { definitions: ["chiller-plant.chiller-1-trip"] }),
      procedure("longer-beginning", { definitions: ["chiller-plant.chiller-*"] }),
      procedure("beginning", { definitions: ["chiller-plant.*"] }),
      procedure("kind", { deviceKinds: ["chiller"] }),
      procedure("category-near", { categories: ["equipment"], areas: ["plant-room"] }),
      procedure("category-far", { categories: ["equipment"], areas: ["park"] }),
      procedure("category", { categories: ["equipment"] }),
      procedure("near", { areas: ["building-b", "park"] }),
      procedure("far", { areas: ["park"] }),
      procedure("priority", { priorities: ["high"] }),
      procedure("law", { law: "facility" }),
      procedure("all-1", {}),
      procedure("all-2", {}),
    ];
    const order: string[] = [];
    for (let left = ranked.toReversed(); left.length > 0; ) {
      const chosen = chooseProcedure(left, ALARM);
      order.push(chosen?.id ?? "none");
      left = left.filter((one) => one !== chosen);
    }
    expect(order).toEqual(ranked.map(({ id }) => id));
  });

  it.each<[string, ProcedureScope]>([
    ["another definition", { definitions: ["chiller-plant.chiller-2-trip", "lift-*"] }],
    ["another kind of device", { deviceKinds: ["lift"] }],
    ["another category", { categories: ["fire", "comfort"] }],
    ["another place", { areas: ["building-a"] }],
    ["another priority", { priorities: ["urgent"] }],
    ["the other law", { law: "security" }],
    ["one that fits but for its place", { definitions: ["chiller-plant.chiller-1-trip"], areas: ["building-a"] }],
  ])("is none that is for %s", (_, scope) => {
    expect(chooseProcedure([procedure("other", scope)], ALARM)).toBeUndefined();
  });

  it("is none for a kind of device where no device is known", () => {
    const { deviceKind: _, ...without } = ALARM;
    expect(chooseProcedure([procedure("kind", { deviceKinds: ["chiller"] })], without)).toBeUndefined();
  });
});
