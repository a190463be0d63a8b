import { describe, expect, it } from "vitest";
import type { AlarmEvaluatorOptions } from "#core/alarm/change.ts";
import type { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import type { FieldAct } from "#core/alarm/field.ts";
import { MAX_FOUND_CONDITIONS } from "#core/alarm/field.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { ahu, command, evaluator, texts, transitions } from "./evaluator-fixtures.ts";
import { START } from "./fixtures.ts";

const seen = (condition: string, fields: Partial<FieldCondition> = {}): FieldCondition => ({
  device: ahu,
  condition,
  active: true,
  acknowledged: false,
  observedAt: START,
  ...fields,
});
const report = (conditions: readonly FieldCondition[], complete = false) => ({ device: ahu, conditions, complete });
const fire: AlarmDefinition = {
  id: "fire-1",
  category: "fire",
  priority: "urgent",
  condition: { type: "field", device: ahu, condition: "zone-1" },
  ...texts,
};

function field(definitions: readonly AlarmDefinition[] = [], options: Partial<AlarmEvaluatorOptions> = {}) {
  const acts: FieldAct[] = [];
  return { ...evaluator(definitions, { onFieldAct: (act) => acts.push(act), ...options }), acts };
}
/** The evaluator that takes over from another one, as after a change of the configuration. */
const takenOver = (from: AlarmEvaluator, definitions: readonly AlarmDefinition[]) =>
  field(definitions, { restored: from.snapshot(), seen: from.seen() });
const silent = { device: ahu, online: false, reason: "commLost", at: START + 100 };
const back = { device: ahu, online: true, at: START + 200 };

describe("a condition that its device announced anew while it could not be heard", () => {
  const acknowledgedHere = () => {
    const made = field([fire]);
    const [raised] = made.alarms.onConditions(report([seen("zone-1", { sourceTime: START - 1_000 })]));
    made.alarms.onDevice(silent);
    made.alarms.command(command(raised?.alarm.id ?? "", "acknowledge", { createdAt: START + 110 }));
    made.acts.length = 0;
    made.alarms.onDevice(back);
    return made;
  };

  it("is another occurrence: an acknowledgement of the former one is not handed to it", () => {
    const { alarms, acts } = acknowledgedHere();
    const changes = alarms.onConditions(report([seen("zone-1", { sourceTime: START + 150 })]));
    expect(transitions(changes)).toEqual(["fresh", "cleared", "raised"]);
    expect(changes.at(-1)?.alarm).toMatchObject({ occurrence: 2, acknowledged: false });
    expect(acts).toEqual([]);
  });

  it("is the same occurrence when its device says that it is as old as before, and is told of the acknowledgement", () => {
    const { alarms, acts } = acknowledgedHere();
    const changes = alarms.onConditions(report([seen("zone-1", { sourceTime: START - 1_000 })], true));
    expect(transitions(changes)).toEqual(["fresh"]);
    expect(acts.map(({ action }) => action)).toEqual(["acknowledgeCondition"]);
  });

  it("is another occurrence also over a restart of the gateway", () => {
    const first = field([fire]);
    first.alarms.onConditions(report([seen("zone-1")]));
    first.alarms.onConditions(report([seen("zone-1", { acknowledged: true, sourceTime: START + 5 })]));
    const second = field([fire], { restored: first.alarms.snapshot() });
    const changes = second.alarms.onConditions(report([seen("zone-1", { sourceTime: START + 500 })], true));
    expect(transitions(changes)).toEqual(["cleared", "raised"]);
    expect(second.acts).toEqual([]);
  });

  it("stays acknowledged while its device is heard and only has not taken the acknowledgement yet", () => {
    const { alarms, acts } = field([fire]);
    const [raised] = alarms.onConditions(report([seen("zone-1", { sourceTime: START - 1_000 })]));
    alarms.command(command(raised?.alarm.id ?? "", "acknowledge", { createdAt: START + 1 }));
    expect(transitions(alarms.onConditions(report([seen("zone-1", { sourceTime: START + 2 })])))).toEqual([]);
    expect(acts.map(({ action }) => action)).toEqual(["acknowledgeCondition", "acknowledgeCondition"]);
  });
});

describe("another configuration", () => {
  it("still tells the device of an acknowledgement", () => {
    const first = field([fire]);
    const [raised] = first.alarms.onConditions(report([seen("zone-1")]));
    const second = takenOver(first.alarms, [fire]);
    second.alarms.command(command(raised?.alarm.id ?? "", "acknowledge"));
    expect(second.acts.map(({ action }) => action)).toEqual(["acknowledgeCondition"]);
  });

  it("raises at once the alarm that it defines for a condition which holds, and ends the one that was made without it", () => {
    const first = field();
    const [found] = first.alarms.onConditions(report([seen("zone-1")]));
    const second = takenOver(first.alarms, [fire]);
    const live = second.alarms.alarms().filter((alarm) => alarm.live);
    expect(live.map(({ definition, law }) => [definition, law])).toEqual([["fire-1", "security"]]);
    expect(second.alarms.alarms().find(({ id }) => id === found?.alarm.id)).toMatchObject({ live: false });
  });

  it("makes one alarm of a condition ever after, however often it comes and goes", () => {
    const first = field();
    first.alarms.onConditions(report([seen("zone-1")]));
    const { alarms } = takenOver(first.alarms, [fire]);
    alarms.onConditions(report([seen("zone-1", { active: false })]));
    expect(transitions(alarms.onConditions(report([seen("zone-1")])))).toEqual(["raised"]);
  });

  it("goes on with the alarm of a condition that nobody configured, and raises no other", () => {
    const first = field();
    const [found] = first.alarms.onConditions(report([seen("fan")]));
    const { alarms } = takenOver(first.alarms, [fire]);
    expect(alarms.alarms().map(({ id, live }) => [id, live])).toEqual([[found?.alarm.id, true]]);
  });

  it("keeps what it raises for a device out of reach marked as of before", () => {
    const first = field();
    first.alarms.onConditions(report([seen("zone-1")]));
    first.alarms.onDevice(silent);
    const { alarms } = takenOver(first.alarms, [fire]);
    expect(alarms.alarms().find(({ definition }) => definition === "fire-1")).toMatchObject({
      live: true,
      stale: true,
    });
  });
});

it("mints no id twice and keeps one counter for a device, however many conditions it invents", () => {
  const first = field();
  const ids = new Set<string>();
  const raise = (alarms: AlarmEvaluator, condition: string): void => {
    for (const { alarm } of alarms.onConditions(report([seen(condition)]))) ids.add(alarm.id);
    alarms.onConditions(report([seen(condition, { active: false, acknowledged: true })]));
  };
  for (let round = 0; round < 50; round++) raise(first.alarms, `branch-${round % 25}`);
  const second = field([], { restored: first.alarms.snapshot() });
  raise(second.alarms, "branch-0");
  expect(ids.size).toBe(51);
  expect(Object.keys(second.alarms.snapshot().episodes)).toHaveLength(1);
});

it("tells of a condition that it has no room for, and makes room of what is over at any device", () => {
  const refused: string[] = [];
  const { alarms } = field([], { onConditionRefused: ({ condition }) => refused.push(condition) });
  const many = Array.from({ length: MAX_FOUND_CONDITIONS }, (_, at) => seen(`condition-${at}`));
  alarms.onConditions(report([...many, seen("one-too-many")]));
  expect(refused).toEqual(["one-too-many"]);
  alarms.onConditions(report([seen("condition-0", { active: false, acknowledged: true })]));
  const other = { device: "park/gw-1/other", conditions: [{ ...seen("fan"), device: "park/gw-1/other" }] };
  expect(transitions(alarms.onConditions({ ...other, complete: false }))).toEqual(["raised"]);
});

it("knows again how it stands with an alarm that is over when its device is back, as its devices tell changes only", () => {
  const { alarms } = field();
  alarms.onConditions(report([seen("zone-9", { category: "intrusion" })]));
  alarms.onConditions(report([seen("zone-9", { category: "intrusion", active: false })]));
  alarms.onDevice(silent);
  alarms.onDevice(back);
  expect(alarms.alarms()[0]).toMatchObject({ condition: "latched" });
  expect(alarms.alarms()[0]?.stale).toBeUndefined();
});
