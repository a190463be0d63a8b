import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apply } from "#core/alarm/lifecycle.ts";
import type { CommandResultItem } from "#core/contracts/lanes.ts";
import type { Alarm, AlarmTransition } from "#core/model/alarm.ts";
import type { AlarmCommand, CommandResult } from "#core/model/command.ts";
import { DomainBench, type Domains, LI, NOON, WANG } from "../domain-bench.ts";
import { GW1, GW2, minted, told } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const sent = (): AlarmCommand[] =>
  cloud.link.sent.flatMap(({ command }) => (command.kind === "alarm" ? [command] : []));
const answer = (id: string, fields: Partial<CommandResult> = {}): CommandResultItem => ({
  offset: 0,
  at: bench.clock.now(),
  kind: "commandResult",
  result: { id, status: "done", finishedAt: bench.clock.now(), ...fields },
});
const raise = (category: "intrusion" | "comfort" = "intrusion"): Alarm => {
  const alarm = minted({ category, at: bench.clock.now() });
  cloud.item(GW1, told(alarm));
  return alarm;
};
/** What the gateway does when it is told: its alarm afterwards, and its transition into the events lane. */
function atGateway(alarm: Alarm, event: Parameters<typeof apply>[1], fields: { actor?: string } = {}): Alarm {
  const result = apply(alarm, event, { now: bench.clock.now(), side: "minting" });
  if ("refused" in result) throw new Error(result.message);
  const transition = result.transition as AlarmTransition;
  cloud.item(GW1, told(result.alarm, transition, { at: bench.clock.now(), ...fields }));
  return result.alarm;
}
const journal = (id: string): string[] =>
  cloud.alarms.get(id)?.journal.map(({ transition, actor }) => `${transition} ${actor ?? "-"}`) ?? [];
/** An act with the word that an urgent alarm needs. */
const SEEN = { occurrence: 1, comment: "seen" };
const refusal = (code: string) => expect.objectContaining({ code });

describe("an acknowledgement at the console", () => {
  it("counts at once and is carried to the gateway with the time and name of who gave it", () => {
    const alarm = raise();
    bench.clock.advance(500);
    const view = cloud.alarms.act(alarm.id, "acknowledge", { occurrence: 1, comment: "guard sent" }, LI);
    expect(view).toMatchObject({ acknowledged: true, acknowledgedBy: "li.wei", state: "C" });
    expect(sent()).toEqual([
      expect.objectContaining({
        alarm: alarm.id,
        occurrence: 1,
        action: "acknowledge",
        requestedBy: "li.wei",
        reason: "guard sent",
        createdAt: NOON + 500,
        fence: 1,
      }),
    ]);
  });

  it("stands in the journal once, although the gateway tells of it too", () => {
    const alarm = raise();
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    bench.clock.advance(200);
    atGateway(alarm, { type: "acknowledge", occurrence: 1, by: "li.wei", at: NOON }, { actor: "li.wei" });
    expect(journal(alarm.id)).toEqual(["raised -", "acknowledged li.wei"]);
  });

  it("is offered again every 30 s until the gateway's own record shows it", () => {
    const alarm = raise();
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    bench.clock.advance(70_000);
    expect(sent()).toHaveLength(3);
    expect(new Set(sent().map(({ id }) => id)).size).toBe(1);
    atGateway(alarm, { type: "acknowledge", occurrence: 1, by: "li.wei", at: NOON });
    bench.clock.advance(120_000);
    expect(sent()).toHaveLength(3);
  });

  it("waits on the disk for a gateway that is away, also over a restart of the cloud", async () => {
    const alarm = raise();
    cloud.presence(GW1, false, NOON);
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    expect(sent()).toEqual([]);
    cloud = await bench.restart(cloud);
    bench.clock.advance(3_600_000);
    cloud.presence(GW1, true, bench.clock.now());
    expect(sent()).toEqual([expect.objectContaining({ action: "acknowledge", createdAt: NOON })]);
  });

  it("is no longer offered when the gateway tells of a newer occurrence, which stays unacknowledged", () => {
    const alarm = raise();
    cloud.presence(GW1, false, NOON);
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    cloud.presence(GW1, true, NOON);
    const before = sent().length;
    const again = atGateway(atGateway(alarm, { type: "clear" }), { type: "activate" });
    expect(again.occurrence).toBe(2);
    expect(cloud.alarms.get(alarm.id)).toMatchObject({ occurrence: 2, acknowledged: false });
    bench.clock.advance(120_000);
    expect(sent()).toHaveLength(before);
  });

  it("of an older occurrence never touches the newer one", () => {
    const alarm = raise();
    atGateway(atGateway(alarm, { type: "clear" }), { type: "activate" });
    expect(() => cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI)).toThrow(refusal("ALARM_OCCURRENCE_STALE"));
    expect(cloud.alarms.get(alarm.id)?.acknowledged).toBe(false);
    expect(cloud.audit.list({ limit: 1 }).items[0]).toMatchObject({
      actor: "li.wei",
      action: "alarm.acknowledge",
      result: "refused",
      detail: { code: "ALARM_OCCURRENCE_STALE", occurrence: 1 },
      ip: "127.0.0.1",
    });
  });

  it("given twice is one act, and the first name stays", () => {
    const alarm = raise();
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    expect(cloud.alarms.act(alarm.id, "acknowledge", SEEN, WANG).acknowledgedBy).toBe("li.wei");
    expect(journal(alarm.id)).toEqual(["raised -", "acknowledged li.wei"]);
    expect(sent()).toHaveLength(1);
  });

  it("of an unknown alarm is refused", () => {
    expect(() => cloud.alarms.act("none", "acknowledge", SEEN, LI)).toThrow(refusal("ALARM_UNKNOWN"));
  });
});

