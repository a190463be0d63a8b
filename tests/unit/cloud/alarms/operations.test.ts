import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DomainBench, type Domains, LI, WANG } from "../domain-bench.ts";
import { GW1 } from "../small-park.ts";
import { GatewaySide } from "./gateway-side.ts";

let bench: DomainBench;
let cloud: Domains;
let gateway: GatewaySide;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
  gateway = new GatewaySide(bench, () => cloud);
});
afterEach(() => bench.clear());

const refusal = (code: string) => expect.objectContaining({ code });
const last = (id: string) => cloud.alarms.get(id)?.journal.at(-1);
const transitions = (id: string) => cloud.alarms.get(id)?.journal.map(({ transition }) => transition);
const ACT = { occurrence: 1, comment: "guard sent", station: "desk-2" };

describe("who did it, where and why", () => {
  it("AL-02 stores user, time, workplace and comment of an acknowledgement in journal and audit", () => {
    const { id } = gateway.raise("intrusion");
    bench.clock.advance(700);
    cloud.alarms.act(id, "acknowledge", ACT, LI);
    expect(last(id)).toMatchObject({
      transition: "acknowledged",
      actor: "li.wei",
      station: "desk-2",
      comment: "guard sent",
      at: "2026-11-22T04:00:00.700Z",
    });
    expect(cloud.audit.list({ limit: 1 }).items[0]).toMatchObject({
      action: "alarm.acknowledge",
      detail: { station: "desk-2", comment: "guard sent", occurrence: 1 },
    });
  });

  it("AL-02 keeps the workplace also of what the gateway does and tells", () => {
    const { id } = gateway.raise("comfort");
    cloud.alarms.act(id, "shelve", { ...ACT, minutes: 30 }, LI);
    expect(transitions(id)).toEqual(["raised"]);
    gateway.obey();
    expect(last(id)).toMatchObject({ transition: "shelved", actor: "li.wei", station: "desk-2" });
  });

  it.each([
    ["the acknowledgement of an urgent alarm", "intrusion", "acknowledge"],
    ["the reset of a security alarm", "intrusion", "reset"],
  ] as const)("AL-02 refuses %s without a comment, and does nothing", (_what, category, kind) => {
    const { id } = gateway.raise(category);
    if (kind === "reset") {
      cloud.alarms.act(id, "acknowledge", ACT, LI);
      gateway.obey();
      gateway.happens(id, { type: "clear" });
    }
    const before = transitions(id);
    for (const comment of [undefined, "", "  "]) {
      const act = { occurrence: 1, ...(comment === undefined ? {} : { comment }) };
      expect(() => cloud.alarms.act(id, kind, act, LI)).toThrow(refusal("ALARM_COMMENT_MISSING"));
    }
    expect(transitions(id)).toEqual(before);
    expect(cloud.audit.list({ limit: 1 }).items[0]).toMatchObject({
      result: "refused",
      detail: { code: "ALARM_COMMENT_MISSING" },
    });
    cloud.alarms.act(id, kind, ACT, LI);
    expect(last(id)?.comment).toBe("guard sent");
  });

  it("AL-02 asks for no comment where the alarm is not urgent", () => {
    const { id } = gateway.raise("comfort");
    expect(cloud.alarms.act(id, "acknowledge", { occurrence: 1 }, LI)).toMatchObject({ acknowledged: true });
  });
});

