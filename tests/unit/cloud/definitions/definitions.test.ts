import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Definitions } from "#cloud/definitions/service.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { DomainBench, type Domains, LI, NOON, WANG } from "../domain-bench.ts";
import { DETECTOR, GW1, GW2, LABEL, LIGHT, SETPOINT, smallPark, TEMPERATURE } from "../small-park.ts";

const PANIC: AlarmDefinition = {
  id: "panic",
  category: "panic",
  priority: "urgent",
  condition: { type: "equals", point: DETECTOR, value: true },
  message: "紧急按钮",
  messageEn: "Panic button",
};

let bench: DomainBench;
let park: Domains;
let definitions: Definitions;

beforeEach(async () => {
  bench = new DomainBench();
  const site = smallPark();
  park = await bench.open({ ...site, alarms: [...site.alarms, PANIC], alarmProfiles: { "ahu-1.high": "ahu" } });
  definitions = park.definitions;
});
afterEach(() => bench.clear());

const change = (definition: string, to: Parameters<Definitions["change"]>[0]["change"], revision = 1, actor = LI) =>
  definitions.change({ definition, change: to, why: "because", actor, revision });
const inBundle = (id: string, gateway = GW1) =>
  park.catalog.bundle(gateway)?.bundle.alarms.find((alarm) => alarm.id === id);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "done";
};
const audited = () => park.audit.list({ limit: 20 }).items.map(({ actor, action, target }) => [actor, action, target]);

