import { describe, expect, it } from "vitest";
import { LAW_OF_CATEGORY, LAW_RULES, lawOf, MAX_SHELVE_MS, operatorMayShelve } from "#core/alarm/law.ts";
import { type AlarmEvent, alarmId, apply, isClosed, letter } from "#core/alarm/lifecycle.ts";
import { type Alarm, AlarmCategory } from "#core/model/alarm.ts";
import { accepted, acknowledge, after, EPOCH, raised, reset, START } from "./fixtures.ts";

const minting = { now: START, side: "minting" } as const;
const mirror = { now: START, side: "mirror" } as const;
const activate: AlarmEvent = { type: "activate", sourceTime: START - 1 };
const clear: AlarmEvent = { type: "clear" };
const shelve: AlarmEvent = { type: "shelve", until: START + 3_600_000, reason: "valve is being replaced" };
const outOfService: AlarmEvent = { type: "outOfService", reason: "work order 12" };
const refusal = (alarm: Alarm, event: AlarmEvent) => {
  const result = apply(alarm, event, minting);
  return "refused" in result ? result.refused : undefined;
};
const securityCategories = ["access", "intrusion", "panic", "tamper", "fire"] as const;

describe("identity", () => {
  it("is the same for the same episode and another for any other part", () => {
    const parts = { origin: "park/gw-1", definition: "hot", epoch: EPOCH, episode: 1 };
    const others = [
      { ...parts, episode: 2 },
      { ...parts, epoch: `1${EPOCH.slice(1)}` },
      { ...parts, definition: "cold" },
      { ...parts, origin: "park/gw-2" },
      { ...parts, origin: 'park/gw-1","hot', definition: "" },
    ];
    expect(alarmId(parts)).toMatch(/^[0-9a-f]{32}$/);
    expect(alarmId({ ...parts })).toBe(alarmId(parts));
    expect(new Set([parts, ...others].map(alarmId)).size).toBe(6);
  });

  it("matches a hash computed with another program", () => {
    // printf '["park/gw-1","hot","0123456789abcdef0123456789abcdef",1]' | sha256sum
    expect(alarmId({ origin: "park/gw-1", definition: "hot", epoch: EPOCH, episode: 1 })).toBe(
      "91679979e3ed6e526873a4108de08f29",
    );
  });
});

describe("law", () => {
  it("puts every category under exactly one law", () => {
    const all = Object.keys(LAW_OF_CATEGORY).sort();
    expect(all).toEqual([...AlarmCategory.enum].sort());
    expect(all.filter((category) => lawOf(category as AlarmCategory) === "security")).toEqual(
      [...securityCategories].sort(),
    );
  });

  it("lets the facility law clear and be shelved, and the security law latch", () => {
    expect(LAW_RULES.facility).toMatchObject({ autoClear: true, latch: false, shelve: true });
    expect(LAW_RULES.security).toMatchObject({ autoClear: false, latch: true, shelve: false, suppressByDesign: false });
  });

  it("AL-10 leaves shelving to operators only below the highest priority and only under the facility law", () => {
    expect(operatorMayShelve({ law: "facility", priority: "high" })).toBe(true);
    expect(operatorMayShelve({ law: "facility", priority: "urgent" })).toBe(false);
    expect(operatorMayShelve({ law: "security", priority: "low" })).toBe(false);
  });
});

