import { expect, it } from "vitest";
import { sentence } from "#core/linkage/sentence.ts";
import { camera, light, lux, rule } from "./fixtures.ts";

const names = new Map([
  [lux, { name: "东侧照度", nameEn: "East lux" }],
  [light, { name: "东侧路灯", nameEn: "East lights" }],
  [camera, { name: "三号球机", nameEn: "Camera 3" }],
  ["fence", { name: "围界", nameEn: "Fence" }],
]);
const nameOf = (id: string) => names.get(id as typeof lux);
const dark = rule({
  when: { type: "alarmRaised", category: "intrusion", priority: "urgent", zoneKind: "perimeter", partition: "fence" },
  if: [
    {
      match: "all",
      tests: [
        { type: "point", point: lux, operator: "<", value: 20 },
        { type: "time", from: "18:00", to: "06:00" },
      ],
    },
  ],
  cooldownMs: 30_000,
});

it("says a rule in English", () => {
  expect(sentence(dark, "en", nameOf)).toBe(
    'When an alarm (urgent, intrusion) is raised in a perimeter zone of partition "Fence", ' +
      "if all hold (East lux < 20, the time is between 18:00 and 06:00), " +
      "set the zone's light to on for 60 s and at the same time turn the zone's camera to the zone's preset " +
      'and at the same time pop up on the console "Fence intrusion"; then take a picture with the zone\'s camera ' +
      "(not again for the same source within 30 s).",
  );
});

it("says a rule in Chinese", () => {
  expect(sentence(dark, "zh-CN", nameOf)).toBe(
    "当周界防区、分区“围界”的紧急、入侵报警产生时，如果同时满足（东侧照度 < 20、时间在 18:00 至 06:00 之间），" +
      "则将防区的照明设为开，60 秒后自动释放，同时将防区的摄像机转到防区的预置位，同时在控制台弹窗提示“周界入侵”；" +
      "然后用防区的摄像机抓拍（同一来源 30 秒内不重复）。",
  );
});

it("says triggers of points and events, and shows ids that have no name", () => {
  const then = [
    { action: "writePoint", params: { point: light, value: null } },
    { action: "ptzPreset", params: { camera, preset: "7" }, group: 1 },
  ];
  expect(sentence(rule({ when: { type: "point", point: lux, operator: ">=", value: 5 }, then }), "en", nameOf)).toBe(
    "When East lux >= 5 begins to hold, set East lights to released; then turn Camera 3 to preset 7.",
  );
  expect(sentence(rule({ when: { type: "deviceEvent", kind: "lineCrossed" }, then }), "zh-CN")).toBe(
    `当任一设备发出事件“越线”时，则将${light}设为释放；然后将${camera}转到预置位 7。`,
  );
});

it("says what becomes of doors and video", () => {
  const fire = rule({
    when: { type: "deviceEvent", kind: "doorForced" },
    then: [
      { action: "releaseEscapeDoors", params: { space: "tower" } },
      { action: "recordClip", params: { camera, beforeS: 10, afterS: 30 } },
      { action: "recordClip", params: { camera: { from: "zone.camera" } }, group: 1 },
      { action: "controlDoor", params: { door: "d1", operation: "lockDown" }, group: 1 },
    ],
  });
  const known = (id: string, kind?: string) => {
    if (kind === "door") return { name: "正门", nameEn: "Front door" };
    return kind === "space" ? { name: "塔楼", nameEn: "Tower" } : nameOf(id);
  };
  expect(sentence(fire, "en", known)).toBe(
    'When any device sends the event "door forced", release all escape doors of Tower and at the same time ' +
      "keep the video of Camera 3 (10 s before and 30 s after); then keep the video of the zone's camera " +
      'and at the same time lock down (door "Front door").',
  );
  expect(sentence(fire, "zh-CN", known)).toBe(
    "当任一设备发出事件“强行开门”时，则释放“塔楼”的全部疏散通道门，同时保存三号球机前 10 秒后 30 秒的录像；" +
      "然后保存防区的摄像机的录像，同时将门“正门”紧急锁闭。",
  );
});

it("shows kinds of events and operations that it does not know as they are", () => {
  const odd = rule({
    when: { type: "deviceEvent", kind: "toString" },
    then: [{ action: "controlDoor", params: { door: "d1", operation: "explode" } }],
  });
  expect(sentence(odd, "en")).toBe('When any device sends the event "toString", explode (door "d1").');
});