describe("what hides an alarm", () => {
  it("AL-10 is refused for the security law and for the highest priority, alone and among many", () => {
    const intrusion = gateway.raise("intrusion");
    const urgent = gateway.raise("comfort", { priority: "urgent" });
    for (const { id } of [intrusion, urgent]) {
      expect(() => cloud.alarms.act(id, "shelve", ACT, LI)).toThrow(refusal("ALARM_LAW_FORBIDS"));
      const [fared] = cloud.alarms.actMany("shelve", [{ id, occurrence: 1 }], { comment: "works" }, LI);
      expect(fared?.refused).toMatchObject({ code: "ALARM_LAW_FORBIDS" });
    }
    expect(gateway.sent).toEqual([]);
  });

  it("AL-12 keeps out of service until somebody returns it, however long that takes", () => {
    const { id } = gateway.raise("comfort");
    cloud.alarms.act(id, "outOfService", ACT, LI);
    gateway.obey();
    bench.clock.setWallClock(bench.clock.now() + 30 * 24 * 3_600_000);
    bench.clock.advance(60_000);
    expect(cloud.alarms.get(id)).toMatchObject({ suppression: ["outOfService"], state: "G" });
    cloud.alarms.act(id, "returnToService", { occurrence: 1 }, LI);
    gateway.obey();
    expect(cloud.alarms.get(id)).toMatchObject({ suppression: [], state: "B" });
  });

  it("AL-13 lets the condition go on beneath it, and calls again when it ends while the condition holds", () => {
    const { id } = gateway.raise("comfort");
    cloud.alarms.act(id, "acknowledge", { occurrence: 1 }, LI);
    cloud.alarms.act(id, "shelve", { ...ACT, minutes: 30 }, LI);
    gateway.obey();
    expect(cloud.alarms.get(id)).toMatchObject({ state: "E", condition: "active", acknowledged: true });
    cloud.alarms.act(id, "unshelve", { occurrence: 1 }, LI);
    gateway.obey();
    expect(cloud.alarms.get(id)).toMatchObject({ state: "B", acknowledged: false, occurrence: 2 });
  });
});

describe("the assignment of an alarm", () => {
  it("shows who looks after it, with who handed it over and why, and is unknown to gateways", () => {
    const { id } = gateway.raise("comfort");
    const assigned = cloud.alarms.assign(id, { ...ACT, assignee: "wang.fang" }, LI);
    expect(assigned).toMatchObject({ assignee: "wang.fang", acknowledged: false });
    expect(last(id)).toMatchObject({
      transition: "assigned",
      actor: "li.wei",
      station: "desk-2",
      comment: "→ wang.fang: guard sent",
    });
    expect(cloud.audit.list({ limit: 1 }).items[0]).toMatchObject({
      action: "alarm.assign",
      target: id,
      detail: { assignee: "wang.fang" },
    });
    expect(gateway.sent).toEqual([]);
    expect(cloud.alarms.list({ limit: 1, visible: "all" }).items[0]?.assignee).toBe("wang.fang");
  });

  it("is written down once, is taken back with nobody, and outlives a restart and what the gateway tells", async () => {
    const { id } = gateway.raise("comfort");
    for (let i = 0; i < 2; i++) cloud.alarms.assign(id, { occurrence: 1, assignee: "wang.fang" }, LI);
    gateway.happens(id, { type: "clear" });
    cloud = await bench.restart(cloud);
    expect(cloud.alarms.get(id)).toMatchObject({ assignee: "wang.fang", state: "D" });
    expect(cloud.alarms.assign(id, { occurrence: 1, assignee: null }, WANG).assignee).toBeUndefined();
    expect(transitions(id)?.filter((one) => one === "assigned")).toHaveLength(2);
  });

  it("of an older occurrence or a closed alarm is refused", () => {
    const { id } = gateway.raise("comfort");
    gateway.happens(id, { type: "clear" });
    gateway.happens(id, { type: "activate" });
    const assign = (occurrence: number) => () => cloud.alarms.assign(id, { occurrence, assignee: "li.wei" }, LI);
    expect(assign(1)).toThrow(refusal("ALARM_OCCURRENCE_STALE"));
    cloud.alarms.act(id, "acknowledge", { occurrence: 2 }, LI);
    gateway.obey();
    gateway.happens(id, { type: "clear" });
    expect(assign(2)).toThrow(refusal("ALARM_CLOSED"));
  });
});

