import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ESCALATE_AFTER_MS } from "#core/alarm/escalation.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { DomainBench, type Domains, LI, NOON } from "../domain-bench.ts";
import { GW1 } from "../small-park.ts";
import { GatewaySide } from "./gateway-side.ts";

const LIMIT_MS = ESCALATE_AFTER_MS.urgent ?? 0;

let bench: DomainBench;
let cloud: Domains;
let gateway: GatewaySide;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
  gateway = new GatewaySide(bench, () => cloud);
});
afterEach(() => bench.clear());

const raise = () => gateway.raise("comfort", { priority: "urgent" });
const escalations = (id: string): readonly string[] =>
  cloud.alarms.get(id)?.journal.flatMap(({ transition, at }) => (transition === "escalated" ? [at] : [])) ?? [];
const iso = (ms: number): string => new Date(ms).toISOString();

describe("an alarm that nobody acknowledges", () => {
  it("is told further once, at its time, and shows that", () => {
    const { id } = raise();
    bench.clock.advance(LIMIT_MS - 1);
    expect(cloud.alarms.get(id)?.escalatedAt).toBeUndefined();
    bench.clock.advance(1);
    expect(escalations(id)).toEqual([iso(NOON + LIMIT_MS)]);
    expect(cloud.alarms.get(id)?.escalatedAt).toBe(iso(NOON + LIMIT_MS));
    bench.clock.advance(3 * LIMIT_MS);
    expect(escalations(id)).toHaveLength(1);
  });

  it("is told further the sooner the higher its priority, and not at all when it is low", () => {
    const urgent = raise();
    const high = gateway.raise("comfort", { priority: "high" });
    const low = gateway.raise("comfort", { priority: "low" });
    bench.clock.advance(LIMIT_MS);
    expect([urgent, high].map(({ id }) => escalations(id).length)).toEqual([1, 0]);
    bench.clock.advance((ESCALATE_AFTER_MS.high ?? 0) - LIMIT_MS);
    expect(escalations(high.id)).toHaveLength(1);
    bench.clock.setWallClock(NOON + 7 * 24 * 3_600_000);
    bench.clock.advance(60_000);
    expect(escalations(low.id)).toEqual([]);
  });

  it("is told further although another one cannot be", () => {
    const [broken, other] = [raise(), raise()].sort((a, b) => (a.id < b.id ? -1 : 1)) as [Alarm, Alarm];
    const trigger = cloud.linkage.trigger.bind(cloud.linkage);
    const fault = vi.spyOn(cloud.linkage, "trigger").mockImplementation((one, at) => {
      if (one.type === "alarm" && one.alarm.id === broken.id) throw new Error("cannot be written down");
      return trigger(one, at);
    });
    bench.clock.advance(LIMIT_MS + 1000);
    expect([broken, other].map(({ id }) => escalations(id).length)).toEqual([0, 1]);
    fault.mockRestore();
    bench.clock.advance(2000);
    expect([broken, other].map(({ id }) => escalations(id).length)).toEqual([1, 1]);
  });

  it("is told further also when its condition is gone: somebody still has to look", () => {
    const { id } = raise();
    gateway.happens(id, { type: "clear" });
    bench.clock.advance(LIMIT_MS);
    expect(escalations(id)).toHaveLength(1);
  });

  it("is told further again in its next occurrence, with a time of its own", () => {
    const { id } = raise();
    bench.clock.advance(LIMIT_MS);
    gateway.happens(id, { type: "clear" });
    gateway.happens(id, { type: "activate" });
    expect(cloud.alarms.get(id)?.escalatedAt).toBeUndefined();
    bench.clock.advance(LIMIT_MS - 1);
    expect(escalations(id)).toHaveLength(1);
    bench.clock.advance(1);
    expect(escalations(id)).toHaveLength(2);
  });

  it("is not told further once it is acknowledged", () => {
    const { id } = raise();
    bench.clock.advance(LIMIT_MS - 1);
    cloud.alarms.act(id, "acknowledge", { occurrence: 1, comment: "seen" }, LI);
    bench.clock.advance(LIMIT_MS);
    expect(escalations(id)).toEqual([]);
  });

  it("is not told further while it is hidden, and has its whole time again afterwards", () => {
    const { id } = raise();
    bench.clock.advance(LIMIT_MS / 2);
    cloud.alarms.act(id, "outOfService", { occurrence: 1, comment: "works" }, LI);
    gateway.obey();
    bench.clock.advance(3 * LIMIT_MS);
    expect(escalations(id)).toEqual([]);
    cloud.alarms.act(id, "returnToService", { occurrence: 1 }, LI);
    gateway.obey();
    bench.clock.advance(LIMIT_MS - 1);
    expect(escalations(id)).toEqual([]);
    bench.clock.advance(1);
    expect(escalations(id)).toHaveLength(1);
  });

  it("is told further at its time also when the cloud was restarted meanwhile, and at once when it was down by then", async () => {
    const first = raise();
    bench.clock.advance(LIMIT_MS / 2);
    const second = raise();
    cloud = await bench.restart(cloud);
    bench.clock.advance(LIMIT_MS / 2);
    expect(escalations(first.id)).toEqual([iso(NOON + LIMIT_MS)]);
    cloud = await bench.restart(cloud);
    expect(escalations(first.id)).toHaveLength(1);
    bench.clock.setWallClock(NOON + 10 * LIMIT_MS);
    cloud = await bench.restart(cloud);
    expect(escalations(second.id)).toEqual([iso(NOON + 10 * LIMIT_MS)]);
  });

  it("is told further after the shortest time of the operator positions that look after it", () => {
    const places = { name: "值班室", nameEn: "Desk", areas: [], categories: [] };
    cloud.positions = [
      { id: "day", ...places, escalateMinutes: { urgent: 30, medium: 0 } },
      { id: "night", ...places, escalateMinutes: { urgent: 2, medium: 90 } },
    ];
    const urgent = raise();
    const medium = gateway.raise("comfort", { priority: "medium" });
    bench.clock.advance(2 * 60_000 - 1);
    expect(escalations(urgent.id)).toEqual([]);
    bench.clock.advance(1);
    expect(escalations(urgent.id)).toEqual([iso(NOON + 2 * 60_000)]);
    bench.clock.advance(88 * 60_000);
    expect(escalations(medium.id)).toEqual([iso(NOON + 90 * 60_000)]);
  });

  it("does not wait for hours because the clock of the hub was set back, and is told further once", async () => {
    const { id } = raise();
    bench.clock.advance(LIMIT_MS / 2);
    bench.clock.setWallClock(NOON - 5 * 3_600_000);
    bench.clock.advance(LIMIT_MS / 2);
    expect(escalations(id)).toHaveLength(1);
    cloud = await bench.restart(cloud);
    bench.clock.setWallClock(NOON + 5 * 3_600_000);
    bench.clock.advance(60_000);
    expect(escalations(id)).toHaveLength(1);
  });

  it("that is raised right after the clock was set back has its whole time, as has one of before", () => {
    const before = raise();
    bench.clock.advance(60_000);
    bench.clock.setWallClock(bench.clock.now() - 3_600_000);
    const after = raise();
    const both = () => [before, after].map(({ id }) => escalations(id).length);
    bench.clock.advance(LIMIT_MS - 60_000);
    expect(both()).toEqual([1, 0]);
    bench.clock.advance(59_999);
    expect(both()).toEqual([1, 0]);
    bench.clock.advance(1);
    expect(both()).toEqual([1, 1]);
  });

  it("waits no longer than its time when the clock was set back while the hub was down", async () => {
    const { id } = raise();
    const high = gateway.raise("comfort", { priority: "high" });
    bench.clock.setWallClock(NOON - 5 * 3_600_000);
    cloud = await bench.restart(cloud);
    bench.clock.advance(LIMIT_MS - 1);
    expect(escalations(id)).toEqual([]);
    bench.clock.advance(1);
    expect([id, high.id].map((one) => escalations(one).length)).toEqual([1, 0]);
    bench.clock.advance((ESCALATE_AFTER_MS.high ?? 0) - LIMIT_MS);
    expect(escalations(high.id)).toHaveLength(1);
  });

  describe("whose position is given another time while it waits", () => {
    const place = (urgent: number) => {
      cloud.positions = [
        { id: "desk", name: "值班室", nameEn: "Desk", areas: [], categories: [], escalateMinutes: { urgent } },
      ];
    };
    const now = (urgent: number) => {
      place(urgent);
      cloud.alarms.limitsChanged();
    };
    const MINUTE_MS = 60_000;

    it.each([
      ["a shorter one", 60, 5],
      ["a longer one", 5, 60],
      ["one at all", 0, 5],
    ])("is told further after that, from when it was raised: %s", (_what, first, then) => {
      place(first);
      const { id } = raise();
      bench.clock.advance(2 * MINUTE_MS);
      now(then);
      bench.clock.advance((then - 2) * MINUTE_MS - 1);
      expect(escalations(id)).toEqual([]);
      bench.clock.advance(1);
      expect(escalations(id)).toEqual([iso(NOON + then * MINUTE_MS)]);
    });

    it("is told further at once when that is over, and never when there is none any more", () => {
      place(60);
      const { id } = raise();
      bench.clock.advance(10 * MINUTE_MS);
      now(5);
      bench.clock.advance(0);
      expect(escalations(id)).toEqual([iso(NOON + 10 * MINUTE_MS)]);
      now(20);
      const other = raise();
      now(0);
      bench.clock.advance(25 * MINUTE_MS);
      expect([id, other.id].map((one) => escalations(one).length)).toEqual([1, 0]);
    });

    it("has its whole time from when it came back, where it was hidden", () => {
      place(60);
      const { id } = raise();
      cloud.alarms.act(id, "outOfService", { occurrence: 1, comment: "works" }, LI);
      gateway.obey();
      bench.clock.advance(10 * MINUTE_MS);
      now(30);
      bench.clock.advance(10 * MINUTE_MS);
      cloud.alarms.act(id, "returnToService", { occurrence: 1 }, LI);
      gateway.obey();
      now(5);
      bench.clock.advance(5 * MINUTE_MS - 1);
      expect(escalations(id)).toEqual([]);
      bench.clock.advance(1);
      expect(escalations(id)).toHaveLength(1);
    });

    it("is one of very many: all of them are", () => {
      place(60);
      const many = Array.from({ length: 210 }, raise);
      now(5);
      bench.clock.advance(5 * MINUTE_MS + 10_000);
      expect(many.filter(({ id }) => cloud.alarms.get(id)?.escalatedAt === undefined)).toEqual([]);
    });
  });

  it("tells who listens, as a transition of the unchanged alarm", () => {
    const { id } = raise();
    const changes = cloud.changes.length;
    bench.clock.advance(LIMIT_MS);
    expect(cloud.changes.slice(changes)).toMatchObject([{ kind: "alarms", id, item: { state: "B" } }]);
    expect(cloud.alarms.get(id)).toMatchObject({ occurrence: 1, gateway: GW1, acknowledged: false });
  });
});
