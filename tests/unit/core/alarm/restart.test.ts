import fc from "fast-check";
import { expect, it } from "vitest";
import type { AlarmChange } from "#core/alarm/change.ts";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import { isClosed } from "#core/alarm/lifecycle.ts";
import { merge } from "#core/alarm/merge.ts";
import type { PendingDelay } from "#core/alarm/track.ts";
import { deviceId, pointId } from "#core/ids.ts";
import type { Alarm, AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { EPOCH, START } from "./fixtures.ts";

const device = deviceId("park/gw-1/panel");
const level = pointId(`${device}/level`);
const door = pointId(`${device}/door`);
const texts = { message: "报警", messageEn: "Alarm" };
const definitions: readonly AlarmDefinition[] = [
  {
    id: "level",
    category: "equipment",
    priority: "low",
    condition: { type: "above", point: level, limit: 5, deadband: 1 },
    onDelayMs: 3000,
    offDelayMs: 2000,
    ...texts,
  },
  {
    id: "door",
    category: "intrusion",
    priority: "high",
    condition: { type: "equals", point: door, value: true },
    ...texts,
  },
  {
    id: "tamper",
    category: "tamper",
    priority: "high",
    condition: { type: "event", device, kind: "tamper" },
    ...texts,
  },
  {
    id: "overflow",
    category: "equipment",
    priority: "high",
    condition: { type: "outside", point: level, low: 3, high: 6, deadband: 0.5 },
    reAlarmMs: 1337,
    reAlarmLimit: 2,
    latching: true,
    firstOut: "tank",
    ...texts,
  },
  {
    id: "seven",
    category: "comfort",
    priority: "low",
    condition: { type: "oneOf", point: level, values: [4, 7] },
    autoAcknowledge: true,
    firstOut: "tank",
    suppressedBy: [{ rule: "overflowing", definition: "overflow" }],
    ...texts,
  },
];

type Step =
  | { readonly do: "level"; readonly value: number; readonly good: boolean }
  | { readonly do: "door"; readonly value: boolean }
  | { readonly do: "tamper"; readonly state: boolean | undefined }
  | { readonly do: "device"; readonly online: boolean }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "command"; readonly which: number; readonly action: AlarmCommand["action"] };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("level" as const), value: fc.integer({ min: 3, max: 7 }), good: fc.boolean() }),
  fc.record({ do: fc.constant("door" as const), value: fc.boolean() }),
  fc.record({ do: fc.constant("tamper" as const), state: fc.constantFrom(true, false, undefined) }),
  fc.record({ do: fc.constant("device" as const), online: fc.boolean() }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4000 }) }),
  fc.record({
    do: fc.constant("command" as const),
    which: fc.nat(3),
    action: fc.constantFrom<AlarmCommand["action"][]>(
      "acknowledge",
      "reset",
      "shelve",
      "unshelve",
      "outOfService",
      "returnToService",
    ),
  }),
);

/** A gateway whose store holds what each change and each delay told it, and that may lose its process at any step. */
class Gateway {
  readonly changes: AlarmChange[] = [];
  readonly #clock = new ManualClock(START);
  readonly #episodes: Record<string, number> = {};
  readonly #alarms = new Map<string, Alarm>();
  readonly #delays = new Map<string, PendingDelay>();
  #evaluator = this.#start();

  restart(): void {
    this.#evaluator.stop();
    this.#evaluator = this.#start();
  }

  take(one: Step): void {
    this.#keep(this.#perform(one));
  }

  open(): readonly Alarm[] {
    return this.#evaluator.alarms();
  }

  #start(): AlarmEvaluator {
    const stored = { episodes: this.#episodes, alarms: [...this.#alarms.values()], delays: [...this.#delays.values()] };
    const evaluator = new AlarmEvaluator({
      origin: "park/gw-1",
      epoch: EPOCH,
      definitions,
      context: {
        zone: () => undefined,
        point: () => undefined,
        device: () => ({ name: "主机", nameEn: "Panel", space: "gate" }),
      },
      clock: this.#clock,
      restored: JSON.parse(JSON.stringify(stored)),
      onChanges: (changes) => this.#keep(changes),
      onDelay: (definition, delay) =>
        delay === undefined ? this.#delays.delete(definition) : this.#delays.set(definition, delay),
    });
    this.#keep(evaluator.start());
    return evaluator;
  }

