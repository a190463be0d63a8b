import { describe, expect, it } from "vitest";
import { rowsInSight, scrollTo } from "#cloud/console/live/row-window.ts";

const sight = (scrollTop: number) => ({ scrollTop, height: 400, rowPx: 40 });

describe("the rows of a long list", () => {
  it("exist only where they are in sight, with a few spare ones around", () => {
    expect(rowsInSight(sight(0), 10_000)).toEqual({ from: 0, to: 17 });
    expect(rowsInSight(sight(4000), 10_000)).toEqual({ from: 94, to: 117 });
    expect(rowsInSight(sight(0), 3)).toEqual({ from: 0, to: 3 });
    expect(rowsInSight(sight(0), 0)).toEqual({ from: 0, to: 0 });
  });

  it("are the last ones when the list has become shorter than what was scrolled to", () => {
    expect(rowsInSight(sight(100_000), 50)).toEqual({ from: 33, to: 50 });
    expect(rowsInSight(sight(100_000), 5)).toEqual({ from: 0, to: 5 });
  });

  it("are scrolled to only as far as needed, and come wholly out from below the head", () => {
    expect(scrollTo(sight(400), 10, 32)).toBeUndefined();
    expect(scrollTo(sight(400), 9, 32)).toBe(360);
    expect(scrollTo(sight(0), 8, 32)).toBeUndefined();
    expect(scrollTo(sight(0), 9, 32)).toBe(32);
    expect(scrollTo(sight(0), 99, 0)).toBe(3600);
  });
});
