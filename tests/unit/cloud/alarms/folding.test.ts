import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apply } from "#core/alarm/lifecycle.ts";
import type { SnapshotItem } from "#core/contracts/lanes.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { DomainBench, type Domains, LI, NOON } from "../domain-bench.ts";
import { GW1, GW2, minted, told } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

/** The gateway's next state of an alarm. */
function next(alarm: Alarm, event: Parameters<typeof apply>[1]): Alarm {
  const result = apply(alarm, event, { now: bench.clock.now(), side: "minting" });
  if ("refused" in result) throw new Error(result.message);
  return result.alarm;
}
const journal = (id: string): string[] =>
  cloud.alarms.get(id)?.journal.map(({ occurrence, transition }) => `${occurrence} ${transition}`) ?? [];
const live = () => cloud.changes.filter(({ kind }) => kind === "alarms");

describe("an alarm that a gateway tells of", () => {
  it("is listed with its state, its times and what the site says to do", () => {
    const alarm = minted({ category: "comfort", at: NOON });
    cloud.item(GW1, told(alarm));
    expect(cloud.alarms.list({ limit: 10, visible: "all" }).items).toEqual([
      {
        id: alarm.id,
        occurrence: 1,
        law: "facility",
        category: "comfort",
        priority: "medium",
        condition: "active",
        live: true,
        acknowledged: false,
        suppression: [],
        state: "B",
        stale: false,
        definition: "ahu-1.high",
        gateway: GW1,
        source: "park/gw-1/ahu-1/temperature",
        point: "park/gw-1/ahu-1/temperature",
        area: "floor-1",
        message: "温度过高",
        messageEn: "Too warm",
        response: "检查阀门",
        responseEn: "Check the valve",
        raisedAt: "2026-11-22T04:00:00.000Z",
        receivedAt: "2026-11-22T04:00:00.000Z",
        clips: [],
        snapshots: [],
        runs: [],
      },
    ]);
  });

  it("keeps every remark of its gateway, each once", () => {
    const alarm = minted({ category: "comfort", at: NOON });
    cloud.item(GW1, told(alarm));
    const remarks = ["not acknowledged at the device", "not shelved at the device"];
    for (const comment of [...remarks, ...remarks])
      cloud.item(GW1, told(alarm, "commented", { actor: GW1, comment, at: NOON + 5 }));
    const said = cloud.alarms.get(alarm.id)?.journal.flatMap(({ comment }) => comment ?? []);
    expect(said).toEqual(remarks);
  });

  it("goes through its states as the gateway tells them, and leaves the open list when it is over", () => {
    const raised = minted({ category: "comfort", at: NOON });
    const cleared = next(raised, { type: "clear" });
    const over = next(cleared, { type: "acknowledge", occurrence: 1, by: "panel", at: NOON });
    cloud.item(GW1, told(raised));
    cloud.item(GW1, told(cleared, "cleared"));
    expect(cloud.alarms.get(raised.id)?.state).toBe("D");
    cloud.item(GW1, told(over, "acknowledged", { actor: "panel" }));
    expect(cloud.alarms.get(raised.id)).toMatchObject({ state: "A", acknowledgedBy: "panel" });
    expect(cloud.alarms.list({ limit: 10, visible: "all" }).items).toEqual([]);
    expect(cloud.alarms.list({ limit: 10, visible: "all", state: "closed" }).items).toHaveLength(1);
    expect(live().at(-1)).toMatchObject({ id: raised.id, space: "floor-1", item: undefined });
  });

  it("is the same alarm with the same journal when it is told twice and out of order", () => {
    const raised = minted({ at: NOON });
    const cleared = next(raised, { type: "clear" });
    for (const item of [told(cleared, "cleared"), told(raised), told(raised), told(cleared, "cleared")])
      cloud.item(GW1, item);
    expect(cloud.alarms.get(raised.id)).toMatchObject({ condition: "latched", live: false });
    expect(journal(raised.id).sort()).toEqual(["1 cleared", "1 raised"]);
    expect(cloud.alarms.list({ limit: 10, visible: "all", state: "all", count: true }).total).toBe(1);
  });

  it("is raised in the journal once an occurrence, whatever version a gateway tells it with", () => {
    const raised = minted({ at: NOON });
    cloud.item(GW1, told(raised));
    cloud.item(GW1, told({ ...raised, version: 9 }));
    expect(journal(raised.id)).toEqual(["1 raised"]);
  });

  it("is refused when another gateway tells of it", () => {
    const raised = minted({ at: NOON });
    cloud.item(GW1, told(raised));
    const forged = { ...raised, origin: GW2, live: false, version: 7 };
    for (const item of [told({ ...raised, version: 7 }), told(forged)])
      expect(() => cloud.item(GW2, item)).toThrow(expect.objectContaining({ code: "ALARM_FOREIGN" }));
    expect(cloud.alarms.get(raised.id)?.live).toBe(true);
  });

  it("shows its pictures by their address, and tells who looks when one comes", () => {
    const raised = minted({ at: NOON });
    const sha256 = "a".repeat(64);
    const picture: SnapshotItem = {
      offset: 3,
      at: NOON,
      kind: "snapshot",
      sha256,
      bytes: 9,
      contentType: "image/jpeg",
      camera: "park/gw-1/cam-1",
      takenAt: NOON,
      alarm: raised.id,
      occurrence: 1,
    };
    cloud.item(GW1, told(raised));
    const before = live().length;
    cloud.item(GW1, picture);
    cloud.item(GW1, picture);
    expect(cloud.alarms.get(raised.id)?.snapshots).toEqual([`/api/v1/blobs/${sha256}`]);
    expect(live().slice(before)[0]).toMatchObject({ item: { snapshots: [`/api/v1/blobs/${sha256}`] } });
  });

  it("is shown as its last known state while its gateway is away", () => {
    const raised = minted({ at: NOON });
    cloud.item(GW1, told(raised));
    cloud.presence(GW1, false, NOON);
    expect(live().at(-1)).toMatchObject({ id: raised.id, item: { stale: true, live: true, condition: "active" } });
    cloud.presence(GW1, true, NOON);
    expect(live().at(-1)).toMatchObject({ id: raised.id, item: { stale: false } });
  });

  it("survives a restart of the cloud", async () => {
    const raised = minted({ at: NOON });
    cloud.item(GW1, told(raised));
    cloud.alarms.act(raised.id, "acknowledge", { occurrence: 1, comment: "seen" }, LI);
    cloud = await bench.restart(cloud);
    expect(cloud.alarms.get(raised.id)).toMatchObject({ acknowledged: true, acknowledgedBy: "li.wei" });
    expect(journal(raised.id)).toEqual(["1 raised", "1 acknowledged"]);
  });
});

