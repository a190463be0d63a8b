import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLatching } from "#core/alarm/law.ts";
import { type AlarmEvent, AUTO_ACTOR, apply, isClosed } from "#core/alarm/lifecycle.ts";
import { merge } from "#core/alarm/merge.ts";
import type { Alarm, AlarmCategory } from "#core/model/alarm.ts";
import { accepted, acknowledge, after, raised, reset, START } from "./fixtures.ts";

const clear: AlarmEvent = { type: "clear" };
const activate: AlarmEvent = { type: "activate" };
const told = (alarm: Alarm) => ({ transition: "raised" as const, alarm });
const mirrored = (alarm: Alarm, event: AlarmEvent) =>
  accepted(apply(alarm, event, { now: START, side: "mirror" })).alarm;

describe("merge table", () => {
  it("takes the first transition as it comes", () => {
    const alarm = raised("intrusion");
    expect(merge(undefined, told(alarm))).toBe(alarm);
  });

  it("AL-15 keeps an acknowledgement of the cloud when the gateway tells an older or newer state of the same occurrence", () => {
    const first = raised("equipment");
    const held = mirrored(first, acknowledge(1, "li.wei", START + 3));
    expect(merge(held, told(first))).toEqual(held);
    expect(merge(held, told(after(first, clear)))).toMatchObject({
      condition: "inactive",
      acknowledged: true,
      acknowledgedBy: "li.wei",
    });
  });

  it("AL-15 never lets an acknowledgement of one occurrence acknowledge the next", () => {
    const first = raised("equipment");
    const second = after(first, clear, activate);
    const merged = merge(mirrored(first, acknowledge()), told(second));
    expect(merged).toMatchObject({ occurrence: 2, acknowledged: false });
    expect(merged).not.toHaveProperty("acknowledgedBy");
  });

  it("names the earlier of two people who acknowledged the same occurrence on both sides", () => {
    const first = raised("equipment");
    const cloud = mirrored(first, acknowledge(1, "li.wei", START + 9));
    const edge = after(first, acknowledge(1, "panel", START + 4));
    expect(merge(cloud, told(edge))).toMatchObject({ acknowledgedBy: "panel", acknowledgedAt: START + 4 });
    expect(merge(edge, told(cloud))).toMatchObject({ acknowledgedBy: "panel", acknowledgedAt: START + 4 });
  });

  it("decides between acts of the same millisecond by name, whichever is heard first", () => {
    const first = raised("equipment");
    const cloud = mirrored(first, acknowledge(1, "li.wei", START));
    const edge = after(first, acknowledge(1, "panel", START));
    expect([merge(cloud, told(edge)), merge(edge, told(cloud))].map((one) => one.acknowledgedBy)).toEqual([
      "li.wei",
      "li.wei",
    ]);
  });

  it("reopens an episode that the cloud closed when the gateway saw a new occurrence", () => {
    const returned = after(raised("equipment"), clear);
    const closed = mirrored(returned, acknowledge());
    const merged = merge(closed, told(after(returned, activate)));
    expect([isClosed(closed), isClosed(merged), merged.condition]).toEqual([true, false, "active"]);
  });

  it("keeps a reset of the cloud against a later state of the same occurrence, and drops it for the next occurrence", () => {
    const latched = after(raised("intrusion"), clear);
    const done = mirrored(mirrored(latched, acknowledge()), reset(1, "chen"));
    expect(merge(done, told(after(latched, { type: "stale" })))).toMatchObject({
      condition: "inactive",
      resetBy: "chen",
    });
    const again = merge(done, told(after(latched, activate)));
    expect(again).toMatchObject({ condition: "active", occurrence: 2, acknowledged: false });
    expect(again).not.toHaveProperty("resetBy");
  });

  it("follows the gateway in what hides an alarm", () => {
    const shelved = after(raised("comfort"), { type: "shelve", until: START + 1000, reason: "r" });
    const back = after(shelved, { type: "unshelve" });
    expect(merge(merge(undefined, told(back)), told(shelved))).toEqual(back);
    expect(merge(merge(undefined, told(shelved)), told(back)).suppression).toEqual([]);
  });

  it("refuses to merge two alarms", () => {
    expect(() => merge(raised("comfort"), told(raised("comfort", { id: "f".repeat(32) })))).toThrowError(
      expect.objectContaining({ code: "ALARM_MERGE_ID" }),
    );
  });
});

type Step =
  | { readonly on: "edge"; readonly what: AlarmEvent["type"]; readonly at: number }
  | {
      readonly on: "cloud";
      readonly what: "acknowledge" | "reset";
      readonly at: number;
      readonly heard: readonly number[];
    };

const at = fc.integer({ min: START, max: START + 2 });
const edgeStep = fc.record({
  on: fc.constant("edge" as const),
  what: fc.constantFrom<AlarmEvent["type"][]>(
    ...(["activate", "clear", "activate", "clear", "acknowledge", "reset", "shelve", "unshelve", "suppress"] as const),
    ...(["unsuppress", "outOfService", "returnToService", "stale", "fresh", "reAlarm"] as const),
  ),
  at,
});
const cloudStep = fc.record({
  on: fc.constant("cloud" as const),
  what: fc.constantFrom("acknowledge" as const, "reset" as const),
  at,
  heard: fc.array(fc.nat(40), { maxLength: 4 }),
});
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: edgeStep }, { weight: 2, arbitrary: cloudStep }), {
  maxLength: 25,
});
const category = fc.constantFrom<AlarmCategory[]>("equipment", "comfort", "intrusion", "panic");

