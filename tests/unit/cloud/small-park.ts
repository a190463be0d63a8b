import type { Site } from "#config/schema/site.ts";
import { lawOf } from "#core/alarm/law.ts";
import { alarmId, raise } from "#core/alarm/lifecycle.ts";
import type { AlarmItem, ClipItem } from "#core/contracts/lanes.ts";
import { type GatewayId, gatewayId, type PointId, pointId } from "#core/ids.ts";
import type { Alarm, AlarmCategory } from "#core/model/alarm.ts";
import type { Sample } from "#core/model/sample.ts";

export const GW1: GatewayId = gatewayId("park/gw-1");
export const GW2: GatewayId = gatewayId("park/gw-2");
export const AHU = "park/gw-1/ahu-1";
export const CAMERA = "park/gw-1/cam-1";
/** A door controller on the ground floor; its second door leads out to the fence. */
export const DOORS = "park/gw-1/doors";
export const DOOR_MODE = pointId(`${DOORS}/door-2-mode`);
export const DOOR_LEAF = pointId(`${DOORS}/door-2-leaf`);
export const DOOR_ALARM = pointId(`${DOORS}/door-2-alarm`);
export const SETPOINT = pointId(`${AHU}/setpoint`);
export const TEMPERATURE = pointId(`${AHU}/temperature`);
export const MODE = pointId(`${AHU}/mode`);
export const LABEL = pointId(`${AHU}/label`);
export const DETECTOR = pointId("park/gw-1/panel/zone-1");
export const LIGHT = pointId("park/gw-2/lights/zone-1");

const named = { name: "名", nameEn: "Name" };
const point = { ...named, tags: [], revision: 1, address: {}, space: "building-a", writable: true };
const statesOf = (...names: string[]) => names.map((nameEn, value) => ({ value, name: "名", nameEn }));
const LEAF = statesOf("Unknown", "Open", "Closed", "Fault");
const LEAF_ALARM = statesOf("Normal", "Door forced open", "Door open too long");
const device = (id: string, protocol: string, space: string, nameEn: string): Site["devices"][number] => ({
  id,
  channel: "field",
  protocol,
  name: "名",
  nameEn,
  space,
  kind: "thing",
  config: {},
});
const gateway = (id: string, nameEn: string): Site["gateways"][number] => ({
  gateway: id,
  name: "网关",
  nameEn,
  space: "building-a",
  channels: [],
});

/** Two gateways: the detector and the camera of the fence are on one, its light is on the other. */
export function smallPark(fields: Partial<Site> = {}): Site {
  return {
    site: "park",
    ...named,
    timeZone: "Asia/Shanghai",
    languages: ["zh-CN", "en"],
    spaces: [
      { id: "all", kind: "site", ...named },
      { id: "building-a", parent: "all", kind: "building", ...named },
      { id: "floor-1", parent: "building-a", kind: "floor", ...named },
      { id: "fence", parent: "all", kind: "outdoor", ...named },
    ],
    partitions: [{ id: "perimeter", space: "fence", ...named }],
    zones: [
      {
        id: "zone-1",
        ...named,
        partition: "perimeter",
        space: "fence",
        kind: "perimeter",
        camera: CAMERA,
        preset: "7",
        light: LIGHT,
      },
    ],
    gateways: [gateway("gw-1", "First gateway"), gateway("gw-2", "Second gateway")],
    devices: [
      device(AHU, "bacnet", "floor-1", "Air handling unit"),
      device(CAMERA, "onvif", "fence", "Fence camera"),
      device("park/gw-1/panel", "modbus", "fence", "Panel"),
      device("park/gw-2/lights", "modbus", "fence", "Lights"),
    ],
    points: [
      { ...point, id: SETPOINT, kind: "number", unit: "degreesCelsius", min: 5, max: 40, space: "floor-1" },
      { ...point, id: TEMPERATURE, kind: "number", unit: "degreesCelsius", writable: false, space: "floor-1" },
      {
        ...point,
        id: MODE,
        kind: "enum",
        states: [
          { value: 1, ...named },
          { value: 2, ...named },
        ],
      },
      { ...point, id: LABEL, kind: "string", priority: 10 },
      { ...point, id: DETECTOR, kind: "boolean", writable: false, space: "fence" },
      { ...point, id: LIGHT, kind: "boolean", space: "fence" },
    ],
    alarms: [
      {
        id: "zone-1.intrusion",
        category: "intrusion",
        priority: "urgent",
        condition: { type: "equals", point: DETECTOR, value: true },
        zone: "zone-1",
        message: "入侵",
        messageEn: "Intrusion",
      },
      {
        id: "ahu-1.high",
        category: "comfort",
        priority: "medium",
        condition: { type: "above", point: TEMPERATURE, limit: 30, deadband: 1 },
        message: "温度过高",
        messageEn: "Too warm",
        response: "检查阀门",
        responseEn: "Check the valve",
      },
    ],
    rules: [
      {
        id: "fence-light",
        ...named,
        enabled: true,
        when: { type: "alarmRaised", category: "intrusion", zoneKind: "perimeter" },
        cooldownMs: 2000,
        then: [
          { action: "writePoint", params: { point: { from: "zone.light" }, value: true, leaseMs: 60_000 }, group: 0 },
          { action: "snapshot", params: { camera: { from: "zone.camera" } }, group: 1 },
          {
            action: "notifyConsole",
            params: { text: "看", textEn: "Look", popup: true, camera: { from: "zone.camera" } },
            group: 2,
          },
        ],
      },
      {
        id: "warm-light",
        ...named,
        enabled: true,
        when: { type: "point", point: TEMPERATURE, operator: ">", value: 35 },
        then: [{ action: "writePoint", params: { point: LIGHT, value: true } }],
      },
      {
        id: "look-there",
        ...named,
        enabled: true,
        when: { type: "alarmRaised", category: "intrusion" },
        then: [{ action: "ptzPreset", params: { camera: { from: "zone.camera" }, preset: { from: "zone.preset" } } }],
      },
    ],
    ...fields,
  };
}

