import { describe, expect, it } from "vitest";
import { bench, facility, flow, running, setpoint, told } from "./al-bench.ts";
import { fault, sample } from "./evaluator-fixtures.ts";

const trip = facility({ id: "ahu-1.trip", priority: "high", condition: { type: "equals", point: fault, value: true } });
const noFlow = facility({
  id: "ahu-1.no-flow",
  condition: { type: "below", point: flow, limit: 5, deadband: 0 },
  suppressedBy: [
    { rule: "fan-off", point: running, equals: false },
    { rule: "tripped", definition: "ahu-1.trip" },
  ],
});

describe("AL-11 suppression by design", () => {
  it("AL-11 holds an alarm back while the equipment is off, with the rule in the journal", () => {
    const { feed, letter, alarm } = bench([noFlow]);
    feed(running, false);
    const changes = feed(flow, 0);
    expect(told(changes)).toEqual(["ahu-1.no-flow raised", "ahu-1.no-flow suppressed"]);
    expect(changes.map(({ comment }) => comment)).toEqual([undefined, "fan-off"]);
    // nobody is called in between
    expect(changes.map(({ alarm: one }) => [one.suppression, one.version])).toEqual([
      [["byDesign"], 1],
      [["byDesign"], 2],
    ]);
    expect([letter(), alarm()?.suppressedBy]).toEqual(["F", ["fan-off"]]);
  });

  it("AL-13 leads to B when the equipment runs and the condition still holds", () => {
    const { feed, letter, alarm } = bench([noFlow]);
    feed(running, false);
    feed(flow, 0);
    const changes = feed(running, true);
    expect(changes.map(({ transition, comment }) => [transition, comment])).toEqual([["unsuppressed", "fan-off"]]);
    expect([letter(), alarm()?.occurrence, alarm()?.suppressedBy]).toEqual(["B", 1, undefined]);
  });

  it("AL-11 leaves nothing to acknowledge of what came and went while the equipment was off", () => {
    const { feed, letter, alarms } = bench([noFlow]);
    feed(running, false);
    feed(flow, 0);
    feed(flow, 9);
    expect(letter()).toBe("F");
    expect(feed(running, true).map(({ closed }) => closed)).toEqual([true]);
    expect(alarms.alarms()).toEqual([]);
  });

  it("AL-11 tells every rule that comes and goes, and ends with the last", () => {
    const { feed, letter } = bench([trip, noFlow]);
    feed(running, true);
    feed(flow, 0);
    const lines = [feed(fault, true), feed(running, false), feed(fault, false), feed(running, true)].map((changes) =>
      changes
        .filter(({ alarm }) => alarm.definition === noFlow.id)
        .map(({ transition, comment, alarm }) => [transition, comment, alarm.suppressedBy ?? []]),
    );
    expect(lines).toEqual([
      [["suppressed", "tripped", ["tripped"]]],
      [["commented", "fan-off", ["tripped", "fan-off"]]],
      [["commented", "tripped", ["fan-off"]]],
      [["unsuppressed", "fan-off", []]],
    ]);
    expect(letter(noFlow.id)).toBe("B");
  });

  it("AL-11 names the alarm that holds another back as its cause", () => {
    const { feed, alarm, letter } = bench([trip, noFlow]);
    feed(running, true);
    feed(fault, true);
    feed(flow, 0);
    expect([letter(noFlow.id), alarm(noFlow.id)?.cause]).toEqual(["F", alarm(trip.id)?.id]);
  });

  it("AL-11 believes no value that is not good", () => {
    const { feed, letter } = bench([noFlow]);
    feed(running, true);
    feed(running, false, { quality: "bad", reason: "commLost" });
    feed(flow, 0);
    expect(letter()).toBe("B");
  });

  it("AL-11 ends when the alarm that suppresses is taken out of service: its condition is not believed", () => {
    const { feed, act, letter } = bench([trip, noFlow]);
    feed(running, true);
    feed(fault, true);
    feed(flow, 0);
    const { changes } = act("outOfService", { reason: "sensor broken" }, trip.id);
    expect(told(changes)).toEqual(["ahu-1.trip outOfService", "ahu-1.no-flow unsuppressed"]);
    expect(letter(noFlow.id)).toBe("B");
  });

  it("AL-11 does not call at a start before it is known whether the equipment runs, and waits for that no longer than a moment", () => {
    const { feed, letter, clock } = bench([noFlow]);
    feed(flow, 0);
    clock.advance(1000);
    feed(running, false);
    clock.advance(4000);
    expect(letter()).toBe("F");
    const unknown = bench([noFlow]);
    unknown.feed(flow, 0);
    unknown.clock.advance(4999);
    expect(unknown.letter()).toBe("A");
    unknown.clock.advance(1);
    expect(unknown.letter()).toBe("B");
    const later = bench([noFlow]);
    later.clock.advance(30_000);
    later.feed(flow, 0);
    expect(later.letter()).toBe("B");
  });

  it.each(["access", "intrusion", "panic", "tamper", "fire"] as const)("AL-11 never touches %s", (category) => {
    const { feed, letter, alarm } = bench([{ ...noFlow, category }]);
    feed(running, false);
    feed(flow, 0);
    expect([letter(), alarm()?.suppression]).toEqual(["B", []]);
  });

  it("AL-11, AL-14 ends after a restart with a configuration that no longer has the rule", () => {
    const first = bench([noFlow]);
    first.feed(running, false);
    first.feed(flow, 0);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    const second = bench([{ ...noFlow, suppressedBy: [] }], { restored });
    expect(second.letter()).toBe("B");
  });

  it("AL-11, AL-14 goes on after a restart until the value is heard of", () => {
    const first = bench([noFlow]);
    first.feed(running, false);
    first.feed(flow, 0);
    const second = bench([noFlow], { restored: JSON.parse(JSON.stringify(first.alarms.snapshot())) });
    expect(second.letter()).toBe("F");
    second.alarms.onSample(sample(running, true));
    expect(second.letter()).toBe("B");
  });
});