describe("the list of alarms", () => {
  const alarms: Alarm[] = [];
  beforeEach(() => {
    alarms.length = 0;
    for (let i = 0; i < 5; i++)
      alarms.push(minted({ category: i % 2 ? "intrusion" : "comfort", episode: i, at: NOON + i }));
    for (const alarm of alarms) cloud.item(GW1, told(alarm));
  });
  const ids = (query: Partial<Parameters<Domains["alarms"]["list"]>[0]>): number[] =>
    cloud.alarms
      .list({ limit: 10, visible: "all", ...query })
      .items.map(({ id }) => alarms.findIndex((alarm) => alarm.id === id));

  it("shows the newest first", () => {
    expect(ids({})).toEqual([4, 3, 2, 1, 0]);
  });

  it("pages over the same order, also among alarms raised in the same millisecond", () => {
    for (let i = 10; i < 14; i++) {
      const alarm = minted({ episode: i, at: NOON });
      alarms.push(alarm);
      cloud.item(GW1, told(alarm));
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = cloud.alarms.list({ limit: 2, visible: "all", ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(cloud.alarms.list({ limit: 100, visible: "all" }).items.map(({ id }) => id));
    expect(seen).toHaveLength(9);
  });

  it("counts on request, all pages together", () => {
    expect(cloud.alarms.list({ limit: 2, visible: "all", count: true, law: "security" }).total).toBe(2);
  });

  it("refuses a cursor that it has not given", () => {
    expect(() => ids({ cursor: "bm8" })).toThrow(expect.objectContaining({ code: "CURSOR_INVALID" }));
  });

  it.each([
    [{ law: "security" }, [3, 1]],
    [{ category: "comfort" }, [4, 2, 0]],
    [{ priority: "urgent" }, [3, 1]],
    [{ priority: "low" }, []],
    [{ area: "building-a" }, [4, 2, 0]],
    [{ area: "all" }, [4, 3, 2, 1, 0]],
    [{ area: "nowhere" }, []],
    [{ q: "INTRUSION" }, [3, 1]],
    [{ q: "过高" }, [4, 2, 0]],
    [{ q: "%" }, []],
    [{ q: "_" }, []],
    [{ visible: new Set(["fence"]) }, [3, 1]],
    [{ visible: new Set<string>() }, []],
    [{ visible: new Set(["fence"]), area: "building-a" }, []],
  ] as const)("lets through %o only", (query, expected) => {
    expect(ids(query)).toEqual(expected);
  });

  it("tells apart what is active, unacknowledged, latched and over", () => {
    const [comfort, intrusion, , other] = alarms;
    if (comfort === undefined || intrusion === undefined || other === undefined) throw new Error("missing");
    cloud.item(GW1, told(next(intrusion, { type: "clear" }), "cleared"));
    cloud.alarms.act(intrusion.id, "acknowledge", { occurrence: 1, comment: "seen" }, LI);
    cloud.alarms.act(comfort.id, "acknowledge", { occurrence: 1, comment: "seen" }, LI);
    cloud.item(GW1, told(next(comfort, { type: "clear" }), "cleared"));
    expect(ids({ state: "open" })).toEqual([4, 3, 2, 1]);
    expect(ids({ state: "active" })).toEqual([4, 3, 2]);
    expect(ids({ state: "unacknowledged" })).toEqual([4, 3, 2]);
    expect(ids({ state: "latched" })).toEqual([1]);
    expect(ids({ state: "closed" })).toEqual([0]);
    expect(ids({ state: "all" })).toHaveLength(5);
  });

  it("keeps the journal of what may not be seen out of sight", () => {
    const seen = cloud.journal.page({ limit: 10, visible: new Set(["fence"]), count: true });
    expect(seen.items.map(({ alarm }) => alarms.findIndex(({ id }) => id === alarm))).toEqual([3, 1]);
    expect(seen.total).toBe(2);
    const first = cloud.journal.page({ limit: 4, visible: "all" });
    const rest = cloud.journal.page({ limit: 4, visible: "all", cursor: first.nextCursor ?? "" });
    expect([...first.items, ...rest.items]).toHaveLength(5);
    expect(rest.nextCursor).toBeUndefined();
  });
});
