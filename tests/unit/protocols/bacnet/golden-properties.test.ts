import { describe, expect, it } from "vitest";
import { covSubscription, type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import type { Field } from "#protocols/bacnet/codec/fields.ts";
import { rawList, typedList } from "#protocols/bacnet/codec/property-values.ts";
import { addressBinding } from "#protocols/bacnet/codec/references.ts";
import { decodeChangeList, encodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import {
  decodeLogMultipleRecords,
  decodeLogRecords,
  encodeLogMultipleRecords,
  encodeLogRecords,
  type LogMultipleRecord,
  type LogRecord,
} from "#protocols/bacnet/codec/services/log-records.ts";
import { decodeReadPropertyAck, encodeReadPropertyAck } from "#protocols/bacnet/codec/services/property.ts";
import {
  decodeReadRange,
  decodeReadRangeAck,
  encodeReadRange,
  encodeReadRangeAck,
} from "#protocols/bacnet/codec/services/read-range.ts";
import { calendarEntry, dailySchedule, dateRange, specialEvent } from "#protocols/bacnet/codec/services/schedule.ts";
import type { BacnetDateTime } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetDate, BacnetValue } from "#protocols/bacnet/codec/values.ts";
import { bodyOf, golds, hex } from "./golden.ts";

const [T, F] = [true, false];
const DEVICE = { type: 8, instance: 1001 };
const LOG = { object: { type: 20, instance: 2 }, property: 131 };
const range = { decode: decodeReadRange, encode: encodeReadRange };
const TIME = { hour: 13, minute: 5, second: 6, hundredths: 78 };

function at(second: number): BacnetDateTime {
  return {
    date: { year: 126, month: 11, day: 21, weekday: 6 },
    time: { hour: 13, minute: 5, second, hundredths: 0 },
  };
}

function day(year: number, month: number, dayOfMonth: number, weekday = 255): BacnetDate {
  return { year, month, day: dayOfMonth, weekday };
}

function hour(value: number): { hour: number; minute: number; second: number; hundredths: number } {
  return { hour: value, minute: 0, second: 0, hundredths: 0 };
}

const FAILURE = { type: "failure", value: { errorClass: 7, errorCode: 30 } } as const;

const RECORDS: readonly LogRecord[] = [
  { timestamp: at(0), datum: { type: "logStatus", value: [F, T, F] } },
  { timestamp: at(1), datum: { type: "boolean", value: true }, statusFlags: [F, F, F, F] },
  { timestamp: at(2), datum: { type: "real", value: 21.5 }, statusFlags: [F, F, F, F] },
  { timestamp: at(3), datum: { type: "enumerated", value: 1 } },
  { timestamp: at(4), datum: { type: "unsigned", value: 70_000 }, statusFlags: [T, F, F, F] },
  { timestamp: at(5), datum: { type: "signed", value: -129 } },
  { timestamp: at(6), datum: { type: "bitString", value: [T, F, T] } },
  { timestamp: at(7), datum: { type: "null", value: null } },
  { timestamp: at(8), datum: FAILURE, statusFlags: [F, T, F, F] },
  { timestamp: at(9), datum: { type: "timeChange", value: -3600 } },
  { timestamp: at(10), datum: { type: "any", value: [{ type: "characterString", value: "自动" }] } },
];

const MULTIPLE: readonly LogMultipleRecord[] = [
  { timestamp: at(0), data: { type: "logStatus", value: [F, F, T] } },
  {
    timestamp: at(1),
    data: {
      type: "values",
      value: [
        { type: "real", value: 7 },
        { type: "boolean", value: false },
        { type: "enumerated", value: 2 },
        { type: "unsigned", value: 3 },
        { type: "signed", value: -4 },
        { type: "bitString", value: [T, T] },
        { type: "null", value: null },
        FAILURE,
        { type: "any", value: [{ type: "double", value: 2.5 }] },
      ],
    },
  },
  { timestamp: at(2), data: { type: "timeChange", value: 2 } },
];

const TO_DEVICE: Destination = {
  validDays: [T, T, T, T, T, F, F],
  fromTime: { hour: 0, minute: 0, second: 0, hundredths: 0 },
  toTime: { hour: 23, minute: 59, second: 59, hundredths: 99 },
  recipient: { type: "device", value: DEVICE },
  processId: 42,
  issueConfirmedNotifications: true,
  transitions: [T, T, T],
};
const ADDRESS = {
  type: "address",
  value: { network: 0, mac: Uint8Array.of(192, 168, 1, 5, 0xba, 0xc0) },
} as const;
const TO_ADDRESS: Destination = { ...TO_DEVICE, recipient: ADDRESS };

const REQUESTS = [
  golds({ name: "read-range-all", ...range, value: LOG }),
  golds({
    name: "read-range-position",
    ...range,
    value: { ...LOG, range: { type: "byPosition", value: { referenceIndex: 1, count: 50 } } },
  }),
  golds({
    name: "read-range-sequence",
    ...range,
    value: { ...LOG, range: { type: "bySequenceNumber", value: { referenceSequenceNumber: 79_201, count: -50 } } },
  }),
  golds({
    name: "read-range-time",
    ...range,
    value: {
      ...LOG,
      range: { type: "byTime", value: { referenceTime: { date: at(0).date, time: TIME }, count: 300 } },
    },
  }),
];

interface PropertyCase<V> {
  readonly name: string;
  readonly field: Field<V>;
  readonly list: readonly V[];
}

function propertyCase<V>(one: PropertyCase<V>): PropertyCase<unknown> {
  return one as unknown as PropertyCase<unknown>;
}

const enumerated = (value: number): BacnetValue => ({ type: "enumerated", value });
const unsigned = (value: number): BacnetValue => ({ type: "unsigned", value });
const real = (value: number): BacnetValue => ({ type: "real", value });
const WORKDAY = [{ time: hour(8), value: enumerated(1) }];

const PROPERTIES = [
  propertyCase({
    name: "weekly-schedule",
    field: dailySchedule,
    list: [
      [
        { time: hour(7), value: real(21) },
        { time: hour(18), value: { type: "null" } },
      ],
      WORKDAY,
      WORKDAY,
      WORKDAY,
      WORKDAY,
      [],
      [{ time: hour(9), value: unsigned(3) }],
    ],
  }),
  propertyCase({
    name: "exception-schedule",
    field: specialEvent,
    list: [
      {
        period: { type: "date", value: day(126, 10, 1) },
        timeValues: [{ time: hour(0), value: enumerated(0) }],
        priority: 10,
      },
      {
        period: { type: "dateRange", value: { start: day(126, 2, 16), end: day(126, 2, 23) } },
        timeValues: [
          { time: hour(0), value: real(16) },
          { time: hour(12), value: { type: "null" } },
        ],
        priority: 1,
      },
      { period: { type: "weekNDay", value: { month: 255, week: 6, weekday: 5 } }, timeValues: [], priority: 16 },
      {
        period: { type: "calendar", value: { type: 6, instance: 2 } },
        timeValues: [{ time: hour(0), value: unsigned(2) }],
        priority: 3,
      },
    ],
  }),
  propertyCase({
    name: "calendar-date-list",
    field: calendarEntry,
    list: [
      { type: "date", value: day(126, 1, 1, 4) },
      { type: "weekNDay", value: { month: 5, week: 1, weekday: 255 } },
    ],
  }),
  propertyCase({
    name: "effective-period",
    field: dateRange,
    list: [{ start: day(255, 255, 255), end: day(126, 12, 31) }],
  }),
  propertyCase({ name: "recipient-list", field: destination, list: [TO_DEVICE, TO_ADDRESS] }),
  propertyCase({
    name: "active-cov-subscriptions",
    field: covSubscription,
    list: [
      {
        recipient: { recipient: ADDRESS, processId: 18 },
        monitoredProperty: { object: { type: 0, instance: 1 }, property: 85 },
        issueConfirmedNotifications: false,
        timeRemainingS: 250,
        covIncrement: 0.5,
      },
    ],
  }),
  propertyCase({
    name: "device-address-binding",
    field: addressBinding,
    list: [{ device: { type: 8, instance: 7 }, address: { network: 2001, mac: Uint8Array.of(12) } }],
  }),
];

describe("golden frames of logs and lists", () => {
  it.each(REQUESTS)("$name asks for the items its source meant", ({ name, decode, encode, value }) => {
    expect(decode(bodyOf(name))).toEqual(value);
    expect(hex(encode(value))).toBe(hex(bodyOf(name)));
  });

  it("reads and writes the records of a trend log, whatever they hold", () => {
    const ack = decodeReadRangeAck(bodyOf("read-range-ack"));
    expect(ack).toMatchObject({
      ...LOG,
      resultFlags: { firstItem: true, lastItem: true, moreItems: false },
      itemCount: 11,
      firstSequenceNumber: 79_201,
    });
    expect(decodeLogRecords(ack.itemData)).toEqual(RECORDS);
    expect(hex(encodeReadRangeAck({ ...ack, itemData: encodeLogRecords(RECORDS) }))).toBe(
      hex(bodyOf("read-range-ack")),
    );
  });

  it("keeps a datum of an unknown kind, and one that breaks its kind, among the records around it", () => {
    const unknown = { type: "raw", tag: 14, context: true, constructed: false, value: Uint8Array.of(1) } as const;
    const shortReal = { type: "raw", tag: 2, context: true, constructed: false, value: Uint8Array.of(1, 2) } as const;
    const [before, after] = [RECORDS.slice(0, 2), RECORDS.slice(2)];
    const odd = [unknown, shortReal].map((value) => ({ timestamp: at(2), datum: { type: "raw", value } as const }));
    const records = [...before, ...odd, ...after];
    expect(decodeLogRecords(encodeLogRecords(records))).toEqual(records);
  });

  it("reads an answer without records", () => {
    const ack = decodeReadRangeAck(bodyOf("read-range-ack-none"));
    expect(ack.itemCount).toBe(0);
    expect(ack.firstSequenceNumber).toBeUndefined();
    expect(decodeLogRecords(ack.itemData)).toEqual([]);
    expect(hex(encodeReadRangeAck(ack))).toBe(hex(bodyOf("read-range-ack-none")));
  });

  it("reads and writes the records of a log of several properties", () => {
    const ack = decodeReadRangeAck(bodyOf("read-range-ack-multiple"));
    expect(decodeLogMultipleRecords(ack.itemData)).toEqual(MULTIPLE);
    const again = encodeReadRangeAck({ ...ack, itemData: encodeLogMultipleRecords(MULTIPLE) });
    expect(hex(again)).toBe(hex(bodyOf("read-range-ack-multiple")));
  });

  it.each([
    { name: "add-list-element", list: [TO_DEVICE, TO_ADDRESS] },
    { name: "remove-list-element", list: [TO_ADDRESS] },
  ])("$name changes the recipients of a notification class", ({ name, list }) => {
    const request = decodeChangeList(bodyOf(name));
    expect(request).toMatchObject({ object: { type: 15, instance: 5 }, property: 102 });
    expect(typedList(destination, request.elements)).toEqual(list);
    expect(hex(encodeChangeList({ ...request, elements: rawList(destination, list) }))).toBe(hex(bodyOf(name)));
  });

  it.each(PROPERTIES)("$name is read from the raw values of its property and written back", ({ name, field, list }) => {
    const ack = decodeReadPropertyAck(bodyOf(name));
    expect(typedList(field, ack.values)).toEqual(list);
    expect(hex(encodeReadPropertyAck({ ...ack, values: rawList(field, list) }))).toBe(hex(bodyOf(name)));
  });
});
