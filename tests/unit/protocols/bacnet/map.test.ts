import { describe, expect, it } from "vitest";
import { encodedFor, readingOf, readingOfError, sameValue, targetOf } from "#protocols/bacnet/client/map.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";

const temperature = targetOf({ objectType: "analog-input", instance: 1 });
const fan = targetOf({ objectType: "binary-value", instance: 1 });
const mode = targetOf({ objectType: "multi-state-value", instance: 1 });
const real = (value: number): BacnetValue => ({ type: "real", value });
const flags = (...value: boolean[]): BacnetValue => ({ type: "bitString", value });
const reliability = (value: number): BacnetValue => ({ type: "enumerated", value });
const GOOD = flags(false, false, false, false);

describe("a BACnet property as value and quality", () => {
  it("names present value and COV by default, and polls other properties", () => {
    expect(temperature).toEqual({ object: { type: 0, instance: 1 }, property: 85, cov: true });
    expect(targetOf({ objectType: 128, instance: 7, property: "units", index: 2 })).toEqual({
      object: { type: 128, instance: 7 },
      property: 117,
      index: 2,
      cov: false,
    });
  });

  it("subscribes to another property, or with an increment, only where it is asked for", () => {
    const limit = { objectType: "analog-input", instance: 1, property: "highLimit" } as const;
    expect(targetOf(limit).cov).toBe(false);
    expect(targetOf({ ...limit, cov: true }).cov).toBe(true);
    expect(targetOf({ ...limit, covIncrement: 0.5 })).toMatchObject({ cov: true, covIncrement: 0.5 });
    expect(targetOf({ ...limit, covIncrement: 0.5, cov: false }).cov).toBe(false);
  });

  it.each([
    ["a REAL as number", temperature, real(21.5), 21.5],
    ["a binary state as true or false", fan, { type: "enumerated", value: 1 } as BacnetValue, true],
    ["a multi-state as its number", mode, { type: "unsigned", value: 3 } as BacnetValue, 3],
    ["a text", temperature, { type: "characterString", value: "送风" } as BacnetValue, "送风"],
    [
      "a date with its wildcards",
      temperature,
      { type: "date", value: { year: 255, month: 12, day: 1, weekday: 255 } } as BacnetValue,
      "****-12-01",
    ],
    ["an object identifier", temperature, { type: "objectId", value: { type: 8, instance: 5 } } as BacnetValue, "8:5"],
  ])("gives %s", (_, target, value, expected) => {
    expect(readingOf(target, [value], GOOD, reliability(0))).toEqual({ value: expected, quality: "good" });
  });

  it.each([
    ["the fault flag", flags(false, true, false, false), reliability(1), "bad", "deviceFault"],
    ["a reliability beyond the range", flags(false, true, false, false), reliability(2), "bad", "outOfRange"],
    ["a state beyond the range", flags(false, true, false, false), reliability(25), "bad", "outOfRange"],
    ["a fault of its configuration", flags(false, true, false, false), reliability(10), "bad", "configError"],
    ["a device behind the device that is away", flags(false, true, false, false), reliability(12), "bad", "commLost"],
    ["an open loop", flags(false, false, false, false), reliability(4), "bad", "deviceFault"],
    ["a reliability of the vendor", flags(false, true, false, false), reliability(64), "bad", "deviceFault"],
    ["Out_Of_Service", flags(false, false, false, true), reliability(0), "uncertain", "outOfService"],
    ["Overridden", flags(false, false, true, false), reliability(0), "uncertain", "overridden"],
    ["a fault above all others", flags(true, true, true, true), undefined, "bad", "deviceFault"],
  ])("makes the quality of %s", (_, status, reliable, quality, reason) => {
    expect(readingOf(temperature, [real(1)], status, reliable)).toEqual({ value: 1, quality, reason });
  });

  it("keeps an alarm's value good: In_Alarm says nothing about the value", () => {
    expect(readingOf(temperature, [real(90)], flags(true, false, false, false))).toEqual({
      value: 90,
      quality: "good",
    });
  });

  it("has no value for NaN, NULL and what it cannot interpret", () => {
    const unknown: BacnetValue = { type: "raw", tag: 0, context: true, constructed: true, value: Uint8Array.of() };
    for (const value of [real(Number.NaN), real(Number.POSITIVE_INFINITY), { type: "null" } as BacnetValue, unknown]) {
      expect(readingOf(temperature, [value], GOOD)).toEqual({ value: null, quality: "bad", reason: "noValue" });
    }
  });

  it("tells a wrong address from a fault of the device", () => {
    expect(readingOfError({ errorClass: 1, errorCode: 31 })).toMatchObject({ quality: "bad", reason: "configError" });
    expect(readingOfError({ errorClass: 2, errorCode: 32 })).toMatchObject({ reason: "configError" });
    expect(readingOfError({ errorClass: 0, errorCode: 82 })).toMatchObject({ reason: "deviceFault" });
  });
});

describe("a value for a BACnet write", () => {
  it("takes the type of the object", () => {
    expect(encodedFor(temperature, 21.5, undefined)).toEqual(real(21.5));
    expect(encodedFor(fan, true, undefined)).toEqual({ type: "enumerated", value: 1 });
    expect(encodedFor(fan, 0, undefined)).toEqual({ type: "enumerated", value: 0 });
    expect(encodedFor(mode, 2, undefined)).toEqual({ type: "unsigned", value: 2 });
    expect(encodedFor(mode, null, undefined)).toEqual({ type: "null" });
  });

  it("takes the type last read where the object does not tell it", () => {
    const increment = targetOf({ objectType: "analog-value", instance: 1, property: "covIncrement" });
    expect(encodedFor(increment, 0.5, real(0.1))).toEqual(real(0.5));
    expect(() => encodedFor(increment, 0.5, undefined)).toThrow(
      expect.objectContaining({ code: "BACNET_VALUE_INVALID" }),
    );
  });

  it.each([
    [temperature, "hot"],
    [temperature, Number.NaN],
    [mode, 1.5],
    [mode, -1],
    [fan, "on"],
    [targetOf({ objectType: "integer-value", instance: 1 }), 2 ** 60],
  ])("refuses what does not fit", (target, value) => {
    expect(() => encodedFor(target, value, undefined)).toThrow(
      expect.objectContaining({ code: "BACNET_VALUE_INVALID" }),
    );
  });

  it("sees through the rounding to REAL when it compares", () => {
    expect(sameValue(real(21.3), real(Math.fround(21.3)))).toBe(true);
    expect(sameValue(real(21.3), real(21.4))).toBe(false);
    expect(sameValue({ type: "enumerated", value: 1 }, undefined)).toBe(false);
  });
});
