import type { BacnetTime, BacnetValue } from "#protocols/bacnet/codec/values.ts";
import type { EventDefinition } from "#protocols/bacnet/server/events/definition.ts";
import type { NotificationClassDefinition } from "#protocols/bacnet/server/events/notification-class.ts";
import type { Signal, SimulatedDevice } from "./device.ts";
import type { BacnetExtras, SignalTrend, SignalView } from "./servers/bacnet.ts";

/** Offset of the demo park's local time as BACnet counts it: local time plus it is UTC. [BACnet 12.11.25] */
export const PARK_UTC_OFFSET_MIN = -480;

/** How often devices record their measured values. Real controllers take minutes; a demo has to show a curve soon. */
export const TREND_MS = 10_000;

const URGENT = 1;
const ORDINARY = 2;
const UPKEEP = 3;

const CLASSES: readonly NotificationClassDefinition[] = [
  {
    instance: URGENT,
    name: "紧急报警",
    description: "Critical equipment",
    priority: [40, 50, 200],
    ackRequired: [true, true, false],
  },
  {
    instance: ORDINARY,
    name: "一般报警",
    description: "Process values out of range",
    priority: [100, 110, 220],
    ackRequired: [true, true, false],
  },
  {
    instance: UPKEEP,
    name: "维护提示",
    description: "Upkeep",
    priority: [180, 180, 240],
    ackRequired: [false, false, false],
  },
];

/** A state that is wrong: true of a binary signal. */
function fault(notificationClass: number, timeDelayS = 0): EventDefinition {
  return { algorithm: { kind: "changeOfState", alarmValues: [1] }, notificationClass, timeDelayS };
}

/** A measured value with limits; a limit that is not given does not count. */
function limits(
  notificationClass: number,
  { low, high, deadband }: { readonly low?: number; readonly high?: number; readonly deadband: number },
  timeDelayS: number,
): EventDefinition {
  const limitEnable = { low: low !== undefined, high: high !== undefined };
  return {
    algorithm: { kind: "outOfRange", lowLimit: low ?? 0, highLimit: high ?? 0, deadband, limitEnable },
    notificationClass,
    timeDelayS,
  };
}

const EVENTS: Readonly<Record<string, Readonly<Record<string, EventDefinition>>>> = {
  ahu: {
    "supply-air-temperature": limits(ORDINARY, { low: 8, high: 30, deadband: 1 }, 10),
    "filter-pressure": limits(UPKEEP, { high: 240, deadband: 10 }, 10),
    "supply-fan-fault": fault(URGENT),
    "filter-alarm": fault(UPKEEP),
    "freeze-alarm": fault(URGENT),
  },
  "vav-controller": Object.fromEntries(
    [1, 2, 3, 4, 5, 6].flatMap((n): (readonly [string, EventDefinition])[] => [
      [`vav-${n}-fault`, fault(ORDINARY)],
      [`vav-${n}-zone-temperature`, limits(ORDINARY, { low: 12, high: 32, deadband: 1 }, 60)],
    ]),
  ),
  "chiller-plant": {
    "chiller-1-trip": fault(URGENT),
    "chiller-2-trip": fault(URGENT),
    "pump-1-fault": fault(URGENT),
    "pump-2-fault": fault(URGENT),
    "leak-alarm": fault(URGENT),
    "chilled-water-supply-temperature": limits(ORDINARY, { low: 3, high: 14, deadband: 0.5 }, 30),
  },
  "electricity-meter": { overload: fault(ORDINARY), "phase-failure": fault(URGENT) },
};

