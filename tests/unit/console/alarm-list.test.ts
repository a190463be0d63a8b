import { describe, expect, it } from "vitest";
import {
  ACT_PERMISSIONS,
  acknowledgeBlocked,
  actBlocked,
  actsAtOnce,
  commentNeeded,
  resetBlocked,
} from "#cloud/console/live/alarm-acts.ts";
import {
  ALARM_TABS,
  type AlarmTab,
  alarmsOfTab,
  filterAlarms,
  isFiltering,
  NO_FILTER,
} from "#cloud/console/live/alarm-filter.ts";
import { asksForAttention, compareAlarms, isOpen, shownState } from "#cloud/console/live/alarm-order.ts";
import { AlarmCounter, countAttention, countHeldBack } from "#cloud/console/live/alarm-tally.ts";
import { LiveCollection } from "#cloud/console/live/collection.ts";
import { gridAct } from "#cloud/console/pages/alarms/grid-keys.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { alarmView } from "./alarm-fixture.ts";

/** A collection of alarms and the count of it. */
function counting(items: readonly AlarmView[]) {
  const alarms = new LiveCollection<AlarmView>({
    idOf: ({ id }) => id,
    compare: compareAlarms,
    keep: isOpen,
    schedule: (callback) => callback(),
  });
  const { tally } = new AlarmCounter(alarms);
  alarms.apply({ t: "snap", id: "v", epoch: "e", seq: 1, items });
  return { alarms, tally };
}

