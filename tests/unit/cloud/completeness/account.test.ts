import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accountOf, type LaneStand } from "#cloud/completeness/account.ts";
import { addRange, type Range } from "#cloud/db/ranges.ts";

const EPOCH = "0123456789abcdef0123456789abcdef";
const stand = (upTo: number, from = 1): LaneStand => ({ lane: "telemetry", epoch: EPOCH, from, upTo, covered: [] });

describe("the account of a lane", () => {
  it("says of every number whether it is stored, lost or missing", () => {
    const stored = [
      { from: 1, to: 40 },
      { from: 51, to: 90 },
    ];
    const account = accountOf(stand(100), 0, stored, [{ from: 41, to: 50, reason: "cap" }]);
    expect(account).toMatchObject({ from: 1, to: 100, numbered: 100, stored: 80, lost: 10, missing: 10 });
    expect(account.gaps).toEqual([{ from: 41, to: 50, reason: "cap" }]);
  });

  it("goes on where the one before ended, and is empty when nothing came", () => {
    const stored = [{ from: 1, to: 100 }];
    expect(accountOf(stand(100), 60, stored, [])).toMatchObject({ from: 61, to: 100, numbered: 40, stored: 40 });
    expect(accountOf(stand(100), 100, stored, [])).toMatchObject({ from: 101, to: 100, numbered: 0, missing: 0 });
  });

  it("counts what was told as lost and came all the same as stored, once", () => {
    const gaps = [
      { from: 5, to: 10, reason: "cap" },
      { from: 8, to: 12, reason: "diskFull" },
    ];
    const account = accountOf(stand(12), 0, [{ from: 1, to: 6 }], gaps);
    expect(account).toMatchObject({ numbered: 12, stored: 6, lost: 6, missing: 0 });
    expect(account.gaps).toEqual([
      { from: 7, to: 10, reason: "cap" },
      { from: 11, to: 12, reason: "diskFull" },
    ]);
  });

  it("always adds up, and agrees with counting one by one", () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 }))
      .map(([from, more]): Range => ({ from, to: from + more }));
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 6 }),
        fc.array(range, { maxLength: 6 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 70 }),
        (some, lost, after, upTo) => {
          const stored = some.reduce<readonly Range[]>((all, one) => addRange(all, one).ranges, []);
          const account = accountOf(
            stand(upTo),
            after,
            stored,
            lost.map((one) => ({ ...one, reason: "cap" })),
          );
          const inside = (ranges: readonly Range[], n: number): boolean => ranges.some((r) => n >= r.from && n <= r.to);
          const count = { stored: 0, lost: 0, missing: 0 };
          for (let n = after + 1; n <= upTo; n++)
            count[inside(stored, n) ? "stored" : inside(lost, n) ? "lost" : "missing"]++;
          expect(account).toMatchObject(count);
          expect(account.numbered).toBe(account.stored + account.lost + account.missing);
        },
      ),
    );
  });
});
