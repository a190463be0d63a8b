import { describe, expect, it } from "vitest";
import { isInside, spacePath } from "#cloud/console/api/site-names.ts";
import { spacesInOrder } from "#cloud/console/api/space-tree.ts";
import { gapCount, gapMap, missingCount, percentText, storedShare, totalOf } from "#cloud/console/live/completeness.ts";
import { type Notice, Notices } from "#cloud/console/live/notices.ts";
import { readInput } from "#cloud/console/live/written-value.ts";
import { type TreeRow, treeKey, treeRows } from "#cloud/console/pages/devices/tree-rows.ts";
import { pointsOfRule } from "#cloud/console/pages/rules/rule-points.ts";
import { addressOf, parseAddress, Router } from "#cloud/console/router.ts";
import type { DeviceView } from "#core/contracts/devices.ts";
import type { Space } from "#core/model/site.ts";

const space = (id: string, parent?: string): Space => ({
  id,
  kind: parent === undefined ? "site" : "room",
  name: `名 ${id}`,
  nameEn: `Name ${id}`,
  ...(parent === undefined ? {} : { parent }),
});
const SPACES = new Map(
  [space("park"), space("a", "park"), space("a-1", "a"), space("b", "park")].map((one) => [one.id, one]),
);
const device = (id: string, at: string, online = true): DeviceView => ({
  id,
  gateway: "park/gw-1",
  protocol: "bacnet",
  kind: "ahu",
  name: `设备 ${id}`,
  nameEn: `Device ${id}`,
  space: at,
  online,
  points: 3,
});

describe("the address", () => {
  it("goes back and forth between text and place", () => {
    const address = addressOf("/devices", { device: "park/gw-1/ahu-1", point: undefined, q: "" });
    expect(address).toBe("/devices?device=park%2Fgw-1%2Fahu-1");
    expect(parseAddress(address)).toEqual({ path: "/devices", query: { device: "park/gw-1/ahu-1" } });
  });

  it("is watched, whether the page or the browser's back button moves", () => {
    const history = ["/alarms"];
    let moved = (): void => undefined;
    const router = new Router({
      read: () => history.at(-1) ?? "",
      write: (address, replace) => {
        if (replace) history.pop();
        history.push(address);
      },
      onMove: (listener) => {
        moved = listener;
      },
    });
    const places: string[] = [];
    router.place.subscribe(() => places.push(router.place.get().path));
    router.go("/rules");
    router.go("/gateways", { replace: true });
    history.pop();
    moved();
    expect(places).toEqual(["/rules", "/gateways", "/alarms"]);
  });
});

describe("the tree of places", () => {
  it("knows what lies inside what", () => {
    expect(spacePath(SPACES, "a-1").map(({ id }) => id)).toEqual(["a-1", "a", "park"]);
    expect(isInside(SPACES, "a-1", "a")).toBe(true);
    expect(isInside(SPACES, "b", "a")).toBe(false);
    expect(spacesInOrder(SPACES).map(({ space: { id }, depth }) => `${depth}${id}`)).toEqual([
      "0park",
      "1a",
      "2a-1",
      "1b",
    ]);
  });

  it("ends at a circle instead of turning in it", () => {
    const circle = new Map([space("x", "y"), space("y", "x")].map((one) => [one.id, one]));
    expect(spacePath(circle, "x").map(({ id }) => id)).toEqual(["x", "y"]);
  });

  const input = {
    spaces: SPACES,
    devices: [device("d1", "a-1"), device("d2", "a", false), device("d3", "hidden")],
    folded: new Set<string>(),
    q: "",
  };
  const ids = (rows: readonly TreeRow[]): string => rows.map(({ id }) => id).join(" ");

  it("lists devices under their place, and those of places one may not see at the end", () => {
    expect(ids(treeRows(input))).toBe("park a d2 a-1 d1 b d3");
  });

  it("hides what is folded and counts what is offline in it", () => {
    const rows = treeRows({ ...input, folded: new Set(["a"]) });
    expect(ids(rows)).toBe("park a b d3");
    expect(rows[1]).toMatchObject({ open: false, offline: 1 });
  });

  it("shows what a search finds with the places that lead to it", () => {
    expect(ids(treeRows({ ...input, q: "device d1", folded: new Set(["park"]) }))).toBe("park a a-1 d1");
  });

  it("is walked by the arrow keys", () => {
    const rows = treeRows(input);
    expect(treeKey("ArrowRight", rows, 1)).toEqual({ go: 2 });
    expect(treeKey("ArrowLeft", rows, 1)).toEqual({ fold: "a" });
    expect(treeKey("ArrowLeft", rows, 2)).toEqual({ go: 1 });
    expect(treeKey("ArrowUp", rows, 0)).toEqual({ go: 0 });
    expect(treeKey("x", rows, 0)).toBeUndefined();
  });
});

