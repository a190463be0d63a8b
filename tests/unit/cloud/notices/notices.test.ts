import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NotifyItem } from "#core/contracts/lanes.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { CAMERA, GW1, minted, told } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
});
afterEach(() => bench.clear());

const notify = (fields: Partial<NotifyItem> = {}): NotifyItem => ({
  offset: 0,
  at: NOON - 5,
  kind: "notify",
  text: "看",
  textEn: "Look",
  popup: true,
  ...fields,
});
const heard = () => cloud.changes.filter(({ kind }) => kind === "notices");

describe("a notice that a gateway sends", () => {
  it("is told to whoever may see the place of its camera, with its own time", () => {
    cloud.item(GW1, notify({ camera: CAMERA, rule: "r" }));
    const [change] = heard();
    expect(change).toEqual({
      kind: "notices",
      id: change?.id,
      space: "fence",
      item: {
        id: change?.id,
        at: "2026-11-22T03:59:59.995Z",
        text: "看",
        textEn: "Look",
        popup: true,
        camera: CAMERA,
        rule: "r",
      },
    });
  });

  it("goes by the place of its alarm before that of the camera", () => {
    const alarm = minted({ category: "comfort", at: NOON });
    cloud.item(GW1, told(alarm));
    cloud.item(GW1, notify({ camera: CAMERA, alarm: alarm.id }));
    expect(heard()[0]?.space).toBe("floor-1");
  });

  it("without a place is told without one", () => {
    cloud.item(GW1, notify());
    expect(heard()[0]).not.toHaveProperty("space");
  });

  it("is not told when it could not be kept", () => {
    expect(() =>
      cloud.db.sync.transaction(() => {
        cloud.notices.take(notify());
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    expect(heard()).toEqual([]);
    expect(cloud.notices.recent(10)).toEqual([]);
  });

  it("is kept with the newest thousand", () => {
    cloud.db.sync.transaction(() => {
      for (let i = 0; i < 1010; i++) cloud.notices.take(notify({ textEn: `${i}` }));
    });
    const kept = cloud.notices.recent(2000);
    expect(kept).toHaveLength(1000);
    expect(kept[0]?.textEn).toBe("1009");
    expect(kept.at(-1)?.textEn).toBe("10");
  });
});
