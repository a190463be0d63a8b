import { describe, expect, it } from "vitest";
import { commonName, decisionsOn, shownThumbprint, validityOf } from "#cloud/console/live/certificate-state.ts";
import { compareDoors, modeOf, operationsOf } from "#cloud/console/live/door-order.ts";
import { cameraOf } from "#cloud/console/pages/alarms/alarm-camera.ts";
import { clipTimes, sizeText } from "#cloud/console/video/clip-times.ts";
import { readChoice, tilesOf, withCamera } from "#cloud/console/video/wall-choice.ts";
import type { DeviceView } from "#core/contracts/devices.ts";
import type { DoorView } from "#core/contracts/doors.ts";
import type { Zone } from "#core/model/site.ts";

const door = (change: Partial<DoorView> = {}): DoorView => ({
  id: "door-1",
  name: "门",
  nameEn: "Door",
  space: "lobby",
  device: "park/gw-1/doors",
  escape: false,
  online: true,
  state: "Locked",
  open: false,
  alarm: "Normal",
  quality: "good",
  ...change,
});

describe("what may be asked of a door", () => {
  it("is what its mode allows and what changes it", () => {
    expect(operationsOf(door())).toEqual(["access", "unlock", "block", "lockDown"]);
    expect(operationsOf(door({ state: "Unlocked" }))).toEqual(["lock", "block", "lockDown"]);
    expect(operationsOf(door({ state: "LockedDown" }))).toEqual(["lockDownRelease"]);
    expect(operationsOf(door({ state: "LockedOpen", escape: true }))).toEqual(["lockOpenRelease"]);
    expect(operationsOf(door({ state: "Blocked" }))).not.toContain("access");
  });
  it("is nothing while its controller is offline", () => {
    expect(operationsOf(door({ online: false }))).toEqual([]);
  });
  it("is to be held open too, on an escape route", () => {
    expect(operationsOf(door({ escape: true }))).toContain("lockOpen");
    expect(operationsOf(door())).not.toContain("lockOpen");
  });
  it("does not follow from a state that is not to be trusted", () => {
    expect(modeOf(door({ state: "LockedDown", quality: "bad" }))).toBe("Unknown");
    expect(modeOf(door({ state: null }))).toBe("Unknown");
    expect(modeOf(door({ state: "Ajar" }))).toBe("Unknown");
  });
  it("leaves the doors in their order", () => {
    const doors = [door({ id: "b" }), door({ id: "a", space: "z" }), door({ id: "a", state: "Unlocked" })];
    expect(doors.sort(compareDoors).map(({ id, space }) => `${space} ${id}`)).toEqual(["lobby a", "lobby b", "z a"]);
  });
});

describe("a certificate", () => {
  const now = Date.parse("2026-11-21T00:00:00Z");
  const until = (notAfter: string, notBefore = "2026-01-01T00:00:00Z") => validityOf({ notBefore, notAfter }, now);
  it("is told of thirty days before its end", () => {
    expect(until("2027-11-21T00:00:00Z")).toEqual({ is: "valid" });
    expect(until("2026-12-21T00:00:00Z")).toEqual({ is: "expiresSoon", days: 30 });
    expect(until("2026-11-21T10:00:00Z")).toEqual({ is: "expiresSoon", days: 0 });
    expect(until("2026-11-21T00:00:00Z")).toEqual({ is: "expired" });
    expect(until("2027-11-21T00:00:00Z", "2026-12-01T00:00:00Z")).toEqual({ is: "notYetValid" });
  });
  it("is decided about unless it is the gateway's own", () => {
    const acts = (["own", "trusted", "rejected"] as const).map((trust) => decisionsOn({ trust }));
    expect(acts).toEqual([[], ["reject"], ["trust"]]);
  });
  it("is named by its common name, and compared by its thumbprint in pairs", () => {
    expect(commonName("O=Maker, CN=Server 1")).toBe("Server 1");
    expect(commonName("CN=A/OU=x")).toBe("A");
    expect(commonName("O=Maker")).toBe("O=Maker");
    expect(shownThumbprint("0a1b2c")).toBe("0A 1B 2C");
  });
});

