import { pointId } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import type { ShownPoint } from "#protocols/bacnet/northbound/shown-point.ts";

const ID = "park/gw-1/meter-1/";

/** Points of a meter on another bus, by what they show. */
export const METER: readonly ShownPoint[] = [
  {
    id: `${ID}power`,
    number: 11,
    name: "有功功率",
    nameEn: "Active power",
    kind: "number",
    unit: "kW",
    min: 0,
    max: 500,
    precision: 1,
  },
  {
    id: `${ID}online`,
    number: 12,
    name: "通讯",
    nameEn: "Online",
    kind: "boolean",
    states: [
      { value: 1, name: "在线", nameEn: "Online" },
      { value: 0, name: "离线", nameEn: "Offline" },
    ],
  },
  {
    id: `${ID}mode`,
    number: 13,
    name: "模式",
    nameEn: "Mode",
    kind: "enum",
    states: [
      { value: 0, name: "峰", nameEn: "Peak" },
      { value: 4, name: "谷", nameEn: "Valley" },
    ],
  },
  { id: `${ID}serial`, number: 14, name: "序列号", nameEn: "Serial", kind: "string" },
];

/** The same points as the gateway has them. */
export const METER_POINTS: readonly Point[] = METER.map(({ number: _, ...point }) => ({
  ...point,
  space: "plant",
  tags: [],
  writable: true,
  revision: 1,
  address: {},
}));

/** A good sample of a point of the meter. */
export function sampleOf(name: string, value: Sample["value"], more: Partial<Sample> = {}): Sample {
  return { point: pointId(`${ID}${name}`), value, quality: "good", observedAt: 0, ...more };
}
