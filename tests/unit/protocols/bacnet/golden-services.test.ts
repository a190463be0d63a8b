import { describe, expect, it } from "vitest";
import { encodeApduFrame } from "#protocols/bacnet/codec/frame.ts";
import {
  decodeAcknowledgeAlarm,
  decodeGetAlarmSummaryAck,
  decodeGetEnrollmentSummary,
  decodeGetEnrollmentSummaryAck,
  decodeGetEventInformation,
  decodeGetEventInformationAck,
  encodeAcknowledgeAlarm,
  encodeGetAlarmSummaryAck,
  encodeGetEnrollmentSummary,
  encodeGetEnrollmentSummaryAck,
  encodeGetEventInformation,
  encodeGetEventInformationAck,
} from "#protocols/bacnet/codec/services/alarms.ts";
import {
  decodeDeviceCommunicationControl,
  decodeReinitializeDevice,
  encodeDeviceCommunicationControl,
  encodeReinitializeDevice,
} from "#protocols/bacnet/codec/services/device-control.ts";
import {
  decodeError,
  decodeListError,
  decodePrivateTransferError,
  decodeSubscribeMultipleError,
  decodeWriteMultipleError,
  encodeListError,
  encodeSubscribeMultipleError,
  encodeWriteMultipleError,
} from "#protocols/bacnet/codec/services/error.ts";
import {
  decodeCovNotificationMultiple,
  decodeSubscribeCovProperty,
  decodeSubscribeCovPropertyMultiple,
  encodeCovNotificationMultiple,
  encodeSubscribeCovProperty,
  encodeSubscribeCovPropertyMultiple,
} from "#protocols/bacnet/codec/services/subscribe-cov-property.ts";
import {
  decodeTimeSynchronization,
  encodeTimeSynchronization,
} from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { decodeIHave, decodeWhoHas, encodeIHave, encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import {
  decodeWritePropertyMultiple,
  encodeWritePropertyMultiple,
} from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import type { BacnetDateTime } from "#protocols/bacnet/codec/timestamp.ts";
import { UNSPECIFIED_DATE_TIME } from "#protocols/bacnet/codec/timestamp.ts";
import { apduOf, bodyOf, golden, golds, hex } from "./golden.ts";

const AI3 = { type: 0, instance: 3 };
const DEVICE = { type: 8, instance: 1001 };
const MOMENT: BacnetDateTime = {
  date: { year: 126, month: 11, day: 21, weekday: 6 },
  time: { hour: 13, minute: 5, second: 6, hundredths: 78 },
};
const NEVER = { type: "dateTime", value: UNSPECIFIED_DATE_TIME } as const;
const [T, F] = [true, false];

const sync = { decode: decodeTimeSynchronization, encode: encodeTimeSynchronization, value: MOMENT };
const control = { decode: decodeDeviceCommunicationControl, encode: encodeDeviceCommunicationControl };
const whoHas = { decode: decodeWhoHas, encode: encodeWhoHas };
const covProperty = { decode: decodeSubscribeCovProperty, encode: encodeSubscribeCovProperty };
const covMultiple = {
  decode: decodeCovNotificationMultiple,
  encode: encodeCovNotificationMultiple,
  value: {
    processId: 18,
    device: DEVICE,
    timeRemainingS: 250,
    timeStamp: MOMENT,
    notifications: [
      {
        object: { type: 0, instance: 1 },
        values: [
          {
            property: 85,
            values: [{ type: "real", value: 19.25 }],
            timeOfChange: { hour: 13, minute: 5, second: 5, hundredths: 0 },
          },
          { property: 111, values: [{ type: "bitString", value: [F, F, F, F] }] },
        ],
      },
    ],
  },
} as const;
const information = { decode: decodeGetEventInformation, encode: encodeGetEventInformation };

const SERVICES = [
  golds({
    name: "acknowledge-alarm",
    decode: decodeAcknowledgeAlarm,
    encode: encodeAcknowledgeAlarm,
    value: {
      processId: 42,
      eventObject: AI3,
      eventStateAcknowledged: 3,
      timeStamp: { type: "dateTime", value: MOMENT },
      acknowledgmentSource: "值班员 张",
      timeOfAcknowledgment: { type: "time", value: { hour: 13, minute: 6, second: 0, hundredths: 0 } },
    },
  }),
  golds({ name: "get-event-information", ...information, value: {} }),
  golds({ name: "get-event-information-next", ...information, value: { lastReceivedObject: AI3 } }),
  golds({
    name: "get-event-information-ack",
    decode: decodeGetEventInformationAck,
    encode: encodeGetEventInformationAck,
    value: {
      summaries: [
        {
          object: AI3,
          eventState: 3,
          acknowledgedTransitions: [F, T, T],
          eventTimeStamps: [{ type: "dateTime", value: MOMENT }, NEVER, { type: "sequenceNumber", value: 12 }],
          notifyType: 0,
          eventEnable: [T, T, T],
          eventPriorities: [100, 100, 200],
        },
        {
          object: { type: 3, instance: 9 },
          eventState: 1,
          acknowledgedTransitions: [T, F, T],
          eventTimeStamps: [{ type: "time", value: { hour: 1, minute: 2, second: 3, hundredths: 4 } }, NEVER, NEVER],
          notifyType: 1,
          eventEnable: [T, T, F],
          eventPriorities: [10, 20, 255],
        },
      ],
      moreEvents: true,
    },
  }),
  golds({
    name: "get-alarm-summary-ack",
    decode: decodeGetAlarmSummaryAck,
    encode: encodeGetAlarmSummaryAck,
    value: [
      { object: AI3, alarmState: 3, acknowledgedTransitions: [F, T, T] },
      { object: { type: 5, instance: 1 }, alarmState: 2, acknowledgedTransitions: [T, T, T] },
    ],
  }),
  golds({
    name: "get-enrollment-summary",
    decode: decodeGetEnrollmentSummary,
    encode: encodeGetEnrollmentSummary,
    value: {
      acknowledgmentFilter: 2,
      enrollmentFilter: { recipient: { type: "device", value: DEVICE }, processId: 42 },
      eventStateFilter: 4,
      eventTypeFilter: 5,
      priorityFilter: { min: 0, max: 127 },
      notificationClassFilter: 5,
    },
  }),
  golds({
    name: "get-enrollment-summary-ack",
    decode: decodeGetEnrollmentSummaryAck,
    encode: encodeGetEnrollmentSummaryAck,
    value: [{ object: AI3, eventType: 5, eventState: 3, priority: 100, notificationClass: 5 }],
  }),
  golds({
    name: "subscribe-cov-property",
    ...covProperty,
    value: {
      processId: 18,
      object: { type: 2, instance: 1 },
      confirmed: true,
      lifetimeS: 300,
      monitoredProperty: { property: 87, index: 8 },
      covIncrement: 0.25,
    },
  }),
  golds({
    name: "subscribe-cov-property-cancel",
    ...covProperty,
    value: { processId: 18, object: { type: 2, instance: 1 }, monitoredProperty: { property: 85 } },
  }),
  golds({
    name: "subscribe-cov-property-multiple",
    decode: decodeSubscribeCovPropertyMultiple,
    encode: encodeSubscribeCovPropertyMultiple,
    value: {
      processId: 18,
      confirmed: false,
      lifetimeS: 300,
      maxNotificationDelayS: 10,
      specifications: [
        {
          object: { type: 0, instance: 1 },
          references: [
            { monitoredProperty: { property: 85 }, covIncrement: 0.5, timestamped: true },
            { monitoredProperty: { property: 111 }, timestamped: false },
          ],
        },
      ],
    },
  }),
  golds({
    name: "subscribe-cov-property-multiple-error",
    decode: decodeSubscribeMultipleError,
    encode: encodeSubscribeMultipleError,
    value: {
      type: "firstFailedSubscription",
      value: {
        object: { type: 0, instance: 1 },
        monitoredProperty: { property: 85 },
        error: { errorClass: 3, errorCode: 19 },
      },
    },
  }),
  golds({ name: "confirmed-cov-multiple", ...covMultiple }),
  golds({ name: "unconfirmed-cov-multiple", ...covMultiple }),
  golds({
    name: "change-list-error",
    decode: decodeListError,
    encode: encodeListError,
    value: { error: { errorClass: 3, errorCode: 19 }, firstFailedElementNumber: 2 },
  }),
  golds({
    name: "write-property-multiple",
    decode: decodeWritePropertyMultiple,
    encode: encodeWritePropertyMultiple,
    value: [
      {
        object: { type: 2, instance: 5 },
        properties: [
          { property: 85, values: [{ type: "real", value: 67 }], priority: 8 },
          { property: 28, values: [{ type: "characterString", value: "送风" }] },
        ],
      },
      { object: { type: 4, instance: 6 }, properties: [{ property: 85, values: [{ type: "null" }], priority: 16 }] },
      {
        object: { type: 19, instance: 7 },
        properties: [{ property: 110, index: 2, values: [{ type: "characterString", value: "手动" }] }],
      },
    ],
  }),
  golds({
    name: "write-property-multiple-error",
    decode: decodeWriteMultipleError,
    encode: encodeWriteMultipleError,
    value: {
      error: { errorClass: 2, errorCode: 40 },
      firstFailedWriteAttempt: { object: { type: 4, instance: 6 }, property: 85 },
    },
  }),
  golds({
    name: "device-communication-control",
    ...control,
    value: { timeDurationMin: 5, enableDisable: 2, password: "#egbdf!" },
  }),
  golds({ name: "device-communication-control-enable", ...control, value: { enableDisable: 0 } }),
  golds({
    name: "reinitialize-device",
    decode: decodeReinitializeDevice,
    encode: encodeReinitializeDevice,
    value: { state: 1, password: "AbCdEfGh" },
  }),
  golds({ name: "time-synchronization", ...sync }),
  golds({ name: "utc-time-synchronization", ...sync }),
  golds({ name: "who-has-name", ...whoHas, value: { object: { type: "name", value: "OATemp" } } }),
  golds({
    name: "who-has-identifier",
    ...whoHas,
    value: { range: { low: 100, high: 200 }, object: { type: "identifier", value: AI3 } },
  }),
  golds({
    name: "i-have",
    decode: decodeIHave,
    encode: encodeIHave,
    value: { device: DEVICE, object: AI3, objectName: "新风温度" },
  }),
];

// who-has and the time are broadcast
const BROADCAST = ["time-synchronization", "utc-time-synchronization", "who-has-name", "who-has-identifier", "i-have"];

describe("golden frames of BACnet services", () => {
  it.each(SERVICES)(
    "$name decodes to what its source meant and encodes to the same bytes",
    ({ name, decode, encode, value }) => {
      expect(decode(bodyOf(name))).toEqual(value);
      expect(hex(encode(value))).toBe(hex(bodyOf(name)));
      const link = BROADCAST.includes(name) ? "originalBroadcast" : "originalUnicast";
      expect(hex(encodeApduFrame(apduOf(name), { link }))).toBe(hex(golden(name)));
    },
  );

  it("finds class and code in every form of error", () => {
    expect(decodeError(bodyOf("change-list-error"))).toEqual({ errorClass: 3, errorCode: 19 });
    expect(decodeError(bodyOf("write-property-multiple-error"))).toEqual({ errorClass: 2, errorCode: 40 });
    expect(decodeError(bodyOf("subscribe-cov-property-multiple-error"))).toEqual({ errorClass: 3, errorCode: 19 });
    expect(decodeError(bodyOf("private-transfer-error"))).toEqual({ errorClass: 5, errorCode: 0 });
    expect(decodePrivateTransferError(bodyOf("private-transfer-error"))).toEqual({
      error: { errorClass: 5, errorCode: 0 },
      vendorId: 25,
      serviceNumber: 8,
      errorParameters: [{ type: "real", value: 72.5 }],
    });
  });
});