describe("an act on many alarms", () => {
  it("is done to each that allows it, and says of each other why not", () => {
    const alarms = Array.from({ length: 5 }, () => gateway.raise("comfort"));
    const stale = alarms[2]?.id ?? "";
    gateway.happens(stale, { type: "clear" });
    gateway.happens(stale, { type: "activate" });
    const items = [...alarms, { id: "unknown" }].map(({ id }) => ({ id, occurrence: 1 }));
    const fared = cloud.alarms.actMany("acknowledge", items, { comment: "storm", station: "desk-2" }, LI);
    expect(fared.map(({ refused }) => refused?.code ?? "done")).toEqual([
      "done",
      "done",
      "ALARM_OCCURRENCE_STALE",
      "done",
      "done",
      "ALARM_UNKNOWN",
    ]);
    expect(fared[0]?.alarm).toMatchObject({ id: alarms[0]?.id, acknowledged: true, acknowledgedBy: "li.wei" });
    expect(last(alarms[4]?.id ?? "")).toMatchObject({
      transition: "acknowledged",
      station: "desk-2",
      comment: "storm",
    });
    expect(gateway.sent.map(({ action }) => action)).toEqual(Array(4).fill("acknowledge"));
    const [entry] = cloud.audit.list({ limit: 1 }).items;
    expect(entry).toMatchObject({
      action: "alarm.acknowledge",
      result: "ok",
      detail: { refused: { [stale]: "ALARM_OCCURRENCE_STALE", unknown: "ALARM_UNKNOWN" }, comment: "storm" },
    });
    expect(entry?.detail?.["alarms"]).toHaveLength(4);
  });

  it("needs a comment for each urgent one among them", () => {
    const [urgent, other] = [gateway.raise("intrusion"), gateway.raise("comfort")];
    const items = [urgent, other].map(({ id }) => ({ id, occurrence: 1 }));
    const fared = cloud.alarms.actMany("acknowledge", items, {}, LI);
    expect(fared.map(({ refused }) => refused?.code)).toEqual(["ALARM_COMMENT_MISSING", undefined]);
    expect(cloud.alarms.get(urgent.id)?.acknowledged).toBe(false);
  });

  it("shelves a selection, each at its gateway", () => {
    const alarms = [gateway.raise("comfort"), gateway.raise("comfort")];
    const items = alarms.map(({ id }) => ({ id, occurrence: 1 }));
    const fared = cloud.alarms.actMany("shelve", items, { comment: "works", minutes: 15 }, LI);
    expect(fared.every(({ refused }) => refused === undefined)).toBe(true);
    gateway.obey();
    for (const { id } of alarms) expect(cloud.alarms.get(id)).toMatchObject({ state: "E" });
    expect(cloud.alarms.get(items[0]?.id ?? "")?.shelvedUntil).toBe("2026-11-22T04:15:00.000Z");
  });

  it("of a gateway that is away waits on the disk as one act each, and makes void what waited before", async () => {
    const alarms = [gateway.raise("comfort"), gateway.raise("comfort")];
    cloud.presence(GW1, false, bench.clock.now());
    const items = alarms.map(({ id }) => ({ id, occurrence: 1 }));
    for (const minutes of [15, 30]) cloud.alarms.actMany("shelve", items, { comment: "works", minutes }, LI);
    cloud = await bench.restart(cloud);
    cloud.presence(GW1, true, bench.clock.now());
    const until = bench.clock.now() + 30 * 60_000;
    expect(gateway.sent.map((command) => command.until)).toEqual([until, until]);
  });

  it("that the database refuses is done to none of them", () => {
    const alarms = [gateway.raise("comfort"), gateway.raise("comfort")];
    const { append } = cloud.audit;
    cloud.audit.append = () => {
      throw new Error("disk full");
    };
    const items = alarms.map(({ id }) => ({ id, occurrence: 1 }));
    expect(() => cloud.alarms.actMany("acknowledge", items, {}, LI)).toThrow("disk full");
    cloud.audit.append = append;
    for (const { id } of alarms) expect(cloud.alarms.get(id)).toMatchObject({ acknowledged: false });
    expect(gateway.sent).toEqual([]);
  });
});

describe("an alarm of a lost gateway", () => {
  it("names the loss as its cause until the gateway is back, but never where the security law holds", () => {
    const [comfort, intrusion] = [gateway.raise("comfort"), gateway.raise("intrusion")];
    cloud.presence(GW1, false, bench.clock.now());
    bench.clock.advance(5000);
    const lost = cloud.alarms.list({ limit: 10, visible: "all", category: "communication" }).items[0];
    expect(cloud.alarms.get(comfort.id)).toMatchObject({ stale: true, cause: lost?.id });
    expect(cloud.alarms.get(intrusion.id)).toMatchObject({ stale: true });
    expect(cloud.alarms.get(intrusion.id)?.cause).toBeUndefined();
    expect(cloud.changes.at(-1)?.item).toMatchObject({ stale: true });
    cloud.presence(GW1, true, bench.clock.now());
    expect(cloud.alarms.get(comfort.id)?.cause).toBeUndefined();
  });
});
