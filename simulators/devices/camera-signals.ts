import type { Signal, SignalValue } from "../device.ts";

type States = readonly (readonly [string, string])[];

const SEEN: States = [
  ["无", "none"],
  ["有", "seen"],
];
const NORMAL_ALARM: States = [
  ["正常", "normal"],
  ["报警", "alarm"],
];
const NORMAL_FAULT: States = [
  ["正常", "normal"],
  ["故障", "fault"],
];
const OFF_ON: States = [
  ["关", "off"],
  ["开", "on"],
];

function flag(name: string, label: string, labelEn: string, states: States, writable = false): Signal {
  return { name, label, labelEn, kind: "boolean", states, writable };
}

function share(name: string, label: string, labelEn: string): Signal {
  return { name, label, labelEn, kind: "number", unit: "pct", writable: true, min: 0, max: 100 };
}

/** What happens and is over: the signal shows it for two seconds, a client hears of each one. */
export const INSTANTS: readonly string[] = ["line-crossed", "object-class", "licence-plate"];

/** Signals that say whether any of others holds; they follow and are not set. */
export const SUMMARIES: Readonly<Record<string, readonly string[]>> = {
  "hardware-failure": ["fan-failure", "storage-failure", "temperature-critical"],
  "object-detected": ["object-class", "licence-plate"],
};

/** Signals whose change the camera does not tell its clients. */
export const UNTOLD: readonly string[] = [
  "light",
  "relay-mode",
  "relay-delay",
  "brightness",
  "contrast",
  "color-saturation",
  "sharpness",
  "auto-focus",
  "ir-cut-filter",
];

/** Detectors, terminals, hardware and imaging of every camera. A scenario sets the detectors, a client the writable ones. */
export const CAMERA_SIGNALS: readonly Signal[] = [
  flag("motion", "移动侦测", "Motion", SEEN),
  flag("tamper", "遮挡破坏", "Tamper", NORMAL_ALARM),
  flag("line-crossed", "越线", "Line crossed", SEEN),
  flag("field-intrusion", "区域入侵", "Field intrusion", SEEN),
  flag("digital-input", "报警输入", "Digital input", OFF_ON),
  flag("light", "现场照明", "Scene light", OFF_ON),
  flag("cell-motion", "网格移动侦测", "Cell motion", SEEN),
  { name: "object-class", label: "目标类别", labelEn: "Object class", kind: "string", writable: false },
  { name: "licence-plate", label: "车牌", labelEn: "Licence plate", kind: "string", writable: false },
  flag("video-loss", "视频丢失", "Video loss", NORMAL_ALARM),
  flag("fan-failure", "风扇故障", "Fan failure", NORMAL_FAULT),
  flag("storage-failure", "存储故障", "Storage failure", NORMAL_FAULT),
  flag("temperature-critical", "温度异常", "Temperature critical", NORMAL_FAULT),
  flag("hardware-failure", "硬件故障", "Hardware failure", NORMAL_FAULT),
  flag("object-detected", "目标识别", "Object detected", SEEN),
  flag("relay", "继电器输出", "Relay output", OFF_ON, true),
  {
    name: "relay-mode",
    label: "继电器模式",
    labelEn: "Relay mode",
    kind: "enum",
    states: [
      ["双稳态", "bistable"],
      ["单稳态", "monostable"],
    ],
    writable: true,
  },
  {
    name: "relay-delay",
    label: "继电器延时",
    labelEn: "Relay delay",
    kind: "number",
    unit: "s",
    writable: true,
    min: 0.1,
    max: 120,
  },
  share("brightness", "图像亮度", "Picture brightness"),
  share("contrast", "对比度", "Contrast"),
  share("color-saturation", "饱和度", "Colour saturation"),
  share("sharpness", "锐度", "Sharpness"),
  flag("auto-focus", "自动聚焦", "Auto focus", OFF_ON, true),
  {
    name: "ir-cut-filter",
    label: "红外滤光片",
    labelEn: "IR cut filter",
    kind: "enum",
    states: [
      ["接入", "on"],
      ["移开", "off"],
      ["自动", "auto"],
    ],
    writable: true,
  },
];

/** What the head of a PTZ camera adds. */
export const PTZ_SIGNALS: readonly Signal[] = [
  { name: "pan", label: "水平角", labelEn: "Pan", kind: "number", unit: "deg", writable: false, min: -180, max: 180 },
  { name: "tilt", label: "俯仰角", labelEn: "Tilt", kind: "number", unit: "deg", writable: false, min: -90, max: 90 },
  { name: "zoom", label: "变倍", labelEn: "Zoom", kind: "number", writable: false, min: 1, max: 20 },
  { name: "preset", label: "预置位", labelEn: "Preset", kind: "string", writable: false },
  flag("moving", "转动中", "Moving", [
    ["静止", "still"],
    ["转动", "moving"],
  ]),
];

/** Value of a signal when the power comes on. */
export function initialValue(signal: Signal): SignalValue {
  switch (signal.kind) {
    case "boolean":
      return signal.name === "auto-focus";
    case "string":
      return "";
    case "enum":
      return signal.name === "ir-cut-filter" ? 3 : 1;
    case "number":
      return signal.name === "relay-delay" ? 2 : 50;
    default:
      return signal.kind satisfies never;
  }
}

/** The value as the signal can hold it: numbers inside the range, 0 and 1 as false and true; undefined: not at all. */
export function acceptedValue(signal: Signal, value: SignalValue): SignalValue | undefined {
  switch (signal.kind) {
    case "boolean":
      return value === true || value === 1;
    case "string":
      return String(value);
    case "enum":
      return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= (signal.states?.length ?? 0)
        ? value
        : undefined;
    case "number": {
      const number = Number(value);
      if (!Number.isFinite(number)) return undefined;
      return Math.max(signal.min ?? -Infinity, Math.min(signal.max ?? Infinity, number));
    }
    default:
      return signal.kind satisfies never;
  }
}
