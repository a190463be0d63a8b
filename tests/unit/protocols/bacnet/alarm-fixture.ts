import { deviceId } from "#core/ids.ts";
import { Abilities } from "#protocols/bacnet/client/abilities.ts";
import { AlarmBook, type AlarmBookDeps, type KeptBook } from "#protocols/bacnet/client/alarms/alarm-book.ts";
import type { EventRow } from "#protocols/bacnet/client/alarms/alarm-information.ts";
import type { Contact } from "#protocols/bacnet/client/contact.ts";
import { type Ask, PropertyReader } from "#protocols/bacnet/client/polling.ts";
import type { EventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import { type BacnetTimeStamp, dateTimeOf, unixMsOf } from "#protocols/bacnet/codec/timestamp.ts";
import { Counters } from "#protocols/bacnet/counters.ts";
import { settingsOf } from "#protocols/bacnet/settings.ts";
import type { Outcome } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

/** 1 March 2026, 08:00 UTC. */
export const NOW = Date.UTC(2026, 2, 1, 8);
export const AHU = deviceId("park/gw-1/ahu-1");
export const INPUT = { type: 0, instance: 1 };
export const NORMAL = 0;
export const FAULT = 1;
export const HIGH = 3;
export const LOW = 4;
/** A time stamp of a device whose clock shows UTC. */
export const stampAt = (unixMs: number): BacnetTimeStamp => ({ type: "dateTime", value: dateTimeOf(unixMs, 0) });
export const NEVER: BacnetTimeStamp = {
  type: "dateTime",
  value: {
    date: { year: 255, month: 255, day: 255, weekday: 255 },
    time: { hour: 255, minute: 255, second: 255, hundredths: 255 },
  },
};

/** A book of a device whose clock is right. */
export function bookOf(kept?: KeptBook, more: Partial<AlarmBookDeps> = {}): AlarmBook {
  return new AlarmBook(
    {
      device: AHU,
      settings: settingsOf({}).alarms,
      now: () => NOW,
      sourceTime: (stamp) => (stamp.type === "dateTime" ? unixMsOf(stamp.value, 0) : undefined),
      ackRequired: () => undefined,
      ...more,
    },
    kept,
  );
}

/** A notification that the input is too high, `agoMs` before now. */
export function high(agoMs: number, more: Partial<EventNotification> = {}): EventNotification {
  return {
    processId: 1,
    initiatingDevice: { type: 8, instance: 1001 },
    eventObject: INPUT,
    timeStamp: stampAt(NOW - agoMs),
    notificationClass: 1,
    priority: 100,
    eventType: 5,
    notifyType: 0,
    ackRequired: true,
    fromState: NORMAL,
    toState: HIGH,
    ...more,
  };
}

/** And that it is normal again. */
export function normal(agoMs: number, more: Partial<EventNotification> = {}): EventNotification {
  return high(agoMs, { ackRequired: false, fromState: HIGH, toState: NORMAL, ...more });
}

/** What the device says of the input: its state and when it last left it, failed and returned. */
export function row(
  state: number,
  stamps: readonly [BacnetTimeStamp, BacnetTimeStamp, BacnetTimeStamp],
  acked: readonly boolean[] = [true, true, true],
): EventRow {
  return { object: INPUT, state, acked, stamps };
}

/** A device that answers what `answer` says; requests are kept in `asked`. */
export function contactWith(answer: (service: number, body: Uint8Array) => Outcome): Contact & {
  readonly asked: { readonly service: number; readonly body: Uint8Array }[];
} {
  const asked: { service: number; body: Uint8Array }[] = [];
  const ask: Ask = async (service, body) => {
    asked.push({ service, body });
    return answer(service, body);
  };
  const clock = new ManualClock(NOW);
  const abilities = new Abilities({ vendorId: 7, maxApdu: 480 }, undefined, { clock, save: () => {} });
  const reader = new PropertyReader(ask, abilities, new Counters());
  const { signal } = new AbortController();
  return {
    peer: { host: "127.0.0.1", port: 47_808 },
    signal,
    ask,
    reader,
    abilities,
    startedAt: () => undefined,
    asked,
  };
}