describe("a reset", () => {
  it("needs that the condition is gone and that the alarm is acknowledged, and then ends a latched alarm", () => {
    const alarm = raise();
    const act = (kind: "acknowledge" | "reset") => cloud.alarms.act(alarm.id, kind, SEEN, LI);
    expect(() => act("reset")).toThrow(refusal("ALARM_STILL_ACTIVE"));
    atGateway(alarm, { type: "clear" });
    expect(cloud.alarms.get(alarm.id)).toMatchObject({ condition: "latched", state: "latched" });
    expect(() => act("reset")).toThrow(refusal("ALARM_NOT_ACKNOWLEDGED"));
    act("acknowledge");
    expect(act("reset")).toMatchObject({ condition: "inactive", state: "A", resetBy: "li.wei" });
    expect(sent().map(({ action }) => action)).toEqual(["acknowledge", "reset"]);
    expect(cloud.changes.at(-1)).toMatchObject({ kind: "alarms", id: alarm.id, item: undefined });
  });

  it("is not for a facility alarm", () => {
    const alarm = raise("comfort");
    expect(() => cloud.alarms.act(alarm.id, "reset", { occurrence: 1 }, LI)).toThrow(refusal("ALARM_LAW_FORBIDS"));
  });

  it("that the gateway never knew of, because it lost its records, still ends the alarm", () => {
    const alarm = raise();
    cloud.alarms.act(alarm.id, "acknowledge", SEEN, LI);
    const id = sent()[0]?.id ?? "";
    cloud.item(GW1, answer(id, { status: "rejected", code: "ALARM_UNKNOWN", message: "no such alarm is open here" }));
    expect(cloud.alarms.get(alarm.id)).toMatchObject({ live: false, condition: "latched" });
    expect(cloud.alarms.act(alarm.id, "reset", SEEN, LI).state).toBe("A");
  });
});

