import { describe, expect, it } from "vitest";
import type { Rule } from "#core/linkage/rule.ts";
import type { Device } from "#core/model/device.ts";
import type { Zone } from "#core/model/site.ts";
import { siteCameras } from "#edge/video/clip-cameras.ts";

const device = (name: string, kind: string): Device => ({
  id: `demo/gw-1/${name}`,
  channel: "cameras",
  protocol: "onvif",
  name,
  nameEn: name,
  space: "park",
  kind,
  config: {},
});
const zone = (id: string, partition: string, kind: Zone["kind"], camera?: string): Zone => ({
  id,
  name: id,
  nameEn: id,
  partition,
  space: "park",
  kind,
  ...(camera === undefined ? {} : { camera: `demo/gw-1/${camera}` }),
});
const rule = (id: string, when: Rule["when"], params: Rule["then"][number]["params"]): Rule => ({
  id,
  name: id,
  nameEn: id,
  enabled: true,
  when,
  then: [{ action: "recordClip", params }],
});

const devices = [
  device("camera-1", "camera"),
  device("camera-2", "camera"),
  device("camera-3", "camera-ptz"),
  device("ahu-1", "ahu"),
];
const zones = [
  zone("z1", "fence", "perimeter", "camera-1"),
  zone("z2", "fence", "perimeter", "camera-2"),
  zone("z3", "house", "interior", "camera-3"),
  zone("z4", "fence", "perimeter"),
];
const fromZone = { camera: { from: "zone.camera" } } as const;

describe("the cameras of a site", () => {
  it("are its cameras, and none is always recorded without a rule", () => {
    const { cameras, ringed } = siteCameras({ devices, zones, rules: [] });
    expect(cameras).toEqual(["demo/gw-1/camera-1", "demo/gw-1/camera-2", "demo/gw-1/camera-3"]);
    expect(ringed.size).toBe(0);
  });

  it("are recorded where a rule names them, or a zone that can trigger it, for the longest time asked", () => {
    const rules = [
      rule("fence", { type: "alarmRaised", partition: "fence" }, fromZone),
      rule("one", { type: "alarmRaised", zone: "z1" }, { ...fromZone, beforeS: 25 }),
      rule("named", { type: "deviceEvent", kind: "motion" }, { camera: "demo/gw-1/camera-2", beforeS: 5 }),
      rule("gone", { type: "deviceEvent", kind: "motion" }, { camera: "demo/gw-2/camera-9" }),
    ];
    expect(siteCameras({ devices, zones, rules }).ringed).toEqual(
      new Map([
        ["demo/gw-1/camera-1", 25_000],
        ["demo/gw-1/camera-2", 10_000],
      ]),
    );
    const interior = [rule("in", { type: "alarmRaised", zoneKind: "interior" }, fromZone)];
    expect([...siteCameras({ devices, zones, rules: interior }).ringed.keys()]).toEqual(["demo/gw-1/camera-3"]);
  });
});
