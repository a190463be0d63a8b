import type { Clock } from "#core/clock.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { DriverDeps } from "../../../driver.ts";
import { OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "../../codec/enums.ts";
import type { Peer } from "../../codec/frame.ts";
import { encodeTimeSynchronization } from "../../codec/services/time-synchronization.ts";
import { type BacnetTimeStamp, dateTimeOf, unixMsNear, unixMsOf } from "../../codec/timestamp.ts";
import type { BacnetValue } from "../../codec/values.ts";
import type { Counters } from "../../counters.ts";
import type { ClockSettings } from "../../settings.ts";
import type { Station } from "../../station/ports.ts";
import { type Contact, repeat } from "../contact.ts";

/** What is known of a device's clock. */
export interface DeviceTime {
  /** What it adds to its local time to make UTC, minutes, daylight saving included: -480 in China. [BACnet 12.11.25] */
  readonly utcOffsetMin: number;
  /** Its clock minus ours, ms. */
  readonly driftMs: number;
}

/** Condition of a device whose clock is further away from ours than the channel allows. */
export const CLOCK_DRIFT = "clockDrift";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Time zones lie a quarter of an hour apart at least: what is left of the difference is drift. */
const ZONE_MS = 15 * MINUTE_MS;
const DAYLIGHT_SAVING_MIN = 60;
/** How far after now a moment may lie that has happened, and how long ago. */
const FUTURE_MS = MINUTE_MS;
const PAST_MS = 10 * 365 * DAY_MS;
/** A clock that was set is looked at again after so long. */
const SETTLE_MS = 2000;

/**
 * Unix ms by our clock of what a device stamped by its own; undefined for sequence numbers, wildcards and moments that cannot be.
 * `time` undefined: nothing is known of the device's clock, which is told by nothing then.
 */
export function sourceTimeOf(stamp: BacnetTimeStamp, time: DeviceTime | undefined, now: number): number | undefined {
  if (time === undefined || stamp.type === "sequenceNumber") return undefined;
  const { utcOffsetMin, driftMs } = time;
  const its =
    stamp.type === "dateTime"
      ? unixMsOf(stamp.value, utcOffsetMin)
      : unixMsNear(stamp.value, now + driftMs, utcOffsetMin);
  if (its === undefined) return undefined;
  const ours = Math.round(its - driftMs);
  return ours > now + FUTURE_MS || ours < now - PAST_MS ? undefined : Math.min(ours, now);
}

/** The difference taken apart where the device does not say its UTC_Offset: whole quarters of an hour are its zone. */
function guessed(aheadOfUtcMs: number): DeviceTime {
  const zoneMs = Math.round(aheadOfUtcMs / ZONE_MS) * ZONE_MS;
  return { utcOffsetMin: -zoneMs / MINUTE_MS, driftMs: aheadOfUtcMs - zoneMs };
}

/** Reads Local_Date, Local_Time, UTC_Offset and Daylight_Savings_Status; undefined where the device has no clock or is silent. */
export async function readDeviceTime(
  contact: Contact,
  instance: number,
  clock: Clock,
): Promise<DeviceTime | undefined> {
  const object = { type: OBJECT_TYPES.device, instance };
  const { localDate, localTime, utcOffset, daylightSavingsStatus } = PROPERTIES;
  const properties = [localDate, localTime, utcOffset, daylightSavingsStatus].map((property) => ({ property }));
  const before = clock.now();
  const answers = await contact.reader.read([{ object, properties }]);
  const now = (before + clock.now()) / 2;
  if (answers === undefined) return undefined;
  const values = new Map<number, BacnetValue>();
  for (const { results } of answers) {
    for (const result of results) {
      const [value] = "values" in result ? result.values : [];
      if (value !== undefined) values.set(result.property, value);
    }
  }
  const [date, time, offset] = [values.get(localDate), values.get(localTime), values.get(utcOffset)];
  if (date?.type !== "date" || time?.type !== "time") return undefined;
  const local = unixMsOf({ date: date.value, time: time.value }, 0);
  if (local === undefined) return undefined;
  if (offset?.type !== "signed" && offset?.type !== "unsigned") return guessed(local - now);
  const saving = values.get(daylightSavingsStatus);
  const utcOffsetMin = offset.value - (saving?.type === "boolean" && saving.value ? DAYLIGHT_SAVING_MIN : 0);
  return { utcOffsetMin, driftMs: local + utcOffsetMin * MINUTE_MS - now };
}

/** Tells a device what time it is. Local time needs to know the device's zone. */
export function sendTime(station: Station, peer: Peer, sync: "utc" | "local", utcOffsetMin: number, now: number): void {
  const utc = sync === "utc";
  const body = encodeTimeSynchronization(dateTimeOf(now, utc ? 0 : utcOffsetMin));
  station.announce(utc ? UNCONFIRMED.utcTimeSynchronization : UNCONFIRMED.timeSynchronization, body, peer);
}

/** What the keeper of one device's clock needs. */
export interface ClockKeeperDeps extends Pick<DriverDeps, "onConditions"> {
  readonly device: DeviceId;
  readonly instance: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly settings: ClockSettings;
  readonly station: Station;
}

/**
 * Watches the clock of one device, at each connection and daily: by it the times of its alarms and logs are understood. A clock that
 * is too far away is a condition of the device; it is set only where the channel says so. [BACnet 16.7, 16.8]
 */
export class ClockKeeper {
  readonly #deps: ClockKeeperDeps;
  #time: DeviceTime | undefined;
  #drifted: FieldCondition | undefined;

  constructor(deps: ClockKeeperDeps) {
    this.#deps = deps;
  }

  /** What was read last. */
  get time(): DeviceTime | undefined {
    return this.#time;
  }

  /** The condition that holds now. */
  get conditions(): readonly FieldCondition[] {
    return this.#drifted === undefined ? [] : [this.#drifted];
  }

  /** The device is in touch: resolves when its clock was read; then it is looked at daily. */
  async begin(contact: Contact): Promise<void> {
    const { clock, settings } = this.#deps;
    await this.#look(contact);
    if (settings.sync !== "off") void this.#set(contact, settings.sync, this.#isDrifted);
    repeat(clock, contact.signal, DAY_MS, async () => {
      await this.#look(contact);
      if (settings.sync !== "off") await this.#set(contact, settings.sync, true);
    });
  }

  /** Sets the device's clock now, whatever the channel says of doing so by itself, and reads it again. */
  async set(contact: Contact): Promise<DeviceTime | undefined> {
    const { sync } = this.#deps.settings;
    await this.#set(contact, sync === "off" ? "utc" : sync, true);
    // many devices know only one of the two services
    if (sync === "off" && this.#isDrifted) await this.#set(contact, "local", true);
    return this.#time;
  }

  get #isDrifted(): boolean {
    return this.#time !== undefined && Math.abs(this.#time.driftMs) > this.#deps.settings.maxDriftS * 1000;
  }

  async #set(contact: Contact, sync: "utc" | "local", wanted: boolean): Promise<void> {
    if (!wanted || contact.signal.aborted) return;
    const { clock, counters, station } = this.#deps;
    // the local time of a place that is not known would set a right clock wrong
    if (sync === "local" && this.#time === undefined) return;
    sendTime(station, contact.peer, sync, this.#time?.utcOffsetMin ?? 0, clock.now());
    counters.add("timeSynchronizations");
    await this.#pause(contact.signal);
    if (!contact.signal.aborted) await this.#look(contact);
  }

  /** Some devices take a moment to set their clock. */
  #pause(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const cancel = this.#deps.clock.after(SETTLE_MS, done);
    signal.addEventListener("abort", done, { once: true });
    return promise.finally(() => {
      cancel();
      signal.removeEventListener("abort", done);
    });
  }

  async #look(contact: Contact): Promise<void> {
    const { clock, instance } = this.#deps;
    const time = await readDeviceTime(contact, instance, clock);
    if (contact.signal.aborted) return;
    if (time !== undefined) this.#time = time;
    this.#tell();
  }

  #tell(): void {
    const { clock, counters, device, instance, logger, onConditions } = this.#deps;
    if (this.#isDrifted === (this.#drifted !== undefined)) return;
    const seconds = Math.round((this.#time?.driftMs ?? 0) / 1000);
    const observedAt = clock.now();
    if (this.#drifted !== undefined) {
      const over = { ...this.#drifted, active: false, observedAt };
      this.#drifted = undefined;
      onConditions({ device, complete: false, conditions: [over] });
      return;
    }
    counters.add("clockDrifts");
    logger.warn({ seconds }, "clock of the device is wrong");
    this.#drifted = {
      device,
      condition: CLOCK_DRIFT,
      active: true,
      category: "system",
      priority: "low",
      message: `BACnet ${instance}：时钟偏差 ${seconds} s / clock is off by ${seconds} s`,
      observedAt,
    };
    onConditions({ device, complete: false, conditions: [this.#drifted] });
  }
}
