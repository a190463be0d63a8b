import { describe, expect, it } from "vitest";
import { type AlarmFilter, NO_FILTER } from "#cloud/console/live/alarm-filter.ts";
import { MOST_SAVED, packFilters, unpackFilters, withFilter } from "#cloud/console/live/alarm-saved-filters.ts";
import { Preferences } from "#cloud/console/preferences.ts";

const FILTER: AlarmFilter = { ...NO_FILTER, priorities: new Set(["urgent", "high"]), law: "security", q: "北门" };

function memory(kept: Record<string, string> = {}) {
  const values = new Map(Object.entries(kept));
  return {
    values,
    read: (name: string) => values.get(name) ?? null,
    write: (name: string, value: string) => void values.set(name, value),
  };
}
const BROWSER = { languages: ["zh-CN"], dark: false, mark: "a1b2" };

describe("saved filters", () => {
  it("come back as they were saved", () => {
    const saved = [{ name: "夜班", filter: FILTER }];
    expect(unpackFilters(packFilters(saved))).toEqual(saved);
  });

  it("are none where a browser remembers something else", () => {
    expect(unpackFilters(null)).toEqual([]);
    expect(unpackFilters("{")).toEqual([]);
    expect(unpackFilters('{"a":1}')).toEqual([]);
    expect(unpackFilters('[1, {"name": 3}, {"name": "x"}]')).toEqual([]);
  });

  it("drop values that are not known", () => {
    const text = JSON.stringify([
      { name: "x", filter: { priorities: ["urgent", "worst"], state: "odd", law: 3, q: 1 } },
    ]);
    expect(unpackFilters(text)).toEqual([{ name: "x", filter: { ...NO_FILTER, priorities: new Set(["urgent"]) } }]);
  });

  it("replace one of the same name, and end at a limit", () => {
    const once = withFilter([], "夜班", NO_FILTER) ?? [];
    expect(withFilter(once, "夜班", FILTER)).toEqual([{ name: "夜班", filter: FILTER }]);
    const full = Array.from({ length: MOST_SAVED }, (_, index) => ({ name: String(index), filter: NO_FILTER }));
    expect(withFilter(full, "one more", FILTER)).toBeUndefined();
  });
});

describe("the workplace", () => {
  it("has a made-up name that stays until it is changed [AL-02]", () => {
    const kept = memory();
    expect(new Preferences(kept, BROWSER).workplace.get()).toBe("工作台-a1b2");
    const again = new Preferences(kept, { ...BROWSER, mark: "zzzz" });
    expect(again.workplace.get()).toBe("工作台-a1b2");
    expect(again.workplaceKept.get()).toBe(false);
    again.setWorkplace("  消防控制室 1 号台 ");
    const third = new Preferences(kept, BROWSER);
    expect([third.workplace.get(), third.workplaceKept.get()]).toEqual(["消防控制室 1 号台", true]);
  });

  it("keeps its name when an empty one is given, and asks no more", () => {
    const preferences = new Preferences(memory(), BROWSER);
    preferences.setWorkplace("   ");
    expect([preferences.workplace.get(), preferences.workplaceKept.get()]).toEqual(["工作台-a1b2", true]);
  });

  it("takes no loudness that makes no sense", () => {
    expect(new Preferences(memory({ "parkhub.volume": "loud" }), BROWSER).volume.get()).toBe(0.5);
    expect(new Preferences(memory({ "parkhub.volume": "7" }), BROWSER).volume.get()).toBe(0.5);
    expect(new Preferences(memory({ "parkhub.volume": "0" }), BROWSER).volume.get()).toBe(0);
  });
});