/** The small park with two doors of one controller, a channel of OPC UA on each gateway, and a camera that is one. */
export function doorPark(): Site {
  const site = smallPark();
  return {
    ...site,
    gateways: site.gateways.map((one) => ({ ...one, channels: [{ id: "opcua", protocol: "opcua", config: {} }] })),
    devices: [
      ...site.devices.map((one) => (one.id === CAMERA ? { ...one, kind: "camera-ptz" } : one)),
      device(DOORS, "onvif", "floor-1", "Door controller"),
    ],
    doors: [
      { id: "door-1", ...named, space: "floor-1", device: DOORS, token: "d1", mode: `${DOORS}/door-1-mode` },
      {
        id: "door-2",
        ...named,
        space: "fence",
        device: DOORS,
        token: "d2",
        mode: DOOR_MODE,
        physicalState: DOOR_LEAF,
        alarmState: DOOR_ALARM,
        escape: true,
      },
    ],
    points: [
      ...site.points,
      ...[DOOR_MODE, DOOR_LEAF, DOOR_ALARM].map((id) => ({
        ...point,
        id,
        kind: "enum" as const,
        ...(id === DOOR_MODE ? {} : { states: id === DOOR_LEAF ? LEAF : LEAF_ALARM }),
        writable: false,
        space: "fence",
      })),
    ],
  };
}

/** A sample, good unless said otherwise. */
export function sampleOf(id: PointId, value: Sample["value"], fields: Partial<Sample> = {}): Sample {
  return { point: id, value, quality: "good", observedAt: 1_790_000_000_000, ...fields };
}

interface Minted {
  readonly category?: AlarmCategory;
  readonly gateway?: string;
  readonly episode?: number;
  readonly at?: number;
}

/** An alarm as a gateway has just raised it. */
export function minted({ category = "intrusion", gateway: origin = GW1, episode = 1, at = 0 }: Minted = {}): Alarm {
  const security = category === "intrusion";
  const definition = security ? "zone-1.intrusion" : "ahu-1.high";
  const source = security ? DETECTOR : TEMPERATURE;
  return raise(
    {
      id: alarmId({ origin, definition, epoch: "0123456789abcdef0123456789abcdef", episode }),
      origin,
      definition,
      law: lawOf(category),
      category,
      priority: security ? "urgent" : "medium",
      source,
      point: source,
      ...(security ? { zone: "zone-1", area: "fence" } : { area: "floor-1" }),
      message: security ? "入侵" : "温度过高",
      messageEn: security ? "Intrusion" : "Too warm",
    },
    { type: "activate", observedAt: at },
    at,
  );
}

let nextOffset = 0;
/** An alarm transition in a gateway's events lane. */
export function told(
  alarm: Alarm,
  transition: AlarmItem["transition"] = "raised",
  fields: Partial<AlarmItem> = {},
): AlarmItem {
  return { offset: nextOffset++, kind: "alarm", at: alarm.receivedAt, alarm, transition, ...fields };
}

/** A clip of the fence in a gateway's events lane, 40 s of video. */
export function aClip(fields: Partial<ClipItem> = {}): ClipItem {
  const at = 1_790_000_000_000;
  return {
    offset: nextOffset++,
    kind: "clip",
    at,
    sha256: "c".repeat(64),
    bytes: 4_000_000,
    contentType: "video/mp4",
    camera: CAMERA,
    startedAt: at - 10_000,
    endedAt: at + 30_000,
    triggerAt: at,
    timeBase: "rtcp",
    width: 1280,
    height: 720,
    frames: 1000,
    ...fields,
  };
}