const ALL = new Set(Object.values(ACT_PERMISSIONS));

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
    const { tally } = counting([
      alarmView("a"),
      alarmView("b", { acknowledged: true }),
      alarmView("c", { suppression: ["outOfService"] }),
    ]);
    expect(tally.get().priorities.urgent).toEqual({ open: 2, unacknowledged: 1 });
    expect(countAttention(tally.get())).toBe(1);
    expect(countHeldBack(tally.get())).toBe(1);
  });

  it("counts the same after many single changes as after a list of what came of them", () => {
    const { alarms, tally } = counting([alarmView("a"), alarmView("b")]);
    const change = (up: readonly AlarmView[], rm: readonly string[]): void =>
      alarms.apply({ t: "delta", id: "v", epoch: "e", seq: 2, up, rm });
    change([alarmView("a", { acknowledged: true }), alarmView("c", { priority: "low" })], []);
    change(
      [alarmView("c", { priority: "high", suppression: ["shelved"] }), alarmView("d", { priority: "low" })],
      ["b"],
    );
    change([alarmView("d", { priority: "medium" })], ["nobody knows it"]);
    change([alarmView("a", { state: "A" })], []);
    expect(tally.get()).toEqual(counting(alarms.items()).tally.get());
    expect(tally.get().tabs).toEqual({ active: 1, shelved: 1, suppressed: 0, outOfService: 0 });
    alarms.clear();
    expect(tally.get()).toEqual(counting([]).tally.get());
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

describe("what else may be done with an alarm", () => {
  const facility = { law: "facility", category: "equipment", priority: "high" } as const;

  it("shelves neither the security law nor what is urgent [AL-10]", () => {
    expect(actBlocked("shelve", alarmView("a"), ALL)).toBe("securityLaw");
    expect(actBlocked("shelve", alarmView("a", { ...facility, priority: "urgent" }), ALL)).toBe("urgentNotShelved");
    expect(actBlocked("shelve", alarmView("a", facility), ALL)).toBeUndefined();
    const shelved = alarmView("a", { ...facility, suppression: ["shelved"], state: "E" });
    expect(actBlocked("shelve", shelved, ALL)).toBe("alreadyShelved");
    expect(actBlocked("unshelve", shelved, ALL)).toBeUndefined();
  });

  it("never takes a panic alarm out of service [IN-03]", () => {
    expect(actBlocked("outOfService", alarmView("a", { category: "panic" }), ALL)).toBe("alwaysInService");
    expect(actBlocked("outOfService", alarmView("a", facility), ALL)).toBeUndefined();
    const held = alarmView("a", { ...facility, suppression: ["outOfService"], state: "G" });
    expect(actBlocked("returnToService", held, ALL)).toBeUndefined();
  });

  it("does nothing to a closed alarm but comment it", () => {
    const closed = alarmView("a", { ...facility, state: "A", acknowledged: true });
    expect(actBlocked("shelve", closed, ALL)).toBe("closed");
    expect(actBlocked("comment", closed, ALL)).toBeUndefined();
  });

  it("asks for a word with urgent acknowledgements, security resets, shelving and taking out of service", () => {
    expect(commentNeeded("acknowledge", alarmView("a"))).toBe(true);
    expect(commentNeeded("acknowledge", alarmView("a", facility))).toBe(false);
    expect(commentNeeded("reset", alarmView("a", { priority: "low" }))).toBe(true);
    expect(commentNeeded("shelve", alarmView("a", facility))).toBe(true);
    expect(actsAtOnce("acknowledge", alarmView("a", facility))).toBe(true);
    expect(actsAtOnce("acknowledge", alarmView("a"))).toBe(false);
    expect(actsAtOnce("comment", alarmView("a", facility))).toBe(false);
  });
});

describe("the lists of the page", () => {
  it("part the open alarms without losing one", () => {
    const list = [
      alarmView("a"),
      alarmView("b", { suppression: ["shelved"], state: "E" }),
      alarmView("c", { suppression: ["byDesign"], state: "F" }),
      alarmView("d", { suppression: ["shelved", "outOfService"], state: "G" }),
    ];
    expect(counting(list).tally.get().tabs).toEqual({ active: 1, shelved: 1, suppressed: 1, outOfService: 1 });
    const inOrder = [...list, alarmView("e")].sort(compareAlarms);
    const idsOf = (tab: AlarmTab): string =>
      alarmsOfTab(inOrder, tab)
        .map(({ id }) => id)
        .join("");
    expect(ALARM_TABS.map(idsOf)).toEqual(["ae", "b", "c", "d"]);
    expect(alarmsOfTab([], "active")).toEqual([]);
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
    expect(found({ state: "latched" })).toBe("");
    expect(found({ category: "comfort" })).toBe("b");
    expect(found({ area: "wall-1" })).toBe("ac");
    expect(found({ q: "WARM" })).toBe("b");
    expect(found({ law: "security", state: "unacknowledged" })).toBe("a");
  });
});

describe("the keys of the alarm list", () => {
  const pressed = (key: string, at: number, rows: number) => gridAct({ key }, at, rows);

  it("moves inside the list and stops at its ends", () => {
    expect(pressed("j", 0, 3)).toEqual({ do: "move", to: 1 });
    expect(pressed("ArrowDown", 2, 3)).toEqual({ do: "move", to: 2 });
    expect(pressed("k", -1, 3)).toEqual({ do: "move", to: 0 });
    expect(pressed("End", 0, 3)).toEqual({ do: "move", to: 2 });
    expect(pressed("j", -1, 0)).toBeUndefined();
  });

  it("selects while it moves with Shift, and everything with Ctrl+A", () => {
    expect(gridAct({ key: "ArrowDown", shift: true }, 0, 3)).toEqual({ do: "move", to: 1, ticking: true });
    expect(gridAct({ key: "a", control: true }, 0, 3)).toEqual({ do: "tickAll" });
    expect(gridAct({ key: "A", control: true }, 0, 3)).toEqual({ do: "tickAll" });
    expect(gridAct({ key: "r", control: true }, 0, 3)).toBeUndefined();
  });

  it("has a key for every act, and leaves other keys alone", () => {
    const acts = { a: "acknowledge", r: "reset", s: "shelving", o: "service", c: "comment", i: "assign" };
    for (const [key, act] of Object.entries(acts)) expect(pressed(key, 0, 1)).toEqual({ do: "act", act });
    expect(pressed("A", 0, 1)).toEqual({ do: "act", act: "acknowledge" });
    expect(pressed(" ", 0, 1)).toEqual({ do: "tick" });
    expect(pressed("m", 0, 1)).toEqual({ do: "silence" });
    expect(pressed("/", 0, 1)).toEqual({ do: "search" });
    expect(pressed("?", 0, 1)).toEqual({ do: "help" });
    expect(pressed("Escape", 0, 1)).toEqual({ do: "untick" });
    expect(pressed("Tab", 0, 1)).toBeUndefined();
    expect(pressed("constructor", 0, 1)).toBeUndefined();
  });
});
