import { expect, it } from "vitest";
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

function field(definitions: readonly AlarmDefinition[] = []) {
  const acts: FieldAct[] = [];
  return { ...evaluator(definitions, { onFieldAct: (act) => acts.push(act) }), acts };
}

it("makes an alarm of a condition that nobody configured, once however often it is told", () => {
  const { alarms } = field();
  const [change] = alarms.onConditions(report([seen("fan", { message: "Fan stopped", sourceTime: START - 50 })]));
  expect(change?.alarm).toMatchObject({
    law: "facility",
    category: "equipment",
    area: "roof",
    raisedAt: START - 50,
    messageEn: "AHU 1: Fan stopped",
    value: "Fan stopped",
  });
  expect(alarms.onConditions(report([seen("fan", { message: "Fan stopped" })]))).toEqual([]);
  expect(transitions(alarms.onConditions(report([seen("fan", { active: false })])))).toEqual(["cleared"]);
});

it("is silent on a condition that is told for the first time and not active", () => {
  const { alarms } = field();
  expect(alarms.onConditions(report([seen("fan", { active: false, acknowledged: true })]))).toEqual([]);
  expect(alarms.alarms()).toEqual([]);
});

it("holds a configured fire condition latched until a person resets it, whatever the panel says", () => {
  const { alarms, acts } = field([fire]);
  const [raised] = alarms.onConditions(report([seen("zone-1", { confirmed: false })]));
  const id = raised?.alarm.id ?? "";
  expect(transitions(alarms.onConditions(report([seen("zone-1", { active: false, confirmed: false })])))).toEqual([
    "cleared",
  ]);
  expect(alarms.alarms()[0]).toMatchObject({ condition: "latched", law: "security" });
  alarms.command(command(id, "acknowledge"));
  expect(transitions(alarms.command(command(id, "reset")).changes)).toEqual(["reset"]);
  expect(acts.map(({ action, condition }) => [action, condition])).toEqual([
    ["acknowledgeCondition", "zone-1"],
    ["confirmCondition", "zone-1"],
  ]);
});

it("confirms also when the alarm was reset before the device asked for it", () => {
  const { alarms, acts } = field([fire]);
  const [raised] = alarms.onConditions(report([seen("zone-1", { confirmed: true })]));
  const id = raised?.alarm.id ?? "";
  alarms.onConditions(report([seen("zone-1", { active: false, confirmed: true })]));
  alarms.command(command(id, "acknowledge"));
  expect(transitions(alarms.command(command(id, "reset")).changes)).toEqual(["reset"]);
  const asks = seen("zone-1", { active: false, acknowledged: true, confirmed: false });
  expect(alarms.onConditions(report([asks]))).toEqual([]);
  alarms.onConditions(report([{ ...asks, confirmed: true }]));
  expect(acts.map(({ action, condition }) => [action, condition])).toEqual([
    ["acknowledgeCondition", "zone-1"],
    ["confirmCondition", "zone-1"],
  ]);
});

it("does not confirm what nobody has reset here", () => {
  const { alarms, acts } = field([fire]);
  alarms.onConditions(report([seen("zone-1")]));
  alarms.onConditions(report([seen("zone-1", { active: false, acknowledged: true, confirmed: false })]));
  expect(acts).toEqual([]);
});

it("takes over an acknowledgement made at the device and does not echo it", () => {
  const { alarms, acts } = field([fire]);
  alarms.onConditions(report([seen("zone-1")]));
  const changes = alarms.onConditions(report([seen("zone-1", { acknowledged: true, sourceTime: START + 5 })]));
  expect(transitions(changes)).toEqual(["acknowledged"]);
  expect(changes[0]).toMatchObject({ actor: "field", alarm: { acknowledgedBy: "field", acknowledgedAt: START + 5 } });
  expect(acts).toEqual([]);
});

it("offers an acknowledgement again to a device that was out of reach when it was given, in its giver's name", () => {
  const { alarms, acts } = field([fire]);
  const [raised] = alarms.onConditions(report([seen("zone-1")]));
  alarms.command(command(raised?.alarm.id ?? "", "acknowledge", { reason: "on my way" }));
  alarms.onConditions(report([seen("zone-1")], true));
  expect(acts.map(({ action, by, comment }) => [action, by, comment])).toEqual([
    ["acknowledgeCondition", "li.wei", "on my way"],
    ["acknowledgeCondition", "li.wei", undefined],
  ]);
  alarms.onConditions(report([seen("zone-1", { acknowledged: true })], true));
  expect(acts).toHaveLength(2);
});

