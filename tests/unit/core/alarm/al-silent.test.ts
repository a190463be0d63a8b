import { describe, expect, it } from "vitest";
import { communicationDefinition, STALE_ON_DELAY_MS, staleDefinition } from "#core/alarm/track.ts";
import { bench, facility, flow, setpoint, told } from "./al-bench.ts";
import { ahu, intrusion, panel, zone3 } from "./evaluator-fixtures.ts";

const high = facility({ id: "high", condition: { type: "above", point: flow, limit: 5, deadband: 0 } });
const off = facility({
  id: "off",
  condition: { type: "deviation", point: flow, reference: setpoint, over: 2, deadband: 0 },
});
const stale = { quality: "uncertain", reason: "stale" } as const;
const context = {
  zone: () => undefined,
  point: () => ({ space: "roof" }),
  device: () => ({ name: "1号空调机组", nameEn: "AHU 1", space: "roof" }),
};
const STALE = staleDefinition(ahu);

describe("AL-16 a point that is no longer updated while its device answers", () => {
  it("AL-16 keeps the last state, marked, and is told by one alarm of its device after the on-delay", () => {
    const { feed, letter, alarm, clock, late } = bench([high, off], { context });
    feed(flow, 6);
    feed(setpoint, 1);
    expect(told(feed(flow, 6, stale))).toEqual(["high stale", "off stale"]);
    expect(letter("high")).toBe("B");
    clock.advance(STALE_ON_DELAY_MS - 1);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(told(late)).toEqual([`${STALE} raised`, "high suppressed", "off suppressed"]);
    expect([letter("high"), alarm("high")?.live, alarm("high")?.stale]).toEqual(["F", true, true]);
    expect(alarm(STALE)).toMatchObject({ category: "communication", law: "facility", area: "roof", value: "flow" });
    expect(feed(setpoint, 1, stale).map(({ transition }) => transition)).toEqual([]);
  });

  it("AL-16 is told of a point that was never heard of as well", () => {
    const { feed, alarm, clock } = bench([high], { context });
    feed(flow, null, { quality: "bad", reason: "stale" });
    clock.advance(STALE_ON_DELAY_MS);
    expect(alarm(STALE)).toMatchObject({ live: true, value: "flow" });
    feed(flow, 4);
    expect(alarm(STALE)?.live).toBe(false);
  });

  it("AL-16 is over with the last of the points, and the alarms are shown again", () => {
    const { feed, letter, alarm, act, clock } = bench([high, off], { context });
    feed(flow, 6);
    feed(setpoint, 1);
    feed(flow, 6, stale);
    feed(setpoint, 1, stale);
    clock.advance(STALE_ON_DELAY_MS);
    feed(flow, 7);
    expect([letter("high"), letter("off"), alarm(STALE)?.live]).toEqual(["B", "F", true]);
    feed(setpoint, 1);
    expect([letter("high"), letter("off"), letter(STALE)]).toEqual(["B", "B", "D"]);
    act("acknowledge", {}, STALE);
    expect(letter(STALE)).toBe("A");
  });

  it("AL-16 is nothing where the points are heard of again before the on-delay is over", () => {
    const { feed, clock, late, alarm, delays } = bench([high, off], { context });
    feed(flow, 6, stale);
    clock.advance(STALE_ON_DELAY_MS / 2);
    feed(setpoint, 1, stale);
    feed(flow, 6);
    feed(setpoint, 1);
    clock.advance(STALE_ON_DELAY_MS);
    expect([late.filter(({ alarm: { definition } }) => definition === STALE), alarm(STALE)]).toEqual([[], undefined]);
    // and leaves no delay behind in the store
    expect(delays.filter(([definition]) => definition === STALE).at(-1)).toEqual([STALE, undefined]);
  });

  it("AL-16 names a point that is stale for the whole on-delay, and none that is healthy by then", () => {
    const { feed, clock, late, alarm } = bench([], { context });
    feed(flow, 6, stale);
    clock.advance(STALE_ON_DELAY_MS / 2);
    feed(setpoint, 1, stale);
    clock.advance(STALE_ON_DELAY_MS / 4);
    feed(flow, 6);
    clock.advance(STALE_ON_DELAY_MS - 1);
    expect(late).toEqual([]);
    clock.advance(1);
    expect([told(late), alarm(STALE)?.value]).toEqual([[`${STALE} raised`], "setpoint"]);
  });

  it("AL-16, IN-04 marks a security alarm and never hides it", () => {
    const { feed, letter, alarm, clock, late } = bench([intrusion], { context });
    feed(zone3, true);
    expect(told(feed(zone3, true, stale))).toEqual(["zone-3.intrusion stale"]);
    clock.advance(STALE_ON_DELAY_MS);
    expect(told(late)).toEqual([`${staleDefinition(panel)} raised`]);
    expect([letter(), alarm()?.suppression, alarm()?.stale]).toEqual(["B", [], true]);
  });

  it("AL-16, AL-14 goes on over a restart until the point is heard of", () => {
    const first = bench([high], { context });
    first.feed(flow, 6);
    first.feed(flow, 6, stale);
    first.clock.advance(STALE_ON_DELAY_MS);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    const second = bench([high], { context, restored, clock: first.clock });
    first.clock.advance(3_600_000);
    // nothing heard since the start is no news of the point
    second.feed(flow, null, { quality: "bad", reason: "noValue" });
    expect([second.letter("high"), second.letter(STALE)]).toEqual(["F", "B"]);
    second.feed(flow, 6);
    expect([second.letter("high"), second.letter(STALE)]).toEqual(["B", "D"]);
  });

  it("AL-16, AL-14 waits anew after a restart within the on-delay, and the old delay is forgotten", () => {
    const first = bench([high], { context });
    first.feed(flow, 6, stale);
    first.clock.advance(STALE_ON_DELAY_MS - 1);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    expect(restored.delays).toMatchObject([{ definition: STALE }]);
    first.alarms.stop();
    const second = bench([high], { context, restored, clock: first.clock });
    expect(second.delays).toEqual([[STALE, undefined]]);
    first.clock.advance(STALE_ON_DELAY_MS);
    expect(second.alarm(STALE)).toBeUndefined();
    second.feed(flow, null, { quality: "bad", reason: "stale" });
    first.clock.advance(STALE_ON_DELAY_MS);
    expect(told(second.late)).toEqual([`${STALE} raised`]);
  });

  it("AL-16, AL-14 is over after a restart when its point is gone from the configuration", () => {
    const first = bench([high], { context });
    first.feed(flow, 6, stale);
    first.clock.advance(STALE_ON_DELAY_MS);
    const restored = JSON.parse(JSON.stringify(first.alarms.snapshot()));
    const without = { ...context, point: () => undefined };
    const second = bench([], { context: without, restored, clock: first.clock });
    expect(second.letter(STALE)).toBe("B");
    first.clock.advance(600_000);
    expect([second.letter(STALE), told(second.late)]).toEqual(["D", [`${STALE} cleared`]]);
  });
});

