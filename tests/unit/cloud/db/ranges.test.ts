import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addRange, missingIn, type Range, sizeOf } from "#cloud/db/ranges.ts";

function members(ranges: readonly Range[]): number[] {
  return ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
}

describe("ranges of offsets", () => {
  it("join what touches and stay apart otherwise", () => {
    const set = addRange(addRange([], { from: 1, to: 3 }).ranges, { from: 7, to: 9 }).ranges;
    expect(set).toEqual([
      { from: 1, to: 3 },
      { from: 7, to: 9 },
    ]);
    expect(addRange(set, { from: 4, to: 6 })).toEqual({
      ranges: [{ from: 1, to: 9 }],
      absorbed: set,
      merged: { from: 1, to: 9 },
      fresh: [{ from: 4, to: 6 }],
    });
  });

  it("hold exactly the numbers that were added, in any order, and tell which of them were new", () => {
    const range = fc.tuple(fc.nat(60), fc.nat(15)).map(([from, size]): Range => ({ from, to: from + size }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 25 }), (added) => {
        let ranges: readonly Range[] = [];
        const model = new Set<number>();
        for (const each of added) {
          const result = addRange(ranges, each);
          expect(members(result.fresh)).toEqual(members([each]).filter((n) => !model.has(n)));
          for (const n of members([each])) model.add(n);
          expect(result.ranges.filter((r) => !ranges.includes(r))).toEqual([result.merged]);
          ranges = result.ranges;
        }
        expect(members(ranges)).toEqual([...model].sort((a, b) => a - b));
        expect(sizeOf(ranges)).toBe(model.size);
        for (let i = 1; i < ranges.length; i++)
          expect((ranges[i]?.from ?? 0) - (ranges[i - 1]?.to ?? 0)).toBeGreaterThan(1);
        expect(members(missingIn(ranges, { from: 0, to: 80 }))).toEqual(
          Array.from({ length: 81 }, (_, i) => i).filter((n) => !model.has(n)),
        );
      }),
    );
  });
});
