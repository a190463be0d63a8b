import { describe, expect, it } from "vitest";
import type { BacnetTimeStamp } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import type { EventDefinition } from "#protocols/bacnet/server/events/definition.ts";
import { EventReporter, type Transition } from "#protocols/bacnet/server/events/reporter.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const [NORMAL, FAULT, OFFNORMAL, HIGH, LOW] = [0, 1, 2, 3, 4];
const LIMITS = { kind: "outOfRange", highLimit: 30, lowLimit: 10, deadband: 2 } as const;

/** An object under watch, whose value and reliability the test sets. */
function watched(event: Partial<EventDefinition> = {}, ackRequired = true) {
  const clock = new ManualClock(0);
  const told: Transition[] = [];
  const subject = {
    value: { type: "real", value: 20 } as BacnetValue,
    reliability: 0,
    feedback: undefined as BacnetValue | undefined,
  };
  const reporter: EventReporter = new EventReporter(
    {
      id: { type: 0, instance: 1 },
      name: "送风温度",
      presentValue: () => subject.value,
      feedbackValue: () => subject.feedback,
      reliability: () => subject.reliability,
      statusFlags: () => [reporter.state !== NORMAL, subject.reliability !== 0, false, false],
    },
    { algorithm: LIMITS, notificationClass: 1, ...event },
    {
      monotonic: () => clock.monotonic(),
      stamp: (): BacnetTimeStamp => ({ type: "sequenceNumber", value: told.length + 1 }),
      ackRequired: () => ackRequired,
      tell: (transition) => told.push(transition),
    },
  );
  const becomes = (value: number, afterMs = 0): number => {
    subject.value = { type: "real", value };
    reporter.scan();
    clock.advance(afterMs);
    reporter.scan();
    return reporter.state;
  };
  return { clock, told, subject, reporter, becomes };
}

describe("OUT_OF_RANGE", () => {
  it("leaves normal beyond a limit and comes back inside the deadband", () => {
    const { becomes } = watched();
    expect(becomes(30)).toBe(NORMAL);
    expect(becomes(30.1)).toBe(HIGH);
    expect(becomes(28.5)).toBe(HIGH);
    expect(becomes(27.9)).toBe(NORMAL);
    expect(becomes(9.9)).toBe(LOW);
    expect(becomes(40)).toBe(HIGH);
  });

  it("waits for the time delay, and begins anew when the condition was interrupted", () => {
    const { becomes, told } = watched({ timeDelayS: 10, timeDelayNormalS: 5 });
    expect(becomes(35, 9000)).toBe(NORMAL);
    expect(becomes(20)).toBe(NORMAL);
    expect(becomes(35, 9000)).toBe(NORMAL);
    expect(becomes(35, 1000)).toBe(HIGH);
    expect(becomes(20, 4000)).toBe(HIGH);
    expect(becomes(20, 1000)).toBe(NORMAL);
    expect(told.map(({ toState }) => toState)).toEqual([HIGH, NORMAL]);
  });

  it("tells value, flags, deadband and the limit that was exceeded", () => {
    const { becomes, told } = watched();
    becomes(5);
    becomes(20);
    expect(told.map(({ parameters }) => parameters)).toEqual([
      {
        type: "outOfRange",
        value: { exceedingValue: 5, statusFlags: [true, false, false, false], deadband: 2, exceededLimit: 10 },
      },
      {
        type: "outOfRange",
        value: { exceedingValue: 20, statusFlags: [false, false, false, false], deadband: 2, exceededLimit: 10 },
      },
    ]);
    expect(told.map(({ messageText }) => messageText)).toEqual(["送风温度低于下限", "送风温度恢复正常"]);
  });

  it("ignores a limit that is not enabled", () => {
    const { becomes } = watched({ algorithm: { ...LIMITS, limitEnable: { low: false, high: true } } });
    expect(becomes(1)).toBe(NORMAL);
    expect(becomes(31)).toBe(HIGH);
  });
});

