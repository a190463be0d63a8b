import { describe, expect, it } from "vitest";
import { changedFields, definitionFaults, needsSecondPerson } from "#core/alarm/definition-law.ts";
import { lawOf } from "#core/alarm/law.ts";
import { AlarmCategory, AlarmDefinition } from "#core/model/alarm.ts";

const CATEGORIES: readonly AlarmCategory[] = AlarmCategory.enum;

function definition(category: AlarmCategory, more: Partial<AlarmDefinition> = {}): AlarmDefinition {
  return {
    id: "one",
    category,
    priority: "high",
    condition: { type: "equals", point: "park/gw/panel/input", value: true },
    message: "报警",
    messageEn: "Alarm",
    ...more,
  };
}
const fields = (before: AlarmDefinition | undefined, after: AlarmDefinition | undefined): readonly string[] =>
  definitionFaults(before, after).map(({ field }) => field);

/** Another value for every field that a definition can have: whoever adds a field decides here what it does to panic. */
const OTHER: { readonly [K in Exclude<keyof AlarmDefinition, "id">]-?: AlarmDefinition[K] } = {
  category: "system",
  priority: "low",
  enabled: false,
  condition: { type: "equals", point: "park/gw/panel/input", value: false },
  onDelayMs: 1000,
  offDelayMs: 1000,
  reAlarmMs: 60_000,
  reAlarmLimit: 1,
  autoAcknowledge: true,
  latching: false,
  firstOut: "group",
  suppressedBy: [{ rule: "quiet", definition: "other" }],
  zone: "zone-2",
  space: "cellar",
  message: "紧急",
  messageEn: "Panic",
  response: "去看",
  responseEn: "Look",
};
const NAMES = Object.keys(AlarmDefinition.properties).filter((name) => name !== "id") as (keyof typeof OTHER)[];
/** All of a panic alarm that people may change. */
const OF_PANIC = ["priority", "zone", "space", "message", "messageEn", "response", "responseEn"];

describe("a panic alarm [GB 50394 5.2.4, IN-03]", () => {
  const panic = definition("panic", { priority: "urgent" });

  it.each(NAMES)("is changed in its %s only where nothing can hold it back by it", (name) => {
    const after = { ...panic, [name]: OTHER[name] };
    expect(fields(panic, after).includes(name)).toBe(!OF_PANIC.includes(name));
  });

  it.each(NAMES)("is made with a %s only where nothing can hold it back by it", (name) => {
    const made = { ...panic, [name]: OTHER[name], category: "panic" as const };
    const fine = [...OF_PANIC, "category", "condition"];
    expect(fields(undefined, made)).toEqual(fine.includes(name) ? [] : [name]);
  });

  it("is not retired", () => {
    expect(definitionFaults(panic, undefined)).not.toEqual([]);
  });

  it("stays one, whatever it would become, and what becomes one takes its law on", () => {
    for (const category of CATEGORIES.filter((one) => one !== "panic"))
      expect(fields(panic, definition(category, { priority: "urgent" })), category).toContain("category");
    expect(fields(definition("intrusion", { onDelayMs: 500 }), definition("panic", { onDelayMs: 500 }))).toEqual([
      "onDelayMs",
    ]);
  });
});

describe("a definition", () => {
  it.each(CATEGORIES)("of category %s is delayed only where the law lets it wait", (category) => {
    const never = category === "panic" || category === "fire";
    for (const name of ["onDelayMs", "offDelayMs"] as const)
      expect(fields(undefined, definition(category, { [name]: 1 })).includes(name), name).toBe(never);
  });

  it.each(CATEGORIES)("of category %s is kept from people by design only under the facility law", (category) => {
    const security = lawOf(category) === "security";
    const quiet = {
      priority: "low" as const,
      suppressedBy: OTHER.suppressedBy ?? [],
      autoAcknowledge: true,
      latching: false,
    };
    expect(fields(undefined, definition(category, quiet)).length > 0).toBe(security);
  });

  it("that is urgent or high does not end unseen", () => {
    expect(fields(undefined, definition("equipment", { autoAcknowledge: true }))).toEqual(["autoAcknowledge"]);
    expect(fields(undefined, definition("equipment", { autoAcknowledge: true, priority: "medium" }))).toEqual([]);
  });

  it("changes in the fields that say something else, in whatever order they are written", () => {
    const before = definition("comfort", { zone: "z" });
    const again = { ...Object.fromEntries(Object.entries(before).reverse()) } as AlarmDefinition;
    expect(changedFields(before, again)).toEqual([]);
    expect(changedFields(before, { ...again, message: "x", offDelayMs: 5 })).toEqual(["message", "offDelayMs"]);
  });
});

describe("a second person", () => {
  const door = definition("access", { onDelayMs: 2000 });

  it.each(NAMES)("is asked before the %s of a security alarm is changed, unless it is words alone", (name) => {
    const words = ["message", "messageEn", "response", "responseEn"];
    // a shorter delay lets it come sooner
    const asked = !words.includes(name) && name !== "onDelayMs";
    expect(needsSecondPerson(door, { ...door, [name]: OTHER[name] })).toBe(asked);
  });

  it("is asked before a security alarm is disabled, retired, delayed longer or made less urgent, not the other way round", () => {
    expect(needsSecondPerson(door, undefined)).toBe(true);
    expect(needsSecondPerson(door, { ...door, enabled: false })).toBe(true);
    expect(needsSecondPerson({ ...door, enabled: false }, { ...door, enabled: true })).toBe(false);
    expect(needsSecondPerson(door, { ...door, onDelayMs: 3000 })).toBe(true);
    expect(needsSecondPerson(door, { ...door, priority: "urgent" })).toBe(false);
    expect(needsSecondPerson(undefined, door)).toBe(false);
  });

  it("is not asked under the facility law", () => {
    const comfort = definition("comfort");
    expect(needsSecondPerson(comfort, undefined)).toBe(false);
    expect(needsSecondPerson(comfort, { ...comfort, enabled: false })).toBe(false);
  });
});
