import { describe, expect, it } from "vitest";
import type { NotificationParameters } from "#protocols/bacnet/codec/event-parameters.ts";
import { encodeApduFrame } from "#protocols/bacnet/codec/frame.ts";
import {
  decodeEventNotification,
  type EventNotification,
  encodeEventNotification,
} from "#protocols/bacnet/codec/services/event-notification.ts";
import { apduOf, bodyOf, golden, hex } from "./golden.ts";

const [T, F] = [true, false];
const ALARM = [T, F, F, F];

const MOMENT = {
  date: { year: 126, month: 11, day: 21, weekday: 6 },
  time: { hour: 13, minute: 5, second: 6, hundredths: 78 },
} as const;

const NOTIFICATION: EventNotification = {
  processId: 42,
  initiatingDevice: { type: 8, instance: 1001 },
  eventObject: { type: 0, instance: 3 },
  timeStamp: { type: "dateTime", value: MOMENT },
  notificationClass: 5,
  priority: 100,
  eventType: 5,
  messageText: "送风温度过高",
  notifyType: 0,
  ackRequired: true,
  fromState: 0,
  toState: 3,
};

const OUT_OF_RANGE: NotificationParameters = {
  type: "outOfRange",
  value: { exceedingValue: 30.5, statusFlags: ALARM, deadband: 0.5, exceededLimit: 28 },
};

const PARAMETERS: readonly {
  readonly name: string;
  readonly eventType: number;
  readonly values: NotificationParameters;
}[] = [
  { name: "event-out-of-range", eventType: 5, values: OUT_OF_RANGE },
  {
    name: "event-change-of-bitstring",
    eventType: 0,
    values: {
      type: "changeOfBitstring",
      value: { referencedBitstring: [T, F, T, T, F], statusFlags: [T, F, F, T] },
    },
  },
  {
    name: "event-change-of-state",
    eventType: 1,
    values: { type: "changeOfState", value: { newState: { choice: 1, value: 1 }, statusFlags: ALARM } },
  },
  {
    name: "event-change-of-value",
    eventType: 2,
    values: { type: "changeOfValue", value: { newValue: { changedValue: 12.25 }, statusFlags: [F, F, F, F] } },
  },
  {
    name: "event-change-of-value-bits",
    eventType: 2,
    values: { type: "changeOfValue", value: { newValue: { changedBits: [F, T, T] }, statusFlags: [F, F, F, F] } },
  },
  {
    name: "event-command-failure",
    eventType: 3,
    values: {
      type: "commandFailure",
      value: {
        commandValue: [{ type: "enumerated", value: 1 }],
        statusFlags: ALARM,
        feedbackValue: [{ type: "enumerated", value: 0 }],
      },
    },
  },
  {
    name: "event-floating-limit",
    eventType: 4,
    values: {
      type: "floatingLimit",
      value: { referenceValue: 25.5, statusFlags: ALARM, setpointValue: 22, errorLimit: 2.5 },
    },
  },
  {
    name: "event-change-of-life-safety",
    eventType: 8,
    values: {
      type: "changeOfLifeSafety",
      value: { newState: 2, newMode: 5, statusFlags: ALARM, operationExpected: 4 },
    },
  },
  {
    name: "event-buffer-ready",
    eventType: 10,
    values: {
      type: "bufferReady",
      value: {
        bufferProperty: { object: { type: 20, instance: 2 }, property: 131, device: { type: 8, instance: 1001 } },
        previousNotification: 4_294_967_290,
        currentNotification: 100,
      },
    },
  },
  {
    name: "event-unsigned-range",
    eventType: 11,
    values: { type: "unsignedRange", value: { exceedingValue: 70_000, statusFlags: ALARM, exceededLimit: 65_000 } },
  },
  {
    name: "event-access-event",
    eventType: 13,
    values: {
      type: "accessEvent",
      value: {
        accessEvent: 134,
        statusFlags: ALARM,
        accessEventTag: 9,
        accessEventTime: { type: "sequenceNumber", value: 77 },
        accessCredential: { device: { type: 8, instance: 1001 }, object: { type: 32, instance: 4 } },
      },
    },
  },
  {
    name: "event-double-out-of-range",
    eventType: 14,
    values: {
      type: "doubleOutOfRange",
      value: { exceedingValue: 1e100, statusFlags: ALARM, deadband: 1.5, exceededLimit: -2.5 },
    },
  },
  {
    name: "event-signed-out-of-range",
    eventType: 15,
    values: {
      type: "signedOutOfRange",
      value: { exceedingValue: -300, statusFlags: ALARM, deadband: 5, exceededLimit: -128 },
    },
  },
  {
    name: "event-unsigned-out-of-range",
    eventType: 16,
    values: {
      type: "unsignedOutOfRange",
      value: { exceedingValue: 300, statusFlags: ALARM, deadband: 5, exceededLimit: 255 },
    },
  },
  {
    name: "event-change-of-characterstring",
    eventType: 17,
    values: {
      type: "changeOfCharacterstring",
      value: { changedValue: "故障 E12", statusFlags: ALARM, alarmValue: "E12" },
    },
  },
  {
    name: "event-change-of-reliability",
    eventType: 19,
    values: {
      type: "changeOfReliability",
      value: {
        reliability: 1,
        statusFlags: [T, T, F, F],
        propertyValues: [{ property: 85, values: [{ type: "real", value: 0 }] }],
      },
    },
  },
];

