import { describe, expect, it } from "vitest";
import { definitionProblems } from "#core/alarm/definition-check.ts";
import type { AlarmCategory, AlarmCondition, AlarmDefinition } from "#core/model/alarm.ts";

const kinds = { t: "number", sp: "number", mode: "enum", on: "boolean", text: "string" } as const;
const P = "park/gw-1/ahu-1";
const base: AlarmDefinition = {
  id: "a",
  category: "equipment",
  priority: "medium",
  condition: { type: "above", point: `${P}/t`, limit: 5, deadband: 1 },
  message: "报警",
  messageEn: "Alarm",
};

function problems(fields: Partial<AlarmDefinition>, others: readonly AlarmDefinition[] = []): readonly string[] {
  const definition = { ...base, ...fields };
  const all = [definition, ...others];
  return definitionProblems(definition, {
    point: (id) => {
      const [slot, gateway] = [id.split("/")[3] ?? "", id.split("/")[1]];
      const kind = Object.entries(kinds).find(([name]) => name === slot)?.[1];
      return kind === undefined || (gateway !== "gw-1" && gateway !== "gw-2") ? undefined : { kind };
    },
    device: (id) => id === P,
    definition: (id) => all.find((one) => one.id === id),
  }).map(({ path, expected }) => `${path.join("/")}: ${expected}`);
}

const condition = (one: AlarmCondition): readonly string[] => problems({ condition: one });

describe("a definition", () => {
  it("is right as it stands in the profiles", () => {
    expect(problems({})).toEqual([]);
  });

  it("names points and devices that exist, all of one gateway", () => {
    expect(condition({ type: "equals", point: `${P}/none`, value: 1 })).toEqual(["condition/point: a point"]);
    expect(condition({ type: "event", device: "park/gw-1/none", kind: "motion" })).toEqual([
      "condition/device: a device",
    ]);
    const deviation = { type: "deviation", point: `${P}/t`, over: 1, deadband: 0 } as const;
    expect(condition({ ...deviation, reference: "park/gw-2/ahu-1/sp" })).toEqual([
      "condition/reference: a point of park/gw-1, as the others",
    ]);
  });

  it("compares numbers with limits, and states with values of their kind", () => {
    expect(condition({ type: "above", point: `${P}/on`, limit: 1, deadband: 0 })).toEqual([
      "condition: points that are numbers",
    ]);
    expect(condition({ type: "equals", point: `${P}/on`, value: 1 })).toEqual([
      "condition/value: a value of kind boolean",
    ]);
    expect(condition({ type: "oneOf", point: `${P}/mode`, values: [1, 2.5] })).toEqual([
      "condition/values: a value of kind enum",
    ]);
  });

  it("has a band in which it can be normal", () => {
    const band = { type: "outside", point: `${P}/t`, low: 10, high: 20, deadband: 5 } as const;
    expect(condition(band)).toEqual([]);
    expect(condition({ ...band, deadband: 5.1 })).toEqual(["condition/deadband: at most half of the band"]);
    expect(condition({ ...band, low: 21, deadband: 0 })).toContain("condition/low: less than `high`");
    expect(condition({ ...band, type: "inside", low: 21 })).toEqual(["condition/low: at most `high`"]);
  });

  it("has at least one side of a deviation and of a rate, and deadbands that can be left", () => {
    const off = { type: "deviation", point: `${P}/t`, reference: `${P}/sp`, deadband: 2 } as const;
    expect(condition(off)).toEqual(["condition: `over`, `under` or both"]);
    expect(condition({ ...off, over: 1, under: 1 })).toEqual([
      "condition/deadband: at most half of `over` and `under` together",
    ]);
    const rate = { type: "rate", point: `${P}/t`, per: "minute", windowMs: 60_000, deadband: 2 } as const;
    expect(condition(rate)).toEqual(["condition: `rise`, `fall` or both"]);
    expect(condition({ ...rate, rise: 1 })).toEqual(["condition/deadband: at most the rate itself"]);
  });

  it("has an expression that is true or false, told with what is wrong in it", () => {
    const expression = {
      type: "expression",
      expression: "t > mode",
      points: { t: `${P}/t`, mode: `${P}/mode` },
    } as const;
    expect(condition(expression)).toEqual([]);
    expect(condition({ ...expression, expression: "t + 1" })).toEqual([
      "condition/expression: an expression that is true or false (gives double, not bool)",
    ]);
    expect(condition({ ...expression, points: { t: `${P}/t`, mode: `${P}/nothing` } })).toEqual([
      "condition/points/mode: a point",
    ]);
  });

  it.each(["access", "intrusion", "tamper", "fire"] as const)(
    "AL-07, AL-11 of %s is never suppressed by logic, nor over by itself",
    (category: AlarmCategory) => {
      const suppressedBy = [{ rule: "off", point: `${P}/on`, equals: false }];
      for (const wrong of [{ suppressedBy }, { autoAcknowledge: true, priority: "low" as const }, { latching: false }])
        expect(problems({ category, ...wrong }).map((line) => line.split(":")[0])).toEqual([Object.keys(wrong)[0]]);
    },
  );

  it("IN-03 of panic has nothing that could hold it back", () => {
    for (const held of [{ onDelayMs: 1 }, { suppressedBy: [] }, { enabled: false }, { latching: true }])
      expect(problems({ category: "panic", priority: "urgent", ...held })).not.toEqual([]);
    expect(problems({ category: "panic", priority: "urgent" })).toEqual([]);
  });

  it("AL-07, AL-08 is either over by itself or held", () => {
    expect(problems({ autoAcknowledge: true, latching: true })).toEqual(["autoAcknowledge: either this or `latching`"]);
  });

  it("AL-09 counts re-alarms only where there are some", () => {
    expect(problems({ reAlarmLimit: 2 })).toEqual(["reAlarmLimit: `reAlarmMs` too"]);
    expect(problems({ reAlarmLimit: 2, reAlarmMs: 60_000 })).toEqual([]);
  });

  it("AL-11 is suppressed by what its own gateway sees, and never in a circle", () => {
    const by = (definition: string) => [{ rule: `by-${definition}`, definition }];
    expect(problems({ suppressedBy: by("none") })).toEqual(["suppressedBy/0/definition: the id of an alarm"]);
    expect(problems({ suppressedBy: by("a") })).toEqual(["suppressedBy: no circle of alarms that suppress each other"]);
    const b = { ...base, id: "b", suppressedBy: by("c") };
    const c = { ...base, id: "c", suppressedBy: by("a") };
    expect(problems({ suppressedBy: by("b") }, [b, c])).toEqual([
      "suppressedBy: no circle of alarms that suppress each other",
    ]);
    expect(problems({ suppressedBy: by("b") }, [b, { ...c, suppressedBy: [] }])).toEqual([]);
    const elsewhere = {
      ...base,
      id: "b",
      condition: { ...base.condition, point: "park/gw-2/ahu-1/t" } as AlarmCondition,
    };
    expect(problems({ suppressedBy: by("b") }, [elsewhere])).toEqual([
      "suppressedBy/0/definition: an alarm of park/gw-1",
    ]);
    expect(problems({ suppressedBy: [{ rule: "off", point: `${P}/on`, equals: 0 }] })).toEqual([
      "suppressedBy/0/equals: a value of kind boolean",
    ]);
  });
});