describe("facility law", () => {
  it("AL-01 raises A to B with the source's time, the time of receipt and the texts", () => {
    const alarm = raised("equipment");
    expect(letter(alarm)).toBe("B");
    expect(alarm).toMatchObject({
      occurrence: 1,
      raisedAt: START - 500,
      receivedAt: START,
      version: 1,
      message: "故障",
      priority: "medium",
    });
  });

  it("AL-02 acknowledges B to C with user and time, and a second time changes nothing", () => {
    const once = accepted(apply(raised("equipment"), acknowledge(1, "li.wei", START + 5), minting));
    expect(letter(once.alarm)).toBe("C");
    expect(once).toMatchObject({
      transition: "acknowledged",
      alarm: { acknowledgedBy: "li.wei", acknowledgedAt: START + 5, version: 2 },
    });
    const twice = accepted(apply(once.alarm, acknowledge(1, "wang.fang", START + 9), minting));
    expect(twice).toEqual({ alarm: once.alarm });
  });

  it("AL-02 refuses an acknowledgement of an older occurrence", () => {
    const second = after(raised("equipment"), clear, activate);
    expect(refusal(second, acknowledge(1))).toBe("ALARM_OCCURRENCE_STALE");
    expect(refusal(second, acknowledge(3))).toBe("ALARM_OCCURRENCE_UNKNOWN");
    expect(refusal(second, { ...shelve, occurrence: 1 })).toBe("ALARM_OCCURRENCE_STALE");
  });

  it("AL-03 goes from C to A when the condition is gone, which closes the episode", () => {
    const normal = after(raised("equipment"), acknowledge(), { type: "clear", sourceTime: START + 7 });
    expect([letter(normal), isClosed(normal), normal.clearedAt]).toEqual(["A", true, START + 7]);
  });

  it("AL-04 goes from B to D when the condition is gone, and AL-05 from D to A on acknowledgement", () => {
    const returned = after(raised("equipment"), clear);
    expect([letter(returned), isClosed(returned)]).toEqual(["D", false]);
    const acknowledged = after(returned, acknowledge());
    expect([letter(acknowledged), isClosed(acknowledged)]).toEqual(["A", true]);
  });

  it("AL-06 goes from D to B as a new occurrence of the same episode", () => {
    const first = after(raised("equipment"), clear);
    const again = after(first, activate);
    expect([letter(again), again.occurrence, again.id]).toEqual(["B", 2, first.id]);
    expect(again).not.toHaveProperty("clearedAt");
  });

  it("asks for a new episode once the old one is closed", () => {
    expect(refusal(after(raised("equipment"), acknowledge(), clear), activate)).toBe("ALARM_CLOSED");
  });

  it("takes a repeated activation or clearing as already done", () => {
    const alarm = raised("equipment");
    expect(accepted(apply(alarm, activate, minting))).toEqual({ alarm });
    const returned = after(alarm, clear);
    expect(accepted(apply(returned, clear, minting))).toEqual({ alarm: returned });
  });

  it("AL-07 never acknowledges by itself", () => {
    for (const category of AlarmCategory.enum) expect(after(raised(category), clear).acknowledged).toBe(false);
  });

  it("has nothing to reset", () => {
    expect(refusal(after(raised("equipment"), clear), reset())).toBe("ALARM_NOT_LATCHING");
  });
});

describe("suppression", () => {
  it("AL-10 shelves with a reason and for a limited time only", () => {
    const alarm = raised("comfort");
    expect(refusal(alarm, { type: "shelve", until: START + 1000, reason: " " })).toBe("ALARM_REASON_MISSING");
    expect(refusal(alarm, { type: "shelve", until: START, reason: "r" })).toBe("ALARM_SHELVE_UNTIL_INVALID");
    expect(refusal(alarm, { type: "shelve", until: START + MAX_SHELVE_MS + 1, reason: "r" })).toBe(
      "ALARM_SHELVE_UNTIL_INVALID",
    );
    const shelved = after(alarm, shelve);
    expect([letter(shelved), shelved.shelvedUntil]).toEqual(["E", START + 3_600_000]);
  });

  it("AL-10 brings an unacknowledged alarm back as the same occurrence when it is taken from the shelf", () => {
    const back = after(raised("comfort"), shelve, { type: "unshelve" });
    expect([letter(back), back.occurrence]).toEqual(["B", 1]);
    expect(back).not.toHaveProperty("shelvedUntil");
  });

  it("AL-13 goes on with condition and history while suppressed", () => {
    const gone = after(raised("comfort"), shelve, clear, acknowledge());
    expect([letter(gone), gone.condition, isClosed(gone)]).toEqual(["E", "inactive", false]);
    const again = after(gone, activate);
    expect([letter(again), again.condition, again.occurrence]).toEqual(["E", "active", 2]);
  });

  it.each([
    ["shelved", shelve, { type: "unshelve" }],
    ["byDesign", { type: "suppress", rule: "plant-off" }, { type: "unsuppress", rule: "plant-off" }],
    ["outOfService", outOfService, { type: "returnToService" }],
  ] as const)("AL-13 leads from %s to B when it is left while active, so that it sounds again", (_, enter, leave) => {
    const hidden = after(raised("comfort"), acknowledge(), enter);
    const back = after(hidden, leave);
    expect([letter(back), back.occurrence]).toEqual(["B", 2]);
    expect(refusal(back, acknowledge(1))).toBe("ALARM_OCCURRENCE_STALE");
  });

  it("AL-13 stays silent as long as another suppression remains", () => {
    const one = after(raised("comfort"), acknowledge(), shelve, outOfService, { type: "unshelve" });
    expect([letter(one), one.occurrence]).toEqual(["G", 1]);
  });

  it("AL-11 is entered and left by logic, once each", () => {
    const alarm = raised("comfort");
    const hidden = accepted(apply(alarm, { type: "suppress", rule: "plant-off" }, minting));
    expect([hidden.transition, letter(hidden.alarm)]).toEqual(["suppressed", "F"]);
    expect(accepted(apply(hidden.alarm, { type: "suppress", rule: "plant-off" }, minting))).toEqual({
      alarm: hidden.alarm,
    });
    expect(accepted(apply(hidden.alarm, { type: "unsuppress", rule: "plant-off" }, minting)).transition).toBe(
      "unsuppressed",
    );
    expect(accepted(apply(alarm, { type: "unsuppress", rule: "plant-off" }, minting))).toEqual({ alarm });
  });

  it("AL-12 takes out of service with a reason and never returns by itself", () => {
    const alarm = raised("equipment");
    expect(refusal(alarm, { type: "outOfService", reason: "" })).toBe("ALARM_REASON_MISSING");
    const out = after(alarm, outOfService, clear, acknowledge(), activate, clear);
    expect([letter(out), isClosed(out)]).toEqual(["G", false]);
  });

  it("shows out of service before by design before shelved before the rest", () => {
    const all = after(raised("comfort"), shelve, { type: "suppress", rule: "plant-off" }, outOfService);
    const less = after(all, { type: "returnToService" });
    const least = after(less, { type: "unsuppress", rule: "plant-off" });
    expect([all, less, least, after(least, { type: "unshelve" })].map(letter)).toEqual(["G", "F", "E", "B"]);
  });

  it("AL-16 keeps the last state of a silent source and marks it", () => {
    const stale = after(raised("comfort"), { type: "stale" });
    expect([stale.stale, letter(stale)]).toEqual([true, "B"]);
    expect(accepted(apply(stale, { type: "stale" }, minting))).toEqual({ alarm: stale });
    expect(after(stale, { type: "fresh" })).not.toHaveProperty("stale");
  });
});

