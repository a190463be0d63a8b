import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { OFFLINE_AFTER_MS, Presence } from "#cloud/ingest/presence.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
let db: Db;
let clock: ManualClock;
let rows: GatewayRows;
let presence: Presence;
let changes: [boolean, string | undefined, number][] = [];

beforeEach(async () => {
  db = await openRecords(":memory:");
  clock = new ManualClock(1_000_000);
  rows = new GatewayRows(db);
  presence = new Presence({ clock, rows, logger: silentLogger });
  changes = [];
  presence.onChange((_gateway, online, at, reason) => changes.push([online, reason, at]));
});
afterEach(async () => {
  presence.close();
  await db.close();
});

describe("presence of a gateway", () => {
  it("lasts as long as it speaks and ends when it was silent too long, also without a will", () => {
    presence.heard(GATEWAY);
    for (let i = 0; i < 10; i++) {
      clock.advance(5000);
      presence.heard(GATEWAY);
    }
    expect(changes).toEqual([[true, undefined, 1_000_000]]);
    clock.advance(OFFLINE_AFTER_MS - 1);
    expect(presence.isOnline(GATEWAY)).toBe(true);
    clock.advance(1000);
    expect(presence.isOnline(GATEWAY)).toBe(false);
    expect(changes.at(-1)?.slice(0, 2)).toEqual([false, "silent"]);
  });

  it("ends at once with its death, and a second death says nothing new", () => {
    presence.heard(GATEWAY);
    presence.dead(GATEWAY, "death");
    presence.dead(GATEWAY, "death");
    expect(changes.map(([online]) => online)).toEqual([true, false]);
  });

  it("of a node that promises no heartbeat lasts until its death", () => {
    const patient = new Presence({ clock, rows, logger: silentLogger, mayBeSilent: (id) => id === GATEWAY });
    patient.heard(GATEWAY);
    patient.heard(gatewayId("park/gw-2"));
    clock.advance(24 * 3_600_000);
    expect([patient.isOnline(GATEWAY), patient.isOnline(gatewayId("park/gw-2"))]).toEqual([true, false]);
    patient.dead(GATEWAY, "death");
    expect(patient.isOnline(GATEWAY)).toBe(false);
    patient.close();
  });

  it("of a node that was removed is told no more", () => {
    presence.heard(GATEWAY);
    presence.forget(GATEWAY);
    presence.dead(GATEWAY, "death");
    clock.advance(60_000);
    expect(changes.map(([online]) => online)).toEqual([true]);
  });

  it("of a gateway that should be there and never came is told once, after the same time", () => {
    presence.expect([GATEWAY]);
    clock.advance(OFFLINE_AFTER_MS - 1000);
    expect(changes).toEqual([]);
    clock.advance(60_000);
    expect(changes.map(([online, reason]) => [online, reason])).toEqual([[false, "silent"]]);
  });

  it("is not fooled by the machine's clock being set", () => {
    presence.heard(GATEWAY);
    const before = clock.now();
    clock.advance(1000);
    Object.assign(clock, { now: () => before + 3_600_000 });
    clock.advance(1000);
    expect(presence.isOnline(GATEWAY)).toBe(true);
  });

  it("remembers when it was last seen over a restart", () => {
    presence.heard(GATEWAY);
    clock.advance(3000);
    presence.heard(GATEWAY);
    presence.close();
    const next = new Presence({ clock, rows, logger: silentLogger });
    expect(next.lastSeenAt(GATEWAY)).toBe(1_003_000);
    expect(next.isOnline(GATEWAY)).toBe(false);
    next.close();
  });
});
