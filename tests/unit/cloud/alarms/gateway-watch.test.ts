import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { DomainBench, type Domains, LI, NOON } from "../domain-bench.ts";
import { GW1, GW2, smallPark } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const open = (): readonly AlarmView[] => cloud.alarms.list({ limit: 10, visible: "all" }).items;
function only(): AlarmView {
  const [alarm, more] = open();
  if (alarm === undefined || more !== undefined) throw new Error(`${open().length} alarms are open`);
  return alarm;
}
const lose = (): void => {
  cloud.presence(GW1, false, bench.clock.now());
  bench.clock.advance(5000);
};

describe("a gateway that is lost", () => {
  it("raises one alarm of the cloud, for those who may see the whole site", () => {
    lose();
    expect(only()).toMatchObject({
      definition: "gateway:park/gw-1",
      gateway: GW1,
      source: GW1,
      law: "facility",
      category: "communication",
      priority: "high",
      state: "B",
      area: "all",
      stale: false,
      messageEn: "First gateway: gateway offline",
      value: "silent",
      raisedAt: "2026-11-22T04:00:00.000Z",
    });
    expect(cloud.link.sent).toEqual([]);
  });

  it("raises nothing when it is back at once", () => {
    cloud.presence(GW1, false, NOON);
    bench.clock.advance(4900);
    cloud.presence(GW1, true, bench.clock.now());
    bench.clock.advance(60_000);
    expect(open()).toEqual([]);
  });

  it("raises no second alarm when its absence is told twice", () => {
    lose();
    lose();
    expect(only().occurrence).toBe(1);
  });

  it("returns to normal by itself when it is back, and is over when somebody has acknowledged it", () => {
    lose();
    cloud.presence(GW1, true, bench.clock.now());
    expect(only()).toMatchObject({ state: "D", live: false });
    cloud.alarms.act(only().id, "acknowledge", { occurrence: 1 }, LI);
    expect(open()).toEqual([]);
    expect(cloud.link.sent).toEqual([]);
  });

  it("is a new occurrence when it is lost again before the acknowledgement, and a new episode after it", () => {
    lose();
    const first = only().id;
    cloud.presence(GW1, true, bench.clock.now());
    lose();
    expect(only()).toMatchObject({ id: first, occurrence: 2, acknowledged: false });
    cloud.alarms.act(first, "acknowledge", { occurrence: 2 }, LI);
    cloud.presence(GW1, true, bench.clock.now());
    lose();
    expect(only()).toMatchObject({ occurrence: 1 });
    expect(only().id).not.toBe(first);
  });

  it("that came back while the cloud was down clears its alarm", async () => {
    lose();
    const { id } = only();
    cloud = await bench.restart(cloud);
    cloud.presence(GW1, true, bench.clock.now());
    expect(only()).toMatchObject({ id, live: false });
  });

  it("and never comes back because the site no longer has it, is cleared at the next start", async () => {
    lose();
    cloud.db.sync.run(cloud.db.kysely.deleteFrom("site_versions"));
    const site = smallPark();
    cloud = await bench.restart(cloud, {
      ...site,
      gateways: site.gateways.filter(({ gateway }) => gateway !== "gw-1"),
    });
    expect(only()).toMatchObject({ live: false, state: "D" });
  });
});

describe("an alarm that the cloud has minted", () => {
  it("is shelved at once, and announced again when the time is over", () => {
    lose();
    const { id } = only();
    const shelved = cloud.alarms.act(id, "shelve", { occurrence: 1, comment: "works", minutes: 1 }, LI);
    expect(shelved).toMatchObject({ suppression: ["shelved"], state: "E" });
    bench.clock.advance(66_000);
    expect(only()).toMatchObject({ suppression: [], state: "B" });
    expect(cloud.alarms.get(id)?.journal.map(({ transition }) => transition)).toEqual([
      "raised",
      "shelved",
      "unshelved",
    ]);
  });

  it("is shelved no longer than the longest time, however far the clock was set back", () => {
    lose();
    cloud.alarms.act(only().id, "shelve", { occurrence: 1, comment: "works", minutes: 60 }, LI);
    bench.clock.setWallClock(bench.clock.now() - 365 * 24 * 3_600_000);
    bench.clock.advance(60_000);
    expect(only()).toMatchObject({ suppression: [], state: "B" });
  });

  it("stays shelved as long as can be although the clock was set back a little meanwhile", () => {
    lose();
    cloud.alarms.act(only().id, "shelve", { occurrence: 1, comment: "works", once: true }, LI);
    bench.clock.setWallClock(bench.clock.now() - 40_000);
    bench.clock.advance(60_000);
    expect(only()).toMatchObject({ suppression: ["shelved"], state: "E" });
  });

  it("is shelved until it next returns to normal", async () => {
    lose();
    const { id } = only();
    const shelved = cloud.alarms.act(id, "shelve", { occurrence: 1, comment: "works", once: true }, LI);
    expect(shelved).toMatchObject({ state: "E", shelvedOnce: true, shelvedUntil: "2026-11-23T04:00:05.000Z" });
    cloud = await bench.restart(cloud);
    expect(only()).toMatchObject({ state: "E", shelvedOnce: true });
    cloud.presence(GW1, true, bench.clock.now());
    expect(only()).toMatchObject({ state: "D", suppression: [] });
    expect(only()).not.toHaveProperty("shelvedOnce");
    expect(cloud.alarms.get(id)?.journal.map(({ transition }) => transition)).toEqual([
      "raised",
      "shelved",
      "cleared",
      "unshelved",
    ]);
  });

  it("ends its shelving although that of another one cannot be written down", () => {
    for (const gateway of [GW1, GW2]) cloud.presence(gateway, false, bench.clock.now());
    bench.clock.advance(5000);
    const [broken = "", other = ""] = open().map(({ id }) => id);
    for (const id of [broken, other]) {
      cloud.alarms.act(id, "shelve", { occurrence: 1, comment: "works", minutes: 1 }, LI);
      bench.clock.advance(1);
    }
    const trigger = cloud.linkage.trigger.bind(cloud.linkage);
    const fault = vi.spyOn(cloud.linkage, "trigger").mockImplementation((one, at) => {
      if (one.type === "alarm" && one.alarm.id === broken) throw new Error("cannot be written down");
      return trigger(one, at);
    });
    bench.clock.advance(70_000);
    expect([broken, other].map((id) => cloud.alarms.get(id)?.state)).toEqual(["E", "B"]);
    fault.mockRestore();
    bench.clock.advance(2000);
    expect(cloud.alarms.get(broken)?.state).toBe("B");
  });

  it("ends its shelving also after a restart of the cloud", async () => {
    lose();
    cloud.alarms.act(only().id, "shelve", { occurrence: 1, comment: "works", minutes: 1 }, LI);
    cloud = await bench.restart(cloud);
    bench.clock.advance(66_000);
    expect(only().state).toBe("B");
  });
});