  #keep(changes: readonly AlarmChange[]): void {
    for (const change of changes) {
      this.changes.push(change);
      this.#episodes[change.alarm.definition] = change.episode;
      if (change.closed) this.#alarms.delete(change.alarm.id);
      else this.#alarms.set(change.alarm.id, change.alarm);
    }
  }

  #perform(one: Step): readonly AlarmChange[] {
    const observedAt = this.#clock.now();
    switch (one.do) {
      case "level":
        return this.#evaluator.onSample({
          point: level,
          value: one.value,
          quality: one.good ? "good" : "bad",
          observedAt,
        });
      case "door":
        return this.#evaluator.onSample({ point: door, value: one.value, quality: "good", observedAt });
      case "tamper": {
        const state = one.state === undefined ? {} : { state: one.state };
        return this.#evaluator.onEvent({ id: "e", device, kind: "tamper", observedAt, ...state });
      }
      case "device":
        return this.#evaluator.onDevice({ device, online: one.online, at: observedAt });
      case "wait":
        this.#clock.advance(one.ms);
        return [];
      case "command":
        return this.#command(one.which, one.action);
      default:
        return one satisfies never;
    }
  }

  #command(which: number, action: AlarmCommand["action"]): readonly AlarmChange[] {
    const open = [...this.open()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const alarm = open[which % Math.max(open.length, 1)];
    if (alarm === undefined) return [];
    const now = this.#clock.now();
    return this.#evaluator.command({
      id: "c",
      kind: "alarm",
      alarm: alarm.id,
      occurrence: alarm.occurrence,
      action,
      requestedBy: "li.wei",
      reason: "test",
      fence: 1,
      createdAt: now,
      expiresAt: now + 1000,
      until: now + 2500,
      once: which % 2 === 1,
    }).changes;
  }
}

const script = fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40 });

it("AL-14 makes the same transitions with and without restarts at any step", () => {
  fc.assert(
    fc.property(script, (steps) => {
      const steady = new Gateway();
      const restarted = new Gateway();
      for (const [one, crash] of steps) {
        steady.take(one);
        restarted.take(one);
        if (crash) restarted.restart();
      }
      expect(restarted.changes).toEqual(steady.changes);
      expect(new Set(restarted.open())).toEqual(new Set(steady.open()));
    }),
    { numRuns: 300 },
  );
});

it("never repeats an occurrence, never goes back in version, and keeps one open alarm for a definition", () => {
  fc.assert(
    fc.property(script, (steps) => {
      const gateway = new Gateway();
      for (const [one, crash] of steps) {
        gateway.take(one);
        if (crash) gateway.restart();
        const names = gateway.open().map(({ definition }) => definition);
        expect(new Set(names).size).toBe(names.length);
      }
      const versions = gateway.changes.map(({ alarm }) => `${alarm.id} ${alarm.version}`);
      expect(new Set(versions).size).toBe(versions.length);
      const raises = gateway.changes.filter(({ transition }) => transition === "raised");
      const occurrences = raises.map(({ alarm }) => `${alarm.id} ${alarm.occurrence}`);
      expect(new Set(occurrences).size).toBe(occurrences.length);
    }),
    { numRuns: 200 },
  );
});

it("IN-02 closes no security alarm without a reset by a person", () => {
  fc.assert(
    fc.property(script, (steps) => {
      const gateway = new Gateway();
      for (const [one] of steps) gateway.take(one);
      for (const { alarm, closed } of gateway.changes)
        if (closed && alarm.law === "security") expect(alarm.resetBy).toBe("li.wei");
    }),
    { numRuns: 200 },
  );
});

it("AL-15 leaves the cloud with the gateway's own record after a history that was told twice and in disorder", () => {
  fc.assert(
    fc.property(
      script.chain((steps) => {
        const gateway = new Gateway();
        for (const [one] of steps) gateway.take(one);
        const { changes } = gateway;
        const twice = fc.shuffledSubarray([...changes, ...changes], { minLength: changes.length * 2 });
        return fc.tuple(fc.constant(changes), twice);
      }),
      ([changes, told]) => {
        const cloud = new Map<string, Alarm>();
        for (const { transition, alarm } of told)
          cloud.set(alarm.id, merge(cloud.get(alarm.id), { transition, alarm }));
        const last = new Map(changes.map(({ alarm }) => [alarm.id, alarm]));
        expect(Object.fromEntries(cloud)).toEqual(Object.fromEntries(last));
        for (const { alarm, closed } of changes.filter(({ alarm }) => last.get(alarm.id) === alarm))
          expect(isClosed(cloud.get(alarm.id) ?? alarm)).toBe(closed);
      },
    ),
    { numRuns: 200 },
  );
});