describe("a definition", () => {
  it("is listed with where it comes from, where it runs and which rules name it", () => {
    const views = definitions.list();
    expect(
      views.map(({ definition, origin, runsOn, area, law }) => [definition.id, origin, runsOn, area, law]),
    ).toEqual([
      ["zone-1.intrusion", "site", [GW1], "fence", "security"],
      ["ahu-1.high", "profile", [GW1], "floor-1", "facility"],
      ["panic", "site", [GW1], "fence", "security"],
    ]);
    expect(definitions.get("ahu-1.high")).toMatchObject({ profile: "ahu", revision: 1, enabled: true, rules: [] });
    expect(definitions.list(new Set(["floor-1"])).map(({ definition }) => definition.id)).toEqual(["ahu-1.high"]);
  });

  it("is changed as a version of the site with old, new, who and why, and reaches its gateway's bundle [AL-18]", () => {
    const told: number[] = [];
    park.catalog.onChange(() => told.push(park.catalog.version));
    const condition = { type: "above", point: TEMPERATURE, limit: 28, deadband: 2 } as const;
    const outcome = change("ahu-1.high", { condition, priority: "high", response: null, onDelayMs: 5000 });
    expect(outcome).toMatchObject({ status: "done", definition: { revision: 2, changedBy: "li.wei" } });
    expect(inBundle("ahu-1.high")).toMatchObject({ condition, priority: "high", onDelayMs: 5000 });
    expect(inBundle("ahu-1.high")).not.toHaveProperty("response");
    expect(told).toEqual([2]);
    expect(definitions.history("ahu-1.high")).toEqual([
      expect.objectContaining({
        revision: 2,
        kind: "changed",
        at: new Date(NOON).toISOString(),
        actor: "li.wei",
        why: "because",
        siteVersion: 2,
        before: expect.objectContaining({ priority: "medium", response: "检查阀门" }),
        after: expect.objectContaining({ priority: "high" }),
      }),
    ]);
    expect(definitions.history("ahu-1.high")[0]?.fields.toSorted()).toEqual([
      "condition",
      "onDelayMs",
      "priority",
      "response",
    ]);
    expect(audited()).toContainEqual(["li.wei", "alarm.definition.changed", "ahu-1.high"]);
  });

  it("is not changed by who looked at an older revision, without a reason, or by nothing at all", () => {
    change("ahu-1.high", { priority: "low" });
    expect(codeOf(() => change("ahu-1.high", { priority: "high" }))).toBe("DEFINITION_STALE");
    const said = { definition: "ahu-1.high", actor: LI };
    expect(codeOf(() => definitions.change({ ...said, change: { priority: "high" }, why: "  " }))).toBe(
      "DEFINITION_REASON_MISSING",
    );
    expect(change("ahu-1.high", { priority: "low" }, 2)).toMatchObject({ status: "done", definition: { revision: 2 } });
    expect(codeOf(() => change("nobody", { priority: "high" }))).toBe("DEFINITION_UNKNOWN");
    expect(park.catalog.version).toBe(2);
  });

  it.each<[string, Parameters<Definitions["change"]>[0]["change"]]>([
    ["a point that is not there", { condition: { type: "above", point: "park/gw-1/x/y", limit: 1, deadband: 0 } }],
    ["a malformed point", { condition: { type: "above", point: "nothing", limit: 1, deadband: 0 } }],
    ["a limit on a text", { condition: { type: "above", point: LABEL, limit: 1, deadband: 0 } }],
    ["a value its point never has", { condition: { type: "equals", point: DETECTOR, value: "on" } }],
    ["an empty band", { condition: { type: "outside", point: TEMPERATURE, low: 5, high: 5, deadband: 0 } }],
    [
      "a deviation without a limit",
      { condition: { type: "deviation", point: TEMPERATURE, reference: 5, deadband: 0 } },
    ],
    [
      "a rate without a limit",
      { condition: { type: "rate", point: TEMPERATURE, per: "hour", windowMs: 1000, deadband: 0 } },
    ],
    [
      "points of two gateways",
      { condition: { type: "expression", expression: "a > 1.0 && b", points: { a: TEMPERATURE, b: LIGHT } } },
    ],
    [
      "an expression that is none",
      { condition: { type: "expression", expression: "a >", points: { a: TEMPERATURE } } },
    ],
    ["a device that is not there", { condition: { type: "field", device: "park/gw-1/x", condition: "trip" } }],
    ["a zone that is not there", { zone: "zone-9" }],
    ["a space that is not there", { space: "attic" }],
    ["a negative delay", { onDelayMs: -1 }],
    ["no text", { message: "" }],
    ["a suppressor that is not there", { suppressedBy: [{ rule: "quiet", definition: "nobody" }] }],
    ["itself as its suppressor", { suppressedBy: [{ rule: "quiet", definition: "ahu-1.high" }] }],
  ])("is refused with %s, and nothing is stored", (_, to) => {
    expect(codeOf(() => change("ahu-1.high", to))).toBe("DEFINITION_INVALID");
    expect([park.catalog.version, definitions.history("ahu-1.high")]).toEqual([1, []]);
  });

  it("is not moved away from those that it suppresses: their gateway would refuse them", () => {
    const suppressedBy = [{ rule: "quiet", definition: "ahu-1.high" }];
    const fan: AlarmDefinition = { ...PANIC, id: "fan", category: "equipment", priority: "low", suppressedBy };
    definitions.add(fan, { why: "new", actor: LI });
    const to = { condition: { type: "equals", point: LIGHT, value: true } } as const;
    expect(codeOf(() => change("ahu-1.high", to))).toBe("DEFINITION_INVALID");
  });

  it("moves to the gateway of its new point", () => {
    change("ahu-1.high", { condition: { type: "equals", point: LIGHT, value: true } });
    expect([inBundle("ahu-1.high"), inBundle("ahu-1.high", GW2)?.id]).toEqual([undefined, "ahu-1.high"]);
    expect(definitions.get("ahu-1.high")?.runsOn).toEqual([GW2]);
  });

  it("that is disabled stands in no bundle, and is judged again once it is enabled", () => {
    change("ahu-1.high", { enabled: false });
    expect(inBundle("ahu-1.high")).toBeUndefined();
    expect(definitions.get("ahu-1.high")).toMatchObject({ enabled: false, runsOn: [], revision: 2 });
    change("ahu-1.high", { enabled: true }, 2);
    expect(inBundle("ahu-1.high")).toBeDefined();
    expect(inBundle("ahu-1.high")).not.toHaveProperty("enabled");
    expect(definitions.history("ahu-1.high").map(({ kind }) => kind)).toEqual(["enabled", "disabled"]);
  });

  it("is added at the console, retired, and brought back by going back to a revision", () => {
    const made: AlarmDefinition = {
      id: "cold",
      category: "comfort",
      priority: "low",
      condition: { type: "below", point: TEMPERATURE, limit: 15, deadband: 1 },
      message: "过冷",
      messageEn: "Too cold",
    };
    expect(definitions.add(made, { why: "complaints", actor: LI }).definition).toMatchObject({
      origin: "console",
      revision: 1,
      runsOn: [GW1],
    });
    expect(codeOf(() => definitions.add(made, { why: "again", actor: LI }))).toBe("DEFINITION_EXISTS");
    definitions.retire("cold", 1, { why: "no more", actor: LI });
    expect(definitions.get("cold")).toMatchObject({ retired: true, revision: 2, definition: { id: "cold" } });
    expect(definitions.list().map(({ definition }) => definition.id)).not.toContain("cold");
    expect(codeOf(() => definitions.revert("cold", 2, 7, { why: "?", actor: LI }))).toBe("REVISION_UNKNOWN");
    definitions.revert("cold", 2, 1, { why: "needed after all", actor: WANG });
    expect(inBundle("cold")).toEqual(made);
    expect(definitions.history("cold").map(({ kind, actor }) => [kind, actor])).toEqual([
      ["reverted", "wang.fang"],
      ["retired", "li.wei"],
      ["added", "li.wei"],
    ]);
  });

  it("goes back to what the site's files held", () => {
    const seeded = definitions.get("ahu-1.high")?.definition;
    expect(definitions.revert("ahu-1.high", 1, 1, { why: "as it is", actor: LI })).toMatchObject({ status: "done" });
    expect(codeOf(() => definitions.stateAt("nobody", 1))).toBe("DEFINITION_UNKNOWN");
    change("ahu-1.high", { priority: "low", onDelayMs: 1000 });
    change("ahu-1.high", { message: "太热" }, 2);
    definitions.revert("ahu-1.high", 3, 1, { why: "was better", actor: LI });
    expect(definitions.get("ahu-1.high")).toMatchObject({ definition: seeded, revision: 4, origin: "profile" });
  });

  it("is not retired while a rule or another definition names it", async () => {
    const other = new DomainBench();
    try {
      const site = smallPark();
      const when = { type: "alarmRaised", definition: "zone-1.intrusion" } as const;
      const domains = await other.open({
        ...site,
        rules: site.rules.map((rule, i) => (i === 0 ? { ...rule, when } : rule)),
      });
      const service = domains.definitions;
      expect(service.get("zone-1.intrusion")?.rules).toEqual(["fence-light"]);
      const retire = (id: string) => codeOf(() => service.retire(id, 1, { why: "x", actor: LI }));
      expect(retire("zone-1.intrusion")).toBe("DEFINITION_IN_USE");
      const suppressedBy = [{ rule: "quiet", definition: "ahu-1.high" }];
      const fan: AlarmDefinition = { ...PANIC, id: "fan", category: "equipment", priority: "low", suppressedBy };
      service.add(fan, { why: "new", actor: LI });
      expect([retire("ahu-1.high"), retire("fan"), retire("ahu-1.high")]).toEqual([
        "DEFINITION_IN_USE",
        "done",
        "done",
      ]);
    } finally {
      await other.clear();
    }
  });

  it("survives a restart with its history", async () => {
    change("ahu-1.high", { priority: "low" });
    change("zone-1.intrusion", { onDelayMs: 3000 });
    park = await bench.restart(park);
    definitions = park.definitions;
    expect(definitions.get("ahu-1.high")).toMatchObject({ revision: 2, definition: { priority: "low" } });
    expect(definitions.pending().map(({ definition }) => definition)).toEqual(["zone-1.intrusion"]);
  });
});

