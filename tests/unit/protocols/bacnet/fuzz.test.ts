import { describe, expect, it } from "vitest";
import { errorCode } from "#core/errors.ts";
import { type Apdu, decodeApdu, encodeApdu } from "#protocols/bacnet/codec/apdu.ts";
import { covSubscription, destination } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeBody, encodeBody, type Field, rowsOf } from "#protocols/bacnet/codec/fields.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { decodeBvlc, decodeNpdu, encodeBvlc, encodeNpdu } from "#protocols/bacnet/codec/link.ts";
import { decodeNetworkMessage, encodeNetworkMessage } from "#protocols/bacnet/codec/network.ts";
import { treeOf } from "#protocols/bacnet/codec/raw-tree.ts";
import {
  addressBinding,
  deviceObjectPropertyValue,
  deviceObjectReference,
  nameValue,
} from "#protocols/bacnet/codec/references.ts";
import * as alarms from "#protocols/bacnet/codec/services/alarms.ts";
import * as cov from "#protocols/bacnet/codec/services/cov.ts";
import * as control from "#protocols/bacnet/codec/services/device-control.ts";
import * as discovery from "#protocols/bacnet/codec/services/discovery.ts";
import * as errors from "#protocols/bacnet/codec/services/error.ts";
import * as events from "#protocols/bacnet/codec/services/event-notification.ts";
import * as lists from "#protocols/bacnet/codec/services/list-element.ts";
import * as logs from "#protocols/bacnet/codec/services/log-records.ts";
import * as property from "#protocols/bacnet/codec/services/property.ts";
import * as ranges from "#protocols/bacnet/codec/services/read-range.ts";
import { calendarEntry, dailySchedule, dateRange, specialEvent } from "#protocols/bacnet/codec/services/schedule.ts";
import * as covProperty from "#protocols/bacnet/codec/services/subscribe-cov-property.ts";
import * as time from "#protocols/bacnet/codec/services/time-synchronization.ts";
import * as who from "#protocols/bacnet/codec/services/who-has.ts";
import * as multiple from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import { decodeValues, encodeValues } from "#protocols/bacnet/codec/values.ts";
import { GOLDEN_NAMES, golden, hex } from "./golden.ts";

