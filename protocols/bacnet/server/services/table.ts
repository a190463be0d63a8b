import { CONFIRMED, UNCONFIRMED } from "../../codec/enums.ts";
import { acknowledgeAlarm, getAlarmSummary, getEventInformation } from "./alarming.ts";
import type { ServiceHandler } from "./context.ts";
import { deviceCommunicationControl, reinitializeDevice } from "./management.ts";
import { readProperty, readPropertyMultiple, writeProperty, writePropertyMultiple } from "./property-access.ts";
import { addListElement, readRange, removeListElement } from "./range-access.ts";
import { subscribeCov, subscribeCovProperty } from "./subscribing.ts";

/** Every confirmed service that a served device executes, by its choice. */
export const CONFIRMED_SERVICES: ReadonlyMap<number, ServiceHandler> = new Map([
  [CONFIRMED.acknowledgeAlarm, acknowledgeAlarm],
  [CONFIRMED.getAlarmSummary, getAlarmSummary],
  [CONFIRMED.subscribeCov, subscribeCov],
  [CONFIRMED.addListElement, addListElement],
  [CONFIRMED.removeListElement, removeListElement],
  [CONFIRMED.readProperty, readProperty],
  [CONFIRMED.readPropertyMultiple, readPropertyMultiple],
  [CONFIRMED.writeProperty, writeProperty],
  [CONFIRMED.writePropertyMultiple, writePropertyMultiple],
  [CONFIRMED.deviceCommunicationControl, deviceCommunicationControl],
  [CONFIRMED.reinitializeDevice, reinitializeDevice],
  [CONFIRMED.readRange, readRange],
  [CONFIRMED.subscribeCovProperty, subscribeCovProperty],
  [CONFIRMED.getEventInformation, getEventInformation],
]);

/** Services that change what notifications tell: what they did shows at once. */
export const WRITES: ReadonlySet<number> = new Set([CONFIRMED.writeProperty, CONFIRMED.writePropertyMultiple]);

/** Services that are followed by a notification of what was subscribed to. */
export const SUBSCRIPTIONS: ReadonlySet<number> = new Set([CONFIRMED.subscribeCov, CONFIRMED.subscribeCovProperty]);

/** Every unconfirmed service that a served device executes, by its choice. */
export const UNCONFIRMED_SERVICES: readonly number[] = [
  UNCONFIRMED.iAm,
  UNCONFIRMED.timeSynchronization,
  UNCONFIRMED.whoHas,
  UNCONFIRMED.whoIs,
  UNCONFIRMED.utcTimeSynchronization,
];

/** Bit of an unconfirmed service in BACnetServicesSupported, where confirmed ones have the bit of their choice. [BACnet 21] */
export const UNCONFIRMED_BITS: Readonly<Record<number, number>> = {
  [UNCONFIRMED.iAm]: 26,
  [UNCONFIRMED.timeSynchronization]: 32,
  [UNCONFIRMED.whoHas]: 33,
  [UNCONFIRMED.whoIs]: 34,
  [UNCONFIRMED.utcTimeSynchronization]: 36,
};

/** Bits of the confirmed services above in BACnetServicesSupported that are not their choice. [BACnet 21] */
export const CONFIRMED_BITS: Readonly<Record<number, number>> = {
  [CONFIRMED.readRange]: 35,
  [CONFIRMED.subscribeCovProperty]: 38,
  [CONFIRMED.getEventInformation]: 39,
};
