import { describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { bench, told } from "./al-bench.ts";
import { intrusion, panel, panic, sample, texts, zone3 } from "./evaluator-fixtures.ts";

const zone = (n: number) => pointId(`${panel}/zone-${n}-alarm`);
const zones: readonly AlarmDefinition[] = Array.from({ length: 20 }, (_, at) => ({
  ...intrusion,
  id: `zone-${at}.intrusion`,
  zone: `zone-${at}`,
  condition: { type: "equals", point: zone(at), value: true },
}));
const panicButton: AlarmDefinition = {
  id: "panic",
  category: "panic",
  priority: "urgent",
  condition: { type: "equals", point: panic, value: true },
  onDelayMs: 5000,
  ...texts,
};

describe("IN-01 several zones at once", () => {
  it("IN-01 are all shown, in their order, each with its zone", () => {
    const { alarms } = bench(zones);
    const order = [7, 3, 11, 0, 19];
    const changes = order.flatMap((n) => alarms.onSample(sample(zone(n), true)));
    expect(changes.map(({ alarm, transition }) => [alarm.zone, transition])).toEqual(
      order.map((n) => [`zone-${n}`, "raised"]),
    );
    expect(alarms.alarms()).toHaveLength(order.length);
  });

  it("IN-01 loses no alarm of a zone that opens and closes within one moment", () => {
    const { alarms } = bench(zones);
    const changes = [true, false, true, false].flatMap((value) => alarms.onSample(sample(zone(1), value)));
    expect(changes.map(({ alarm, transition }) => [transition, alarm.occurrence])).toEqual([
      ["raised", 1],
      ["cleared", 1],
      ["raised", 2],
      ["cleared", 2],
    ]);
  });
});

describe("IN-02 the indication", () => {
  it("IN-02 is held until a person resets it: no time and no return of the zone ends it", () => {
    const { feed, act, letter, clock } = bench([intrusion]);
    feed(zone3, true);
    feed(zone3, false);
    clock.advance(7 * 24 * 3_600_000);
    expect(letter()).toBe("latched");
    act("acknowledge");
    expect(letter()).toBe("latched");
    act("reset");
    expect(letter()).toBe("A");
  });
});

describe("IN-03 panic", () => {
  it("IN-03 is never delayed, also where the configuration says so", () => {
    const { feed, letter } = bench([panicButton]);
    feed(panic, true);
    expect(letter()).toBe("B");
  });

  it("IN-03 latches by itself and cannot be disarmed by any act", () => {
    const { feed, act, letter, clock } = bench([panicButton]);
    feed(panic, true);
    const until = clock.now() + 1000;
    for (const action of ["shelve", "outOfService"] as const)
      expect(act(action, { until, reason: "r" }).refused?.code).toMatch(/FORBIDDEN/);
    feed(panic, false);
    expect(letter()).toBe("latched");
  });

  it("IN-03 is hidden by no logic: neither by a suppressor nor by the loss of its device", () => {
    const hidden = { ...panicButton, suppressedBy: [{ rule: "night", point: zone3, equals: true }] };
    const { feed, letter, alarms, clock } = bench([hidden]);
    feed(zone3, true);
    feed(panic, true);
    alarms.onDevice({ device: panel, online: false, at: clock.now() });
    expect(letter()).toBe("B");
  });
});

describe("IN-04 what alarms in both states of a zone", () => {
  const always = (["tamper", "open", "short", "mains", "battery"] as const).map(
    (what): AlarmDefinition => ({
      id: `zone-3.${what}`,
      category: what === "mains" || what === "battery" ? "system" : "tamper",
      priority: "high",
      condition: { type: "equals", point: pointId(`${panel}/zone-3-${what}`), value: true },
      zone: "zone-3",
      ...texts,
    }),
  );

  it("IN-04 tamper, line, power and battery alarm whether or not intrusion is out of service in their zone", () => {
    const { feed, act, letter } = bench([intrusion, ...always]);
    feed(zone3, true);
    act("outOfService", { reason: "撤防" }, intrusion.id);
    expect(letter(intrusion.id)).toBe("G");
    for (const { id, condition } of always) {
      if (condition.type === "equals") feed(pointId(condition.point), true);
      expect([id, letter(id)]).toEqual([id, "B"]);
    }
  });

  it("IN-04 tamper is an alarm of its own beside the intrusion of its zone", () => {
    const { alarms } = bench([intrusion, ...always]);
    alarms.onSample(sample(zone3, true));
    alarms.onSample(sample(pointId(`${panel}/zone-3-tamper`), true));
    expect(new Set(alarms.alarms().map(({ id }) => id)).size).toBe(2);
  });

  it("IN-04 the loss of the panel is an alarm, and the zone in alarm stays shown", () => {
    const { feed, alarms, letter, clock } = bench([intrusion]);
    feed(zone3, true);
    const changes = alarms.onDevice({ device: panel, online: false, at: clock.now() });
    expect(told(changes)).toEqual([`comm:${panel} raised`, "zone-3.intrusion stale"]);
    expect(letter()).toBe("B");
  });
});

describe("IN-05 warning again", () => {
  it("IN-05 a new intrusion in a zone that is still latched is another occurrence, unacknowledged", () => {
    const { feed, act, letter, alarm } = bench([intrusion]);
    feed(zone3, true);
    act("acknowledge");
    feed(zone3, false);
    feed(zone3, true);
    expect([letter(), alarm()?.occurrence, alarm()?.acknowledged]).toEqual(["B", 2, false]);
  });

  it("IN-05 an intrusion that lasts calls again after its time although it was acknowledged", () => {
    const { feed, act, letter, clock, alarm } = bench([{ ...intrusion, reAlarmMs: 30_000 }]);
    feed(zone3, true);
    act("acknowledge");
    clock.advance(30_000);
    expect([letter(), alarm()?.occurrence]).toEqual(["B", 2]);
  });
});

describe("IN-06, IN-07 power loss and journal", () => {
  it("IN-06 what was latched, acknowledged or out of service is so after the power returns", () => {
    const first = bench([...zones]);
    for (const n of [1, 2, 3]) first.feed(zone(n), true);
    first.feed(zone(1), false);
    first.act("acknowledge", {}, "zone-2.intrusion");
    first.act("outOfService", { reason: "旁路" }, "zone-3.intrusion");
    const second = bench([...zones], { restored: JSON.parse(JSON.stringify(first.alarms.snapshot())) });
    expect([1, 2, 3].map((n) => second.letter(`zone-${n}.intrusion`))).toEqual(["latched", "C", "G"]);
  });

  it("IN-07 every alarm, return, acknowledgement, isolation and reset is told with who and why", () => {
    const { feed, act } = bench([intrusion]);
    const journal = [
      feed(zone3, true),
      act("outOfService", { reason: "旁路" }).changes,
      act("returnToService").changes,
      feed(zone3, false),
      act("acknowledge", { reason: "误报" }).changes,
      act("reset").changes,
    ].flat();
    expect(journal.map(({ transition, actor, comment }) => [transition, actor, comment])).toEqual([
      ["raised", undefined, undefined],
      ["outOfService", "li.wei", "旁路"],
      ["returnedToService", "li.wei", undefined],
      ["cleared", undefined, undefined],
      ["acknowledged", "li.wei", "误报"],
      ["reset", "li.wei", undefined],
    ]);
  });
});
