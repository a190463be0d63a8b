import { describe, expect, it } from "vitest";
import { acknowledgeBlocked, resetBlocked } from "#cloud/console/live/alarm-acts.ts";
import { filterAlarms, isFiltering, NO_FILTER } from "#cloud/console/live/alarm-filter.ts";
import { asksForAttention, compareAlarms, countAlarms, shownState } from "#cloud/console/live/alarm-order.ts";
import { gridAct } from "#cloud/console/pages/alarms/grid-keys.ts";
import { alarmView } from "./alarm-fixture.ts";

const ALL = new Set(["alarm.acknowledge", "alarm.reset"]);

describe("the order of the alarm list", () => {
  it("puts unacknowledged before cleared and latched before acknowledged before suppressed", () => {
    const list = [
      alarmView("shelved", { law: "facility", suppression: ["shelved"], state: "E" }),
      alarmView("acked", { acknowledged: true, state: "C" }),
      alarmView("waits", { acknowledged: true, condition: "latched", state: "latched" }),
      alarmView("cleared", { law: "facility", condition: "inactive", state: "D" }),
      alarmView("new", { priority: "low" }),
    ];
    expect(list.sort(compareAlarms).map(({ id }) => id)).toEqual(["new", "cleared", "waits", "acked", "shelved"]);
  });

  it("keeps an unacknowledged security alarm on top when its condition is gone: a pulse is an alarm", () => {
    const pulse = alarmView("pulse", { condition: "latched", live: false, state: "latched" });
    const acked = alarmView("acked", { acknowledged: true, state: "C" });
    expect([acked, pulse].sort(compareAlarms)[0]).toBe(pulse);
  });

  it("goes by priority, then the newest first", () => {
    const list = [
      alarmView("old", { raisedAt: "2026-11-21T07:00:00.000Z" }),
      alarmView("medium", { priority: "medium", raisedAt: "2026-11-21T09:00:00.000Z" }),
      alarmView("newest", { raisedAt: "2026-11-21T08:30:00.000Z" }),
    ];
    expect(list.sort(compareAlarms).map(({ id }) => id)).toEqual(["newest", "old", "medium"]);
  });

  it("counts open and unacknowledged ones of each priority, without the suppressed", () => {
    const counts = countAlarms([
      alarmView("a"),
      alarmView("b", { acknowledged: true }),
      alarmView("c", { suppression: ["outOfService"] }),
    ]);
    expect(counts.urgent).toEqual({ open: 2, unacknowledged: 1 });
  });

  it("names a latched alarm by its acknowledgement", () => {
    expect(shownState(alarmView("a", { state: "latched" }))).toBe("latchedUnacknowledged");
    expect(shownState(alarmView("a", { state: "latched", acknowledged: true }))).toBe("latched");
    expect(asksForAttention(alarmView("a", { suppression: ["shelved"] }))).toBe(false);
  });
});

describe("what may be done with an alarm", () => {
  it("acknowledges once, and only with the permission", () => {
    expect(acknowledgeBlocked(alarmView("a"), ALL)).toBeUndefined();
    expect(acknowledgeBlocked(alarmView("a", { acknowledged: true }), ALL)).toBe("alreadyAcknowledged");
    expect(acknowledgeBlocked(alarmView("a"), new Set())).toBe("noPermission");
  });

  it("resets a security alarm only when its zone is clear and it is acknowledged [GB 50394 5.2.3]", () => {
    const clear = { live: false, condition: "latched", state: "latched" } as const;
    expect(resetBlocked(alarmView("a", { acknowledged: true }), ALL)).toBe("stillActive");
    expect(resetBlocked(alarmView("a", clear), ALL)).toBe("notAcknowledged");
    expect(resetBlocked(alarmView("a", { ...clear, acknowledged: true }), ALL)).toBeUndefined();
    expect(resetBlocked(alarmView("a", { ...clear, acknowledged: true }), new Set())).toBe("noPermission");
  });

  it("never resets a facility alarm: it clears by itself", () => {
    expect(resetBlocked(alarmView("a", { law: "facility", acknowledged: true }), ALL)).toBe("facilityLaw");
  });
});

describe("the filter", () => {
  const inside = (space: string | undefined, area: string): boolean => space === area;
  const words = ({ message, messageEn }: { message: string; messageEn: string }): string => `${message} ${messageEn}`;
  const list = [
    alarmView("a"),
    alarmView("b", { priority: "low", law: "facility", category: "comfort", area: "room", messageEn: "Too warm" }),
    alarmView("c", { acknowledged: true }),
  ];
  const found = (change: Partial<typeof NO_FILTER>): string =>
    filterAlarms(list, { ...NO_FILTER, ...change }, inside, words)
      .map(({ id }) => id)
      .join("");

  it("lets everything through when it is off, without a copy", () => {
    expect(filterAlarms(list, NO_FILTER, inside, words)).toBe(list);
    expect(isFiltering(NO_FILTER)).toBe(false);
    expect(isFiltering({ ...NO_FILTER, q: "  " })).toBe(false);
  });

  it("narrows by priority, state, law, category, area and words", () => {
    expect(found({ priorities: new Set(["low"]) })).toBe("b");
    expect(found({ state: "unacknowledged" })).toBe("ab");
    expect(found({ law: "security" })).toBe("ac");
    expect(found({ category: "comfort" })).toBe("b");
    expect(found({ area: "wall-1" })).toBe("ac");
    expect(found({ q: "WARM" })).toBe("b");
    expect(found({ law: "security", state: "unacknowledged" })).toBe("a");
  });
});

describe("the keys of the alarm list", () => {
  it("moves inside the list and stops at its ends", () => {
    expect(gridAct("j", 0, 3)).toEqual({ do: "move", to: 1 });
    expect(gridAct("ArrowDown", 2, 3)).toEqual({ do: "move", to: 2 });
    expect(gridAct("k", -1, 3)).toEqual({ do: "move", to: 0 });
    expect(gridAct("End", 0, 3)).toEqual({ do: "move", to: 2 });
    expect(gridAct("j", -1, 0)).toBeUndefined();
  });

  it("selects, acknowledges, resets and searches, and leaves other keys alone", () => {
    expect(gridAct(" ", 0, 1)).toEqual({ do: "tick" });
    expect(gridAct("a", 0, 1)).toEqual({ do: "acknowledge" });
    expect(gridAct("r", 0, 1)).toEqual({ do: "reset" });
    expect(gridAct("/", 0, 1)).toEqual({ do: "search" });
    expect(gridAct("Escape", 0, 1)).toEqual({ do: "untick" });
    expect(gridAct("Tab", 0, 1)).toBeUndefined();
  });
});
