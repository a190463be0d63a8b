import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PagePacker } from "#cloud/history/page-packer.ts";

const PAGE = 16_384;
const blob = (length: number) => ({ data: new Uint8Array(length) });

/** Pages that rows take when each goes onto the last page if it fits, and onto a new one otherwise. */
function pagesOf(sizes: readonly number[]): number {
  let pages = 0;
  let left = 0;
  for (const size of sizes) {
    if (size + 34 > left) {
      pages++;
      left = PAGE - 8;
    }
    left -= size + 34;
  }
  return pages;
}

describe("the order in which chunks are written", () => {
  it("holds every chunk once, also one that is longer than a page", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 30 })), (slices) => {
        const packer = new PagePacker(PAGE);
        for (const sizes of slices) {
          const rows = sizes.map(blob);
          const ordered = packer.order(rows);
          expect(ordered).toHaveLength(rows.length);
          expect(new Set(ordered)).toEqual(new Set(rows));
        }
      }),
    );
  });

  it("fills the pages better than the order of the series does", () => {
    const sizes = Array.from({ length: 400 }, (_, i) => 1150 + ((i * 7919) % 2600));
    const packer = new PagePacker(PAGE);
    const packed: number[] = [];
    for (let i = 0; i < sizes.length; i += 40)
      packed.push(...packer.order(sizes.slice(i, i + 40).map(blob)).map(({ data }) => data.length));
    const least = Math.ceil(sizes.reduce((a, b) => a + b + 34, 0) / (PAGE - 8));
    expect(pagesOf(packed)).toBeLessThanOrEqual(least * 1.03);
    expect(pagesOf(sizes)).toBeGreaterThan(least * 1.05);
  });
});
