import { describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { type DeviceId, deviceId } from "#core/ids.ts";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { ActionResult, ProtocolDriver } from "#protocols/driver.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { completes, told, WITH_ALARMS } from "./bacnet-alarm-fixture.ts";
import { closing, DEVICE, drive, never, POINTS, POLL, serve, settled } from "./bacnet-harness.ts";
import { only, workstation } from "./bacnet-server-fixture.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const ANY = 255;
const CHANNEL = deviceId("park/gw-1/bacnet");
const at = (hour: number, minute = 0) => ({ hour, minute, second: 0, hundredths: 0 });
const mode = (value: number) => ({ type: "unsigned" as const, value });
const WORKDAY = [
  { time: at(7, 30), value: mode(2) },
  { time: at(20), value: { type: "null" as const } },
];
const DAY_MS = 86_400_000;

/** Office hours with a holiday calendar. */
const SCHEDULED: Partial<BacnetServerOptions> = {
  calendars: [
    {
      instance: 1,
      name: "假日",
      description: "Holidays",
      dates: [
        { type: "date", value: { year: ANY, month: 10, day: 1, weekday: ANY } },
        {
          type: "dateRange",
          value: {
            start: { year: 126, month: 2, day: 16, weekday: ANY },
            end: { year: 126, month: 2, day: 22, weekday: ANY },
          },
        },
        { type: "weekNDay", value: { month: ANY, week: 6, weekday: 5 } },
      ],
    },
  ],
  schedules: [
    {
      instance: 1,
      name: "时间表",
      description: "Office hours",
      weekly: [WORKDAY, WORKDAY, WORKDAY, WORKDAY, WORKDAY, [], []],
      exceptions: [
        {
          period: { type: "calendar", value: { type: OBJECT_TYPES.calendar, instance: 1 } },
          timeValues: [{ time: at(0), value: mode(3) }],
          priority: 10,
        },
      ],
      default: mode(1),
    },
  ],
};

/** The JSON that an action answered. */
function answered(result: ActionResult): Record<string, unknown> {
  if (result.status !== "done" || result.blob === undefined) throw new Error(JSON.stringify(result));
  return JSON.parse(new TextDecoder().decode(result.blob.bytes)) as Record<string, unknown>;
}

function asking(driver: ProtocolDriver) {
  return (action: string, params: Record<string, string | number> = {}, device: DeviceId = DEVICE) =>
    driver.act({ device, action, params }, never);
}

async function driven(options: Partial<BacnetServerOptions>, config = {}, recording: Recording = recordDriver()) {
  const server = await serve(options);
  const [driver] = await drive(server.address.port, { pollMs: 200, ...config }, POINTS, recording);
  await settled(recording);
  await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(0);
  return { server, driver, recording, ask: asking(driver) };
}

describe("a schedule of a BACnet device", () => {
  it("is read with its week, its exceptions and the days of their calendars", async () => {
    const { ask } = await driven(SCHEDULED);
    const workday = [
      { time: "07:30", value: 2 },
      { time: "20:00", value: null },
    ];
    const calendar = [
      { date: "*-10-01" },
      { dateRange: { start: "2026-02-16", end: "2026-02-22" } },
      { weekNDay: { month: "*", week: 6, weekday: 5 } },
    ];
    expect(answered(await ask("readSchedule", { object: "schedule:1" }))).toMatchObject({
      object: "schedule:1",
      name: "时间表",
      scheduleDefault: 1,
      weekly: [workday, workday, workday, workday, workday, [], []],
      exceptions: [{ calendar: "calendar:1", priority: 10, values: [{ time: "00:00", value: 3 }] }],
      calendars: { "calendar:1": calendar },
    });
    expect(answered(await ask("readCalendar", { object: "calendar:1" }))).toMatchObject({
      name: "假日",
      entries: calendar,
    });
  });

  it("takes a new week, which is read back", async () => {
    const { ask } = await driven(SCHEDULED);
    const week = [[{ time: "08:00", value: 2 }], [], [], [], [], [], [{ time: "09:15:30", value: null }]];
    const result = await ask("writeWeeklySchedule", { object: "schedule:1", weekly: JSON.stringify(week) });
    expect(answered(result)).toEqual({ object: "schedule:1", weekly: week });
    expect(answered(await ask("readSchedule", { object: "schedule:1" }))).toMatchObject({ weekly: week });
  });

  it.each([
    ["no JSON", "seven days, Monday first"],
    ["[[],[],[],[],[],[]]", "seven days, Monday first"],
    ['[[{"time":"25:00","value":1}],[],[],[],[],[],[]]', "weekly[0][0].time: expected a time of day"],
    ['[[],[{"time":"08:00","value":"on"}],[],[],[],[],[]]', "weekly[1][0].value: expected a number that fits unsigned"],
    ['[[],[{"time":"08:00"}],[],[],[],[],[]]', "{time, value} and nothing else"],
    [
      '[[],[{"time":"08:00","value":1},{"time":"08:00","value":2}],[],[],[],[],[]]',
      "weekly[1][1].time: expected later",
    ],
  ])("does not take %s", async (weekly, expected) => {
    const { ask } = await driven(SCHEDULED);
    expect(await ask("writeWeeklySchedule", { object: "schedule:1", weekly })).toMatchObject({
      status: "rejected",
      code: "BACNET_PARAMETER_INVALID",
      message: expect.stringContaining(expected),
    });
  });

  it("that the device does not have is told as the device tells it", async () => {
    const { ask } = await driven(SCHEDULED);
    expect(await ask("readSchedule", { object: "schedule:7" })).toMatchObject({
      status: "failed",
      code: "BACNET_ERROR_1_31",
    });
    expect(await ask("readCalendar", { object: "schedule:1" })).toMatchObject({ status: "rejected" });
  });
});

describe("who has an object", () => {
  it("is asked of everybody on the channel, by its name or its identifier", async () => {
    const { ask } = await driven({});
    const found = [{ instance: 1001, device: DEVICE, object: "analog-input:1", name: expect.any(String) }];
    const byObject = answered(await ask("whoHas", { object: "analog-input:1" }, CHANNEL));
    expect(byObject).toMatchObject({ found });
    const [{ name }] = byObject["found"] as [{ name: string }];
    expect(answered(await ask("whoHas", { name }, CHANNEL))).toMatchObject({ found });
    expect(answered(await ask("whoHas", { name: "no such object" }, CHANNEL))).toMatchObject({ found: [] });
    expect(await ask("whoHas", { object: "nothing" }, CHANNEL)).toMatchObject({ status: "rejected" });
  });
});

describe("the clock of a BACnet device", () => {
  it("that is too far off is a condition of the device, which ends when it was set", async () => {
    const ours = systemClock.now();
    const clock = new ManualClock(ours + 600_000);
    const { ask, recording, driver } = await driven({ ...WITH_ALARMS, clock });
    expect(told(recording, "clockDrift")).toMatchObject([{ active: true, category: "system" }, { active: true }]);
    expect(completes(recording).at(-1)).toMatchObject([{ condition: "clockDrift", active: true }]);
    const result = ask("timeSync");
    expect(answered(await result)).toMatchObject({ driftBeforeMs: expect.closeTo(600_000, -5) });
    expect(told(recording, "clockDrift").at(-1)).toMatchObject({ active: false });
    expect(driver.counters()).toMatchObject({ clockDrifts: 1, timeSynchronizations: 1 });
  });

  it("is left alone unless the channel says otherwise", async () => {
    const clock = new ManualClock(systemClock.now() - DAY_MS);
    const { server, driver } = await driven({ ...WITH_ALARMS, clock });
    const client = await workstation(server);
    const device = { type: OBJECT_TYPES.device, instance: 1001 };
    expect(driver.counters()["timeSynchronizations"]).toBe(0);
    const date = only(await client.read(device, PROPERTIES.localDate));
    const before = new Date(systemClock.now() - DAY_MS + 8 * 3_600_000);
    expect(date).toMatchObject({ day: before.getUTCDate() });
  });

  it.each(["utc", "local"] as const)("is set by %s time where the channel says so", async (sync) => {
    const clock = new ManualClock(systemClock.now() - DAY_MS);
    const { server } = await driven({ ...WITH_ALARMS, clock }, { clock: { sync } });
    const client = await workstation(server);
    const device = { type: OBJECT_TYPES.device, instance: 1001 };
    const today = new Date(systemClock.now() + 8 * 3_600_000);
    await expect
      .poll(async () => only(await client.read(device, PROPERTIES.localDate)), POLL)
      .toMatchObject({ year: today.getUTCFullYear() - 1900, month: today.getUTCMonth() + 1, day: today.getUTCDate() });
  });
});

describe("a BACnet device as a whole", () => {
  async function withPassword(password: string | undefined) {
    const server = await serve({ password: "pump-7" });
    const recording = recordDriver();
    const config = { bind: { host: "127.0.0.1" }, apduTimeoutMs: 150, retries: 1, pollMs: 200, backoffMaxMs: 300 };
    const driver = await bacnet.create(config, recording.deps);
    closing.push(() => driver.stop());
    await driver.start(never);
    const section = { instance: 1001, address: server.address, ...(password === undefined ? {} : { password }) };
    await driver.bind([{ device: DEVICE, config: section, points: POINTS }]);
    await settled(recording);
    return { server, recording, ask: asking(driver) };
  }

  it("is started again with the password of its section", async () => {
    const { recording, ask } = await withPassword("pump-7");
    expect(await ask("reinitializeDevice", { state: "warmstart" })).toEqual({ status: "done" });
    await expect.poll(() => recording.reachability(DEVICE), POLL).toEqual([true, false, true]);
  });

  it("refuses a wrong password, which is shown and does not contain it", async () => {
    const { ask } = await withPassword("wrong-one");
    const result = await ask("reinitializeDevice", { state: "coldstart" });
    expect(result).toMatchObject({ status: "failed", code: "BACNET_ERROR_4_26" });
    expect(JSON.stringify(result)).not.toContain("wrong-one");
    expect(await ask("reinitializeDevice", { state: "explode" })).toMatchObject({ status: "rejected" });
  });

  it("is silenced for a while, and enabled again although it answers nobody", async () => {
    const { recording, ask } = await withPassword("pump-7");
    const disable = { state: "disable", minutes: 5 };
    expect(await ask("deviceCommunicationControl", disable)).toEqual({ status: "done" });
    await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(false);
    expect(await ask("deviceCommunicationControl", { state: "enable" })).toEqual({ status: "done" });
    await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(true);
  });

  it("is never silenced without an end", async () => {
    const { ask } = await withPassword("pump-7");
    expect(await ask("deviceCommunicationControl", { state: "disable" })).toMatchObject({
      status: "rejected",
      code: "BACNET_PARAMETER_INVALID",
    });
  });
});
