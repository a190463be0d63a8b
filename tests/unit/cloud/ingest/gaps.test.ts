import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { GapStore } from "#cloud/ingest/gap-store.ts";
import { Offers } from "#cloud/ingest/offers.ts";
import type { IngestFinding, IngestWatch } from "#cloud/telemetry-ports.ts";
import { gatewayId, newEpoch } from "#core/ids.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const clock = new ManualClock(1_790_000_000_000);
const findings: IngestFinding[] = [];
const watch: IngestWatch = { found: (_gateway, finding) => findings.push(finding) };
const GATEWAY = gatewayId("park/gw-1");
let db: Db;
let cursors: LaneCursors;
let gaps: GapStore;
beforeEach(async () => {
  findings.length = 0;
  db = await openRecords(":memory:");
  cursors = new LaneCursors(db, clock, watch);
  gaps = new GapStore(db, clock);
});
afterEach(() => db.close());

describe("what a gateway no longer has", () => {
  const key = { gateway: GATEWAY, lane: "telemetry", epoch: newEpoch() } as const;
  let offers: Offers;
  beforeEach(() => {
    offers = new Offers(gaps);
    cursors.change((changes) => changes.store(key, { from: 1, to: 10 }));
  });
  /** One batch with a hole in front of it, in the session 1. */
  const offer = (fails = false): void =>
    offers.during(() =>
      cursors.change((changes) => {
        offers.note(changes, key, 1, 21);
        changes.store(key, { from: 21, to: 30 });
        if (fails) throw new Error("the disk refuses");
      }),
    );

  it("is given up when the same hole is offered twice", () => {
    offer();
    expect(cursors.get(key)?.upTo).toBe(10);
    offer();
    expect(cursors.get(key)?.upTo).toBe(30);
    expect(gaps.of(GATEWAY)).toMatchObject([{ from: 11, to: 20, reason: "notOffered" }]);
    const gap = { kind: "gap", lane: "telemetry", epoch: key.epoch, from: 11, to: 20, reason: "notOffered" };
    expect(findings.filter(({ kind }) => kind === "gap")).toEqual([gap]);
  });

  it("is not given up because the cloud had to try the same batch again", () => {
    expect(() => offer(true)).toThrow("the disk refuses");
    offer();
    expect(cursors.get(key)?.upTo).toBe(10);
    expect(gaps.of(GATEWAY)).toEqual([]);
  });
});

describe("a loss that a gateway tells", () => {
  const now = { gateway: GATEWAY, lane: "events", epoch: newEpoch() } as const;
  const gap = { offset: 1, at: 1, kind: "gap", lane: "events", reason: "corrupt" } as const;
  const told = (epoch: string, from: number, to: number): void =>
    cursors.change((changes) => gaps.told(changes, now, { ...gap, epoch, from, to }));

  it("lets the cursor pass what will never come", () => {
    told(now.epoch, 1, 5);
    expect(cursors.get(now)?.upTo).toBe(5);
  });

  it("of unknown extent is recorded, and the epoch in use stays the one in use", () => {
    cursors.change((changes) => changes.store(now, { from: 1, to: 3 }));
    const former = newEpoch();
    told(former, 0, 0);
    told("unknown", 0, 0);
    expect(cursors.current(GATEWAY, "events")).toMatchObject({ epoch: now.epoch, upTo: 3 });
    expect(gaps.of(GATEWAY).map(({ epoch }) => epoch)).toEqual([former, "unknown"]);
  });
});
