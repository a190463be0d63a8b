import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle } from "#core/contracts/bundle.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Point } from "#core/model/point.ts";
import type { Value } from "#core/model/sample.ts";

export const SITE = "park";
export const GATEWAY = "gw";

/** What the field holds: values of points by slot, and what the driver was asked to do. */
export class EdgeField {
  readonly directory: string;
  constructor(directory: string) {
    this.directory = directory;
  }
  set(slot: string, value: Value): void {
    this.tell(slot, { value });
  }
  tell(slot: string, told: object): void {
    writeFileSync(join(this.directory, `${slot}.json`), JSON.stringify(told));
  }
}

/** A number point of a device slot. */
export function numberPoint(device: string, slot: string, more: Partial<Point> = {}): Point {
  return {
    id: `park/gw/${device}/${slot}`,
    name: slot,
    nameEn: slot,
    kind: "number",
    space: "site",
    tags: [],
    writable: true,
    revision: 1,
    address: {},
    ...more,
  };
}

/** A bundle with one echo channel; every device slot named by a point is there. */
export function echoBundle(
  version: number,
  directory: string,
  points: readonly Point[],
  more: Partial<Bundle> = {},
): Bundle {
  const devices = [...new Set(points.map(({ id }) => id.slice(0, id.lastIndexOf("/"))))];
  return {
    version,
    site: SITE,
    gateway: GATEWAY,
    timeZone: "Asia/Shanghai",
    channels: [{ id: "field", protocol: "echo", config: { directory } }],
    devices: devices.map((id) => ({
      id,
      channel: "field",
      protocol: "echo",
      name: id,
      nameEn: id,
      space: "site",
      kind: "ahu",
      config: {},
    })),
    points: [...points],
    zones: [],
    alarms: [],
    rules: [],
    ...more,
  };
}

/** An alarm while a point equals 1. */
export function equalsAlarm(id: string, point: string, more: Partial<AlarmDefinition> = {}): AlarmDefinition {
  return {
    id,
    category: "intrusion",
    priority: "urgent",
    condition: { type: "equals", point, value: 1 },
    message: id,
    messageEn: id,
    ...more,
  };
}
