import type { DiscoveredPoint } from "#core/contracts/discovery.ts";
import type { RelayOutput } from "./codec/device-io.ts";
import type { DoorInfo } from "./codec/doors.ts";
import type { OnvifAddress } from "./config.ts";
import { DOOR_STATES, type DoorSignal, IR_CUT_FILTER_MODES, type OnvifSignal } from "./vocabulary.ts";

/** What a device has, as far as it tells. */
export interface Offer {
  readonly events: boolean;
  readonly video: boolean;
  readonly moves: boolean;
  readonly imaging: boolean;
  readonly relays: readonly RelayOutput[];
  readonly inputs: readonly string[];
  readonly doors: readonly DoorInfo[];
}

/** Chinese and English name of each signal. */
const NAMES: Readonly<Record<OnvifSignal, readonly [zh: string, en: string]>> = {
  online: ["在线", "Online"],
  clockOffset: ["时钟偏差", "Clock offset"],
  motion: ["移动侦测", "Motion"],
  tamper: ["遮挡破坏", "Tamper"],
  lineCrossed: ["越线", "Line crossed"],
  fieldIntrusion: ["区域入侵", "Field intrusion"],
  loitering: ["徘徊", "Loitering"],
  objectDetected: ["目标检测", "Object detected"],
  digitalInput: ["报警输入", "Digital input"],
  relay: ["继电器", "Relay"],
  videoLoss: ["视频丢失", "Video loss"],
  hardwareFailure: ["硬件故障", "Hardware failure"],
  pan: ["水平", "Pan"],
  tilt: ["俯仰", "Tilt"],
  zoom: ["变倍", "Zoom"],
  moving: ["转动中", "Moving"],
  preset: ["预置位", "Preset"],
  brightness: ["亮度", "Brightness"],
  irCutFilter: ["红外滤光片", "IR cut filter"],
  autoFocus: ["自动对焦", "Auto focus"],
  doorMode: ["门模式", "Door mode"],
  doorPhysicalState: ["门磁", "Door contact"],
  lockPhysicalState: ["锁状态", "Lock"],
  doorAlarm: ["门报警", "Door alarm"],
  doorTamper: ["门防拆", "Door tamper"],
  doorFault: ["门故障", "Door fault"],
};

const DOOR_STATE_NAMES: Readonly<Record<string, string>> = {
  Unknown: "未知",
  Locked: "锁定",
  Unlocked: "开锁",
  Accessed: "通行",
  Blocked: "禁止通行",
  LockedDown: "封锁",
  LockedOpen: "常开",
  DoubleLocked: "双重锁定",
  Open: "开",
  Closed: "关",
  Fault: "故障",
  Normal: "正常",
  DoorForcedOpen: "强行开门",
  DoorOpenTooLong: "开门超时",
  NotInTamper: "正常",
  TamperDetected: "被拆",
  NotInFault: "正常",
  FaultDetected: "故障",
  ON: "开",
  OFF: "关",
  AUTO: "自动",
};

/** Capability that a door needs for a signal; a door without it never tells that signal. [ONVIF Door Control 5.3.2] */
const DOOR_CAPABILITIES: Readonly<Record<DoorSignal, string | undefined>> = {
  doorMode: undefined,
  doorPhysicalState: "DoorMonitor",
  lockPhysicalState: "LockMonitor",
  doorAlarm: "Alarm",
  doorTamper: "Tamper",
  doorFault: "Fault",
};

const kebab = (text: string): string => text.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();

const statesOf = (texts: readonly string[]): NonNullable<DiscoveredPoint["states"]> =>
  texts.map((text, value) => ({ value, name: DOOR_STATE_NAMES[text] ?? text, nameEn: text }));

/** Points in the shape of the site's files, with ids that are unique in the device. */
class PointList {
  readonly points: DiscoveredPoint[] = [];
  readonly #ids = new Set<string>();

  add(address: OnvifAddress, kind: DiscoveredPoint["kind"], more: Partial<DiscoveredPoint> = {}, of = ""): void {
    const [zh, en] = NAMES[address.signal];
    this.points.push({
      id: this.#id(of === "" ? kebab(address.signal) : `${of}-${kebab(address.signal)}`),
      name: of === "" ? zh : `${of} ${zh}`,
      nameEn: of === "" ? en : `${of} ${en}`,
      kind,
      writable: false,
      address,
      ...more,
    });
  }

  /** A slot: letters, digits, `_`, `.` and `-`, at most 64. */
  #id(wanted: string): string {
    const slot = wanted.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^-+|-+$/g, "");
    const base = (slot === "" ? "point" : slot).slice(0, 58);
    let id = base;
    for (let n = 2; this.#ids.has(id); n++) id = `${base}-${n}`;
    this.#ids.add(id);
    return id;
  }
}

/** The points a device offers. */
export function offeredPoints(offer: Offer): readonly DiscoveredPoint[] {
  const list = new PointList();
  list.add({ signal: "online" }, "boolean");
  list.add({ signal: "clockOffset" }, "number", { unit: "s" });
  if (offer.events && offer.video) {
    for (const signal of ["motion", "tamper", "lineCrossed", "fieldIntrusion", "objectDetected", "videoLoss"] as const)
      list.add({ signal }, "boolean");
  }
  if (offer.events) list.add({ signal: "hardwareFailure" }, "boolean");
  if (offer.moves) {
    for (const signal of ["pan", "tilt", "zoom"] as const) list.add({ signal }, "number");
    list.add({ signal: "moving" }, "boolean");
    list.add({ signal: "preset" }, "string");
  }
  if (offer.imaging) {
    list.add({ signal: "brightness" }, "number", { writable: true });
    list.add({ signal: "irCutFilter" }, "enum", { writable: true, states: statesOf(IR_CUT_FILTER_MODES) });
    list.add({ signal: "autoFocus" }, "boolean", { writable: true });
  }
  for (const token of offer.inputs) list.add({ signal: "digitalInput", token }, "boolean", {}, token);
  for (const { token } of offer.relays) list.add({ signal: "relay", token }, "boolean", { writable: true }, token);
  for (const door of offer.doors) addDoor(list, door);
  return list.points;
}

function addDoor(list: PointList, { token, name, capabilities }: DoorInfo): void {
  for (const [signal, capability] of Object.entries(DOOR_CAPABILITIES) as [DoorSignal, string | undefined][]) {
    if (capability !== undefined && capabilities !== undefined && !capabilities.has(capability)) continue;
    const [zh, en] = NAMES[signal];
    const names = { name: `${name} ${zh}`, nameEn: `${name} ${en}` };
    list.add({ signal, door: token }, "enum", { ...names, states: statesOf(DOOR_STATES[signal]) }, token);
  }
}
