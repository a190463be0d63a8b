import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { GapStore } from "#cloud/ingest/gap-store.ts";
import { Offers } from "#cloud/ingest/offers.ts";
import { RunCursors } from "#cloud/ingest/run-cursors.ts";
import { ToldRows } from "#cloud/ingest/told-rows.ts";
import type { GatewayLink } from "#cloud/ports.ts";
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
let runs: RunCursors;
let epoch = "";
let acked: number[] = [];

beforeEach(async () => {
  clock = new ClockBesideDisk(1_790_000_000_000);
  db = await openRecords(":memory:");
  epoch = newEpoch();
  acked = [];
  const cursors = new LaneCursors(db, clock, { found: () => undefined });
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
    condemn: () => undefined,
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
