import { describe, expect, it } from "vitest";
import { FLOOD_WINDOW_MS, FloodWatch } from "#cloud/console/live/alarm-flood.ts";
import { causeOf, foldByCause, isGroup } from "#cloud/console/live/alarm-groups.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { alarmView } from "./alarm-fixture.ts";

const START = Date.parse("2026-11-21T08:00:00.000Z");
const at = (ms: number): string => new Date(START + ms).toISOString();
const facility = (id: string, change: Partial<AlarmView> = {}): AlarmView =>
  alarmView(id, { law: "facility", category: "equipment", priority: "high", device: "park/gw-1/ahu-1", ...change });
const raised = (count: number, fromMs = 0): AlarmView[] =>
  Array.from({ length: count }, (_, index) =>
    facility(`${fromMs}-${index}`, { receivedAt: at(fromMs + index), raisedAt: at(fromMs + index) }),
  );

describe("a flood", () => {
  it("begins above ten alarms in ten minutes", () => {
    const watch = new FloodWatch();
    expect(watch.update(raised(10), START + 1000)).toEqual({ flooding: false, raised: 10 });
    expect(watch.update([...raised(10), facility("one more", { receivedAt: at(20) })], START + 1000)).toEqual({
      flooding: true,
      raised: 11,
    });
  });

  it("lasts until fewer than five came in ten minutes", () => {
    const watch = new FloodWatch();
    watch.update(raised(11), START + 1000);
    const later = raised(5, FLOOD_WINDOW_MS);
    expect(watch.update(later, START + FLOOD_WINDOW_MS + 5000)).toEqual({ flooding: true, raised: 5 });
    expect(watch.update([], START + FLOOD_WINDOW_MS * 2)).toEqual({ flooding: false, raised: 4 });
  });

  it("counts what has closed meanwhile, each occurrence once", () => {
    const watch = new FloodWatch();
    const [first] = raised(1);
    if (first === undefined) throw new Error("one was made");
    watch.update([first], START + 1);
    watch.update([{ ...first, acknowledged: true }], START + 2);
    watch.update([{ ...first, occurrence: 2, receivedAt: at(3) }], START + 3);
    expect(watch.update([], START + 4).raised).toBe(2);
  });

  it("does not count what is suppressed [KP-02]", () => {
    expect(new FloodWatch().update([facility("a", { suppression: ["shelved"] })], START).raised).toBe(0);
  });
});

describe("folding by cause", () => {
  it("puts three and more of one device into one row, where the most important stood", () => {
    const list = [facility("other", { device: "park/gw-1/ahu-2" }), ...raised(3)];
    const rows = foldByCause(list, new Set());
    expect(rows.map(({ id }) => id)).toEqual(["other", "group:device:park/gw-1/ahu-1"]);
    const group = rows.find(isGroup);
    expect(group?.members.length).toBe(3);
    expect(group?.unacknowledged).toBe(3);
    expect(group?.first.id).toBe("0-0");
  });

  it("shows the members of an open cause below it", () => {
    const rows = foldByCause(raised(3), new Set(["group:device:park/gw-1/ahu-1"]));
    expect(rows.map(({ id }) => id)).toEqual(["group:device:park/gw-1/ahu-1", "0-0", "0-1", "0-2"]);
  });

  it("leaves two of one cause as they are", () => {
    expect(foldByCause(raised(2), new Set()).some(isGroup)).toBe(false);
  });

  it("never folds the security law: every zone is shown [IN-01]", () => {
    const zones = ["a", "b", "c"].map((id) => alarmView(id, { device: "park/gw-1/panel", cause: "x" }));
    expect(foldByCause(zones, new Set())).toEqual(zones);
    expect(causeOf(alarmView("a", { device: "park/gw-1/panel" }))).toBeUndefined();
  });

  it("takes the cause that the engine gives before the device, and the cause itself with its children", () => {
    const root = facility("root", { category: "communication", gateway: "park/gw-1" });
    const children = ["a", "b"].map((id) => facility(id, { cause: "root", device: `park/gw-1/${id}` }));
    const [group] = foldByCause([root, ...children], new Set());
    expect(group?.id).toBe("group:cause:root");
    expect(group !== undefined && isGroup(group) ? group.members.length : 0).toBe(3);
  });
});
