import { describe, expect, it } from "vitest";
import { JournalReader, type KpiEntry } from "#core/alarm/annunciations.ts";
import { badActorSteps, type DefinitionFacts, proposalAllowed } from "#core/alarm/bad-actors.ts";
import { type CauseFacts, groupByCause } from "#core/alarm/cause.ts";
import { ended } from "#core/alarm/kpi.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import { activation, DAY, every, HOUR, MINUTE, MONDAY, SECOND } from "./journal.ts";

const actors = (entries: Iterable<KpiEntry>, facts?: DefinitionFacts) => {
  const reader = new JournalReader(MONDAY);
  for (const entry of entries) reader.take(entry);
  const span = { from: MONDAY, to: MONDAY + 30 * DAY };
  return ended(badActorSteps(reader.record, { span, limit: 10, factsOf: () => facts }));
};
/** Comes for 10 s every 20 s, `times` times. */
const chattering = (times: number, more: Partial<KpiEntry> = {}) =>
  every(20 * SECOND, times).flatMap((at) => activation(at, 10 * SECOND, more));
/** Comes once an hour for so many seconds. */
const fleeting = (seconds: readonly number[], more: Partial<KpiEntry> = {}) =>
  seconds.flatMap((s, i) => activation(MONDAY + i * HOUR, s * SECOND, more));
const security = { law: "security", category: "intrusion" } as const;

describe("bad actors", () => {
  it("stand in the order of their load", () => {
    const loud = fleeting([600, 600, 600], { definition: "loud" });
    const found = actors([...loud, ...fleeting([600], { definition: "calm" })]);
    expect(found.map(({ kind, count, percent }) => [kind.definition, count, percent])).toEqual([
      ["loud", 3, 75],
      ["calm", 1, 25],
    ]);
  });

  it("that chatter get an off-delay that bridges nine of ten gaps", () => {
    const [actor] = actors(chattering(12));
    expect(actor).toMatchObject({ count: 12, chattering: 4 });
    expect(actor?.proposal).toEqual({
      kind: "offDelay",
      value: 11_000,
      because: "chattering",
      basis: { samples: 11, p90Ms: 10_000 },
    });
  });

  it("that chatter around an analogue limit get a deadband of the usual share of the range", () => {
    const analog = { deadband: 0.1, range: 50, unit: "degC" };
    expect(actors(chattering(12), { analog, onDelayMs: 0, offDelayMs: 0 })[0]?.proposal).toMatchObject({
      kind: "deadband",
      value: 0.5,
    });
    const wide = { analog: { ...analog, deadband: 1 }, onDelayMs: 0, offDelayMs: 0 };
    expect(actors(chattering(12), wide)[0]?.proposal?.kind).toBe("offDelay");
  });

  it("that are gone before anybody acts get an on-delay from the short ones among them", () => {
    const [actor] = actors(fleeting([5, 7, 9, 11, 12, 900]));
    expect(actor?.fleeting).toBe(5);
    expect(actor?.proposal).toMatchObject({ kind: "onDelay", value: 13_000, basis: { samples: 5, p90Ms: 12_000 } });
  });

  it("get no proposal that they have already, and none from chance", () => {
    expect(actors(chattering(12), { onDelayMs: 0, offDelayMs: 11_000 })[0]?.proposal).toBeUndefined();
    expect(actors(fleeting([5, 5]))[0]?.proposal).toBeUndefined();
  });

  it("of panic and fire never get a delay", () => {
    for (const category of ["panic", "fire"] as const) {
      const [actor] = actors(chattering(12, { law: "security", category }));
      expect(actor?.proposal).toBeUndefined();
      expect(actor?.noProposal).toBe("lawForbids");
    }
  });

  it("of the security law are debounced at most", () => {
    const bounce = every(HOUR, 5).flatMap((at) => activation(at, 150, security));
    expect(actors(bounce)[0]?.proposal).toMatchObject({ kind: "onDelay", value: 200 });
    expect(actors(chattering(12, security))[0]).toMatchObject({ noProposal: "checkDetector" });
  });

  it("are stale when they were active for more than a day", () => {
    expect(actors(activation(MONDAY, 25 * HOUR))[0]?.stale).toBe(1);
  });
});