it("opens another occurrence when the device announces the condition anew without its having been normal", () => {
  const { alarms } = field([fire]);
  const [raised] = alarms.onConditions(report([seen("zone-1")]));
  alarms.onConditions(report([seen("zone-1", { acknowledged: true })]));
  const changes = alarms.onConditions(report([seen("zone-1", { acknowledged: false })]));
  expect(transitions(changes)).toEqual(["cleared", "raised"]);
  expect(changes.at(-1)?.alarm).toMatchObject({ id: raised?.alarm.id, occurrence: 2, acknowledged: false });
});

it("never acknowledges by itself where the device knows no acknowledgement", () => {
  const { alarms } = field([fire]);
  const { acknowledged: _, ...plain } = seen("zone-1");
  alarms.onConditions(report([plain]));
  expect(alarms.alarms()[0]?.acknowledged).toBe(false);
});

it("ends with a complete report what the device does not name any more, and touches no other device", () => {
  const { alarms } = field([fire]);
  alarms.onConditions(report([seen("zone-1"), seen("fan"), seen("belt")]));
  const changes = alarms.onConditions(report([seen("belt")], true));
  expect(transitions(changes)).toEqual(["cleared", "cleared"]);
  expect(alarms.onConditions({ device: "park/gw-1/other", conditions: [], complete: true })).toEqual([]);
  expect(alarms.alarms().filter(({ live }) => live)).toHaveLength(1);
});

it("suppresses by design what is shelved at the device, but nothing under the security law", () => {
  const { alarms } = field([fire]);
  alarms.onConditions(report([seen("zone-1"), seen("fan")]));
  expect(transitions(alarms.onConditions(report([seen("zone-1", { shelved: true })])))).toEqual([]);
  expect(transitions(alarms.onConditions(report([seen("fan", { shelved: true })])))).toEqual(["suppressed"]);
  expect(transitions(alarms.onConditions(report([seen("fan", { shelved: false })])))).toEqual(["unsuppressed"]);
});

it("tells the device of a shelving and its end", () => {
  const { alarms, acts } = field();
  const [raised] = alarms.onConditions(report([seen("fan")]));
  const id = raised?.alarm.id ?? "";
  alarms.command(command(id, "shelve", { until: START + 600_000, reason: "repair" }));
  alarms.command(command(id, "unshelve"));
  expect(acts.map(({ action, until }) => [action, until])).toEqual([
    ["shelveCondition", START + 600_000],
    ["unshelveCondition", undefined],
  ]);
});

it("tells the device of the end of a shelving for once, and not of one that ends by its time there too", () => {
  const { alarms, acts, clock } = field();
  const [raised] = alarms.onConditions(report([seen("fan")]));
  const id = raised?.alarm.id ?? "";
  alarms.command(command(id, "shelve", { until: START + 600_000, reason: "repair", once: true }));
  clock.advance(1);
  const changes = alarms.onConditions(report([seen("fan", { active: false })]));
  expect(transitions(changes)).toEqual(["cleared", "unshelved"]);
  expect(acts.map(({ action }) => action)).toEqual(["shelveCondition", "unshelveCondition"]);
});

it("goes on after a restart with a condition that nobody configured", () => {
  const first = field();
  first.alarms.onConditions(report([seen("fan")]));
  const second = evaluator([], { restored: first.alarms.snapshot() });
  expect(second.alarms.alarms()[0]).toMatchObject({ live: true });
  expect(transitions(second.alarms.onConditions(report([], true)))).toEqual(["cleared"]);
});

it("forgets found conditions with their alarms, so that a device may name new ones for ever", () => {
  const { alarms } = field();
  const rounds = MAX_FOUND_CONDITIONS + 10;
  for (let round = 0; round < rounds; round++) {
    const [raised] = alarms.onConditions(report([seen(`branch-${round}`)]));
    expect(raised?.transition).toBe("raised");
    alarms.onConditions(report([seen(`branch-${round}`, { active: false, acknowledged: true })]));
  }
  expect(alarms.alarms()).toEqual([]);
});

it("takes no more than so many at once, and those that are open stay", () => {
  const { alarms } = field();
  const many = Array.from({ length: MAX_FOUND_CONDITIONS + 5 }, (_, at) => seen(`condition-${at}`));
  alarms.onConditions(report(many));
  expect(alarms.alarms()).toHaveLength(MAX_FOUND_CONDITIONS);
});

it("keeps a remark on an alarm in its journal without changing the alarm", () => {
  const { alarms } = field([fire]);
  const [raised] = alarms.onConditions(report([seen("zone-1")]));
  const [remark] = alarms.comment(raised?.alarm.id ?? "", "park/gw-1", "not taken");
  expect(remark).toMatchObject({ transition: "commented", comment: "not taken", actor: "park/gw-1" });
  expect(remark?.alarm).toEqual(raised?.alarm);
});