function eventFor(what: AlarmEvent["type"], alarm: Alarm, when: number, by: string): AlarmEvent {
  switch (what) {
    case "acknowledge":
    case "reset":
      return { type: what, occurrence: alarm.occurrence, by, at: when };
    case "shelve":
      return { type: what, until: START + 100 + when, reason: "test", once: when > START };
    case "outOfService":
      return { type: what, reason: "test" };
    case "activate":
    case "clear":
      return { type: what, sourceTime: when };
    case "suppress":
    case "unsuppress":
      return { type: what, rule: when > START ? "plant-off" : "trip" };
    case "unshelve":
    case "returnToService":
    case "stale":
    case "fresh":
    case "reAlarm":
      return { type: what };
    default:
      return what satisfies never;
  }
}

/** Both sides live through the steps without hearing of each other but by what the cloud `heard` (indices of gateway states). */
function live(first: Alarm, script: readonly Step[]) {
  const edge: Alarm[] = [first];
  const cloud: Alarm[] = [];
  const acknowledged = new Set<string>();
  const resets = new Set<string>();
  const note = (what: string, alarm: Alarm) => {
    if (what === "acknowledge") acknowledged.add(`${alarm.id} ${alarm.occurrence}`);
    if (what === "reset") resets.add(`${alarm.id} ${alarm.occurrence}`);
  };
  for (const step of script) {
    const held =
      step.on === "edge"
        ? edge.at(-1)
        : step.heard
            .map((index) => edge[index % edge.length])
            .concat(cloud.at(-1))
            .reduce((all, alarm) => (alarm === undefined ? all : merge(all, told(alarm))), undefined);
    if (held === undefined) continue;
    const event = eventFor(step.what, held, step.at, step.on);
    const side = step.on === "edge" ? "minting" : "mirror";
    const result = apply(held, event, { now: START, side });
    if ("refused" in result || result.transition === undefined) continue;
    (step.on === "edge" ? edge : cloud).push(result.alarm);
    note(step.what, held);
  }
  return { edge, cloud, acknowledged, resets };
}

const fold = (alarms: readonly Alarm[]) =>
  alarms.reduce<Alarm | undefined>((held, alarm) => merge(held, told(alarm)), undefined);

/** The same states in any order, some of them several times. */
const shuffled = (alarms: readonly Alarm[]) =>
  fc
    .tuple(
      fc.shuffledSubarray([...alarms], { minLength: alarms.length, maxLength: alarms.length }),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
    )
    .map(([order, again]) => {
      const told = [...order];
      for (const [from, to] of again) told.splice(to % (told.length + 1), 0, order[from % order.length] as Alarm);
      return told;
    });

const first = fc.oneof(
  { weight: 3, arbitrary: category.map((kind) => raised(kind)) },
  fc.constantFrom(
    raised("comfort", { autoAcknowledge: true }),
    raised("equipment", { latching: true, firstOut: true }),
  ),
);
const history = fc.tuple(first, steps).map(([alarm, script]) => live(alarm, script));

describe("any interleaving of the histories of gateway and cloud", () => {
  it("AL-15 ends in the same record, whatever the order and however often each part is told", () => {
    fc.assert(
      fc.property(
        history.chain((lived) => {
          const all = [...lived.edge, ...lived.cloud];
          return fc.tuple(fc.constant(all), shuffled(all), shuffled(all));
        }),
        ([all, one, other]) => {
          const record = fold(all);
          expect(fold(one)).toEqual(record);
          expect(fold(other)).toEqual(record);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("may fold parts of the history first and the parts together afterwards", () => {
    fc.assert(
      fc.property(
        history.chain((lived) => {
          const all = [...lived.edge, ...lived.cloud];
          return fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray(all, { minLength: 1 }),
            fc.shuffledSubarray(all, { minLength: 1 }),
          );
        }),
        ([all, left, right]) => {
          const parts = [fold(left), fold(right), fold(all)].flatMap((part) => part ?? []);
          expect(fold(parts)).toEqual(fold(all));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("shows as acknowledged exactly what somebody acknowledged, and as reset what somebody reset", () => {
    fc.assert(
      fc.property(history, ({ edge, cloud, acknowledged, resets }) => {
        const record = fold([...edge, ...cloud]) as Alarm;
        const key = `${record.id} ${record.occurrence}`;
        // one that called nobody, or that nobody needs to acknowledge, is over by itself
        expect(record.acknowledged).toBe(acknowledged.has(key) || record.acknowledgedBy === AUTO_ACTOR);
        expect(record.resetBy !== undefined).toBe(resets.has(key));
        if (isLatching(record)) expect(record.condition === "inactive").toBe(resets.has(key));
      }),
      { numRuns: 400 },
    );
  });

  it("follows the gateway in occurrence, condition and everything that hides the alarm", () => {
    fc.assert(
      fc.property(history, ({ edge, cloud }) => {
        const last = edge.at(-1) as Alarm;
        const { occurrence, live: holds, suppression, stale, version } = fold([...cloud, ...edge]) as Alarm;
        expect({ occurrence, live: holds, suppression, stale, version }).toEqual({
          occurrence: last.occurrence,
          live: last.live,
          suppression: last.suppression,
          stale: last.stale,
          version: last.version,
        });
      }),
      { numRuns: 200 },
    );
  });

  it("keeps one record for each episode", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), history), { minLength: 1, maxLength: 5 }),
        (lived) => {
          const store = new Map<string, Alarm>();
          const states = lived.flatMap(([id, { edge }]) => edge.map((alarm) => ({ ...alarm, id })));
          for (const alarm of states) store.set(alarm.id, merge(store.get(alarm.id), told(alarm)));
          expect([...store.keys()].sort()).toEqual([...new Set(lived.map(([id]) => id))].sort());
          for (const [id, alarm] of store) expect(alarm.id).toBe(id);
        },
      ),
      { numRuns: 50 },
    );
  });
});
