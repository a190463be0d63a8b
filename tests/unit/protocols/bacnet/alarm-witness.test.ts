import { describe, expect, it } from "vitest";
import { bookOf, FAULT, HIGH, high, INPUT, NEVER, NORMAL, NOW, normal, row, stampAt } from "./alarm-fixture.ts";

const MINUTE = 60_000;
const RAISED = stampAt(NOW - 10 * MINUTE);
const LATER = stampAt(NOW - MINUTE);
const UNACKED = [false, true, true] as const;
const ACKED = [true, true, true] as const;
/** The class wants alarms and faults acknowledged. */
const WANTS = { ackRequired: () => [true, true, false] } as const;

/** A book that knows of an alarm of ten minutes ago that nobody has acknowledged. */
function withAlarm() {
  const book = bookOf(undefined, WANTS);
  book.synced();
  book.transit(high(10 * MINUTE));
  return book;
}

describe("an alarm that nobody has acknowledged", () => {
  it("is not acknowledged by a device that has forgotten it with its restart", () => {
    const [told] = withAlarm().read(row(NORMAL, [NEVER, NEVER, NEVER], ACKED), undefined);
    expect(told).toMatchObject({ active: false });
    expect(told).not.toHaveProperty("acknowledged");
  });

  it("is not acknowledged by a device that has lost its flags and still has the alarm", () => {
    const book = withAlarm();
    for (const stamp of [NEVER, LATER]) {
      const told = book.read(row(HIGH, [stamp, NEVER, NEVER], ACKED), undefined);
      expect(told.at(-1)).toMatchObject({ active: true });
      expect(told.some(({ acknowledged }) => acknowledged === true)).toBe(false);
    }
  });

  it("is not acknowledged by whichever look at the device comes after that either", () => {
    const book = withAlarm();
    book.read(row(HIGH, [LATER, NEVER, NEVER], ACKED), undefined);
    expect(book.read(row(HIGH, [LATER, NEVER, NEVER], ACKED), undefined)[0]).not.toHaveProperty("acknowledged");
    const next = bookOf(JSON.parse(JSON.stringify(book.kept())), WANTS);
    expect(next.read(row(HIGH, [LATER, NEVER, NEVER], ACKED), undefined)[0]).not.toHaveProperty("acknowledged");
    expect(next.read(row(NORMAL, [LATER, NEVER, stampAt(NOW)], ACKED), undefined)[0]).not.toHaveProperty(
      "acknowledged",
    );
  });

  it("is not acknowledged by flags that a device shows which is known to have started again", () => {
    const book = withAlarm();
    const [told] = book.read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined, true);
    expect(told).toMatchObject({ active: true });
    expect(told).not.toHaveProperty("acknowledged");
    expect(book.read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined)[0]).not.toHaveProperty("acknowledged");
  });

  it("is not acknowledged by a device that tells no time stamps", () => {
    const { object, state, acked } = row(HIGH, [NEVER, NEVER, NEVER], ACKED);
    expect(withAlarm().read({ object, state, acked }, undefined)[0]).not.toHaveProperty("acknowledged");
  });

  it("is not acknowledged by the return of another one that needed none", () => {
    const book = bookOf(undefined, { ackRequired: () => [true, false, false] });
    book.transit(high(30 * MINUTE));
    book.acknowledged(INPUT, HIGH);
    book.transit(normal(20 * MINUTE));
    const fault = high(10 * MINUTE, { fromState: NORMAL, toState: FAULT, ackRequired: false });
    expect(book.transit(fault)[0]).not.toHaveProperty("acknowledged");
    expect(book.transit(normal(MINUTE, { fromState: FAULT }))[0]).not.toHaveProperty("acknowledged");
  });
});

describe("an acknowledgement at another workstation", () => {
  it("is taken over when it is told", () => {
    const book = withAlarm();
    expect(book.acknowledged(INPUT, HIGH)).toMatchObject([{ active: true, acknowledged: true }]);
    expect(book.transit(normal(MINUTE))).toMatchObject([{ active: false, acknowledged: true }]);
  });

  it("is not taken for one of an alarm that came after it, when it is told late", () => {
    const book = withAlarm();
    expect(book.acknowledged(INPUT, HIGH, stampAt(NOW - 12 * MINUTE))).toEqual([]);
    expect(book.conditions()).toMatchObject([{ active: true, acknowledged: false }]);
    expect(book.acknowledged(INPUT, HIGH, stampAt(NOW - 10 * MINUTE - 500))).toMatchObject([{ acknowledged: true }]);
  });

  it("is taken over from the flags while the time stamp is the same, also after a cut, and is of now", () => {
    const [told] = withAlarm().read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined);
    expect(told).toMatchObject({ active: true, acknowledged: true, observedAt: NOW });
    expect(told).not.toHaveProperty("sourceTime");
  });

  it("is taken over from the flags of an alarm that is over by then", () => {
    const book = withAlarm();
    expect(book.read(row(NORMAL, [RAISED, NEVER, LATER], UNACKED), undefined)).toMatchObject([
      { active: false, acknowledged: false },
    ]);
    expect(book.read(row(NORMAL, [RAISED, NEVER, LATER], ACKED), undefined)).toMatchObject([
      { active: false, acknowledged: true },
    ]);
    const other = withAlarm();
    expect(other.read(row(NORMAL, [RAISED, NEVER, LATER], ACKED), undefined)).toMatchObject([
      { active: false, acknowledged: true },
    ]);
  });

  it("stays one over a restart of the gateway", () => {
    const book = withAlarm();
    book.acknowledged(INPUT, HIGH);
    const next = bookOf(JSON.parse(JSON.stringify(book.kept())), WANTS);
    expect(next.conditions()).toMatchObject([{ active: true, acknowledged: true }]);
    expect(next.read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined)).toMatchObject([{ acknowledged: true }]);
  });

  it("from before the first contact is believed where the class wants one and the device says when", () => {
    expect(bookOf(undefined, WANTS).read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined)).toMatchObject([
      { active: true, acknowledged: true },
    ]);
    expect(bookOf().read(row(HIGH, [RAISED, NEVER, NEVER], ACKED), undefined)[0]).not.toHaveProperty("acknowledged");
    expect(bookOf(undefined, WANTS).read(row(HIGH, [NEVER, NEVER, NEVER], ACKED), undefined)[0]).not.toHaveProperty(
      "acknowledged",
    );
  });
});
