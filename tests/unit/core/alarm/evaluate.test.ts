import { describe, expect, it } from "vitest";
import { alarmId, letter } from "#core/alarm/lifecycle.ts";
import { pointId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import {
  ahu,
  bad,
  broken,
  command,
  evaluator,
  event,
  fault,
  hot,
  intrusion,
  motion,
  panel,
  panic,
  sample,
  temperature,
  texts,
  transitions,
  zone3,
} from "./evaluator-fixtures.ts";
import { EPOCH, START } from "./fixtures.ts";

describe("limits", () => {
  it("AL-01 raises on arrival with source time, time of receipt, place and texts", () => {
    const { alarms } = evaluator([hot]);
    const [change, ...rest] = alarms.onSample(sample(temperature, 31, { sourceTime: START - 90 }));
    expect(rest).toEqual([]);
    expect(change).toMatchObject({
      transition: "raised",
      episode: 1,
      closed: false,
      alarm: {
        id: alarmId({ origin: "park/gw-1", definition: "ahu-1.hot", epoch: EPOCH, episode: 1 }),
        raisedAt: START - 90,
        receivedAt: START,
        value: 31,
        source: temperature,
        point: temperature,
        device: ahu,
        area: "plant-room",
        law: "facility",
        ...texts,
      },
    });
  });

  it("AL-03 clears an upper limit only below the deadband", () => {
    const { alarms } = evaluator([hot]);
    const seen = [30, 30.1, 29, 28.1, 31, 28, 29, 30].map((value) =>
      transitions(alarms.onSample(sample(temperature, value))),
    );
    expect(seen).toEqual([[], ["raised"], [], [], [], ["cleared"], [], []]);
  });

  it("AL-03 clears a lower limit only above the deadband", () => {
    const cold = { ...hot, condition: { type: "below" as const, point: temperature, limit: 10, deadband: 2 } };
    const { alarms } = evaluator([cold]);
    const seen = [10, 9, 11.9, 12].map((value) => transitions(alarms.onSample(sample(temperature, value))));
    expect(seen).toEqual([[], ["raised"], [], ["cleared"]]);
  });

  it("clears a limit without deadband at the limit itself", () => {
    const any = { ...hot, condition: { type: "above" as const, point: temperature, limit: 0, deadband: 0 } };
    const { alarms } = evaluator([any]);
    expect([1, 0].map((value) => transitions(alarms.onSample(sample(temperature, value))))).toEqual([
      ["raised"],
      ["cleared"],
    ]);
  });

  it("compares states without converting them", () => {
    const { alarms } = evaluator([broken]);
    expect([1, "true", false, true].map((value) => alarms.onSample(sample(fault, value)).length)).toEqual([0, 0, 0, 1]);
  });

  it("lets one sample raise every alarm that is set on its point", () => {
    const veryHot = { ...hot, id: "ahu-1.very-hot", condition: { ...hot.condition, limit: 40 } } as AlarmDefinition;
    const { alarms } = evaluator([hot, veryHot]);
    expect(alarms.onSample(sample(temperature, 41)).map(({ alarm }) => alarm.definition)).toEqual([
      "ahu-1.hot",
      "ahu-1.very-hot",
    ]);
  });

  it("opens a new episode with a new id after the old one closed, and a new occurrence before", () => {
    const { alarms } = evaluator([broken]);
    const [first] = alarms.onSample(sample(fault, true));
    alarms.onSample(sample(fault, false));
    const [second] = alarms.onSample(sample(fault, true));
    expect([second?.alarm.id, second?.alarm.occurrence]).toEqual([first?.alarm.id, 2]);
    const id = second?.alarm.id ?? "";
    alarms.onSample(sample(fault, false));
    expect(alarms.command(command(id, "acknowledge", { occurrence: 2 })).changes[0]?.closed).toBe(true);
    const [third] = alarms.onSample(sample(fault, true));
    expect(third).toMatchObject({ episode: 2, alarm: { occurrence: 1, version: 1 } });
    expect(third?.alarm.id).not.toBe(id);
  });
});

describe("quality", () => {
  it.each(["bad", "uncertain"] as const)(
    "AL-16 neither raises nor clears on a value of quality %s, but marks it stale",
    (quality) => {
      const { alarms } = evaluator([broken]);
      expect(alarms.onSample(sample(fault, true, { quality }))).toEqual([]);
      alarms.onSample(sample(fault, true));
      const [stale, ...rest] = alarms.onSample(sample(fault, false, { quality }));
      expect([stale?.transition, stale?.alarm.live, stale?.alarm.stale, rest]).toEqual(["stale", true, true, []]);
      expect(alarms.onSample(sample(fault, false, { quality }))).toEqual([]);
      expect(transitions(alarms.onSample(sample(fault, false)))).toEqual(["fresh", "cleared"]);
    },
  );

  it("takes a limit on what is no number as unknown", () => {
    const { alarms } = evaluator([hot]);
    alarms.onSample(sample(temperature, 31));
    expect(transitions(alarms.onSample(sample(temperature, null)))).toEqual(["stale"]);
    expect(alarms.onSample(sample(temperature, Number.NaN))).toEqual([]);
    expect(transitions(alarms.onSample(sample(temperature, 31)))).toEqual(["fresh"]);
  });
});

describe("pulses and events", () => {
  it("IN-01 keeps a pulse of one sample as a latched alarm", () => {
    const { alarms } = evaluator([intrusion]);
    expect(transitions(alarms.onSample(sample(zone3, true)))).toEqual(["raised"]);
    expect(transitions(alarms.onSample(sample(zone3, false)))).toEqual(["cleared"]);
    expect(alarms.alarms().map(letter)).toEqual(["latched"]);
    expect(alarms.alarms()[0]).toMatchObject({ zone: "zone-3", area: "east-fence" });
  });

  it("IN-01 shows several zones at once, in the order in which they were seen", () => {
    const zones = [5, 1, 3, 2].map((n) => ({ n, point: pointId(`${panel}/zone-${n}-alarm`) }));
    const definitions = zones.map(({ n, point }) => ({
      ...intrusion,
      id: `zone-${n}`,
      zone: `zone-${n}`,
      condition: { type: "equals" as const, point, value: true },
    }));
    const { alarms } = evaluator(definitions);
    const seen = zones.flatMap(({ point }) => alarms.onSample(sample(point, true)));
    expect(seen.map(({ alarm }) => alarm.zone)).toEqual(["zone-5", "zone-1", "zone-3", "zone-2"]);
    expect(alarms.alarms()).toHaveLength(4);
  });

  it("follows an event with a beginning and an end", () => {
    const { alarms } = evaluator([motion]);
    expect([true, true, false, true].map((state) => transitions(alarms.onEvent(event(state))))).toEqual([
      ["raised"],
      [],
      ["cleared"],
      ["raised"],
    ]);
    expect(alarms.onEvent({ ...event(true), kind: "tamper" })).toEqual([]);
  });

  it("raises and clears at once on an event without state, each time as a new occurrence", () => {
    const { alarms } = evaluator([{ ...motion, onDelayMs: 5000 }]);
    const pulses = [alarms.onEvent(event()), alarms.onEvent(event())];
    expect(pulses.map(transitions)).toEqual([
      ["raised", "cleared"],
      ["raised", "cleared"],
    ]);
    expect(pulses[1]?.[0]?.alarm.occurrence).toBe(2);
    expect(letter(pulses[1]?.[1]?.alarm as never)).toBe("latched");
  });
});

it("lets a pulse change nothing while the same event holds", () => {
  const { alarms } = evaluator([motion]);
  alarms.onEvent(event(true));
  expect(alarms.onEvent(event())).toEqual([]);
  expect(alarms.alarms().map(letter)).toEqual(["B"]);
});

describe("delays", () => {
  const slow: AlarmDefinition = { ...broken, onDelayMs: 5000, offDelayMs: 3000 };

  it("AL-01 raises only when the condition held for the on-delay, with the time at which it began", () => {
    const { alarms, clock, late } = evaluator([slow]);
    expect(alarms.onSample(sample(fault, true, { sourceTime: START - 20 }))).toEqual([]);
    clock.advance(4999);
    alarms.onSample(sample(fault, true));
    expect(late).toEqual([]);
    clock.advance(1);
    expect(late).toMatchObject([{ transition: "raised", alarm: { raisedAt: START - 20, receivedAt: START + 5000 } }]);
  });

  it("forgets an on-delay when the condition goes before its end", () => {
    const { alarms, clock, late, delays } = evaluator([slow]);
    alarms.onSample(sample(fault, true));
    clock.advance(4000);
    alarms.onSample(sample(fault, false));
    clock.advance(10_000);
    expect([late, clock.pending]).toEqual([[], 0]);
    expect(delays.map(([, delay]) => delay?.dueAt)).toEqual([START + 5000, undefined]);
  });

  it("forgets it also after the condition was reported several times", () => {
    const { alarms, clock, late } = evaluator([slow]);
    alarms.onSample(sample(fault, true));
    clock.advance(1000);
    alarms.onSample(sample(fault, true));
    alarms.onSample(sample(fault, false));
    clock.advance(10_000);
    expect([late, clock.pending]).toEqual([[], 0]);
  });

  it("AL-03 clears only when the condition was gone for the off-delay", () => {
    const { alarms, clock, late } = evaluator([slow]);
    alarms.onSample(sample(fault, true));
    clock.advance(5000);
    alarms.onSample(sample(fault, false));
    clock.advance(2000);
    alarms.onSample(sample(fault, true));
    clock.advance(2000);
    alarms.onSample(sample(fault, false));
    clock.advance(3000);
    expect(transitions(late)).toEqual(["raised", "cleared"]);
  });

  it("AL-16 lets no delay run out on a value that became bad", () => {
    const { alarms, clock, late } = evaluator([slow]);
    alarms.onSample(sample(fault, true));
    alarms.onSample(bad(fault));
    clock.advance(60_000);
    expect(late).toEqual([]);
    alarms.onSample(sample(fault, true));
    clock.advance(5000);
    expect(transitions(late)).toEqual(["raised"]);
  });

  it.each(["panic", "fire"] as const)("IN-03 never delays %s", (category) => {
    const definition = {
      ...intrusion,
      category,
      onDelayMs: 5000,
      offDelayMs: 5000,
      condition: { type: "equals" as const, point: panic, value: true },
    };
    const { alarms } = evaluator([definition]);
    expect(transitions(alarms.onSample(sample(panic, true)))).toEqual(["raised"]);
    expect(transitions(alarms.onSample(sample(panic, false)))).toEqual(["cleared"]);
  });

  it("AL-14 goes on with a delay after a restart, and raises at once when it ran out meanwhile", () => {
    const before = evaluator([slow]);
    before.alarms.onSample(sample(fault, true));
    before.clock.advance(2000);
    const restored = JSON.parse(JSON.stringify(before.alarms.snapshot()));
    before.alarms.stop();
    expect(before.clock.pending).toBe(0);
    const later = evaluator([slow], { restored });
    later.clock.advance(4999);
    expect(later.late).toEqual([]);
    later.clock.advance(1);
    expect(transitions(later.late)).toEqual(["raised"]);
    const clock = new ManualClock(START);
    clock.advance(3_600_000);
    const muchLater = evaluator([slow], { restored, clock });
    clock.advance(0);
    expect(muchLater.late).toMatchObject([{ transition: "raised", alarm: { raisedAt: START } }]);
  });
});