const TIMER = {
  newState: 2,
  statusFlags: ALARM,
  updateTime: MOMENT,
  lastStateChange: 4,
  initialTimeoutMs: 90_000,
};

// made by another encoder with a message and a stamp of its own
const OTHERS: typeof PARAMETERS = [
  {
    name: "event-extended",
    eventType: 9,
    values: {
      type: "extended",
      value: { vendorId: 260, extendedEventType: 17, parameters: [{ type: "real", value: 1.5 }] },
    },
  },
  {
    name: "event-change-of-status-flags",
    eventType: 18,
    values: {
      type: "changeOfStatusFlags",
      value: { presentValue: [{ type: "real", value: 21.5 }], referencedFlags: ALARM },
    },
  },
  {
    name: "event-change-of-discrete-value",
    eventType: 21,
    values: {
      type: "changeOfDiscreteValue",
      value: { newValue: [{ type: "unsigned", value: 9 }], statusFlags: ALARM },
    },
  },
  { name: "event-change-of-timer", eventType: 22, values: { type: "changeOfTimer", value: TIMER } },
  {
    name: "event-change-of-timer-expiring",
    eventType: 22,
    values: {
      type: "changeOfTimer",
      value: { ...TIMER, expirationTime: { ...MOMENT, time: { ...MOMENT.time, hour: 14 } } },
    },
  },
];

function expectGolden(name: string, notification: EventNotification): void {
  expect(decodeEventNotification(bodyOf(name))).toEqual(notification);
  expect(hex(encodeEventNotification(notification))).toBe(hex(bodyOf(name)));
  const link = name === "event-unconfirmed" ? "originalBroadcast" : "originalUnicast";
  expect(hex(encodeApduFrame(apduOf(name), { link }))).toBe(hex(golden(name)));
}

describe("golden frames of BACnet event notifications", () => {
  it.each(PARAMETERS)("$name says what happened to which value", ({ name, eventType, values }) => {
    expectGolden(name, { ...NOTIFICATION, eventType, eventValues: values });
  });

  it.each(OTHERS)("$name says what happened, as another encoder says it", ({ name, eventType, values }) => {
    const timeStamp = { type: "sequenceNumber", value: 4711 } as const;
    const told = { ...NOTIFICATION, timeStamp, eventType, messageText: "E12", toState: 2, eventValues: values };
    expectGolden(name, told);
  });

  it("keeps the parameters of an unknown type byte for byte, and those that break their own type", () => {
    for (const choice of [23, 40, 5]) {
      const raw = { type: "raw", choice, constructed: true, value: Uint8Array.of(0x19, 0x07) } as const;
      const told = { ...NOTIFICATION, eventValues: raw };
      expect(decodeEventNotification(encodeEventNotification(told))).toEqual(told);
    }
  });

  it("reads an alarm to whose notification a later revision has added a field", () => {
    const body = bodyOf("event-out-of-range");
    const longer = Uint8Array.from([...body, 0xd9, 0x01]);
    expect(decodeEventNotification(longer)).toEqual({ ...NOTIFICATION, eventValues: OUT_OF_RANGE });
  });

  it("takes a time stamp that is a time of day", () => {
    const timeStamp = { type: "time", value: { hour: 8, minute: 30, second: 0, hundredths: 255 } } as const;
    expectGolden("event-time", { ...NOTIFICATION, timeStamp, eventValues: OUT_OF_RANGE });
  });

  it("takes a time stamp that is a sequence number", () => {
    const timeStamp = { type: "sequenceNumber", value: 4711 } as const;
    expectGolden("event-sequence-number", { ...NOTIFICATION, timeStamp, eventValues: OUT_OF_RANGE });
  });

  it("takes an acknowledgement notification, which has neither values nor a state it came from", () => {
    const { messageText, ackRequired, fromState, ...kept } = NOTIFICATION;
    expect([messageText, ackRequired, fromState]).not.toContain(undefined);
    expectGolden("event-ack-notification", { ...kept, notifyType: 2 });
  });

  it("takes an unconfirmed notification of the return to normal", () => {
    const back = { ...NOTIFICATION, fromState: 3, toState: 0, eventValues: OUT_OF_RANGE };
    expectGolden("event-unconfirmed", back);
  });
});