describe("what may be proposed", () => {
  it("is no delay for panic and fire, and for the rest of the security law half a second before the alarm", () => {
    for (const category of AlarmCategory.enum) {
      const law = ["access", "intrusion", "panic", "tamper", "fire"].includes(category) ? "security" : "facility";
      const never = category === "panic" || category === "fire";
      expect(proposalAllowed(category, "onDelay", 500), category).toBe(!never);
      expect(proposalAllowed(category, "onDelay", 501), category).toBe(law === "facility");
      expect(proposalAllowed(category, "offDelay", 100), category).toBe(law === "facility");
      expect(proposalAllowed(category, "deadband", 1), category).toBe(law === "facility");
      expect(proposalAllowed(category, "onDelay", 300_001), category).toBe(false);
    }
  });
});

describe("open alarms of one cause", () => {
  const alarm = (id: string, more: Partial<CauseFacts> = {}): CauseFacts => ({
    id,
    definition: `definition-${id}`,
    category: "equipment",
    stale: false,
    raisedAt: new Date(MONDAY + Number(id.replaceAll(/\D/g, "")) * MINUTE).toISOString(),
    ...more,
  });
  const groups = (...alarms: CauseFacts[]) =>
    groupByCause(alarms).map(({ cause, count, first }) => [cause, count, first.id]);

  it("are those of a lost gateway with all that it has left stale, the device alarms too", () => {
    expect(
      groups(
        alarm("a1", { gateway: "p/gw-1", stale: true }),
        alarm("a2", { definition: "gateway:p/gw-1", category: "communication", gateway: "p/gw-1" }),
        alarm("a3", { definition: "comm:p/gw-1/ahu", gateway: "p/gw-1", stale: true }),
        alarm("a4", { gateway: "p/gw-2" }),
      ),
    ).toEqual([
      ["gateway:p/gw-1", 3, "a2"],
      ["one:a4", 1, "a4"],
    ]);
  });

  it("are those of a lost device", () => {
    const [first, second] = [alarm("a1", { definition: "comm:p/gw-1/ahu" }), alarm("a2", { device: "p/gw-1/ahu" })];
    expect(groups(second, first)).toEqual([["device:p/gw-1/ahu", 2, "a1"]]);
  });

  it("are those of a device that has fallen silent, but none that it still tells", () => {
    const device = "p/gw-1/ahu";
    const silent = alarm("a3", { definition: `stale:${device}`, device });
    expect(groups(alarm("a1", { device, stale: true }), alarm("a2", { device }), silent)).toEqual([
      [`device:${device}`, 2, "a3"],
      ["one:a2", 1, "a2"],
    ]);
    const lost = alarm("a4", { definition: `comm:${device}`, device });
    expect(groups(silent, lost)).toEqual([[`device:${device}`, 2, "a4"]]);
    const gateway = alarm("a5", { definition: "gateway:p/gw-1" });
    expect(groups({ ...silent, gateway: "p/gw-1", stale: true }, gateway)).toEqual([["gateway:p/gw-1", 2, "a5"]]);
  });

  it("are those that name the first of their group", () => {
    expect(groups(alarm("a1"), alarm("a2", { cause: "a1" }), alarm("a3", { cause: "gone" }))).toEqual([
      ["alarm:a1", 2, "a1"],
      ["one:a3", 1, "a3"],
    ]);
  });

  it("are the fire alarms of one space, under the first", () => {
    const fire = { category: "fire", area: "building-b" } as const;
    expect(groups(alarm("a2", fire), alarm("a1", fire), alarm("a3", { category: "fire", area: "c" }))).toEqual([
      ["fire:building-b", 2, "a1"],
      ["fire:c", 1, "a3"],
    ]);
  });
});
