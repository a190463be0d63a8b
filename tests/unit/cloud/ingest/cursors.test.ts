import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import type { IngestFinding, IngestWatch } from "#cloud/telemetry-ports.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

let db: Db;
let cursors: LaneCursors;
const clock = new ManualClock(1_790_000_000_000);
const findings: IngestFinding[] = [];
const watch: IngestWatch = { found: (_gateway, finding) => findings.push(finding) };
const key = { gateway: gatewayId("park/gw-1"), lane: "telemetry", epoch: newEpoch() } as const;

beforeEach(async () => {
  findings.length = 0;
  db = await openRecords(":memory:");
  cursors = new LaneCursors(db, clock, watch);
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
    expect(new LaneCursors(db, clock, watch).get(key)?.upTo).toBe(5);
  });

  it("[catalogue 9] stays where it was when COMMIT itself fails", () => {
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
    const again = new LaneCursors(db, clock, watch);
    expect(again.get(key)).toEqual(cursors.get(key));
  });

  it("tells what came twice, what came before lower ones, and nothing that came as it should", () => {
    store(1, 5);
    store(6, 10);
    expect(findings).toEqual([]);
    store(21, 30);
    store(8, 12);
    store(16, 18);
    const place = { lane: "telemetry", epoch: key.epoch };
    expect(findings).toEqual([
      { kind: "duplicate", ...place, from: 8, to: 10 },
      { kind: "reorder", ...place, from: 19, to: 30 },
    ]);
  });

  it("takes a backlog that comes beside what is live, oldest first, for what it is", () => {
    store(1, 5);
    store(101, 110);
    store(6, 50);
    store(111, 120);
    store(51, 100);
    expect(findings).toEqual([]);
    expect(cursors.get(key)?.upTo).toBe(120);
  });

  it("tells of duplicates that follow each other in one commit as of one", () => {
    store(1, 5);
    cursors.change((changes) => {
      for (const offset of [2, 3, 4]) changes.store(key, { from: offset, to: offset });
    });
    expect(findings).toEqual([{ kind: "duplicate", lane: "telemetry", epoch: key.epoch, from: 2, to: 4 }]);
  });

  it("tells nothing of a transaction that did not hold", () => {
    store(1, 5);
    expect(() =>
      cursors.change((changes) => {
        changes.store(key, { from: 1, to: 5 });
        throw new Error("commit fails");
      }),
    ).toThrow("commit fails");
    expect(findings).toEqual([]);
  });

  it("tells of a replay when a closed epoch is offered again", () => {
    store(1, 5);
    cursors.change((changes) => changes.store({ ...key, epoch: newEpoch() }, { from: 1, to: 1 }).length);
    store(4, 6);
    expect(findings).toEqual([{ kind: "replay", lane: "telemetry", epoch: key.epoch, from: 4, to: 6 }]);
  });

  it("of a former epoch is closed when the next one appears", () => {
    store(1, 5);
    const next = { ...key, epoch: newEpoch() };
    cursors.change((changes) => changes.store(next, { from: 1, to: 1 }).length);
    expect(cursors.get(key)?.closedAt).toBe(clock.now());
    expect(cursors.current("park/gw-1", "telemetry")?.epoch).toBe(next.epoch);
  });
});