const LONG = process.env["PARKHUB_TEST_LONG"] === "1";
const MUTATIONS = LONG ? 1_000_000 : 10_000;
const SEED = Number(process.env["PARKHUB_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** A production both ways; the bytes of what was read must read the same again. */
interface Both {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly encode: (value: unknown) => Uint8Array;
}

function both<T>(decode: (bytes: Uint8Array) => T, encode: (value: T) => Uint8Array): Both {
  return { decode, encode: encode as (value: unknown) => Uint8Array };
}

function rows<T>(field: Field<T>): Both {
  const list = rowsOf(field);
  return both(
    (bytes) => decodeBody(list, bytes),
    (values) => encodeBody(list, values),
  );
}

const REQUESTS: ReadonlyMap<number, Both> = new Map([
  [CONFIRMED.acknowledgeAlarm, both(alarms.decodeAcknowledgeAlarm, alarms.encodeAcknowledgeAlarm)],
  [CONFIRMED.confirmedCovNotification, both(cov.decodeCovNotification, cov.encodeCovNotification)],
  [CONFIRMED.confirmedEventNotification, both(events.decodeEventNotification, events.encodeEventNotification)],
  [CONFIRMED.getEnrollmentSummary, both(alarms.decodeGetEnrollmentSummary, alarms.encodeGetEnrollmentSummary)],
  [CONFIRMED.subscribeCov, both(cov.decodeSubscribeCov, cov.encodeSubscribeCov)],
  [CONFIRMED.addListElement, both(lists.decodeChangeList, lists.encodeChangeList)],
  [CONFIRMED.removeListElement, both(lists.decodeChangeList, lists.encodeChangeList)],
  [CONFIRMED.readProperty, both(property.decodeReadProperty, property.encodeReadProperty)],
  [CONFIRMED.readPropertyMultiple, both(property.decodeReadPropertyMultiple, property.encodeReadPropertyMultiple)],
  [CONFIRMED.writeProperty, both(property.decodeWriteProperty, property.encodeWriteProperty)],
  [CONFIRMED.writePropertyMultiple, both(multiple.decodeWritePropertyMultiple, multiple.encodeWritePropertyMultiple)],
  [
    CONFIRMED.deviceCommunicationControl,
    both(control.decodeDeviceCommunicationControl, control.encodeDeviceCommunicationControl),
  ],
  [CONFIRMED.reinitializeDevice, both(control.decodeReinitializeDevice, control.encodeReinitializeDevice)],
  [CONFIRMED.readRange, both(ranges.decodeReadRange, ranges.encodeReadRange)],
  [
    CONFIRMED.subscribeCovProperty,
    both(covProperty.decodeSubscribeCovProperty, covProperty.encodeSubscribeCovProperty),
  ],
  [CONFIRMED.getEventInformation, both(alarms.decodeGetEventInformation, alarms.encodeGetEventInformation)],
  [
    CONFIRMED.subscribeCovPropertyMultiple,
    both(covProperty.decodeSubscribeCovPropertyMultiple, covProperty.encodeSubscribeCovPropertyMultiple),
  ],
  [
    CONFIRMED.confirmedCovNotificationMultiple,
    both(covProperty.decodeCovNotificationMultiple, covProperty.encodeCovNotificationMultiple),
  ],
]);

const ACKS: ReadonlyMap<number, Both> = new Map([
  [CONFIRMED.getAlarmSummary, both(alarms.decodeGetAlarmSummaryAck, alarms.encodeGetAlarmSummaryAck)],
  [CONFIRMED.getEnrollmentSummary, both(alarms.decodeGetEnrollmentSummaryAck, alarms.encodeGetEnrollmentSummaryAck)],
  [CONFIRMED.readProperty, both(property.decodeReadPropertyAck, property.encodeReadPropertyAck)],
  [
    CONFIRMED.readPropertyMultiple,
    both(property.decodeReadPropertyMultipleAck, property.encodeReadPropertyMultipleAck),
  ],
  [CONFIRMED.readRange, both(ranges.decodeReadRangeAck, ranges.encodeReadRangeAck)],
  [CONFIRMED.getEventInformation, both(alarms.decodeGetEventInformationAck, alarms.encodeGetEventInformationAck)],
]);

const ANNOUNCEMENTS: ReadonlyMap<number, Both> = new Map([
  [UNCONFIRMED.iAm, both(discovery.decodeIAm, discovery.encodeIAm)],
  [UNCONFIRMED.iHave, both(who.decodeIHave, who.encodeIHave)],
  [UNCONFIRMED.unconfirmedCovNotification, both(cov.decodeCovNotification, cov.encodeCovNotification)],
  [UNCONFIRMED.unconfirmedEventNotification, both(events.decodeEventNotification, events.encodeEventNotification)],
  [UNCONFIRMED.timeSynchronization, both(time.decodeTimeSynchronization, time.encodeTimeSynchronization)],
  [UNCONFIRMED.whoHas, both(who.decodeWhoHas, who.encodeWhoHas)],
  [UNCONFIRMED.whoIs, both(discovery.decodeWhoIs, discovery.encodeWhoIs)],
  [UNCONFIRMED.utcTimeSynchronization, both(time.decodeTimeSynchronization, time.encodeTimeSynchronization)],
]);

const ERRORS: ReadonlyMap<number, Both> = new Map([
  [CONFIRMED.addListElement, both(errors.decodeListError, errors.encodeListError)],
  [CONFIRMED.writePropertyMultiple, both(errors.decodeWriteMultipleError, errors.encodeWriteMultipleError)],
  [
    CONFIRMED.subscribeCovPropertyMultiple,
    both(errors.decodeSubscribeMultipleError, errors.encodeSubscribeMultipleError),
  ],
]);

const PROPERTY_VALUES: ReadonlyMap<number, Both> = new Map([
  [PROPERTIES.weeklySchedule, rows(dailySchedule)],
  [PROPERTIES.exceptionSchedule, rows(specialEvent)],
  [PROPERTIES.dateList, rows(calendarEntry)],
  [PROPERTIES.effectivePeriod, rows(dateRange)],
  [PROPERTIES.recipientList, rows(destination)],
  [PROPERTIES.activeCovSubscriptions, rows(covSubscription)],
  [PROPERTIES.deviceAddressBinding, rows(addressBinding)],
  [PROPERTIES.tags, rows(nameValue)],
  [PROPERTIES.subordinateList, rows(deviceObjectReference)],
]);

const LOG_RECORDS = both(logs.decodeLogRecords, logs.encodeLogRecords);
const LOG_MULTIPLE_RECORDS = both(logs.decodeLogMultipleRecords, logs.encodeLogMultipleRecords);
const VALUES = both(decodeValues, encodeValues);
const EVERYTHING: readonly Both[] = [
  ...[REQUESTS, ACKS, ANNOUNCEMENTS, ERRORS, PROPERTY_VALUES].flatMap((table) => [...table.values()]),
  LOG_RECORDS,
  LOG_MULTIPLE_RECORDS,
  rows(deviceObjectPropertyValue),
  both(errors.decodeError, errors.encodeError),
];

// [mulberry32] numbers from 0 to below 1 that follow from the seed alone
function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;

function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let i = random(4); i >= 0; i--) {
    const at = random(changed.length);
    const bit = 1 << random(8);
    changed[at] = random(3) === 0 ? random(256) : (changed[at] ?? 0) ^ bit;
  }
  const kept = random(8) === 0 ? changed.subarray(0, random(changed.length)) : changed;
  // a length field that lies is refused at once: most mutants shall get further than that
  if (kept.length >= 4 && random(10) > 0) kept.set([0x81, bytes[1] ?? 0, kept.length >> 8, kept.length & 0xff]);
  return kept;
}