describe("AL-16 stale points of a device that is lost and comes back", () => {
  it("AL-16 are no alarm while it is silent: that has an alarm of its own", () => {
    const { feed, alarms, alarm, clock } = bench([high], { context });
    feed(flow, 6, stale);
    clock.advance(STALE_ON_DELAY_MS - 1);
    alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    clock.advance(STALE_ON_DELAY_MS);
    feed(flow, 6);
    feed(flow, 6, stale);
    clock.advance(3_600_000);
    expect(alarm(STALE)).toBeUndefined();
  });

  it("AL-16 are no alarm where they are told one after the other within the on-delay", () => {
    const { feed, alarms, alarm, clock, late } = bench([high], { context });
    feed(flow, 6);
    alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    feed(flow, 6, stale);
    clock.advance(600_000);
    alarms.onDevice({ device: ahu, online: true, at: clock.now() });
    clock.advance(STALE_ON_DELAY_MS - 1);
    feed(flow, 6);
    clock.advance(600_000);
    expect([alarm(STALE), told(late)]).toEqual([undefined, []]);
  });

  it("AL-16 are an alarm when the device is back for the on-delay and has not told them", () => {
    const { feed, alarms, clock, late } = bench([], { context });
    alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    feed(flow, 6, stale);
    clock.advance(600_000);
    alarms.onDevice({ device: ahu, online: true, at: clock.now() });
    clock.advance(STALE_ON_DELAY_MS - 1);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(told(late)).toEqual([`${STALE} raised`]);
  });

  it("AL-16, AL-11 that were an alarm before are held back by design until the device has been back for the on-delay", () => {
    const { feed, alarms, letter, alarm, clock, late } = bench([], { context });
    const comm = communicationDefinition(ahu);
    feed(flow, 6, stale);
    clock.advance(STALE_ON_DELAY_MS);
    const lost = alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    expect(told(lost)).toEqual([`${comm} raised`, `${STALE} suppressed`]);
    expect(alarm(STALE)?.suppressedBy).toEqual([comm]);
    clock.advance(600_000);
    alarms.onDevice({ device: ahu, online: true, at: clock.now() });
    clock.advance(STALE_ON_DELAY_MS - 1);
    expect(letter(STALE)).toBe("F");
    late.length = 0;
    clock.advance(1);
    expect([told(late), letter(STALE)]).toEqual([[`${STALE} unsuppressed`], "B"]);
  });

  it("AL-16 that were an alarm before are over, and hidden by nothing, when the device tells them", () => {
    const { feed, alarms, alarm, letter, clock, late } = bench([], { context });
    feed(flow, 6, stale);
    clock.advance(STALE_ON_DELAY_MS);
    alarms.onDevice({ device: ahu, online: false, at: clock.now() });
    alarms.onDevice({ device: ahu, online: true, at: clock.now() });
    late.length = 0;
    expect(told(feed(flow, 6))).toEqual([`${STALE} cleared`, `${STALE} unsuppressed`]);
    expect([letter(STALE), alarm(STALE)?.suppression]).toEqual(["D", []]);
    clock.advance(600_000);
    expect(late).toEqual([]);
  });
});

describe("AL-16 several operands", () => {
  it("AL-16 says nothing while one of them is not good", () => {
    const { feed, letter, alarm } = bench([off]);
    feed(setpoint, 1, { quality: "bad", reason: "commLost" });
    feed(flow, 9);
    expect(letter()).toBe("A");
    feed(setpoint, 1);
    expect([letter(), alarm()?.value]).toEqual(["B", 9]);
    feed(setpoint, 20, { quality: "uncertain", reason: "outOfRange" });
    expect([letter(), alarm()?.stale]).toEqual(["B", true]);
  });

  it("AL-16 waits until each has been heard of, and marks nothing meanwhile", () => {
    const first = bench([off]);
    first.feed(setpoint, 1);
    first.feed(flow, 9);
    const second = bench([off], { restored: JSON.parse(JSON.stringify(first.alarms.snapshot())) });
    expect(second.feed(setpoint, 1)).toEqual([]);
    expect(told(second.feed(flow, 1))).toEqual(["off cleared"]);
  });
});
