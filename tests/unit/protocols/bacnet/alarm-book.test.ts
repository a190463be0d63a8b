import { describe, expect, it } from "vitest";
import { acknowledge } from "#protocols/bacnet/client/alarms/alarm-acknowledge.ts";
import type { AlarmBook } from "#protocols/bacnet/client/alarms/alarm-book.ts";
import { decodeAcknowledgeAlarm } from "#protocols/bacnet/codec/services/alarms.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import {
  bookOf,
  contactWith,
  FAULT,
  HIGH,
  high,
  INPUT,
  LOW,
  NEVER,
  NORMAL,
  NOW,
  normal,
  row,
  stampAt,
} from "./alarm-fixture.ts";

const MINUTE = 60_000;
const ACK: Outcome = { kind: "ack", body: new Uint8Array() };
const flags = (conditions: ReturnType<AlarmBook["transit"]>): readonly boolean[] =>
  conditions.map(({ active }) => active);

describe("an alarm that a device tells", () => {
  it("is a condition with the name of its object until it tells the return", () => {
    const book = bookOf();
    expect(book.transit(high(1000))).toEqual([
      {
        device: "park/gw-1/ahu-1",
        condition: "analog-input:1",
        active: true,
        acknowledged: false,
        priority: "high",
        message: "analog-input:1 高于上限 / above high limit",
        sourceTime: NOW - 1000,
        observedAt: NOW,
      },
    ]);
    expect(book.transit(normal(500))).toMatchObject([{ active: false, acknowledged: false, sourceTime: NOW - 500 }]);
  });

  it("says nothing of acknowledgement where its class wants none", () => {
    const [told] = bookOf().transit(high(1000, { ackRequired: false }));
    expect(told).not.toHaveProperty("acknowledged");
  });

  it("is another occurrence when it goes over from one abnormal state into another", () => {
    const book = bookOf();
    book.transit(high(2000));
    expect(flags(book.transit(high(1000, { fromState: HIGH, toState: LOW })))).toEqual([false, true]);
    expect(flags(book.transit(high(500, { fromState: LOW, toState: FAULT })))).toEqual([false, true]);
  });

  it("is known when it is told again, and old when something newer is known", () => {
    const book = bookOf();
    book.transit(high(2000));
    expect(book.isKnown(high(2000))).toBe(true);
    expect(book.isKnown(high(1000))).toBe(false);
    book.transit(normal(1000));
    expect(book.isOld(high(1500))).toBe(true);
    expect(book.isOld(high(500))).toBe(false);
  });

  it("is taken as acknowledged when that is told, whoever did it", () => {
    const book = bookOf();
    book.transit(high(1000));
    expect(book.acknowledged(INPUT, HIGH)).toMatchObject([{ active: true, acknowledged: true }]);
    expect(book.acknowledged({ type: 0, instance: 9 }, HIGH)).toEqual([]);
  });
});