describe("AL-11 first-out", () => {
  const group = (id: string, point: typeof flow) =>
    facility({ id, condition: { type: "equals", point, value: true }, firstOut: "plant" });
  const [a, b, c] = [group("a", fault), group("b", running), group("c", setpoint)];

  it("AL-11 marks the first alarm of a group, and the others name it while any of the group stands", () => {
    const { feed, alarm } = bench([a, b, c]);
    feed(running, true);
    feed(fault, true);
    feed(running, false);
    feed(setpoint, true);
    const first = alarm("b")?.id;
    expect([alarm("b")?.firstOut, alarm("b")?.cause]).toEqual([true, undefined]);
    expect([alarm("a")?.firstOut, alarm("a")?.cause]).toEqual([undefined, first]);
    expect([alarm("c")?.firstOut, alarm("c")?.cause]).toEqual([undefined, first]);
  });

  it("AL-11 begins anew when none of the group stands in alarm any more", () => {
    const { feed, alarm } = bench([a, b]);
    feed(running, true);
    feed(fault, true);
    feed(running, false);
    feed(fault, false);
    feed(fault, true);
    expect([alarm("a")?.occurrence, alarm("a")?.firstOut, alarm("a")?.cause]).toEqual([2, true, undefined]);
  });

  it("AL-11 does not take one that is out of service for the first", () => {
    const { feed, act, alarm } = bench([a, b]);
    feed(fault, true);
    act("outOfService", { reason: "r" }, "a");
    feed(running, true);
    expect([alarm("b")?.firstOut, alarm("b")?.cause]).toEqual([true, undefined]);
  });

  it("AL-11, AL-14 remembers the first over a restart", () => {
    const first = bench([a, b]);
    first.feed(fault, true);
    const second = bench([a, b], { restored: JSON.parse(JSON.stringify(first.alarms.snapshot())) });
    second.feed(running, true);
    expect(second.alarm("b")?.cause).toBe(first.alarm("a")?.id);
  });
});
