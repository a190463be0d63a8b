import { describe, expect, it } from "vitest";
import { LiveValues } from "#cloud/state/values.ts";
import { pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";

const point = pointId("park/gw-1/ahu-1/temperature");
const reading = (value: number, observedAt: number): Sample => ({ point, value, quality: "good", observedAt });
/** What a birth made at `at` says of a point that no driver has read yet. */
const neverRead = (at: number): Sample => ({ point, value: null, quality: "bad", reason: "noValue", observedAt: at });

describe("the newest value of a point", () => {
  it("is the first reading, also where the driver saw it a moment before the birth that knew of none", () => {
    const values = new LiveValues();
    values.takeBirth(neverRead(1000));
    expect(values.take(reading(21.5, 980))).toBe(true);
    expect(values.get(point)).toEqual(reading(21.5, 980));
  });

  it("is what the birth said, and not what was seen before and sent after it", () => {
    const values = new LiveValues();
    values.takeBirth(reading(22, 1000));
    expect(values.take(reading(21.5, 980))).toBe(false);
    expect(values.get(point)).toEqual(reading(22, 1000));
  });
});
