import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";

let db: Db;
let cursors: LaneCursors;
const clock = new ManualClock(1_790_000_000_000);
const key = { gateway: gatewayId("park/gw-1"), lane: "telemetry", epoch: newEpoch() } as const;

beforeEach(async () => {
  db = await openDatabase(":memory:", silentLogger);
  cursors = new LaneCursors(db, clock);
});
afterEach(() => db.close());

const store = (from: number, to: number) => cursors.change((changes) => changes.store(key, { from, to }).length);

describe("a lane's cursor", () => {
  it("moves only over what is there without a hole, and jumps when the hole is filled", () => {
    store(1, 5);
    store(8, 9);
    expect(cursors.get(key)).toMatchObject({ upTo: 5, highest: 9, stored: 7 });
    store(6, 7);
    expect(cursors.get(key)).toMatchObject({ upTo: 9, stored: 9, duplicates: 0 });
  });

  it("is 0 before the first offset, so that an acknowledgement of 0 says nothing yet", () => {
    store(4, 5);
    expect(cursors.get(key)).toMatchObject({ from: 1, upTo: 0 });
  });

  it("takes a lane that counts from 0", () => {
    store(0, 3);
    expect(cursors.get(key)).toMatchObject({ from: 0, upTo: 3 });
  });

  it("stays where it was when the transaction fails, in memory too", () => {
    store(1, 5);
    expect(() =>
      cursors.change((changes) => {
        changes.store(key, { from: 6, to: 10 });
        throw new Error("commit fails");
      }),
    ).toThrow("commit fails");
    expect(cursors.get(key)?.upTo).toBe(5);
    expect(new LaneCursors(db, clock).get(key)?.upTo).toBe(5);
  });

  it("stays where it was when COMMIT itself fails", () => {
    store(1, 5);
    const { transaction } = db.sync;
    Object.assign(db.sync, {
      transaction: (work: () => never) =>
        transaction.call(db.sync, () => {
          work();
          throw new Error("disk gone at COMMIT");
        }),
    });
    expect(() => store(6, 10)).toThrow("disk gone");
    expect(cursors.get(key)?.upTo).toBe(5);
  });

  it("is the same after opening the database again, holes included", () => {
    store(1, 5);
    store(8, 9);
    const again = new LaneCursors(db, clock);
    expect(again.get(key)).toEqual(cursors.get(key));
  });

  it("of a former epoch is closed when the next one appears", () => {
    store(1, 5);
    const next = { ...key, epoch: newEpoch() };
    cursors.change((changes) => changes.store(next, { from: 1, to: 1 }).length);
    expect(cursors.get(key)?.closedAt).toBe(clock.now());
    expect(cursors.current("park/gw-1", "telemetry")?.epoch).toBe(next.epoch);
  });
});