describe("security law", () => {
  it.each(securityCategories)("AL-08 IN-02 holds an alarm of %s until a person resets it", (category) => {
    const gone = after(raised(category), clear);
    expect([letter(gone), gone.condition, isClosed(gone)]).toEqual(["latched", "latched", false]);
    const acknowledged = after(gone, acknowledge());
    expect(letter(acknowledged)).toBe("latched");
    const done = accepted(apply(acknowledged, reset(1, "chen", START + 9), minting));
    expect(done).toMatchObject({ transition: "reset", alarm: { resetBy: "chen", resetAt: START + 9 } });
    expect(isClosed(done.alarm)).toBe(true);
  });

  it("AL-08 refuses a reset while the condition holds and before the acknowledgement", () => {
    const alarm = raised("intrusion");
    expect(refusal(after(alarm, acknowledge()), reset())).toBe("ALARM_STILL_ACTIVE");
    expect(refusal(after(alarm, clear), reset())).toBe("ALARM_NOT_ACKNOWLEDGED");
  });

  it("takes a repeated reset as already done", () => {
    const closed = after(raised("intrusion"), clear, acknowledge(), reset());
    expect(accepted(apply(closed, reset(), minting))).toEqual({ alarm: closed });
  });

  it("IN-02 makes a new intrusion while latched a new occurrence that is not acknowledged", () => {
    const again = after(raised("intrusion"), clear, acknowledge(), activate);
    expect(again).toMatchObject({ occurrence: 2, acknowledged: false, condition: "active", live: true });
    expect(again).not.toHaveProperty("acknowledgedBy");
    expect(refusal(again, reset(1))).toBe("ALARM_OCCURRENCE_STALE");
  });

  it.each(securityCategories)("AL-10 never shelves and never suppresses by logic an alarm of %s", (category) => {
    expect(refusal(raised(category), shelve)).toBe("ALARM_SHELVE_FORBIDDEN");
    expect(refusal(raised(category), { type: "suppress", rule: "plant-off" })).toBe("ALARM_SUPPRESSION_FORBIDDEN");
  });

  it("IN-03 never takes a panic input out of service, but a zone under repair", () => {
    expect(refusal(raised("panic"), outOfService)).toBe("ALARM_OUT_OF_SERVICE_FORBIDDEN");
    expect(letter(after(raised("intrusion"), outOfService))).toBe("G");
  });
});

describe("mirror", () => {
  it("AL-15 may acknowledge and reset without counting a version of the minting side", () => {
    const latched = after(raised("intrusion"), clear);
    const acknowledged = accepted(apply(latched, acknowledge(), mirror));
    const done = accepted(apply(acknowledged.alarm, reset(), mirror));
    expect(done).toMatchObject({ transition: "reset", alarm: { version: latched.version, condition: "inactive" } });
  });

  it("leaves the condition and everything that hides an alarm to the side that minted it", () => {
    const events: AlarmEvent[] = [
      activate,
      clear,
      shelve,
      { type: "unshelve" },
      outOfService,
      { type: "returnToService" },
      { type: "suppress", rule: "plant-off" },
      { type: "stale" },
    ];
    for (const event of events)
      expect(apply(raised("comfort"), event, mirror)).toMatchObject({ refused: "ALARM_NOT_MINTED_HERE" });
  });
});