describe("what hides an alarm", () => {
  it("is asked of the gateway, and shows when the gateway's transition comes", () => {
    const alarm = raise("comfort");
    const view = cloud.alarms.act(alarm.id, "shelve", { occurrence: 1, comment: "works", minutes: 30 }, LI);
    expect(view.suppression).toEqual([]);
    const until = NOON + 30 * 60_000;
    expect(sent()).toEqual([
      expect.objectContaining({ action: "shelve", reason: "works", until, expiresAt: until, occurrence: 1 }),
    ]);
    atGateway(alarm, { type: "shelve", occurrence: 1, until, reason: "works" }, { actor: "li.wei" });
    cloud.item(GW1, answer(sent()[0]?.id ?? ""));
    expect(cloud.alarms.get(alarm.id)).toMatchObject({ suppression: ["shelved"], state: "E" });
    expect(journal(alarm.id)).toEqual(["raised -", "shelved li.wei"]);
    bench.clock.advance(60_000);
    expect(sent()).toHaveLength(1);
  });

  it("is asked of the gateway for once, at the latest for the longest time or as long as said", () => {
    const alarm = raise("comfort");
    cloud.alarms.act(alarm.id, "shelve", { occurrence: 1, comment: "works", once: true }, LI);
    const other = minted({ category: "comfort", episode: 2, at: NOON });
    cloud.item(GW1, told(other));
    const many = { comment: "works", once: true, minutes: 30 };
    cloud.alarms.actMany("shelve", [{ id: other.id, occurrence: 1 }], many, LI);
    const asked = { action: "shelve", once: true };
    expect(sent()).toEqual([
      expect.objectContaining({ ...asked, until: NOON + 24 * 3_600_000 }),
      expect.objectContaining({ ...asked, until: NOON + 30 * 60_000 }),
    ]);
    for (const { detail } of cloud.audit.list({ limit: 2 }).items) expect(detail).toMatchObject({ once: true });
  });

  it.each([
    ["shelving a security alarm", "intrusion", "shelve", "why", "ALARM_LAW_FORBIDS"],
    ["shelving without a reason", "comfort", "shelve", undefined, "ALARM_REASON_MISSING"],
    ["taking out of service without a reason", "comfort", "outOfService", undefined, "ALARM_REASON_MISSING"],
  ] as const)("is refused at once: %s", (_what, category, kind, comment, code) => {
    const alarm = raise(category);
    const act = { occurrence: 1, ...(comment === undefined ? {} : { comment }) };
    expect(() => cloud.alarms.act(alarm.id, kind, act, LI)).toThrow(refusal(code));
    expect(sent()).toEqual([]);
  });

  it("is refused for a facility alarm of the highest priority", () => {
    const alarm = { ...minted({ category: "comfort", at: NOON }), priority: "urgent" as const };
    cloud.item(GW1, told(alarm));
    const act = { occurrence: 1, comment: "why" };
    expect(() => cloud.alarms.act(alarm.id, "shelve", act, LI)).toThrow(refusal("ALARM_LAW_FORBIDS"));
  });

  it("is taken back before the gateway has heard of it: only the last wish is sent", () => {
    const alarm = raise("comfort");
    cloud.presence(GW1, false, NOON);
    cloud.alarms.act(alarm.id, "outOfService", { occurrence: 1, comment: "works" }, LI);
    cloud.alarms.act(alarm.id, "returnToService", { occurrence: 1 }, LI);
    cloud.presence(GW1, true, NOON);
    expect(sent().map(({ action }) => action)).toEqual(["returnToService"]);
  });

  it("that the gateway refuses is audited as refused under the name of who asked", () => {
    const alarm = raise("comfort");
    cloud.alarms.act(alarm.id, "shelve", { occurrence: 1, comment: "works" }, LI);
    cloud.item(GW1, answer(sent()[0]?.id ?? "", { status: "rejected", code: "ALARM_CLOSED", message: "over" }));
    expect(cloud.audit.list({ limit: 1 }).items[0]).toMatchObject({
      actor: "li.wei",
      action: "alarm.shelve",
      target: alarm.id,
      result: "refused",
      detail: { code: "ALARM_CLOSED", gateway: GW1 },
    });
    bench.clock.advance(60_000);
    expect(sent()).toHaveLength(1);
  });

  it("that the gateway could not keep is offered again under another id", () => {
    const alarm = raise("comfort");
    cloud.alarms.act(alarm.id, "shelve", { occurrence: 1, comment: "works" }, LI);
    cloud.item(GW1, answer(sent()[0]?.id ?? "", { status: "rejected", code: "STORAGE_UNAVAILABLE" }));
    bench.clock.advance(31_000);
    const [first, second] = sent();
    expect(sent()).toHaveLength(2);
    expect(second).toEqual({ ...first, id: second?.id });
    expect(second?.id).not.toBe(first?.id);
  });

  it("is not ended by the answer of another gateway", () => {
    const alarm = raise("comfort");
    cloud.alarms.act(alarm.id, "shelve", { occurrence: 1, comment: "works" }, LI);
    cloud.item(GW2, answer(sent()[0]?.id ?? ""));
    bench.clock.advance(31_000);
    expect(sent()).toHaveLength(2);
  });
});

describe("a comment", () => {
  it("goes into the journal as often as it is written", () => {
    const alarm = raise();
    for (let i = 0; i < 2; i++) cloud.alarms.act(alarm.id, "comment", { occurrence: 1, comment: "seen" }, LI);
    expect(journal(alarm.id)).toEqual(["raised -", "commented li.wei", "commented li.wei"]);
    expect(cloud.alarms.get(alarm.id)?.journal.at(-1)?.comment).toBe("seen");
  });
  it("needs a text and the present occurrence", () => {
    const alarm = raise();
    const comment = (occurrence: number, text: string) => () =>
      cloud.alarms.act(alarm.id, "comment", { occurrence, comment: text }, LI);
    expect(comment(1, "  ")).toThrow(refusal("ALARM_COMMENT_MISSING"));
    expect(comment(2, "a")).toThrow(refusal("ALARM_OCCURRENCE_UNKNOWN"));
  });
});

describe("an idempotency key", () => {
  it("acts once for the same person, and refuses another act under it", () => {
    const alarm = raise();
    const act = { occurrence: 1, comment: "seen", idempotencyKey: "k" };
    cloud.alarms.act(alarm.id, "comment", act, LI);
    cloud.alarms.act(alarm.id, "comment", act, LI);
    cloud.alarms.act(alarm.id, "comment", act, WANG);
    expect(journal(alarm.id)).toEqual(["raised -", "commented li.wei", "commented wang.fang"]);
    expect(() => cloud.alarms.act(alarm.id, "acknowledge", act, LI)).toThrow(refusal("IDEMPOTENCY_CONFLICT"));
  });
  it("is not used up by an act that was refused", () => {
    const alarm = raise();
    const act = { ...SEEN, idempotencyKey: "k" };
    expect(() => cloud.alarms.act(alarm.id, "reset", act, LI)).toThrow(refusal("ALARM_STILL_ACTIVE"));
    expect(cloud.alarms.act(alarm.id, "acknowledge", act, LI).acknowledged).toBe(true);
  });
});