describe("what a device says of the past", () => {
  const past = stampAt(NOW - 60 * MINUTE);
  const later = stampAt(NOW - 30 * MINUTE);

  it("is not told at the first contact, but for what waits to be acknowledged", () => {
    expect(bookOf().read(row(NORMAL, [past, NEVER, later]), undefined)).toEqual([]);
    const waiting = bookOf().read(row(NORMAL, [past, NEVER, later], [false, true, true]), undefined);
    expect(waiting).toMatchObject([
      { active: true, acknowledged: false, sourceTime: NOW - 60 * MINUTE },
      { active: false, acknowledged: false, sourceTime: NOW - 30 * MINUTE },
    ]);
  });

  it("is told when it happened after all was known last, also over a restart of the gateway", () => {
    const book = bookOf({ syncedAt: NOW - 90 * MINUTE, events: [] });
    expect(flags(book.read(row(NORMAL, [past, NEVER, later]), undefined))).toEqual([true, false]);
    expect(book.read(row(NORMAL, [past, NEVER, later]), undefined)).toEqual([]);
    const next = bookOf(JSON.parse(JSON.stringify(book.kept())));
    expect(next.read(row(NORMAL, [past, NEVER, later]), undefined)).toEqual([]);
  });

  it("is told by stamps that are no times as soon as they are others", () => {
    const at = (value: number) => ({ type: "sequenceNumber" as const, value });
    const book = bookOf();
    expect(book.read(row(NORMAL, [at(3), at(0), at(4)]), undefined)).toEqual([]);
    book.synced();
    expect(flags(book.read(row(NORMAL, [at(5), at(0), at(6)]), undefined))).toEqual([true, false]);
  });

  it("ends an alarm that went and begins the one that came after it", () => {
    const book = bookOf();
    book.transit(high(60 * MINUTE));
    const told = book.read(row(HIGH, [stampAt(NOW - MINUTE), NEVER, later], [false, true, true]), undefined);
    expect(told).toMatchObject([
      { active: false, sourceTime: NOW - 30 * MINUTE },
      { active: true, sourceTime: NOW - MINUTE },
    ]);
  });

  it("changes nothing where it is what was told", () => {
    const book = bookOf();
    book.transit(high(60 * MINUTE));
    expect(book.read(row(HIGH, [past, NEVER, NEVER], [false, true, true]), undefined)).toMatchObject([
      { active: true, acknowledged: false, message: "analog-input:1 高于上限 / above high limit" },
    ]);
    expect(book.conditions()).toHaveLength(1);
  });
});

describe("acknowledging at a device", () => {
  const who = { processId: 7, by: "值班员 王", now: NOW, utcOffsetMin: -480 };

  async function acknowledged(book: AlarmBook, answer: (state: number) => Outcome) {
    const known = book.known(INPUT);
    if (known === undefined) throw new Error("nothing is known");
    const contact = contactWith((_, body) => answer(decodeAcknowledgeAlarm(body).eventStateAcknowledged));
    const end = await acknowledge(contact, known, who);
    return { ...end, asked: contact.asked.map(({ body }) => decodeAcknowledgeAlarm(body)) };
  }

  it("echoes the time stamp, whatever its form, in the operator's name", async () => {
    const book = bookOf();
    const timeStamp = { type: "time" as const, value: { hour: 7, minute: 59, second: 1, hundredths: 255 } };
    book.transit(high(0, { timeStamp }));
    const { result, asked } = await acknowledged(book, () => ACK);
    expect(result).toEqual({ status: "done" });
    expect(asked).toMatchObject([
      { processId: 7, eventObject: INPUT, eventStateAcknowledged: HIGH, timeStamp, acknowledgmentSource: "值班员 王" },
    ]);
    expect(asked[0]?.timeOfAcknowledgment).toMatchObject({ value: { time: { hour: 16, minute: 0 } } });
  });

  it("acknowledges every transition that waits", async () => {
    const book = bookOf();
    book.transit(high(3000));
    book.transit(high(2000, { fromState: HIGH, toState: FAULT }));
    book.transit(normal(1000, { ackRequired: true, fromState: FAULT }));
    const { states } = await acknowledged(book, () => ACK);
    expect(states).toEqual([HIGH, FAULT, NORMAL]);
  });

  it("finds out the state of an alarm that nobody told", async () => {
    const book = bookOf();
    book.read(row(NORMAL, [stampAt(NOW - 2000), NEVER, stampAt(NOW - 1000)], [false, true, true]), undefined);
    const wrongState: Outcome = { kind: "error", error: { errorClass: 5, errorCode: 73 }, body: new Uint8Array() };
    const { result, states } = await acknowledged(book, (state) => (state === LOW ? ACK : wrongState));
    expect([result.status, states]).toEqual(["done", [LOW]]);
  });

  it("tells how the device refused", async () => {
    const book = bookOf();
    book.transit(high(1000));
    const refused: Outcome = { kind: "error", error: { errorClass: 5, errorCode: 14 }, body: new Uint8Array() };
    const { result, states } = await acknowledged(book, () => refused);
    expect(result).toMatchObject({ status: "failed", code: "BACNET_ERROR_5_14" });
    expect(result).toMatchObject({ message: expect.stringContaining("services/invalidTimeStamp") });
    expect(states).toEqual([]);
  });
});