describe("a change that could hold a security alarm back", () => {
  it("waits for somebody else, changes nothing until then, and names both people afterwards", () => {
    const { status, proposal } = change("zone-1.intrusion", { enabled: false });
    expect([status, park.catalog.version, inBundle("zone-1.intrusion")?.id]).toEqual([
      "pending",
      1,
      "zone-1.intrusion",
    ]);
    expect(definitions.get("zone-1.intrusion")?.pending).toMatchObject({ requestedBy: "li.wei", kind: "disabled" });
    const id = proposal?.id ?? "";
    expect(codeOf(() => definitions.approve(id, LI))).toBe("SECOND_PERSON_REQUIRED");
    expect(codeOf(() => change("zone-1.intrusion", { message: "x" }))).toBe("DEFINITION_PENDING");
    expect(definitions.approve(id, WANG, "fence is rebuilt")).toMatchObject({
      status: "done",
      definition: { revision: 2 },
    });
    expect(inBundle("zone-1.intrusion")).toBeUndefined();
    expect(definitions.history("zone-1.intrusion")[0]).toMatchObject({ actor: "li.wei", approvedBy: "wang.fang" });
    expect(codeOf(() => definitions.approve(id, WANG))).toBe("PROPOSAL_DECIDED");
    expect(audited().slice(0, 2)).toEqual([
      ["wang.fang", "alarm.definition.disabled", "zone-1.intrusion"],
      ["li.wei", "alarm.definition.proposed", "zone-1.intrusion"],
    ]);
  });

  it("is refused by the second person or withdrawn by the first, and is then nothing", () => {
    const first = change("zone-1.intrusion", { onDelayMs: 5000 }).proposal?.id ?? "";
    expect(definitions.refuse(first, WANG, "too long")).toMatchObject({
      status: "refused",
      decisionReason: "too long",
    });
    const second = definitions.retire("zone-1.intrusion", 1, { why: "old", actor: LI }).proposal?.id ?? "";
    expect(definitions.refuse(second, LI)).toMatchObject({ status: "withdrawn", decidedBy: "li.wei" });
    expect([park.catalog.version, definitions.pending()]).toEqual([1, []]);
  });

  it("is done at once where it is words or makes the alarm stronger", () => {
    expect(change("zone-1.intrusion", { response: "派人", message: "有人翻墙" }).status).toBe("done");
  });
});

