import { Check } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DoorView } from "#core/contracts/doors.ts";
import { DomainBench, type Domains, NOON } from "../domain-bench.ts";
import { DOOR_ALARM, DOOR_LEAF, DOOR_MODE, DOORS, doorPark, GW1, sampleOf } from "../small-park.ts";

let bench: DomainBench;
let cloud: Domains;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open(doorPark());
});
afterEach(() => bench.clear());

const at = { observedAt: NOON, sourceTime: NOON - 1000 };
const tell = (mode: number, leaf: number, alarm: number) =>
  cloud.state.take([sampleOf(DOOR_MODE, mode, at), sampleOf(DOOR_LEAF, leaf, at), sampleOf(DOOR_ALARM, alarm, at)]);
const heard = () => cloud.changes.filter(({ kind }) => kind === "doors");

describe("a door", () => {
  it("stands as its points say, in the words of ONVIF", () => {
    tell(1, 2, 0);
    expect(cloud.doors.get("door-2")).toEqual({
      id: "door-2",
      name: "名",
      nameEn: "Name",
      space: "fence",
      device: DOORS,
      escape: true,
      online: true,
      state: "Locked",
      open: false,
      alarm: "Normal",
      quality: "good",
      since: "2026-11-22T03:59:59.000Z",
    });
    tell(6, 1, 1);
    expect(cloud.doors.get("door-2")).toMatchObject({ state: "LockedOpen", open: true, alarm: "DoorForcedOpen" });
  });

  it.each([
    [0, null],
    [1, true],
    [2, false],
    [3, null],
  ])("whose leaf is in state %d is open: %s", (leaf, open) => {
    tell(1, leaf, 0);
    expect(cloud.doors.get("door-2")?.open).toBe(open);
  });

  it("that was never heard, or has no such points, is unknown", () => {
    expect(cloud.doors.get("door-2")).toMatchObject({ state: null, open: null, alarm: null, quality: "bad" });
    const bare = cloud.doors.get("door-1");
    expect(bare).toMatchObject({ state: null, open: null, alarm: null, quality: "bad", escape: false });
    expect(Check(DoorView, bare)).toBe(true);
    expect(cloud.doors.get("door-9")).toBeUndefined();
  });

  it("in a mode of no name is Unknown, and a leaf whose sensor is lost is neither open nor closed", () => {
    tell(42, 1, 0);
    expect(cloud.doors.get("door-2")).toMatchObject({ state: "Unknown", open: true });
    cloud.state.take([sampleOf(DOOR_LEAF, 1, { quality: "bad", reason: "commLost", observedAt: NOON + 1 })]);
    expect(cloud.doors.get("door-2")?.open).toBeNull();
  });

  it("of a gateway that is away is uncertain and its controller is offline", () => {
    tell(1, 2, 0);
    cloud.presence(GW1, false, NOON);
    expect(cloud.doors.get("door-2")).toMatchObject({ state: "Locked", quality: "uncertain", online: false });
  });

  it("is told to whoever looks at doors as soon as one of its points or its controller changes, and only then", () => {
    tell(1, 2, 0);
    expect(heard().map(({ id, space }) => [id, space])).toContainEqual(["door-2", "fence"]);
    const before = heard().length;
    cloud.state.take([sampleOf(DOOR_MODE, 3, { observedAt: NOON + 1 })]);
    expect(
      heard()
        .slice(before)
        .map(({ item }) => item),
    ).toMatchObject([{ id: "door-2", state: "Accessed" }]);
    cloud.presence(GW1, false, NOON + 2);
    expect(heard().map(({ id }) => id)).toContain("door-1");
    cloud.doors.close();
    const after = heard().length;
    cloud.state.take([sampleOf(DOOR_MODE, 1, { observedAt: NOON + 3 })]);
    expect(heard()).toHaveLength(after);
  });

  it("is listed only where it lies", () => {
    const ids = (visible: "all" | ReadonlySet<string>) => cloud.doors.list(visible).map(({ id }) => id);
    expect(ids("all")).toEqual(["door-1", "door-2"]);
    expect(ids(new Set(["fence"]))).toEqual(["door-2"]);
    expect(ids(new Set())).toEqual([]);
  });
});
