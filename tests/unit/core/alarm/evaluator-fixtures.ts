import type { AlarmChange, AlarmEvaluatorOptions } from "#core/alarm/change.ts";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import type { PendingDelay } from "#core/alarm/track.ts";
import { deviceId, pointId } from "#core/ids.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { AlarmCommand } from "#core/model/command.ts";
import type { Sample } from "#core/model/sample.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { EPOCH, START } from "./fixtures.ts";

export const ahu = deviceId("park/gw-1/ahu-1");
export const panel = deviceId("park/gw-1/panel");
export const temperature = pointId(`${ahu}/supply-temperature`);
export const fault = pointId(`${ahu}/fault`);
export const zone3 = pointId(`${panel}/zone-3-alarm`);
export const panic = pointId(`${panel}/panic`);

export const texts = { message: "报警", messageEn: "Alarm" };
export const hot: AlarmDefinition = {
  id: "ahu-1.hot",
  category: "comfort",
  priority: "low",
  condition: { type: "above", point: temperature, limit: 30, deadband: 2 },
  ...texts,
};
export const broken: AlarmDefinition = {
  id: "ahu-1.fault",
  category: "equipment",
  priority: "high",
  condition: { type: "equals", point: fault, value: true },
  ...texts,
};
export const intrusion: AlarmDefinition = {
  id: "zone-3.intrusion",
  category: "intrusion",
  priority: "urgent",
  condition: { type: "equals", point: zone3, value: true },
  zone: "zone-3",
  ...texts,
};
export const motion: AlarmDefinition = {
  id: "camera.motion",
  category: "intrusion",
  priority: "medium",
  condition: { type: "event", device: "park/gw-1/camera-1", kind: "motion" },
  ...texts,
};

export function evaluator(definitions: readonly AlarmDefinition[], options: Partial<AlarmEvaluatorOptions> = {}) {
  const clock = new ManualClock(START);
  const late: AlarmChange[] = [];
  const delays: [string, PendingDelay | undefined][] = [];
  const alarms = new AlarmEvaluator({
    origin: "park/gw-1",
    epoch: EPOCH,
    definitions,
    context: {
      zone: (id) => (id === "zone-3" ? { space: "east-fence" } : undefined),
      point: (id) => (id === temperature ? { space: "plant-room" } : undefined),
      device: (id) => (id === ahu ? { name: "1号空调机组", nameEn: "AHU 1", space: "roof" } : undefined),
    },
    clock,
    onChanges: (changes) => late.push(...changes),
    onDelay: (definition, delay) => delays.push([definition, delay]),
    ...options,
  });
  alarms.start();
  return { alarms, clock, late, delays };
}

export const sample = (point: Sample["point"], value: Sample["value"], fields: Partial<Sample> = {}): Sample => ({
  point,
  value,
  quality: "good",
  observedAt: START,
  ...fields,
});
export const bad = (point: Sample["point"]) => sample(point, null, { quality: "bad", reason: "commLost" });
export const event = (state?: boolean) => ({
  id: "e",
  device: "park/gw-1/camera-1",
  kind: "motion",
  observedAt: START + 2,
  ...(state === undefined ? {} : { state }),
});
export const transitions = (changes: readonly AlarmChange[]) => changes.map(({ transition }) => transition);
export const command = (
  alarm: string,
  action: AlarmCommand["action"],
  fields: Partial<AlarmCommand> = {},
): AlarmCommand => ({
  id: "c-1",
  kind: "alarm",
  alarm,
  occurrence: 1,
  action,
  requestedBy: "li.wei",
  fence: 1,
  createdAt: START - 7,
  expiresAt: START + 60_000,
  ...fields,
});
