import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { GapStore } from "#cloud/ingest/gap-store.ts";
import { Offers } from "#cloud/ingest/offers.ts";
import { RunCursors } from "#cloud/ingest/run-cursors.ts";
import { ToldRows } from "#cloud/ingest/told-rows.ts";
import type { GatewayLink } from "#cloud/ports.ts";
import type { IngestFinding } from "#cloud/telemetry-ports.ts";
import { HubError } from "#core/errors.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
/** How long the disk takes for every commit, ms. */
const DISK_MS = 5;

/** A clock on which time passes also while the disk is waited for. */
class ClockBesideDisk extends ManualClock {
  waitedMs = 0;
  override monotonic(): number {
    return super.monotonic() + this.waitedMs;
  }
}

let clock: ClockBesideDisk;
let db: Db;
let cursors: LaneCursors;
let runs: RunCursors;
let epoch = "";
let acked: number[] = [];
let found: IngestFinding[] = [];
let condemned: number[] = [];

beforeEach(async () => {
  clock = new ClockBesideDisk(1_790_000_000_000);
  db = await openRecords(":memory:");
  epoch = newEpoch();
  acked = [];
  found = [];
  condemned = [];
  cursors = new LaneCursors(db, clock, { found: (_gateway, finding) => found.push(finding) });
  const link: Pick<GatewayLink, "sendAck"> = {
    sendAck(_gateway, { upTo }) {
      acked.push(upTo);
      clock.waitedMs += DISK_MS;
    },
  };
  runs = new RunCursors({
    cursors,
    offers: new Offers(new GapStore(db, clock)),
    told: new ToldRows(cursors),
    link: link as GatewayLink,
    clock,
    logger: silentLogger,
    condemn: ({ from }) => condemned.push(from),
    onRecovered: () => undefined,
  });
});
afterEach(async () => {
  runs.close();
  await db.close();
});

const store = (from: number, to: number): void =>
  runs.take([{ key: { gateway: GATEWAY, lane: "telemetry", epoch }, session: 1, from, to }]);

describe("what the store has made durable", () => {
  it("is acknowledged at once, and then as often as a slow disk leaves the rules nearly all of the time", () => {
    store(1, 10);
    expect(acked).toEqual([10]);
    store(11, 20);
    store(21, 30);
    clock.advance(94);
    expect(acked).toEqual([10]);
    clock.advance(1);
    expect(acked).toEqual([10, 30]);
  });

  it("is acknowledged at once when it is so much that the gateways wait for it", () => {
    store(1, 10);
    clock.advance(30);
    store(11, 65_000);
    expect(acked).toEqual([10]);
    store(65_001, 65_546);
    expect(acked).toEqual([10, 65_546]);
    store(65_547, 65_600);
    clock.advance(94);
    expect(acked).toHaveLength(2);
    clock.advance(1);
    expect(acked).toEqual([10, 65_546, 65_600]);
  });

  it("is never acknowledged more often than every ten milliseconds, however much it is", () => {
    for (let first = 1; first <= 4 * 100_000; first += 100_000) {
      store(first, first + 99_999);
      clock.advance(1);
    }
    expect(acked).toEqual([100_000]);
    clock.advance(1);
    expect(acked).toEqual([100_000, 400_000]);
  });
});

/** Lets the next transactions end as told, one after the other; `before` it is done at all, or `after` it was committed. */
function failing(...faults: readonly { readonly when: "before" | "after"; readonly error: Error }[]): void {
  const { transaction } = db.sync;
  const left = [...faults];
  Object.assign(db.sync, {
    transaction: (work: () => never) => {
      const fault = left.shift();
      if (fault?.when === "before") throw fault.error;
      const result: unknown = transaction.call(db.sync, work);
      if (fault !== undefined) throw fault.error;
      return result;
    },
  });
}
const away = (code: string): HubError => new HubError(code, "lost", { retriable: true });

describe("cursors on a database in trouble", () => {
  it("whose answer to COMMIT is lost move once: what is stored is not told to have come twice", () => {
    failing({ when: "after", error: away("DB_COMMIT_UNKNOWN") });
    store(1, 10);
    expect(acked).toEqual([]);
    clock.advance(100);
    expect(acked.at(-1)).toBe(10);
    expect(cursors.current("park/gw-1", "telemetry")).toMatchObject({ upTo: 10, stored: 10, duplicates: 0 });
    expect(found).toEqual([]);
  });

  it("that was lost before COMMIT move when it is back", () => {
    failing({ when: "before", error: away("DB_COMMIT_UNKNOWN") });
    store(1, 10);
    clock.advance(100);
    expect(acked.at(-1)).toBe(10);
    expect(cursors.current("park/gw-1", "telemetry")).toMatchObject({ upTo: 10, stored: 10, duplicates: 0 });
  });

  it("condemn a run for what it is, and none for trouble that passes", () => {
    store(1, 10);
    const refused = new HubError("DB_FAILED", "a constraint");
    failing({ when: "before", error: refused }, { when: "before", error: away("DB_UNAVAILABLE") });
    store(11, 20);
    store(21, 30);
    clock.advance(95);
    expect([runs.stuck, condemned, acked.at(-1)]).toEqual([true, [], 10]);
    clock.advance(100);
    expect([runs.stuck, condemned, acked.at(-1)]).toEqual([false, [], 30]);
    failing({ when: "before", error: refused }, { when: "before", error: refused });
    store(11, 20);
    clock.advance(1000);
    expect(condemned).toEqual([11]);
  });
});
