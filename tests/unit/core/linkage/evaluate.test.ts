import { describe, expect, it } from "vitest";
import { localTime } from "#core/linkage/condition.ts";
import { type Decision, EMPTY_MEMORY, evaluate, type RuleMemory, type Trigger } from "#core/linkage/evaluate.ts";
import type { Rule, RuleGroup, RuleTrigger } from "#core/linkage/rule.ts";
import { compare } from "#core/linkage/trigger.ts";
import { camera, facts, intrusion, light, lux, NOW, raisedNow, rule, sample, zone3 } from "./fixtures.ts";

const decide = (
  one: Rule,
  { trigger = raisedNow(), samples = [] as Parameters<typeof facts>[0], memory = EMPTY_MEMORY, now = NOW } = {},
): Decision | undefined => evaluate(one, trigger, facts(samples, { now }), memory);
const outcome = (...given: Parameters<typeof decide>) => decide(...given)?.outcome;
const when = (trigger: RuleTrigger) => rule({ when: trigger, then: [{ action: "snapshot", params: { camera } }] });

describe("triggers", () => {
  it("fires on an alarm of the class and kind of zone that the rule names", () => {
    expect(decide(rule())).toMatchObject({
      outcome: "fired",
      reason: "alarm zone-3.intrusion raised, occurrence 1, zone zone-3",
    });
  });

  it.each([
    { category: "fire" },
    { priority: "low" },
    { definition: "zone-4.intrusion" },
    { zone: "zone-4" },
    { zoneKind: "interior" },
    { partition: "hall" },
  ] as const)("does not listen to an alarm that one filter excludes: %o", (filter) => {
    expect(decide(when({ type: "alarmRaised", ...filter }))).toBeUndefined();
  });

  it("fires when every filter fits and when there is none", () => {
    const all = { category: "intrusion", priority: "urgent", definition: "zone-3.intrusion", zone: "zone-3" } as const;
    expect(outcome(when({ type: "alarmRaised", ...all, zoneKind: "perimeter", partition: "fence" }))).toBe("fired");
    expect(outcome(when({ type: "alarmRaised" }))).toBe("fired");
  });

  it.each([
    ["alarmRaised", "raised"],
    ["alarmCleared", "cleared"],
    ["alarmAcknowledged", "acknowledged"],
    ["alarmReset", "reset"],
  ] as const)("%s listens to the transition %s only", (type, transition) => {
    const heard = (["raised", "cleared", "acknowledged", "reset", "stale"] as const).filter(
      (one) =>
        decide(when({ type }), { trigger: { type: "alarm", transition: one, alarm: intrusion() } }) !== undefined,
    );
    expect(heard).toEqual([transition]);
  });

  it("fires at the beginning of a device event, not at its end", () => {
    const event = (fields: object): Trigger => ({
      type: "deviceEvent",
      event: { id: "e", device: camera, kind: "lineCrossed", observedAt: NOW, ...fields },
    });
    const one = when({ type: "deviceEvent", kind: "lineCrossed", device: camera });
    const heard = [{}, { state: true }, { state: false }, { kind: "motion" }, { device: "park/gw-1/camera-9" }];
    expect(heard.map((fields) => outcome(one, { trigger: event(fields) }))).toEqual([
      "fired",
      "fired",
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("fires when a point's condition begins to hold, and not while it goes on or on a bad value", () => {
    const one = when({ type: "point", point: lux, operator: "<", value: 20 });
    const change = (now: ReturnType<typeof sample>, previous?: ReturnType<typeof sample>): Trigger => ({
      type: "point",
      sample: now,
      ...(previous === undefined ? {} : { previous }),
    });
    const bad = sample(10, { quality: "bad", reason: "commLost" });
    expect(outcome(one, { trigger: change(sample(10), sample(30)) })).toBe("fired");
    expect(outcome(one, { trigger: change(sample(10)) })).toBe("fired");
    expect(outcome(one, { trigger: change(sample(10), bad) })).toBe("fired");
    expect(outcome(one, { trigger: change(sample(9), sample(10)) })).toBeUndefined();
    expect(outcome(one, { trigger: change(sample(30), sample(10)) })).toBeUndefined();
    expect(outcome(one, { trigger: change(bad, sample(30)) })).toBeUndefined();
  });

  it("compares numbers by order and everything by equality, without converting", () => {
    expect(compare(2, ">", 1) && compare(2, ">=", 2) && compare(1, "<", 2) && compare(2, "<=", 2)).toBe(true);
    expect(compare("2", ">", 1) || compare(true, "=", 1) || compare(null, "<", 1)).toBe(false);
    expect(compare(null, "=", null) && compare(1, "!=", true)).toBe(true);
  });
});

describe("hindrances", () => {
  it("says that a rule is switched off, but only on a trigger it listens to", () => {
    expect(outcome(rule({ enabled: false }))).toBe("disabled");
    expect(outcome(rule({ enabled: false, when: { type: "alarmRaised", category: "fire" } }))).toBeUndefined();
  });

  it("does nothing for an alarm that is not announced", () => {
    expect(decide(rule(), { trigger: raisedNow({ suppression: ["outOfService"] }) })).toMatchObject({
      outcome: "suppressed",
      reason: expect.stringContaining("outOfService"),
      effects: [],
    });
  });

  it("says which operand was false, with its value and its age", () => {
    const dark: RuleGroup = { match: "all", tests: [{ type: "point", point: lux, operator: "<", value: 20 }] };
    expect(decide(rule({ if: [dark] }), { samples: [sample(35)] })).toMatchObject({
      outcome: "conditionFalse",
      reason: `point ${lux} = 35, expected < 20, 1500 ms old`,
      effects: [],
    });
    expect(outcome(rule({ if: [dark] }), { samples: [sample(19)] })).toBe("fired");
  });

  it.each(["all", "any", "none"] as const)("is held back by a value that is not good in a group of %s", (match) => {
    const group: RuleGroup = { match, tests: [{ type: "point", point: lux, operator: "<", value: 20 }] };
    expect(
      decide(rule({ if: [group] }), { samples: [sample(10, { quality: "uncertain", reason: "stale" })] }),
    ).toMatchObject({
      outcome: "inputStale",
      reason: `point ${lux} is uncertain (stale), 1500 ms old`,
    });
    expect(decide(rule({ if: [group] }))).toMatchObject({
      outcome: "inputStale",
      reason: `point ${lux} was never heard of`,
    });
  });

  it("needs all, one or none of a group and every group", () => {
    const other = { ...sample(1), point: light as typeof lux };
    const dark = { type: "point", point: lux, operator: "<", value: 20 } as const;
    const on = { type: "point", point: light, operator: "=", value: 1 } as const;
    const test = (match: RuleGroup["match"], level: number) =>
      outcome(rule({ if: [{ match, tests: [dark, on] }] }), { samples: [sample(level), other] });
    expect([test("all", 10), test("all", 30)]).toEqual(["fired", "conditionFalse"]);
    expect([test("any", 30), test("none", 10)]).toEqual(["fired", "conditionFalse"]);
    const both = rule({
      if: [
        { match: "all", tests: [on] },
        { match: "none", tests: [dark] },
      ],
    });
    expect(outcome(both, { samples: [sample(30), other] })).toBe("fired");
    expect(outcome(both, { samples: [sample(10), other] })).toBe("conditionFalse");
  });

  it("lets a good value decide a group of any while another is stale", () => {
    const group: RuleGroup = {
      match: "any",
      tests: [
        { type: "point", point: light, operator: "=", value: true },
        { type: "point", point: lux, operator: "<", value: 20 },
      ],
    };
    expect(outcome(rule({ if: [group] }), { samples: [sample(10)] })).toBe("fired");
  });

  it.each([
    ["18:00", "06:00", "fired"],
    ["20:30", "20:31", "fired"],
    ["20:31", "20:30", "outsideSchedule"],
    ["08:00", "20:30", "outsideSchedule"],
    ["00:00", "00:00", "fired"],
  ])("asks the clock of the site: from %s to %s at 20:30 local time is %s", (from, to, expected) => {
    expect(outcome(rule({ if: [{ match: "all", tests: [{ type: "time", from, to }] }] }))).toBe(expected);
  });

  it("knows local time across a change of daylight saving time and at midnight", () => {
    const spring = Date.UTC(2026, 2, 29, 0, 59);
    expect([localTime(spring, "Europe/Berlin"), localTime(spring + 60_000, "Europe/Berlin")]).toEqual([
      "01:59",
      "03:00",
    ]);
    expect(localTime(Date.UTC(2026, 0, 5, 16), "Asia/Shanghai")).toBe("00:00");
  });

  it("waits out its cooldown for the same zone but not for another", () => {
    const one = rule({ cooldownMs: 10_000 });
    const first = decide(one);
    const memory = first?.memory as RuleMemory;
    expect(decide(one, { memory, now: NOW + 9999 })).toMatchObject({
      outcome: "cooldown",
      reason: "fired for zone-3 9999 ms ago, cooldown 10000 ms",
    });
    expect(outcome(one, { memory, now: NOW + 10_000 })).toBe("fired");
    const any = rule({ cooldownMs: 10_000, when: { type: "alarmRaised" } });
    expect(outcome(any, { memory, trigger: raisedNow({ zone: "zone-4" }) })).toBe("fired");
  });

  it("is not held back by a firing that a clock set back puts into the future", () => {
    const one = rule({ cooldownMs: 10_000, maxPerMinute: 1 });
    expect(outcome(one, { memory: decide(one)?.memory as RuleMemory, now: NOW - 3_600_000 })).toBe("fired");
  });

  it("breaks a loop at its rate per minute", () => {
    const one = rule({ maxPerMinute: 3 });
    let memory = EMPTY_MEMORY;
    const seen = [0, 1, 2, 3, 60_000].map((ms) => {
      const decision = decide(one, { memory, now: NOW + ms });
      memory = decision?.memory ?? memory;
      return decision?.outcome;
    });
    expect(seen).toEqual(["fired", "fired", "fired", "rateLimited", "fired"]);
  });

  it("leaves its memory as it was when it does not fire", () => {
    expect(decide(rule({ enabled: false }))?.memory).toBe(EMPTY_MEMORY);
  });

  it("keeps no memory of zones whose cooldown is over", () => {
    const one = rule({ cooldownMs: 1000, when: { type: "alarmRaised" } });
    const first = decide(one)?.memory as RuleMemory;
    const later = decide(one, { memory: first, now: NOW + 120_000, trigger: raisedNow({ zone: "zone-4" }) })?.memory;
    expect(later).toEqual({ firedAt: { "zone-4": NOW + 120_000 }, lastMinute: [NOW + 120_000] });
  });
});

describe("effects", () => {
  it("plans every step in the order of its groups, with what the zone names", () => {
    expect(decide(rule())?.effects).toEqual([
      {
        index: 0,
        action: "writePoint",
        group: 0,
        onFailure: "continue",
        timeoutMs: 5000,
        status: "planned",
        target: light,
        effects: [{ kind: "write", point: light, value: true, priority: 8, leaseMs: 60_000 }],
      },
      {
        index: 1,
        action: "ptzPreset",
        group: 0,
        onFailure: "continue",
        timeoutMs: 5000,
        status: "planned",
        target: camera,
        effects: [{ kind: "ptzPreset", device: camera, preset: "7" }],
      },
      {
        index: 3,
        action: "notifyConsole",
        group: 0,
        onFailure: "continue",
        timeoutMs: 5000,
        status: "planned",
        effects: [{ kind: "notifyConsole", text: "周界入侵", textEn: "Fence intrusion", popup: true, camera }],
      },
      {
        index: 2,
        action: "snapshot",
        group: 1,
        onFailure: "stop",
        timeoutMs: 2000,
        status: "planned",
        target: camera,
        effects: [{ kind: "snapshot", device: camera }],
      },
    ]);
  });

  it("skips a step whose zone has no light, camera or preset and still tells the console", () => {
    const { camera: _c, preset: _p, light: _l, ...bare } = zone3;
    const decision = evaluate(rule(), raisedNow(), facts([], { zone: () => bare }), EMPTY_MEMORY);
    expect(decision?.outcome).toBe("fired");
    expect(decision?.effects.map(({ action, status, detail }) => [action, status, detail])).toEqual([
      ["writePoint", "skipped", "zone zone-3 has no light"],
      ["ptzPreset", "skipped", "zone zone-3 has no camera"],
      ["notifyConsole", "planned", "zone zone-3 has no camera"],
      ["snapshot", "skipped", "zone zone-3 has no camera"],
    ]);
    expect(decision?.effects[2]?.effects).toEqual([
      { kind: "notifyConsole", text: "周界入侵", textEn: "Fence intrusion", popup: true },
    ]);
  });

  it("skips what needs a zone when the trigger has none", () => {
    const { zone: _, ...rest } = intrusion();
    const one = rule({ when: { type: "alarmRaised" } });
    const decision = decide(one, { trigger: { type: "alarm", transition: "raised", alarm: rest } });
    expect(decision?.effects[0]).toMatchObject({ status: "skipped", detail: "the trigger has no zone" });
  });

  it.each([
    [{ action: "openSesame", params: {} }, "step 1 (openSesame): no such action"],
    [{ action: "writePoint", params: { point: light, value: 1, priority: 17 } }, "params/priority must be <= 16"],
    [{ action: "writePoint", params: { point: "light", value: 1 } }, "params/point must match pattern"],
    [{ action: "snapshot", params: {} }, "camera"],
    [{ action: "snapshot", params: { camera, zoom: 2 } }, "additional properties"],
    [{ action: "ptzPreset", params: { camera: light, preset: "1" } }, "params/camera must match pattern"],
  ])("refuses the rule and does nothing when a step is wrong: %o", (step, reason) => {
    const good = { action: "snapshot", params: { camera } };
    const decision = decide(rule({ then: [step, good] }));
    expect(decision).toMatchObject({ outcome: "actionRefused", effects: [], memory: EMPTY_MEMORY });
    expect(decision?.reason).toContain(reason);
  });
});
