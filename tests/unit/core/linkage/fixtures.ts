import { lawOf } from "#core/alarm/law.ts";
import { alarmId, raise } from "#core/alarm/lifecycle.ts";
import { pointId } from "#core/ids.ts";
import type { RuleFacts, Trigger } from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Rule } from "#core/linkage/rule.ts";
import type { Alarm } from "#core/model/alarm.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Zone } from "#core/model/site.ts";

/** Monday 2026-01-05 20:30 in Shanghai. */
export const NOW = Date.UTC(2026, 0, 5, 12, 30);

export const camera = "park/gw-1/camera-3";
export const light = "park/gw-1/lighting/east";
export const lux = pointId("park/gw-1/lighting/lux");

export const zone3: Zone = {
  id: "zone-3",
  name: "三号防区",
  nameEn: "Zone 3",
  partition: "fence",
  space: "east",
  kind: "perimeter",
  camera,
  preset: "7",
  light,
};

/** The alarm of zone 3, just raised. */
export function intrusion(fields: Partial<Alarm> = {}): Alarm {
  const category = "intrusion";
  const seed = {
    id: alarmId({ origin: "park/gw-1", definition: "zone-3.intrusion", epoch: "e", episode: 1 }),
    origin: "park/gw-1",
    definition: "zone-3.intrusion",
    law: lawOf(category),
    category,
    priority: "urgent",
    source: "park/gw-1/panel/zone-3",
    zone: "zone-3",
    message: "入侵",
    messageEn: "Intrusion",
  } as const;
  return { ...raise(seed, { type: "activate" }, NOW), ...fields };
}

export const raisedNow = (fields: Partial<Alarm> = {}): Trigger => ({
  type: "alarm",
  transition: "raised",
  alarm: intrusion(fields),
});

export function facts(samples: readonly Sample[] = [], fields: Partial<RuleFacts> = {}): RuleFacts {
  return {
    point: (id) => samples.find(({ point }) => point === id),
    zone: (id) => (id === "zone-3" ? zone3 : undefined),
    now: NOW,
    timeZone: "Asia/Shanghai",
    site: planSite(),
    ...fields,
  };
}

export const sample = (value: Sample["value"], fields: Partial<Sample> = {}): Sample => ({
  point: lux,
  value,
  quality: "good",
  observedAt: NOW - 1500,
  ...fields,
});

/** Intrusion at the fence: light, camera, picture, popup. */
export function rule(fields: Partial<Rule> = {}): Rule {
  return {
    id: "fence-intrusion",
    name: "周界入侵联动",
    nameEn: "Fence intrusion",
    enabled: true,
    when: { type: "alarmRaised", category: "intrusion", zoneKind: "perimeter" },
    then: [
      { action: "writePoint", params: { point: { from: "zone.light" }, value: true, leaseMs: 60_000 } },
      { action: "ptzPreset", params: { camera: { from: "zone.camera" }, preset: { from: "zone.preset" } } },
      { action: "snapshot", params: { camera: { from: "zone.camera" } }, group: 1, onFailure: "stop", timeoutMs: 2000 },
      {
        action: "notifyConsole",
        params: { text: "周界入侵", textEn: "Fence intrusion", popup: true, camera: { from: "zone.camera" } },
      },
    ],
    ...fields,
  };
}