describe("a clip", () => {
  const times = (trigger: string) =>
    clipTimes({
      startedAt: "2026-11-21T08:00:00.000Z",
      triggerAt: `2026-11-21T08:00:${trigger}Z`,
      endedAt: "2026-11-21T08:00:40.000Z",
    });
  it("opens at the moment of the alarm", () => {
    expect(times("10.500")).toEqual({ lengthS: 40, momentS: 10.5, share: 0.2625, beforeS: 10.5, afterS: 29.5 });
  });
  it("opens at its nearer end when the alarm lies outside", () => {
    expect(times("50.000").momentS).toBe(40);
    const late = clipTimes({
      startedAt: "2026-11-21T08:00:02.000Z",
      triggerAt: "2026-11-21T08:00:00.000Z",
      endedAt: "2026-11-21T08:00:02.000Z",
    });
    expect(late).toMatchObject({ momentS: 0, share: 0, lengthS: 0 });
  });
  it("has a size for people", () => {
    expect([sizeText(10), sizeText(674_000), sizeText(2_345_678)]).toEqual(["1 kB", "674 kB", "2.3 MB"]);
  });
});

describe("the wall", () => {
  const cameras = ["c1", "c2", "c3", "c4", "c5"];
  it("shows the first cameras where nobody has chosen, none twice", () => {
    expect(tilesOf({ size: 4, cameras: [] }, cameras)).toEqual(["c1", "c2", "c3", "c4"]);
    expect(tilesOf({ size: 4, cameras: ["c3", ""] }, cameras)).toEqual(["c3", "", "c1", "c2"]);
    expect(tilesOf({ size: 4, cameras: [] }, ["c1"])).toEqual(["c1", "", "", ""]);
  });
  it("leaves the tile of a camera that is gone empty", () => {
    expect(tilesOf({ size: 1, cameras: ["gone"] }, cameras)).toEqual([""]);
  });
  it("lets two cameras change places", () => {
    const choice = { size: 4, cameras: [] } as const;
    const tiles = tilesOf(choice, cameras);
    expect(withCamera(choice, tiles, 0, "c3").cameras).toEqual(["c3", "c2", "c1", "c4"]);
    expect(withCamera(choice, tiles, 0, "c5").cameras).toEqual(["c5", "c2", "c3", "c4"]);
    expect(withCamera(choice, tiles, 1, "").cameras).toEqual(["c1", "", "c3", "c4"]);
  });
  it("remembers nothing that is no choice", () => {
    expect(readChoice('{"size":9,"cameras":["c1",5]}')).toEqual({ size: 9, cameras: ["c1"] });
    for (const text of [null, "", "{", "[]", "null", '{"size":3,"cameras":[]}', '{"size":4,"cameras":"c1"}'])
      expect(readChoice(text)).toBeUndefined();
  });
});

describe("the camera of an alarm", () => {
  const zone: Zone = {
    id: "z1",
    name: "防区",
    nameEn: "Zone",
    partition: "p",
    space: "wall",
    kind: "perimeter",
    camera: "park/gw-1/cam-1",
    preset: "7",
  };
  const device = (id: string, kind: string): DeviceView => ({
    id,
    gateway: "park/gw-1",
    protocol: "onvif",
    kind,
    name: id,
    nameEn: id,
    space: "wall",
    online: true,
    points: 1,
  });
  const names = {
    zones: new Map([[zone.id, zone]]),
    devices: new Map([device("cam", "camera-ptz"), device("ahu", "ahu")].map((one) => [one.id, one])),
  };
  it("is the zone's, on the preset that shows it", () => {
    expect(cameraOf({ zone: "z1", device: "ahu" }, names)).toEqual({ camera: "park/gw-1/cam-1", preset: "7" });
  });
  it("is the camera itself when that is what tells", () => {
    expect(cameraOf({ device: "cam" }, names)).toEqual({ camera: "cam", preset: undefined });
  });
  it("is none where none looks", () => {
    expect(cameraOf({ zone: "gone", device: "ahu" }, names)).toBeUndefined();
    expect(cameraOf({}, names)).toBeUndefined();
  });
});
