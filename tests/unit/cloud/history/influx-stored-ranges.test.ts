import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { RecordedRanges, type StoredRange } from "#cloud/history/influx/stored-ranges.ts";
import { gatewayId } from "#core/ids.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

const GW1 = gatewayId("park/gw-1");
const GW2 = gatewayId("park/gw-2");
let db: Db;
beforeEach(async () => {
  db = await openRecords(":memory:");
});
afterEach(() => db.close());

const rows = (): number => db.sync.all(db.kysely.selectFrom("telemetry_ranges").select("epoch")).length;

describe("which offsets are stored", () => {
  it("is one range where offsets follow each other, in one row", () => {
    const ranges = new RecordedRanges(db);
    for (let i = 0; i < 20; i++)
      expect(ranges.add([{ gateway: GW1, epoch: "e", first: i * 10, last: i * 10 + 9 }])).toBe(10);
    expect(ranges.of(GW1)).toEqual([{ epoch: "e", from: 0, to: 199 }]);
    expect(rows()).toBe(1);
  });

  it("tells how many were not known, several batches of one write included", () => {
    const ranges = new RecordedRanges(db);
    const batch = (first: number, last: number, gateway = GW1, epoch = "e"): StoredRange => {
      return { gateway, epoch, first, last };
    };
    expect(ranges.add([batch(0, 9), batch(5, 14), batch(0, 4, GW2), batch(0, 4, GW1, "f")])).toBe(25);
    expect(ranges.add([batch(0, 14)])).toBe(0);
    expect(ranges.of(GW1)).toEqual([
      { epoch: "e", from: 0, to: 14 },
      { epoch: "f", from: 0, to: 4 },
    ]);
    expect(ranges.of(GW2)).toEqual([{ epoch: "e", from: 0, to: 4 }]);
  });

  it("is the same after a restart, whatever came in whatever order", () => {
    const batch = fc.record({
      gateway: fc.constantFrom(GW1, GW2),
      epoch: fc.constantFrom("e", "f"),
      first: fc.nat(200),
      count: fc.nat(40),
    });
    const keysOf = (gateway: string, epoch: string, from: number, to: number): string[] =>
      Array.from({ length: to - from + 1 }, (_, i) => `${gateway} ${epoch} ${from + i}`);
    fc.assert(
      fc.property(fc.array(fc.array(batch, { maxLength: 5 }), { maxLength: 20 }), (writes) => {
        db.sync.run(db.kysely.deleteFrom("telemetry_ranges"));
        const ranges = new RecordedRanges(db);
        const known = new Set<string>();
        for (const write of writes) {
          const added = write.map(({ count, ...rest }) => ({ ...rest, last: rest.first + count }));
          const before = known.size;
          for (const { gateway, epoch, first, last } of added)
            for (const key of keysOf(gateway, epoch, first, last)) known.add(key);
          expect(ranges.add(added)).toBe(known.size - before);
        }
        const again = new RecordedRanges(db);
        const told = [GW1, GW2].flatMap((gateway) =>
          again.of(gateway).flatMap(({ epoch, from, to }) => keysOf(gateway, epoch, from, to)),
        );
        expect(told.toSorted()).toEqual([...known].toSorted());
        expect([GW1, GW2].map((gateway) => again.of(gateway))).toEqual([GW1, GW2].map((gateway) => ranges.of(gateway)));
      }),
      { numRuns: 50 },
    );
  });

  it("is all or nothing for the batches of one write", () => {
    const ranges = new RecordedRanges(db);
    ranges.add([{ gateway: GW1, epoch: "e", first: 0, last: 9 }]);
    const nobody = JSON.parse("null") as typeof GW1;
    const write = [
      { gateway: GW1, epoch: "e", first: 10, last: 19 },
      { gateway: nobody, epoch: "e", first: 0, last: 1 },
    ];
    expect(() => ranges.add(write)).toThrowError(expect.objectContaining({ code: "DB_CONSTRAINT" }));
    expect(ranges.of(GW1)).toEqual([{ epoch: "e", from: 0, to: 9 }]);
    expect(new RecordedRanges(db).of(GW1)).toEqual([{ epoch: "e", from: 0, to: 9 }]);
  });
});
