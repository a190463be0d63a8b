import { describe, expect, it } from "vitest";
import { type PlacementSite, placeRule } from "#core/linkage/placement.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { RuleTrigger } from "#core/linkage/rule.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Door } from "#core/model/door.ts";
import type { Space } from "#core/model/site.ts";
import { camera, light, lux, rule, zone3 } from "./fixtures.ts";

const definition = (id: string, point: string, fields: Partial<AlarmDefinition> = {}): AlarmDefinition => ({
  id,
  category: "intrusion",
  priority: "urgent",
  condition: { type: "equals", point, value: true },
  message: "入侵",
  messageEn: "Intrusion",
  ...fields,
});
const zone9 = {
  ...zone3,
  id: "zone-9",
  partition: "hall",
  kind: "interior" as const,
  camera: "park/gw-2/camera-9",
  light: "park/gw-2/lighting/hall",
};
const door = (id: string, device: string, at: string): Door => ({
  id,
  name: id,
  nameEn: id,
  space: at,
  device,
  token: id,
  mode: `${device}/${id}-mode`,
  escape: true,
});
const space = (id: string, parent?: string): Space => ({
  id,
  kind: "building",
  name: id,
  nameEn: id,
  ...(parent === undefined ? {} : { parent }),
});
const site: PlacementSite = {
  zones: [zone3, zone9],
  definitions: [
    definition("zone-3.intrusion", "park/gw-1/panel/zone-3", { zone: "zone-3" }),
    definition("zone-9.intrusion", "park/gw-2/panel/zone-9", { zone: "zone-9" }),
    definition("ahu-1.fault", "park/gw-1/ahu-1/fault", { category: "equipment" }),
    {
      ...definition("camera-3.line", ""),
      condition: { type: "event", device: camera, kind: "lineCrossed" },
      category: "access",
    },
  ],
  devices: ["park/gw-1/panel", "park/gw-1/ahu-1", camera, "park/gw-2/panel"],
  site: planSite(
    [
      door("front", "park/gw-1/doors", "hall"),
      door("back", "park/gw-1/doors", "yard"),
      door("far", "park/gw-2/doors", "yard"),
    ],
    [space("house"), space("hall", "house"), space("yard")],
  ),
  gatewayOf: (id) => (/^park\/gw-[12]\//.test(id) ? id.split("/").slice(0, 2).join("/") : undefined),
};
const oneGateway: PlacementSite = {
  ...site,
  zones: [zone3],
  definitions: site.definitions.slice(0, 1),
  devices: ["park/gw-1/panel"],
};
const placed = (when: RuleTrigger, from = site, then = rule().then) => placeRule(rule({ when, then }), from);
const told = [{ action: "notifyConsole", params: { text: "t", textEn: "t" } }];

describe("placement", () => {
  it("runs on the gateway that owns the trigger, the zone's camera and the zone's light", () => {
    expect(placed({ type: "alarmRaised", category: "intrusion", zoneKind: "perimeter" })).toEqual({
      place: "park/gw-1",
      because: "all inputs and outputs belong to park/gw-1",
    });
    expect(placed({ type: "alarmRaised", partition: "hall" }).place).toBe("park/gw-2");
    expect(placed({ type: "alarmRaised", zone: "zone-3" }).place).toBe("park/gw-1");
    expect(placed({ type: "alarmRaised", definition: "camera-3.line" }, site, told).place).toBe("park/gw-1");
  });

  it("runs in the cloud when the triggers belong to two gateways, and says which", () => {
    const { place, because } = placed({ type: "alarmRaised", category: "intrusion" });
    expect(place).toBe("cloud");
    expect(because).toContain("park/gw-1/panel/zone-3 on park/gw-1");
    expect(because).toContain("park/gw-2/panel/zone-9 on park/gw-2");
  });

  it("runs in the cloud when an output or a condition belongs to another gateway", () => {
    const when: RuleTrigger = { type: "alarmRaised", zone: "zone-3" };
    const far = [{ action: "writePoint", params: { point: "park/gw-2/doors/d1", value: false } }];
    expect(placed(when, site, far).place).toBe("cloud");
    const asks = rule({
      when,
      if: [{ match: "all", tests: [{ type: "point", point: "park/gw-2/meter/p", operator: ">", value: 1 }] }],
    });
    expect(placeRule(asks, site).place).toBe("cloud");
    const elsewhere = { ...site, zones: [{ ...zone3, camera: "park/gw-2/camera-1" }] };
    expect(placed(when, elsewhere).place).toBe("cloud");
  });

  it("counts the controllers of the doors that a step releases or controls as outputs", () => {
    const when: RuleTrigger = { type: "alarmRaised", zone: "zone-3" };
    const release = (at: string) => placed(when, site, [{ action: "releaseEscapeDoors", params: { space: at } }]);
    expect(release("house").place).toBe("park/gw-1");
    expect(release("yard").place).toBe("cloud");
    expect(release("yard").because).toContain("park/gw-2/doors on park/gw-2");
    const locks = (id: string) =>
      placed(when, site, [{ action: "controlDoor", params: { door: id, operation: "lock" } }]).place;
    expect([locks("back"), locks("far")]).toEqual(["park/gw-1", "cloud"]);
  });

  it("counts the camera whose video is kept as an output", () => {
    const far = [{ action: "recordClip", params: { camera: "park/gw-2/camera-1" } }];
    expect(placed({ type: "alarmRaised", zone: "zone-3" }, site, far).place).toBe("cloud");
  });

  it("does not count the console as an output, nor the time of day as an input", () => {
    const one = rule({
      when: { type: "point", point: lux, operator: "<", value: 20 },
      if: [{ match: "all", tests: [{ type: "time", from: "18:00", to: "06:00" }] }],
      then: [{ action: "notifyConsole", params: { text: "t", textEn: "t", camera: "park/gw-2/camera-9" } }],
    });
    expect(placeRule(one, site).place).toBe("park/gw-1");
  });

  it("follows the gateway that owns a moved point now, not the one in its id", () => {
    const moved: PlacementSite = { ...site, gatewayOf: () => "park/gw-7" };
    expect(placed({ type: "point", point: lux, operator: "<", value: 20 }, moved, told).place).toBe("park/gw-7");
  });

  it("places an event of one device at its gateway, and of any device where all of them are", () => {
    expect(placed({ type: "deviceEvent", kind: "tamper", device: camera }, site, told).place).toBe("park/gw-1");
    expect(placed({ type: "deviceEvent", kind: "tamper" }, site, told).place).toBe("cloud");
    expect(placed({ type: "deviceEvent", kind: "tamper" }, oneGateway, told).place).toBe("park/gw-1");
  });

  it("places a communication alarm of a device at its gateway", () => {
    expect(placed({ type: "alarmRaised", definition: "comm:park/gw-2/panel" }, site, told).place).toBe("park/gw-2");
  });

  it.each([
    { type: "alarmRaised" },
    { type: "alarmRaised", category: "communication" },
    { type: "alarmRaised", category: "system" },
    { type: "alarmRaised", definition: "gateway:park/gw-1" },
  ] as const)("leaves to the cloud what may be about a lost gateway: %o", (when) => {
    expect(placed(when, oneGateway, told).place).toBe("cloud");
  });

  it("leaves to the cloud what nothing triggers or nobody owns", () => {
    expect(placed({ type: "alarmRaised", category: "fire" })).toEqual({
      place: "cloud",
      because: "nothing in the site can trigger it",
    });
    expect(placed({ type: "point", point: "else/gw/d/p", operator: "=", value: 1 })).toEqual({
      place: "cloud",
      because: "no gateway owns else/gw/d/p",
    });
  });

  it("keeps a rule that writes the light of its own zone off the gateway of another zone's light", () => {
    expect(
      placed({ type: "alarmRaised", zone: "zone-9" }, site, [
        { action: "writePoint", params: { point: light, value: true } },
      ]).place,
    ).toBe("cloud");
  });
});