describe("what somebody wants to write", () => {
  it("is a number inside the point's limits, also with a decimal comma", () => {
    expect(readInput(" 21,5 ", { kind: "number", min: 0, max: 30 })).toEqual({ value: 21.5 });
    expect(readInput("31", { kind: "number", min: 0, max: 30 })).toEqual({ problem: "outOfRange" });
    expect(readInput("warm", { kind: "number" })).toEqual({ problem: "invalid" });
    expect(readInput("", { kind: "number" })).toEqual({ problem: "invalid" });
  });
  it("is a state of an enum or a truth value", () => {
    expect(readInput("2", { kind: "enum" })).toEqual({ value: 2 });
    expect(readInput("1.5", { kind: "enum" })).toEqual({ problem: "invalid" });
    expect(readInput("1", { kind: "boolean" })).toEqual({ value: true });
    expect(readInput("on", { kind: "boolean" })).toEqual({ problem: "invalid" });
  });
});

describe("the proof of completeness", () => {
  const gap = { lane: "telemetry", epoch: "e", from: 5, to: 6, reason: "cap" } as const;
  const lane = {
    lane: "telemetry",
    epoch: "e",
    from: 1,
    upTo: 100_000,
    stored: 99_999,
    duplicates: 0,
    missing: [{ from: 3, to: 3 }],
    gaps: [gap],
  } as const;

  it("counts offsets, not ranges", () => {
    const copy = { ...lane, missing: [{ from: 3, to: 7 }], gaps: [gap] };
    expect([missingCount(copy), gapCount(copy)]).toEqual([5, 2]);
  });
  it("never says 100 % while one is missing", () => {
    const copy = { ...lane, missing: [...lane.missing], gaps: [...lane.gaps] };
    expect(percentText(storedShare(copy))).toBe("99.99 %");
    expect(percentText(storedShare({ ...copy, stored: 100_000 }))).toBe("100 %");
  });
});

describe("the gap map", () => {
  const lane = {
    lane: "telemetry" as const,
    epoch: "e",
    from: 1,
    upTo: 1000,
    stored: 890,
    duplicates: 0,
    missing: [{ from: 500, to: 500 }],
    gaps: [{ lane: "telemetry" as const, epoch: "e", from: 901, to: 1000, reason: "cap" }],
  };
  it("shows each where it lies, and a single value wide enough to be seen", () => {
    expect(gapMap(lane)).toEqual([
      { is: "gap", at: 0.9, width: 0.1 },
      { is: "missing", at: 0.499, width: 0.004 },
    ]);
    expect(gapMap({ ...lane, upTo: 0, gaps: [], missing: [] })).toEqual([]);
    // Two that are too narrow to be told apart at the very end are one: React knows each by its place.
    const [gap] = lane.gaps;
    if (gap === undefined) throw new Error("the lane has no gap");
    const last = [999_990, 999_999].map((at) => ({ ...gap, from: at, to: at }));
    expect(gapMap({ ...lane, from: 1, upTo: 1_000_000, gaps: last, missing: [] })).toEqual([
      { is: "gap", at: 0.996, width: 0.004 },
    ]);
  });
  it("comes to one account of all lanes", () => {
    const report = { gateway: "g", lanes: [lane, { ...lane, upTo: 0, stored: 0, gaps: [], missing: [] }] };
    expect(totalOf(report)).toEqual({ numbered: 1000, stored: 890, lost: 100, missing: 1 });
  });
});

describe("notices", () => {
  const notice = (id: string, popup = true): Notice => ({ id, text: "文", textEn: "text", popup });
  const delta = (up: readonly Notice[]) => ({ t: "delta", id: "v", epoch: "e", seq: 1, up, rm: [] }) as const;

  it("open once, however often they are told", () => {
    const notices = new Notices();
    notices.apply(delta([notice("1"), notice("2", false)]));
    notices.close("1");
    notices.apply(delta([notice("1")]));
    expect(notices.open.get()).toEqual([]);
  });
  it("give way to newer ones", () => {
    const notices = new Notices();
    notices.apply(delta(["1", "2", "3", "4"].map((id) => notice(id))));
    expect(notices.open.get().map(({ id }) => id)).toEqual(["2", "3", "4"]);
  });
});

it("finds every point that a rule names, once", () => {
  const points = pointsOfRule({
    id: "r",
    name: "规则",
    nameEn: "Rule",
    enabled: true,
    when: { type: "point", point: "park/gw-1/d/p1", operator: "=", value: true },
    if: [{ match: "all", tests: [{ type: "point", point: "park/gw-1/d/p2", operator: ">", value: 1 }] }],
    then: [
      { action: "writePoint", params: { point: "park/gw-1/d/p1", value: true } },
      { action: "snapshot", params: { camera: "park/gw-1/cam-1" } },
    ],
  });
  expect(points).toEqual(["park/gw-1/d/p1", "park/gw-1/d/p2"]);
});
