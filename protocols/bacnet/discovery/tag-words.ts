import type { Quantity } from "#core/units.ts";

/** A word in a name, and the Haystack tags that it speaks for. Latin words match as a whole, Chinese ones anywhere. */
export interface TagWord {
  readonly words: readonly string[];
  readonly tags: readonly string[];
  /** How sure the word alone makes it, 0 to 1. */
  readonly confidence: number;
}

/** Tags of what a unit measures. */
export const QUANTITY_TAGS: Readonly<Partial<Record<Quantity, readonly string[]>>> = {
  temperature: ["temp"],
  temperatureDifference: ["delta", "temp"],
  humidity: ["humidity"],
  pressure: ["pressure"],
  volumeFlow: ["flow"],
  massFlow: ["flow"],
  velocity: ["speed"],
  rotation: ["speed"],
  power: ["elec", "power", "active"],
  apparentPower: ["elec", "power", "apparent"],
  reactivePower: ["elec", "power", "reactive"],
  energy: ["energy"],
  reactiveEnergy: ["elec", "energy", "reactive"],
  apparentEnergy: ["elec", "energy", "apparent"],
  voltage: ["elec", "volt"],
  current: ["elec", "current"],
  frequency: ["freq"],
  illuminance: ["illuminance"],
  concentration: ["concentration"],
  volume: ["volume"],
  time: ["time"],
};

/** Words of building automation, Chinese and English with the usual abbreviations. The earlier entry is the more special one. */
export const TAG_WORDS: readonly TagWord[] = [
  { words: ["冷冻水", "冷水供", "chilled water", "chw", "chws", "chwr"], tags: ["chilled", "water"], confidence: 0.9 },
  { words: ["冷却水", "condenser water", "cw", "cws", "cwr"], tags: ["condenser", "water"], confidence: 0.8 },
  { words: ["热水", "hot water", "hw", "hws", "hwr"], tags: ["hot", "water"], confidence: 0.8 },
  { words: ["送风", "supply air", "discharge air", "sat", "dat", "saf"], tags: ["discharge", "air"], confidence: 0.9 },
  { words: ["回风", "return air", "rat", "raf"], tags: ["return", "air"], confidence: 0.9 },
  {
    words: ["新风", "室外", "outside air", "outdoor", "fresh air", "oat", "oa"],
    tags: ["outside", "air"],
    confidence: 0.9,
  },
  { words: ["排风", "exhaust", "exhaust air"], tags: ["exhaust", "air"], confidence: 0.9 },
  { words: ["混风", "混合风", "mixed air", "mat"], tags: ["mixed", "air"], confidence: 0.8 },
  { words: ["供水", "出水", "supply water", "leaving", "lwt"], tags: ["leaving", "water"], confidence: 0.8 },
  { words: ["回水", "进水", "return water", "entering", "ewt"], tags: ["entering", "water"], confidence: 0.8 },
  { words: ["室内", "房间", "区域", "zone", "room", "space"], tags: ["zone"], confidence: 0.7 },
  { words: ["风机", "fan"], tags: ["fan"], confidence: 0.9 },
  { words: ["水泵", "泵", "pump"], tags: ["pump"], confidence: 0.9 },
  { words: ["风阀", "damper"], tags: ["damper"], confidence: 0.9 },
  { words: ["水阀", "阀门", "调节阀", "valve", "vlv"], tags: ["valve"], confidence: 0.9 },
  { words: ["过滤", "滤网", "filter"], tags: ["filter"], confidence: 0.9 },
  { words: ["冷却塔", "cooling tower"], tags: ["coolingTower"], confidence: 0.9 },
  { words: ["冷机", "冷水机组", "chiller"], tags: ["chiller"], confidence: 0.8 },
  { words: ["空调机组", "ahu"], tags: ["ahu"], confidence: 0.7 },
  { words: ["变风量", "vav"], tags: ["vav"], confidence: 0.7 },
  { words: ["电梯", "elevator", "lift"], tags: ["elevator"], confidence: 0.8 },
  { words: ["照明", "灯", "lighting", "light"], tags: ["light"], confidence: 0.7 },
  { words: ["二氧化碳", "co2"], tags: ["co2"], confidence: 0.95 },
  { words: ["温度", "temperature", "temp"], tags: ["temp"], confidence: 0.7 },
  { words: ["湿度", "humidity", "rh"], tags: ["humidity"], confidence: 0.8 },
  { words: ["压差", "differential pressure", "dp"], tags: ["delta", "pressure"], confidence: 0.8 },
  { words: ["压力", "静压", "pressure"], tags: ["pressure"], confidence: 0.8 },
  { words: ["流量", "风量", "flow"], tags: ["flow"], confidence: 0.8 },
  { words: ["液位", "水位", "level"], tags: ["level"], confidence: 0.7 },
  { words: ["频率", "转速", "speed"], tags: ["speed"], confidence: 0.6 },
  { words: ["功率", "power"], tags: ["power"], confidence: 0.6 },
  { words: ["电量", "电能", "能耗", "energy", "kwh"], tags: ["energy"], confidence: 0.8 },
  { words: ["电流", "current"], tags: ["current"], confidence: 0.6 },
  { words: ["电压", "voltage"], tags: ["volt"], confidence: 0.8 },
  { words: ["制冷", "cooling"], tags: ["cooling"], confidence: 0.7 },
  { words: ["制热", "加热", "heating"], tags: ["heating"], confidence: 0.7 },
  { words: ["运行", "running", "run", "status"], tags: ["run"], confidence: 0.6 },
  { words: ["启停", "开关", "使能", "enable", "start stop"], tags: ["enable"], confidence: 0.6 },
  { words: ["模式", "mode"], tags: ["mode"], confidence: 0.7 },
  { words: ["故障", "fault", "trip"], tags: ["fault"], confidence: 0.8 },
  { words: ["报警", "告警", "alarm"], tags: ["alarm"], confidence: 0.8 },
  { words: ["手自动", "手动", "auto manual", "hoa"], tags: ["mode"], confidence: 0.5 },
  { words: ["火灾", "消防", "fire"], tags: ["fire"], confidence: 0.7 },
  { words: ["烟感", "smoke"], tags: ["smoke"], confidence: 0.9 },
];

/** Words that make a writable point a setpoint. */
export const SETPOINT_WORDS: readonly string[] = ["设定", "给定", "目标", "setpoint", "set point", "sp", "stpt"];