function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return undefined;
  }
}

/** What was read must be writable, and what was written read the same for ever. */
function settles({ decode, encode }: Both, bytes: Uint8Array): boolean {
  const value = attempt(() => decode(bytes));
  if (value === undefined) return false;
  const once = encode(value);
  const twice = encode(decode(once));
  if (hex(once) !== hex(twice)) throw new Error(`${hex(bytes)} is written as ${hex(once)}, then as ${hex(twice)}`);
  return true;
}

function tableOf(apdu: Apdu): ReadonlyMap<number, Both> | undefined {
  switch (apdu.type) {
    case "confirmedRequest":
      return REQUESTS;
    case "complexAck":
      return ACKS;
    case "unconfirmedRequest":
      return ANNOUNCEMENTS;
    case "error":
      return ERRORS;
    default:
      return undefined;
  }
}

const LINK = both(decodeBvlc, (bvlc) => (bvlc.function === "other" ? new Uint8Array() : encodeBvlc(bvlc)));
const NPDU = both(decodeNpdu, encodeNpdu);
const APDU = both(decodeApdu, encodeApdu);

function decodeDeeper(service: number, body: Uint8Array): void {
  if (service === CONFIRMED.readProperty) {
    const ack = attempt(() => property.decodeReadPropertyAck(body));
    if (ack === undefined) return;
    const typed = PROPERTY_VALUES.get(ack.property);
    if (typed !== undefined) settles(typed, encodeValues(ack.values));
    for (const value of ack.values) attempt(() => treeOf(value));
  }
  if (service === CONFIRMED.readRange) {
    const ack = attempt(() => ranges.decodeReadRangeAck(body));
    if (ack === undefined) return;
    settles(LOG_RECORDS, ack.itemData);
    settles(LOG_MULTIPLE_RECORDS, ack.itemData);
  }
}

/** Takes a datagram apart as far as it goes; true when a service body was read whole. */
function takeApart(datagram: Uint8Array, random: Random): boolean {
  attempt(() => decodeFrame(datagram));
  const bvlc = attempt(() => decodeBvlc(datagram));
  if (bvlc === undefined) return false;
  if (bvlc.function !== "other") settles(LINK, datagram);
  if (!("npdu" in bvlc)) return false;
  settles(NPDU, bvlc.npdu);
  const npdu = attempt(() => decodeNpdu(bvlc.npdu));
  const message = npdu?.message;
  if (message !== undefined) {
    const read = attempt(() => decodeNetworkMessage(message));
    if (read !== undefined) expect(decodeNetworkMessage(encodeNetworkMessage(read))).toEqual(read);
  }
  const bytes = npdu?.apdu;
  if (bytes === undefined) return false;
  settles(APDU, bytes);
  const apdu = attempt(() => decodeApdu(bytes));
  if (apdu === undefined || !("body" in apdu)) return false;
  settles(VALUES, apdu.body);
  const other = EVERYTHING[random(EVERYTHING.length)];
  if (other !== undefined) settles(other, apdu.body);
  if (apdu.type === "complexAck") decodeDeeper(apdu.service, apdu.body);
  const own = tableOf(apdu)?.get(apdu.service);
  return own !== undefined && settles(own, apdu.body);
}

describe("mutated golden frames", () => {
  it("are read or refused as malformed, and what is read can be written", {
    timeout: LONG ? 3_600_000 : 120_000,
  }, () => {
    process.stderr.write(`bacnet codec seed ${SEED} (PARKHUB_TEST_SEED repeats it)\n`);
    const random = randomNumbers(SEED);
    const frames = GOLDEN_NAMES.map(golden);
    let whole = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      const frame = frames[i % frames.length] ?? new Uint8Array();
      const mutant = mutated(frame, random);
      try {
        if (takeApart(mutant, random)) whole++;
      } catch (cause) {
        throw new Error(`mutant ${i} of seed ${SEED}: ${hex(mutant)}`, { cause });
      }
    }
    // mutants that nobody reads would prove nothing
    expect(whole).toBeGreaterThan(MUTATIONS / 10);
  });

  it("are read whole where they are not mutated", () => {
    const services = GOLDEN_NAMES.filter((name) => takeApart(golden(name), () => 0));
    expect(services.length).toBeGreaterThan(60);
  });
});
