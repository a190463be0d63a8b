import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PermitRequest, PermitView } from "#core/contracts/maintenance.ts";
import { GatewaySide } from "../alarms/gateway-side.ts";
import { DomainBench, type Domains, LI, NOON, WANG } from "../domain-bench.ts";
import { GW1 } from "../small-park.ts";

/** How long the works take. */
const SPAN_MS = 600_000;
const DAY_MS = 24 * 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const refusal = (code: string) => expect.objectContaining({ code });

let bench: DomainBench;
let cloud: Domains;
let gateway: GatewaySide;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
  gateway = new GatewaySide(bench, () => cloud);
});
afterEach(() => bench.clear());

/** Works in building A, asked for by Wang. */
const ask = (fields: Partial<PermitRequest> = {}): PermitView =>
  cloud.maintenance.request(
    {
      areas: ["building-a"],
      categories: ["comfort"],
      until: iso(bench.clock.now() + SPAN_MS),
      reason: "filter change",
      workOrder: "WO-7",
      ...fields,
    },
    WANG,
  );
const approved = (fields: Partial<PermitRequest> = {}): PermitView => cloud.maintenance.approve(ask(fields).id, {}, LI);
const permit = (id: string): PermitView => {
  const found = cloud.maintenance.list({ limit: 100 }, "all").items.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no permit ${id}`);
  return found;
};
const journal = (id: string): readonly string[] =>
  cloud.alarms.get(id)?.journal.map(({ transition, actor }) => `${transition} ${actor ?? "-"}`) ?? [];

/** Requests that are wrong, and how each is refused. */
const WRONG: readonly (readonly [string, Partial<PermitRequest>, string])[] = [
  ["that lasts longer than seven days", { until: iso(NOON + 7 * DAY_MS + 1) }, "PERMIT_TIME_INVALID"],
  ["that is over already", { until: iso(NOON) }, "PERMIT_TIME_INVALID"],
  ["that ends before it begins", { from: iso(NOON + 2 * SPAN_MS) }, "PERMIT_TIME_INVALID"],
  ["for the past", { from: iso(NOON - DAY_MS) }, "PERMIT_TIME_INVALID"],
  ["without a reason", { reason: "  " }, "PERMIT_SCOPE_INVALID"],
  ["for everything", { categories: [] }, "PERMIT_SCOPE_INVALID"],
  ["for panic alarms", { categories: ["comfort", "panic"] }, "PERMIT_SCOPE_FORBIDDEN"],
  ["at a place that does not exist", { areas: ["moon"] }, "SPACE_UNKNOWN"],
];

describe("a maintenance permit", () => {
  it("needs a second person, and begins with the approval when its time has come", () => {
    const { id, status } = ask();
    expect(status).toBe("requested");
    expect(() => cloud.maintenance.approve(id, {}, WANG)).toThrow(refusal("PERMIT_SAME_PERSON"));
    expect(permit(id).status).toBe("requested");
    expect(cloud.maintenance.approve(id, { comment: "fine" }, LI)).toMatchObject({
      status: "active",
      requestedBy: "wang.fang",
      decidedBy: "li.wei",
      decision: "fine",
      startedAt: iso(NOON),
    });
    expect(
      cloud.audit.list({ limit: 10 }).items.map(({ action, actor, result }) => `${action} ${actor} ${result}`),
    ).toEqual([
      `permit.begin permit:${id} ok`,
      "permit.approve li.wei ok",
      "permit.approve wang.fang refused",
      "permit.request wang.fang ok",
    ]);
  });

  it("is not approved by a token of the person who has asked for it, nor what a token has asked for by its person", () => {
    const token = { ...WANG, name: `token:scripts@${WANG.name}` };
    const { id } = ask();
    expect(() => cloud.maintenance.approve(id, {}, token)).toThrow(refusal("PERMIT_SAME_PERSON"));
    const until = iso(bench.clock.now() + SPAN_MS);
    const asked = cloud.maintenance.request(
      { areas: ["building-a"], categories: ["comfort"], until, reason: "filter change" },
      token,
    );
    expect(() => cloud.maintenance.approve(asked.id, {}, WANG)).toThrow(refusal("PERMIT_SAME_PERSON"));
    expect(cloud.maintenance.approve(asked.id, {}, LI).status).toBe("active");
  });

  it.each(WRONG)("%s is refused", (_what, fields, code) => {
    expect(() => ask(fields)).toThrow(refusal(code));
    expect(cloud.maintenance.list({ limit: 10 }, "all").items).toEqual([]);
  });

  it("takes what is open in its places and classes out of service by way of the gateway, and nothing else", () => {
    const inScope = gateway.raise("comfort");
    const elsewhere = gateway.raise("comfort", { area: "fence" });
    const other = gateway.raise("intrusion", { area: "floor-1" });
    const { id } = approved();
    expect(cloud.alarms.get(inScope.id)).toMatchObject({ suppression: [], permit: id });
    gateway.obey();
    expect(cloud.alarms.get(inScope.id)).toMatchObject({ state: "G", permit: id });
    expect(journal(inScope.id)).toEqual(["raised -", `outOfService permit:${id}`]);
    for (const one of [elsewhere, other])
      expect(cloud.alarms.get(one.id)).toMatchObject({ suppression: [], state: "B" });
    expect(cloud.alarms.get(elsewhere.id)?.permit).toBeUndefined();
    expect(permit(id).digest).toMatchObject({ alarms: 1, raised: 0, active: 1 });
  });

  it("holds back at once what is raised while it is active, also for a definition", () => {
    const { id } = approved({ categories: [], definitions: ["ahu-1.high"] });
    const { id: alarm } = gateway.raise("comfort");
    expect(gateway.sent).toMatchObject([
      { alarm, action: "outOfService", requestedBy: `permit:${id}`, reason: "WO-7: filter change" },
    ]);
    gateway.obey();
    expect(journal(alarm)).toEqual(["raised -", `outOfService permit:${id}`]);
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "G", permit: id });
    gateway.happens(alarm, { type: "clear" });
    gateway.happens(alarm, { type: "activate" });
    expect(permit(id).digest).toMatchObject({ alarms: 1, raised: 2, active: 1 });
    expect(gateway.sent).toHaveLength(1);
  });

  it("never holds a panic alarm back, whatever it names", () => {
    const panic = { category: "panic", definition: "lobby.panic", area: "floor-1" } as const;
    const before = gateway.raise("intrusion", panic);
    const { id } = approved({ definitions: ["lobby.panic"], categories: ["comfort", "intrusion", "fire"] });
    const during = gateway.raise("intrusion", panic);
    expect(gateway.sent).toEqual([]);
    for (const one of [before, during]) {
      expect(cloud.alarms.get(one.id)).toMatchObject({ suppression: [], state: "B" });
      expect(cloud.alarms.get(one.id)?.permit).toBeUndefined();
    }
    expect(permit(id).digest).toMatchObject({ alarms: 0, raised: 0 });
  });

  it("ends by itself: what it took is returned, calls again where it still holds, and the digest is kept and told", () => {
    const still = gateway.raise("comfort");
    const gone = gateway.raise("comfort");
    const { id } = approved();
    gateway.obey();
    gateway.happens(gone.id, { type: "clear" });
    bench.clock.advance(SPAN_MS);
    gateway.obey();
    expect(permit(id)).toMatchObject({ status: "ended", endedAt: iso(NOON + SPAN_MS) });
    expect(permit(id).endedBy).toBeUndefined();
    expect(permit(id).digest).toMatchObject({ alarms: 2, raised: 0, active: 1 });
    expect(permit(id).digest?.items.map(({ alarm, active }) => [alarm, active])).toEqual([
      [still.id, true],
      [gone.id, false],
    ]);
    expect(cloud.alarms.get(still.id)).toMatchObject({ state: "B", suppression: [] });
    expect(cloud.alarms.get(gone.id)).toMatchObject({ state: "D", suppression: [] });
    expect(journal(still.id).at(-1)).toBe(`returnedToService permit:${id}`);
    expect(cloud.permitsEnded).toMatchObject([{ id, status: "ended", digest: { alarms: 2, active: 1 } }]);
    expect(cloud.notices.recent(1)).toMatchObject([
      { popup: true, textEn: expect.stringContaining("WO-7 has ended (filter change): 2 alarms held back") },
    ]);
  });

  it("is ended by hand before its time, once", () => {
    const { id: alarm } = gateway.raise("comfort");
    const { id } = approved();
    gateway.obey();
    bench.clock.advance(60_000);
    expect(cloud.maintenance.end(id, { comment: "done early" }, WANG)).toMatchObject({
      status: "ended",
      endedBy: "wang.fang",
    });
    gateway.obey();
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "B" });
    expect(() => cloud.maintenance.end(id, {}, WANG)).toThrow(refusal("PERMIT_STATUS"));
    bench.clock.advance(2 * SPAN_MS);
    expect(cloud.permitsEnded).toHaveLength(1);
  });

  it("begins at its time, not before", () => {
    const { id: alarm } = gateway.raise("comfort");
    const { id, status } = approved({ from: iso(NOON + SPAN_MS), until: iso(NOON + 2 * SPAN_MS) });
    expect(status).toBe("approved");
    bench.clock.advance(SPAN_MS - 1);
    expect(gateway.sent).toEqual([]);
    bench.clock.advance(1);
    expect(permit(id)).toMatchObject({ status: "active", startedAt: iso(NOON + SPAN_MS) });
    expect(gateway.sent).toMatchObject([{ alarm, action: "outOfService" }]);
  });

  it("lapses when nobody approves it in time, and is withdrawn or rejected before that", () => {
    const [lapses, withdrawn, rejected] = [ask(), ask(), ask()];
    expect(cloud.maintenance.end(withdrawn.id, {}, WANG).status).toBe("withdrawn");
    expect(cloud.maintenance.reject(rejected.id, { comment: "not today" }, LI)).toMatchObject({
      status: "rejected",
      decision: "not today",
    });
    bench.clock.advance(SPAN_MS);
    expect(permit(lapses.id).status).toBe("lapsed");
    for (const { id } of [lapses, withdrawn, rejected])
      expect(() => cloud.maintenance.approve(id, {}, LI)).toThrow(refusal("PERMIT_STATUS"));
    expect(cloud.permitsEnded).toEqual([]);
  });

  it("leaves to a person what the person took out of service", () => {
    const { id: alarm } = gateway.raise("comfort");
    cloud.alarms.act(alarm, "outOfService", { occurrence: 1, comment: "broken" }, LI);
    gateway.obey();
    const { id } = approved();
    bench.clock.advance(SPAN_MS);
    gateway.obey();
    expect(permit(id).digest).toMatchObject({ alarms: 1 });
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "G" });
  });

  it("hands over to another one that is about the same alarm", () => {
    const { id: alarm } = gateway.raise("comfort");
    approved();
    const second = approved({ until: iso(NOON + 2 * SPAN_MS), areas: ["all"] });
    gateway.obey();
    bench.clock.advance(SPAN_MS);
    gateway.obey();
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "G", permit: second.id });
    bench.clock.advance(SPAN_MS);
    gateway.obey();
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "B" });
  });

  it("that ends before a lost gateway has heard of it has hidden nothing there", () => {
    const { id: alarm } = gateway.raise("comfort");
    cloud.presence(GW1, false, bench.clock.now());
    const { id } = approved();
    cloud.maintenance.end(id, {}, WANG);
    cloud.presence(GW1, true, bench.clock.now());
    gateway.obey();
    expect(journal(alarm)).toEqual(["raised -"]);
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "B" });
  });

  it("tells of what still calls when its gateway never heard of it: nobody was called because of that", () => {
    cloud.link.online.delete(GW1);
    const { id } = approved();
    const calls = gateway.raise("comfort");
    const acknowledged = gateway.raise("comfort");
    cloud.alarms.act(acknowledged.id, "acknowledge", { occurrence: 1 }, LI);
    const over = gateway.raise("comfort");
    gateway.happens(over.id, { type: "clear" });
    const elsewhere = approved({ areas: ["all"], categories: [], definitions: ["ahu-2.high"] });
    const held = gateway.raise("comfort", { definition: "ahu-2.high" });
    cloud.maintenance.end(id, {}, WANG);
    expect(cloud.callAgain).toEqual([calls.id]);
    cloud.maintenance.end(elsewhere.id, {}, WANG);
    expect(cloud.callAgain).toEqual([calls.id, held.id]);
  });

  it("holds back what came in a cut with the first word after it, each alarm by one act, and nothing that is over", () => {
    cloud.presence(GW1, false, bench.clock.now());
    const { id } = approved();
    cloud.link.sent.length = 0;
    bench.clock.advance(SPAN_MS / 2);
    cloud.presence(GW1, true, bench.clock.now());
    const [open, over] = [gateway.raise("comfort"), gateway.raise("comfort")];
    gateway.happens(over.id, { type: "clear" });
    gateway.happens(over.id, { type: "acknowledge", occurrence: 1, by: "panel", at: bench.clock.now() });
    gateway.obey();
    expect(gateway.sent.filter(({ alarm }) => alarm === open.id)).toMatchObject([
      { action: "outOfService", requestedBy: `permit:${id}` },
    ]);
    expect(cloud.alarms.get(open.id)).toMatchObject({ state: "G", permit: id });
    expect(cloud.alarms.get(over.id)).toMatchObject({ state: "A" });
    // what comes again is out of service from the beginning: the gateway's own rules do not start from it
    gateway.happens(open.id, { type: "clear" });
    gateway.happens(open.id, { type: "activate" });
    expect(gateway.alarms.get(open.id)).toMatchObject({ occurrence: 2, suppression: ["outOfService"] });
    expect(permit(id).digest).toMatchObject({ alarms: 2, raised: 3 });
  });

  it("tells of nothing that its gateway returns to service by itself", () => {
    const { id } = approved();
    gateway.raise("comfort");
    gateway.obey();
    cloud.maintenance.end(id, {}, WANG);
    expect(cloud.callAgain).toEqual([]);
  });

  it("holds alarms of the cloud itself back like those of gateways", () => {
    cloud.presence(GW1, false, bench.clock.now());
    bench.clock.advance(5000);
    const { id } = approved({ areas: ["all"], categories: ["communication"] });
    const [lost] = cloud.alarms.list({ limit: 1, visible: "all" }).items;
    expect(lost).toMatchObject({ state: "G", permit: id });
    cloud.maintenance.end(id, {}, WANG);
    expect(cloud.alarms.get(lost?.id ?? "")).toMatchObject({ state: "B" });
  });

  it("keeps nobody from being called later: an alarm it holds back is not told further before it ends", () => {
    const { id: alarm } = gateway.raise("comfort", { priority: "urgent" });
    cloud.presence(GW1, false, bench.clock.now());
    approved();
    bench.clock.advance(SPAN_MS);
    expect(journal(alarm)).toEqual(["raised -"]);
    bench.clock.advance(SPAN_MS);
    expect(journal(alarm)).toEqual(["raised -", "escalated -"]);
  });
});

describe("maintenance permits after a restart", () => {
  it("hold back what came while there was no process, and end what was due meanwhile", async () => {
    const { id } = approved();
    const { id: alarm } = gateway.raise("comfort");
    // The process dies after the alarm was stored and before the permit has done anything about it.
    const { kysely, sync } = cloud.db;
    sync.run(kysely.deleteFrom("permit_alarms"));
    sync.run(kysely.deleteFrom("alarm_commands"));
    cloud.link.sent.length = 0;
    cloud = await bench.restart(cloud);
    expect(gateway.sent).toMatchObject([{ alarm, action: "outOfService", requestedBy: `permit:${id}` }]);
    gateway.obey();
    bench.clock.setWallClock(NOON + 5 * SPAN_MS);
    cloud = await bench.restart(cloud);
    expect(permit(id)).toMatchObject({ status: "ended", digest: { alarms: 1 } });
    gateway.obey();
    expect(cloud.alarms.get(alarm)).toMatchObject({ state: "B" });
  });

  it("that were approved for a time in which nothing ran lapse", async () => {
    const { id } = approved({ from: iso(NOON + SPAN_MS), until: iso(NOON + 2 * SPAN_MS) });
    bench.clock.setWallClock(NOON + 3 * SPAN_MS);
    cloud = await bench.restart(cloud);
    expect(permit(id).status).toBe("lapsed");
    expect(cloud.permitsEnded).toEqual([]);
  });
});

describe("the list of permits", () => {
  it("shows those that touch a visible place, and of what they hold back only what lies there", () => {
    const floor = gateway.raise("comfort");
    gateway.raise("comfort", { area: "fence" });
    const { id } = approved({ areas: ["building-a", "fence"] });
    const seen = cloud.maintenance.list({ limit: 10 }, new Set(["floor-1", "building-a"])).items;
    expect(seen.map((one) => one.id)).toEqual([id]);
    expect(seen[0]?.digest?.items.map(({ alarm }) => alarm)).toEqual([floor.id]);
    expect(cloud.maintenance.list({ limit: 10 }, new Set(["elsewhere"])).items).toEqual([]);
  });

  it("comes page after page, newest first, all or only those that go on", () => {
    const ids = Array.from({ length: 5 }, () => {
      bench.clock.advance(1000);
      return ask().id;
    }).reverse();
    cloud.maintenance.end(ids[1] ?? "", {}, WANG);
    const first = cloud.maintenance.list({ limit: 2, count: true }, "all");
    expect(first.total).toBe(5);
    const second = cloud.maintenance.list({ limit: 2, cursor: first.nextCursor ?? "" }, "all");
    const third = cloud.maintenance.list({ limit: 2, cursor: second.nextCursor ?? "" }, "all");
    expect([first, second, third].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(ids);
    expect(third.nextCursor).toBeUndefined();
    const ids2 = cloud.maintenance.list({ limit: 10, open: true }, "all").items.map(({ id }) => id);
    expect(ids2).toEqual(ids.filter((id) => id !== ids[1]));
    expect(cloud.maintenance.list({ limit: 10, open: false }, "all").items.map(({ id }) => id)).toEqual([ids[1]]);
  });
});