describe("a panic definition", () => {
  it.each<[string, Parameters<Definitions["change"]>[0]["change"]]>([
    ["disabled", { enabled: false }],
    ["delayed", { onDelayMs: 1 }],
    ["re-categorised", { category: "system" }],
    ["given another condition", { condition: { type: "equals", point: DETECTOR, value: false } }],
    ["suppressed by design", { suppressedBy: [{ rule: "quiet", definition: "ahu-1.high" }] }],
    ["let end unseen", { autoAcknowledge: true }],
  ])("is %s by nobody, not even as a proposal", (_, to) => {
    expect(codeOf(() => change("panic", to))).toBe("DEFINITION_LAW_FORBIDS");
    expect([park.catalog.version, definitions.pending()]).toEqual([1, []]);
  });

  it("is neither retired nor undone by going back", () => {
    expect(codeOf(() => definitions.retire("panic", 1, { why: "x", actor: LI }))).toBe("DEFINITION_LAW_FORBIDS");
    change("zone-1.intrusion", { message: "x" });
    const added = { ...PANIC, id: "panic-2" };
    definitions.add(added, { why: "second button", actor: LI });
    expect(codeOf(() => definitions.retire("panic-2", 1, { why: "x", actor: LI }))).toBe("DEFINITION_LAW_FORBIDS");
    expect(change("panic", { message: "紧急求助" }).status).toBe("done");
  });

  it("is moved to another place only by two people", () => {
    expect(change("panic", { space: "floor-1" }).status).toBe("pending");
  });
});

describe("a version that cannot be stored", () => {
  it("leaves everything as it was: the site, the history and the audit log", () => {
    const before = audited();
    const forced = () =>
      park.catalog.setAlarms([], { actor: "li.wei", reason: "test" }, () => {
        throw new Error("the disk is full");
      });
    expect(forced).toThrow("the disk is full");
    expect([park.catalog.version, park.catalog.alarms().length, audited()]).toEqual([1, 3, before]);
    expect(park.catalog.point(SETPOINT)).toBeDefined();
  });
});
