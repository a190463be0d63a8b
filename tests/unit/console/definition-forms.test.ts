import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { CONDITION_TYPES, conditionOf, formOf } from "#cloud/console/pages/definitions/condition-form.ts";
import { conditionText } from "#cloud/console/pages/definitions/condition-text.ts";
import { changeOf } from "#cloud/console/pages/definitions/definition-draft.ts";
import { entriesOf, isComplete, moved, ticked, tidyStep } from "#cloud/console/pages/procedures/procedure-draft.ts";
import { AlarmCondition, type AlarmDefinition } from "#core/model/alarm.ts";
import type { ProcedureStep } from "#core/model/procedure.ts";

const P = "park/gw-1/ahu/temp";
const CONDITIONS: readonly AlarmCondition[] = [
  { type: "equals", point: P, value: true },
  { type: "equals", point: P, value: "on" },
  { type: "above", point: P, limit: 28.5, deadband: 1 },
  { type: "below", point: P, limit: -3, deadband: 0 },
  { type: "oneOf", point: P, values: [1, 2, "x"] },
  { type: "noneOf", point: P, values: [false] },
  { type: "outside", point: P, low: 5, high: 9, deadband: 0.5 },
  { type: "inside", point: P, low: 5, high: 9, deadband: 0.5 },
  { type: "deviation", point: P, reference: "park/gw-1/ahu/sp", over: 2, deadband: 0.2 },
  { type: "deviation", point: P, reference: 20, under: 2, deadband: 0.2 },
  { type: "rate", point: P, rise: 3, per: "minute", windowMs: 60_000, deadband: 0.1 },
  { type: "expression", expression: "a > 1.0 && b", points: { a: P, b: "park/gw-1/ahu/fan" } },
  { type: "event", device: "park/gw-1/panel", kind: "zoneAlarm" },
  { type: "field", device: "park/gw-1/panel", condition: "ns=1;s=x=y" },
];

describe("a condition that is typed", () => {
  it.each(CONDITIONS.map((condition) => [conditionText(condition), condition] as const))(
    "is %s again",
    (_, condition) => {
      expect(conditionOf(formOf(condition))).toEqual({ condition });
      expect(Check(AlarmCondition, condition)).toBe(true);
    },
  );

  it("can be of every kind that there is", () => {
    const kinds = new Set(CONDITIONS.map(({ type }) => type));
    expect([...CONDITION_TYPES].sort()).toEqual([...kinds].sort());
  });

  it("names what is missing or no number", () => {
    expect(conditionOf({ type: "above", texts: { point: P, limit: "hot", deadband: "" } }).missing).toEqual([
      "limit",
      "deadband",
    ]);
    expect(conditionOf({ type: "deviation", texts: { point: P, reference: "1", deadband: "0" } }).condition).toEqual({
      type: "deviation",
      point: P,
      reference: 1,
      deadband: 0,
    });
  });
});

describe("what a draft changes of a definition", () => {
  const before: AlarmDefinition = {
    id: "hot",
    category: "comfort",
    priority: "low",
    condition: { type: "above", point: P, limit: 28, deadband: 1 },
    onDelayMs: 5000,
    message: "热",
    messageEn: "Hot",
    response: "看",
  };
  it("is only what differs; what was emptied is taken away", () => {
    expect(changeOf(before, { ...before, priority: "high", onDelayMs: 0, response: "" })).toEqual({
      priority: "high",
      onDelayMs: null,
      response: null,
    });
  });
  it("is nothing where only something empty was added", () => {
    expect(changeOf(before, { ...before, enabled: true, space: "", latching: false, offDelayMs: 0 })).toBeUndefined();
  });
  it("is the switch alone where it is switched off or on", () => {
    expect(changeOf(before, { ...before, enabled: false })).toEqual({ enabled: false });
    expect(changeOf({ ...before, enabled: false }, { ...before, enabled: true })).toEqual({ enabled: null });
  });
});

describe("the steps of a draft", () => {
  const step = (title: string): ProcedureStep => ({ title, titleEn: title, confirm: "person" });
  const steps = ["a", "b", "c"].map(step);
  const titles = (list: readonly ProcedureStep[]): string => list.map(({ title }) => title).join("");
  it("are moved by one, and stay inside the list", () => {
    expect(
      [moved(steps, 1, -1), moved(steps, 1, 1), moved(steps, 0, -1), moved(steps, 2, 1), moved(steps, 9, 1)].map(
        titles,
      ),
    ).toEqual(["bac", "acb", "abc", "abc", "abc"]);
  });
  it("lose what says nothing", () => {
    expect(tidyStep({ ...step("a"), confirm: "note", mandatory: true, text: "", textEn: "x" })).toEqual({
      title: "a",
      titleEn: "a",
      confirm: "note",
      textEn: "x",
    });
  });
  it("are complete when each is named in both languages", () => {
    const procedure = { id: "p", title: "一", titleEn: "One", scope: {}, steps };
    expect(isComplete(procedure)).toBe(true);
    expect(isComplete({ ...procedure, steps: [...steps, { ...step("d"), titleEn: " " }] })).toBe(false);
  });
});

describe("a scope", () => {
  it("is of all where nothing is ticked or typed", () => {
    expect([ticked(["fire"], "fire", false), ticked(undefined, "fire", true), entriesOf(" , \n")]).toEqual([
      undefined,
      ["fire"],
      undefined,
    ]);
    expect(entriesOf("comm:*\nchiller-1, chiller-2，泵")).toEqual(["comm:*", "chiller-1", "chiller-2", "泵"]);
  });
});
