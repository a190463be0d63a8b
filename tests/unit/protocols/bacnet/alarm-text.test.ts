import { describe, expect, it } from "vitest";
import { objectName, objectOf, priorityOf } from "#protocols/bacnet/client/alarms/alarm-map.ts";
import { masked, messageOf } from "#protocols/bacnet/client/alarms/alarm-text.ts";
import { readDeviceTime, sourceTimeOf } from "#protocols/bacnet/client/control/clock.ts";
import type { NotificationParameters } from "#protocols/bacnet/codec/event-parameters.ts";
import { encodeReadPropertyMultipleAck, type PropertyResult } from "#protocols/bacnet/codec/services/property.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import { settingsOf } from "#protocols/bacnet/settings.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { contactWith, high, NEVER, NOW, stampAt } from "./alarm-fixture.ts";

const FLAGS = [true, false, false, false];

describe("the message of a BACnet alarm", () => {
  const cases: readonly (readonly [NotificationParameters, string])[] = [
    [
      { type: "outOfRange", value: { exceedingValue: 31.25, statusFlags: FLAGS, deadband: 1, exceededLimit: 30 } },
      "送风温度 高于上限：31.25 °C，限值 30 °C，回差 1 °C / above high limit: 31.25 °C, limit 30 °C, deadband 1 °C",
    ],
    [
      { type: "floatingLimit", value: { referenceValue: 25, statusFlags: FLAGS, setpointValue: 20, errorLimit: 2 } },
      "送风温度 高于上限：25 °C，设定 20 °C，允许偏差 2 °C / above high limit: 25 °C, setpoint 20 °C, error limit 2 °C",
    ],
    [
      {
        type: "commandFailure",
        value: {
          commandValue: [{ type: "enumerated", value: 1 }],
          statusFlags: FLAGS,
          feedbackValue: [{ type: "enumerated", value: 0 }],
        },
      },
      "送风温度 高于上限：指令 1，反馈 0 / above high limit: command 1, feedback 0",
    ],
    [{ type: "raw", choice: 99, constructed: true, value: new Uint8Array() }, "送风温度 高于上限 / above high limit"],
  ];
  it.each(cases)("is made of its values where the device gives none: %o", (eventValues, expected) => {
    expect(messageOf(high(0, { eventValues }), { name: "送风温度", unit: "°C" })).toBe(expected);
  });

  it("is the device's own where it gives one, and no longer than the hub keeps", () => {
    expect(messageOf(high(0, { messageText: "风机跳闸" }), undefined)).toBe("风机跳闸");
    expect(messageOf(high(0, { messageText: "x".repeat(2000) }), undefined)).toHaveLength(1000);
  });

  it("shows no card number", () => {
    expect(masked("card 1234567890 at door 12")).toBe("card ***90 at door 12");
  });
});

describe("the priority of a BACnet alarm", () => {
  const { alarms } = settingsOf({ alarms: { classes: [{ class: 9, priority: "low" }] } });
  it.each([
    [0, "urgent"],
    [63, "urgent"],
    [64, "high"],
    [127, "high"],
    [128, "medium"],
    [191, "medium"],
    [192, "low"],
    [255, "low"],
  ])("%i is %s", (priority, expected) => {
    expect(priorityOf(priority, 1, alarms)).toBe(expected);
  });

  it("is that of its notification class where the channel says one", () => {
    expect(priorityOf(0, 9, alarms)).toBe("low");
  });
});

describe("the name of an object", () => {
  it.each([
    ["analog-input:1", { type: 0, instance: 1 }],
    ["proprietary-200:7", { type: 200, instance: 7 }],
    ["14:4194303", { type: 14, instance: 4_194_303 }],
  ])("%s names it and back", (name, object) => {
    expect(objectOf(name)).toEqual(object);
    expect(objectOf(objectName(object))).toEqual(object);
  });
  it.each(["analog-input", "analog-input:-1", "analog-input:4194304", "no-such-type:1", "5000:1", 7, undefined])(
    "%s is none",
    (name) => {
      expect(objectOf(name)).toBeUndefined();
    },
  );
});

describe("the clock of a device", () => {
  function saying(results: readonly PropertyResult[]) {
    const object = { type: 8, instance: 1001 };
    return contactWith(() => ({ kind: "ack", body: encodeReadPropertyMultipleAck([{ object, results }]) }));
  }
  const shows = (unixMs: number, utcOffsetMin: number): readonly PropertyResult[] => {
    const { date, time } = dateTimeOf(unixMs, utcOffsetMin);
    return [
      { property: 56, values: [{ type: "date", value: date }] },
      { property: 57, values: [{ type: "time", value: time }] },
    ];
  };
  const read = (results: readonly PropertyResult[]) => readDeviceTime(saying(results), 1001, new ManualClock(NOW));

  it("is understood by its UTC_Offset, daylight saving included", async () => {
    const offset: PropertyResult = { property: 119, values: [{ type: "signed", value: -60 }] };
    const saving: PropertyResult = { property: 24, values: [{ type: "boolean", value: true }] };
    expect(await read([...shows(NOW + 5000, -120), offset, saving])).toEqual({ utcOffsetMin: -120, driftMs: 5000 });
    expect(await read([...shows(NOW - 5000, -60), offset])).toEqual({ utcOffsetMin: -60, driftMs: -5000 });
  });

  it("without UTC_Offset is taken to be in the nearest zone", async () => {
    expect(await read(shows(NOW + 90_000, -345))).toEqual({ utcOffsetMin: -345, driftMs: 90_000 });
  });

  it("that the device does not have is not known", async () => {
    const error = { errorClass: 2, errorCode: 32 };
    expect(
      await read([
        { property: 56, error },
        { property: 57, error },
      ]),
    ).toBeUndefined();
  });

  it("puts its time stamps onto ours, and no moment that cannot be", () => {
    const time = { utcOffsetMin: -480, driftMs: 600_000 };
    const stamp = { type: "dateTime" as const, value: dateTimeOf(NOW + 600_000 - 1000, -480) };
    expect(sourceTimeOf(stamp, time, NOW)).toBe(NOW - 1000);
    expect(sourceTimeOf({ type: "time", value: stamp.value.time }, time, NOW)).toBe(NOW - 1000);
    expect(sourceTimeOf(stamp, undefined, NOW)).toBeUndefined();
    expect(sourceTimeOf({ type: "sequenceNumber", value: 5 }, time, NOW)).toBeUndefined();
    expect(sourceTimeOf(NEVER, time, NOW)).toBeUndefined();
    expect(sourceTimeOf(stampAt(NOW + 86_400_000), time, NOW)).toBeUndefined();
  });
});
