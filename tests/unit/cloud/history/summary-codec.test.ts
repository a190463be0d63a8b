import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newHourSummary } from "#cloud/history/hour-summary.ts";
import {
  decodeExtras,
  decodeSummaries,
  encodeSummaries,
  type PlacedSummary,
  SummaryRoom,
  summaryAt,
  viewSummaries,
} from "#cloud/history/summary-codec.ts";

const DAY = 20_000;
/** Numbers of every form a column has, and those that do not survive a shorter one. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 2 ** 32 }),
  fc.integer({ min: -5000, max: 5000 }).map((n) => n / 100),
  fc.float({ noNaN: false }),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 0.1),
);
const value = fc.oneof({ weight: 4, arbitrary: number }, fc.constantFrom(null, true, false, "auto", "关"));

function summary(hour: number, n: readonly number[], first: PlacedSummary["summary"]["first"]): PlacedSummary {
  const at = (i: number): number => n[i % n.length] ?? 0;
  return {
    member: Math.floor(hour / 24) % 64,
    replaces: hour % 5 === 0,
    summary: {
      ...newHourSummary(DAY * 24 + (hour % 24)),
      count: Math.abs(hour * 7),
      bad: hour % 3,
      numeric: hour,
      sum: at(0),
      min: at(1),
      max: at(2),
      firstNumber: at(3),
      lastNumber: at(4),
      first,
      last: at(5),
      firstAt: hour,
      lastAt: hour + 1,
      integral: at(6),
      known: hour * 1000,
      held: at(7),
      falls: hour % 2,
      fallFrom: at(8),
    },
  };
}

describe("hourly summaries in the file", () => {
  it("come back with every bit of every field, whatever numbers share a column", () => {
    const some = fc.array(fc.tuple(fc.array(number, { minLength: 9, maxLength: 9 }), value), {
      minLength: 1,
      maxLength: 60,
    });
    const room = new SummaryRoom();
    fc.assert(
      fc.property(some, (all) => {
        const summaries = all.map(([numbers, first], hour) => summary(hour, numbers, first));
        const { data, extra } = encodeSummaries(summaries);
        const columns = decodeSummaries(data, room);
        const extras = decodeExtras(extra, columns.length);
        expect(summaries.map((_, i) => summaryAt(columns, extras, i, DAY))).toStrictEqual(summaries);

        const views = viewSummaries(data);
        expect([views.length, views.texts]).toEqual([columns.length, columns.texts]);
        for (const name of ["place", "count", "sum", "min", "max", "kinds", "first", "last"] as const) {
          const part = new Float64Array(2);
          const from = Math.floor(columns.length / 2);
          const to = Math.min(from + 2, columns.length);
          views.columns[name].copy(from, to, part);
          expect(part.subarray(0, to - from)).toStrictEqual(Float64Array.from(columns[name].subarray(from, to)));
        }
      }),
    );
  });
});