describe("the other algorithms", () => {
  it("tell a state that is an alarm, and another alarm state as another transition", () => {
    const { subject, reporter, told } = watched({ algorithm: { kind: "changeOfState", alarmValues: [3, 4] } });
    for (const state of [1, 3, 3, 4, 2]) {
      subject.value = { type: "unsigned", value: state };
      reporter.scan();
    }
    expect(told.map(({ fromState, toState }) => [fromState, toState])).toEqual([
      [NORMAL, OFFNORMAL],
      [OFFNORMAL, OFFNORMAL],
      [OFFNORMAL, NORMAL],
    ]);
  });

  it("tell a command that the equipment does not follow", () => {
    const { clock, subject, reporter, told } = watched({ algorithm: { kind: "commandFailure" }, timeDelayS: 30 });
    subject.value = { type: "enumerated", value: 1 };
    subject.feedback = { type: "enumerated", value: 0 };
    reporter.scan();
    clock.advance(29_000);
    reporter.scan();
    expect(told).toEqual([]);
    clock.advance(1000);
    reporter.scan();
    expect(told[0]).toMatchObject({ eventType: 3, toState: OFFNORMAL });
  });

  it("tell a fault at once as CHANGE_OF_RELIABILITY, before any limit", () => {
    const { subject, reporter, told, becomes } = watched({ timeDelayS: 60 });
    subject.reliability = 1;
    expect(becomes(99)).toBe(FAULT);
    subject.reliability = 0;
    reporter.scan();
    expect(told.map(({ eventType, toState }) => [eventType, toState])).toEqual([
      [19, FAULT],
      [19, NORMAL],
    ]);
  });
});

describe("acknowledgement", () => {
  it("takes exactly the time stamp of the transition, tells it, and takes a second one in silence", () => {
    const { becomes, reporter, told } = watched();
    becomes(40);
    expect(reporter.ackedTransitions).toEqual([false, true, true]);
    const stamp: BacnetTimeStamp = { type: "sequenceNumber", value: 1 };
    expect(reporter.acknowledge(HIGH, { type: "sequenceNumber", value: 7 })).toEqual({ errorClass: 5, errorCode: 14 });
    expect(reporter.acknowledge(LOW, stamp)).toEqual({ errorClass: 5, errorCode: 73 });
    expect(reporter.acknowledge(HIGH, stamp)).toBeUndefined();
    expect(reporter.ackedTransitions).toEqual([true, true, true]);
    expect(told.at(-1)).toMatchObject({
      notifyType: 2,
      toState: HIGH,
      timeStamp: { type: "sequenceNumber", value: 2 },
    });
    expect(reporter.acknowledge(HIGH, stamp)).toBeUndefined();
    expect(told).toHaveLength(2);
  });

  it("keeps an alarm that is over in view until it is acknowledged", () => {
    const { becomes, reporter } = watched();
    becomes(40);
    becomes(20);
    expect([reporter.state, reporter.active]).toEqual([NORMAL, true]);
  });

  it("is asked for by nobody where the class does not want it or the transition is not enabled", () => {
    const quiet = watched({}, false);
    quiet.becomes(40);
    expect(quiet.reporter.ackedTransitions).toEqual([true, true, true]);
    const disabled = watched({ eventEnable: [false, true, true] });
    disabled.becomes(40);
    expect([disabled.told.length, disabled.reporter.state]).toEqual([0, HIGH]);
    expect(disabled.reporter.ackedTransitions).toEqual([true, true, true]);
  });
});

it("judges everything anew after a power loss", () => {
  const { becomes, reporter, told } = watched();
  becomes(40);
  reporter.reset();
  expect(reporter.active).toBe(false);
  reporter.scan();
  expect(told.map(({ fromState, toState }) => [fromState, toState])).toEqual([
    [NORMAL, HIGH],
    [NORMAL, HIGH],
  ]);
});