/** Groups of signals by the beginning of their names. */
const VIEWS: Readonly<Record<string, readonly (Omit<SignalView, "signals"> & { readonly of: RegExp })[]>> = {
  ahu: [
    { name: "空气侧", description: "Air side", nodeType: "system", of: /air|duct|damper|co2/ },
    { name: "水侧", description: "Water side", nodeType: "system", of: /water|valve|cooling-power/ },
    { name: "风机与过滤", description: "Fans and filter", nodeType: "equipment", of: /fan|filter/ },
  ],
  "vav-controller": [
    { name: "一层", description: "Floor 1", nodeType: "area", nodeSubtype: "floor", of: /^vav-[123]-/ },
    { name: "二层", description: "Floor 2", nodeType: "area", nodeSubtype: "floor", of: /^vav-[456]-/ },
  ],
  "chiller-plant": [
    { name: "1 号冷机组", description: "Chiller 1 and its auxiliaries", nodeType: "equipment", of: /-1-/ },
    { name: "2 号冷机组", description: "Chiller 2 and its auxiliaries", nodeType: "equipment", of: /-2-/ },
    { name: "冷冻水", description: "Chilled water", nodeType: "system", of: /^chilled-water/ },
  ],
  "electricity-meter": [
    { name: "电压电流", description: "Voltage and current", nodeType: "system", of: /^(voltage|current)/ },
    { name: "功率电能", description: "Power and energy", nodeType: "system", of: /power|energy|demand/ },
  ],
};

const ANY = 255;
const at = (hour: number): BacnetTime => ({ hour, minute: 0, second: 0, hundredths: 0 });
const mode = (value: number): BacnetValue => ({ type: "unsigned", value });
const AUTO = 2;
const NIGHT = 3;
const CALENDAR = 1;
const WORKDAY = [
  { time: at(7), value: mode(AUTO) },
  { time: at(20), value: mode(NIGHT) },
];

/** Office hours and public holidays. It shows what would hold and commands nothing: the unit's own control does that. */
const OFFICE_HOURS: Pick<BacnetExtras, "calendars" | "schedules"> = {
  calendars: [
    {
      instance: CALENDAR,
      name: "法定节假日",
      description: "Public holidays",
      dates: [
        { type: "date", value: { year: ANY, month: 1, day: 1, weekday: ANY } },
        { type: "date", value: { year: ANY, month: 5, day: 1, weekday: ANY } },
        ...[1, 2, 3].map((day) => ({ type: "date" as const, value: { year: ANY, month: 10, day, weekday: ANY } })),
      ],
    },
  ],
  schedules: [
    {
      instance: 1,
      name: "空调时间表",
      description: "Operating mode by office hours",
      weekly: [WORKDAY, WORKDAY, WORKDAY, WORKDAY, WORKDAY, [], []],
      exceptions: [
        {
          period: { type: "calendar", value: { type: 6, instance: CALENDAR } },
          timeValues: [{ time: at(0), value: mode(NIGHT) }],
          priority: 10,
        },
      ],
      default: mode(NIGHT),
    },
  ],
};

/** Kind of a device by its id, e.g. `ahu` of `ahu-1`. */
function kindOf(id: string): string {
  return id.replace(/-\d+$/, "");
}

function isMeasured({ kind, writable }: Signal): boolean {
  return kind === "number" && !writable;
}

/** What a BACnet device of the demo park serves beside its signals. */
export function extrasOf(device: Pick<SimulatedDevice, "id" | "signals">): BacnetExtras {
  const kind = kindOf(device.id);
  const trends: readonly SignalTrend[] = device.signals
    .filter(isMeasured)
    .map(({ name }) => ({ signal: name, everyMs: TREND_MS }));
  return {
    notificationClasses: CLASSES,
    events: EVENTS[kind] ?? {},
    trends,
    ...(kind === "electricity-meter"
      ? {
          trendGroups: [
            {
              name: "三相电流历史",
              description: "Currents of the three phases, trend",
              signals: ["current-l1", "current-l2", "current-l3"],
              everyMs: TREND_MS,
            },
          ],
        }
      : {}),
    ...(kind === "ahu" ? OFFICE_HOURS : {}),
    views: (VIEWS[kind] ?? []).map(({ of, ...view }) => ({
      ...view,
      signals: device.signals.filter(({ name }) => of.test(name)).map(({ name }) => name),
    })),
  };
}
