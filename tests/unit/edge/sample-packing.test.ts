import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PackedSample, packSamples, unpackSamples } from "#edge/sample-packing.ts";

const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const value = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.maxSafeInteger(),
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
);
const quality = fc.constantFrom("good" as const, "uncertain" as const, "bad" as const);
const sample: fc.Arbitrary<PackedSample> = fc.record(
  {
    number: fc.nat(),
    value,
    quality,
    reason: fc.constantFrom("commLost", "stale", "ownReason"),
    sourceTime: time,
    observedAt: time,
    historical: fc.constant(true as const),
  },
  { requiredKeys: ["number", "value", "quality", "observedAt"] },
);

const numberOf = ({ number }: { readonly number: number }): number => number;

describe("packed samples", () => {
  it("come back as they were, in their order, whatever their values and times", () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 200 }), (samples) => {
        expect(unpackSamples(packSamples(samples, numberOf))).toEqual(samples);
      }),
    );
  });

  it("take about ten bytes for a sample of a short list", () => {
    const samples = Array.from({ length: 200 }, (_, at) => ({
      number: at,
      value: 20.5 + at / 10,
      quality: "good" as const,
      observedAt: 1_800_000_000_000 + at,
    }));
    expect(packSamples(samples, numberOf).length / samples.length).toBeLessThan(14);
  });

  it("are refused with a stable code when the row was cut off, never read beyond it", () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 5 }), fc.nat(), (samples, cutAt) => {
        const bytes = packSamples(samples, numberOf);
        const cut = bytes.subarray(0, cutAt % bytes.length);
        try {
          expect(unpackSamples(cut).length).toBeLessThan(samples.length);
        } catch (error) {
          expect(error).toMatchObject({ code: "OUTBOX_ROW_MALFORMED" });
        }
      }),
    );
  });
});
