import { beforeEach, describe, expect, it } from "vitest";
import { Abilities, type Learned } from "#protocols/bacnet/client/abilities.ts";
import { CovSubscriptions } from "#protocols/bacnet/client/cov.ts";
import { targetOf } from "#protocols/bacnet/client/map.ts";
import type { Ask } from "#protocols/bacnet/client/polling.ts";
import { decodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import { decodeSubscribeCovProperty } from "#protocols/bacnet/codec/services/subscribe-cov-property.ts";
import type { BacnetAddress } from "#protocols/bacnet/config.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const SUBSCRIBE_COV = 5;
const SUBSCRIBE_COV_PROPERTY = 28;
const ACK: Outcome = { kind: "ack", body: new Uint8Array() };
const UNKNOWN_SERVICE: Outcome = { kind: "reject", reason: 9 };
const refusedWith = (errorClass: number, errorCode: number): Outcome => ({
  kind: "error",
  error: { errorClass, errorCode },
  body: new Uint8Array(),
});
const NO_SPACE = refusedWith(3, 19);
const input = (instance: number, more: Partial<BacnetAddress> = {}) =>
  targetOf({ objectType: "analog-input", instance, ...more });
const inputs = (count: number) => Array.from({ length: count }, (_, instance) => input(instance));

describe("the COV subscriptions of one device", () => {
  let clock: ManualClock;
  let asked: { service: number; body: Uint8Array }[];
  let answer: (service: number, body: Uint8Array) => Outcome;
  let ending: AbortController;
  let saved: Learned | undefined;
  let counters: Counters;
  let formerProcessId: number | undefined;

  beforeEach(() => {
    clock = new ManualClock(0);
    asked = [];
    answer = () => ACK;
    ending = new AbortController();
    saved = undefined;
    counters = new Counters();
    formerProcessId = undefined;
  });

  function subscriptions(
    targets: readonly ReturnType<typeof input>[],
    remembered?: Learned,
  ): [CovSubscriptions, Abilities] {
    const save = (learned: Learned): void => {
      saved = learned;
    };
    const abilities = new Abilities({ vendorId: 7, maxApdu: 480 }, remembered, { clock, save });
    const ask: Ask = async (service, body) => {
      asked.push({ service, body });
      return answer(service, body);
    };
    const { signal } = ending;
    const times = { processId: 5, formerProcessId, confirmed: true, lifetimeS: 600, window: 4 };
    return [new CovSubscriptions(targets, { ask, abilities, clock, counters, signal, ...times }), abilities];
  }

  it("are made object by object, and renewed before half of their life is over", async () => {
    const [cov] = subscriptions([input(1), input(1, { property: "description", cov: false }), input(2)]);
    await cov.begin();
    expect(asked.map(({ body }) => decodeSubscribeCov(body))).toEqual(
      [1, 2].map((instance) => ({
        processId: 5,
        object: { type: 0, instance },
        subscription: { confirmed: true, lifetimeS: 600 },
      })),
    );
    asked.length = 0;
    clock.advance(239_000);
    expect(asked).toEqual([]);
    clock.advance(61_000);
    await expect.poll(() => asked.length).toBe(2);
    ending.abort();
  });

  it("are of a property where another property or an increment is asked for", async () => {
    const limit = input(1, { property: "highLimit", cov: true });
    const fine = input(2, { covIncrement: 0.25 });
    const [cov] = subscriptions([limit, fine]);
    await cov.subscribeAll();
    expect(asked.map(({ service }) => service)).toEqual([SUBSCRIBE_COV_PROPERTY, SUBSCRIBE_COV_PROPERTY]);
    expect(asked.map(({ body }) => decodeSubscribeCovProperty(body))).toMatchObject([
      { object: { type: 0, instance: 1 }, monitoredProperty: { property: 45 }, confirmed: true, lifetimeS: 600 },
      { object: { type: 0, instance: 2 }, monitoredProperty: { property: 85 }, covIncrement: 0.25 },
    ]);
    expect([cov.covers(limit), cov.covers(fine)]).toEqual([true, true]);
  });

  it("fall back to SubscribeCOV, and where that cannot tell a property to polling, and do not ask twice", async () => {
    answer = (service) => (service === SUBSCRIBE_COV_PROPERTY ? UNKNOWN_SERVICE : ACK);
    const limit = input(1, { property: "highLimit", cov: true });
    const fine = input(2, { covIncrement: 0.25 });
    const [cov] = subscriptions([limit, fine]);
    await cov.subscribeAll();
    expect([cov.covers(limit), cov.covers(fine)]).toEqual([false, true]);
    asked.length = 0;
    await cov.subscribeAll();
    expect(asked.map(({ service }) => service)).toEqual([SUBSCRIBE_COV]);
    clock.advance(2000);
    expect(saved).toMatchObject({ covProperty: false });
  });

  it("are no longer counted on where a device that started again has fewer slots than before", async () => {
    let slots = 40;
    const known = new Set<number>();
    answer = (_, body) => {
      const { instance } = decodeSubscribeCov(body).object;
      if (!known.has(instance) && known.size >= slots) return NO_SPACE;
      known.add(instance);
      return ACK;
    };
    const targets = inputs(40);
    const [cov] = subscriptions(targets);
    await cov.subscribeAll();
    known.clear();
    slots = 6;
    await cov.subscribeAll();
    expect(targets.filter((target) => cov.covers(target)).map(({ object }) => object.instance)).toEqual([...known]);
  });

  it("ask no more once the slots have run out, remember how many there are, and try one more with each renewal", async () => {
    let held = 0;
    const known = new Set<number>();
    let slots = 6;
    answer = (_, body) => {
      const { instance } = decodeSubscribeCov(body).object;
      if (!known.has(instance) && held >= slots) return NO_SPACE;
      if (!known.has(instance)) held++;
      known.add(instance);
      return ACK;
    };
    const targets = inputs(40);
    const [cov, abilities] = subscriptions(targets);
    await cov.subscribeAll();
    expect(targets.filter((target) => cov.covers(target))).toHaveLength(6);
    expect(asked).toHaveLength(8);
    expect(abilities.covSlots).toBe(6);
    asked.length = 0;
    await cov.subscribeAll();
    expect(asked).toHaveLength(7);
    slots = 10;
    await cov.subscribeAll();
    expect(abilities.covSlots).toBe(7);
    clock.advance(2000);
    expect(saved).toMatchObject({ covSlots: 7 });
  });

  it("give back the slots of the gateway's former start before they are called few", async () => {
    formerProcessId = 4;
    const targets = inputs(12);
    // ten slots, eight of them still taken by the former start
    const held = new Set(targets.slice(0, 8).map(({ object }) => `4:${object.instance}`));
    answer = (_, body) => {
      const { processId, object, subscription } = decodeSubscribeCov(body);
      const key = `${processId}:${object.instance}`;
      if (subscription === undefined) held.delete(key);
      else if (!held.has(key) && held.size >= 10) return NO_SPACE;
      else held.add(key);
      return ACK;
    };
    const [cov, abilities] = subscriptions(targets);
    await cov.subscribeAll();
    expect(targets.filter((target) => cov.covers(target))).toHaveLength(10);
    expect(abilities.covSlots).toBe(10);
  });

  it("are no longer counted on when a renewal is refused", async () => {
    const target = input(1);
    const [cov] = subscriptions([target]);
    await cov.subscribeAll();
    expect(cov.covers(target)).toBe(true);
    answer = () => refusedWith(5, 43);
    await cov.subscribeAll();
    expect(cov.covers(target)).toBe(false);
    expect(counters.get("covRefused")).toBe(1);
  });

  it("are not asked of a device that is known to have no COV, until a week has passed", async () => {
    const remembered: Learned = { at: 0, vendorId: 7, maxApdu: 480, cov: false };
    const [cov] = subscriptions(inputs(3), remembered);
    await cov.subscribeAll();
    expect(asked).toEqual([]);
    clock.advance(8 * 24 * 3_600_000);
    const [later] = subscriptions(inputs(3), remembered);
    await later.subscribeAll();
    expect(asked).toHaveLength(3);
  });
});
