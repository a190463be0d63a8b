import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Findings } from "#cloud/completeness/findings.ts";
import type { Db } from "#cloud/db/database.ts";
import type { IngestFinding } from "#cloud/telemetry-ports.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
const EPOCH = "0123456789abcdef0123456789abcdef";
const START = Date.parse("2026-11-21T08:00:00Z");
let clock: ManualClock;
let db: Db;
let findings: Findings;

beforeEach(async () => {
  clock = new ManualClock(START);
  db = await openRecords(":memory:");
  findings = new Findings({ db, clock, logger: silentLogger });
});
afterEach(async () => {
  findings.close();
  await db.close();
});

const duplicate = (from: number, to: number): IngestFinding => ({
  kind: "duplicate",
  lane: "telemetry",
  epoch: EPOCH,
  from,
  to,
});
const list = () => findings.list(GATEWAY, { limit: 100 }).items;

describe("findings about a gateway", () => {
  it("that follow each other closely are one, with its counts, its beginning and its end", () => {
    findings.found(GATEWAY, duplicate(11, 20));
    clock.advance(30_000);
    findings.found(GATEWAY, duplicate(1, 5));
    expect(list()).toMatchObject([{ kind: "duplicate", from: 1, to: 20, times: 2, count: 15, endedAt: null }]);
    clock.advance(61_000);
    expect(list()).toMatchObject([{ startedAt: "2026-11-21T08:00:00.000Z", endedAt: "2026-11-21T08:00:30.000Z" }]);
    findings.found(GATEWAY, duplicate(1, 5));
    expect(list()).toHaveLength(2);
  });

  it("are kept apart by kind, lane, epoch and, for gaps, reason", () => {
    findings.found(GATEWAY, duplicate(1, 1));
    findings.found(GATEWAY, { ...duplicate(1, 1), lane: "events" } as IngestFinding);
    findings.found(GATEWAY, { ...duplicate(1, 1), kind: "reorder" } as IngestFinding);
    for (const reason of ["cap", "diskFull"])
      findings.found(GATEWAY, { kind: "gap", lane: "telemetry", epoch: EPOCH, from: 1, to: 9, reason });
    expect(list()).toHaveLength(5);
    expect(
      list()
        .filter(({ kind }) => kind === "gap")
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual(["cap", "diskFull"]);
  });

  it("of silence last from the last sign of life to the next one", () => {
    findings.found(GATEWAY, { kind: "silence", since: START - 15_000 });
    clock.advance(3_600_000);
    expect(list()).toMatchObject([{ kind: "silence", startedAt: "2026-11-21T07:59:45.000Z", endedAt: null }]);
    findings.found(GATEWAY, { kind: "silence", since: START - 15_000, until: clock.now() });
    expect(list()).toMatchObject([{ endedAt: "2026-11-21T09:00:00.000Z" }]);
  });

  it("of a clock tell by how much it moved, also backwards", () => {
    findings.found(GATEWAY, { kind: "clockJump", byMs: -3_600_000 });
    expect(list()).toMatchObject([{ kind: "clockJump", count: -3_600_000 }]);
  });

  it("of copies that evict each other last for as long as they do, however seldom it is told", () => {
    const told: boolean[] = [];
    findings.onEpisode((_, _kind, begun) => told.push(begun));
    findings.found(GATEWAY, { kind: "clone", goesOn: true });
    clock.advance(3_600_000);
    expect(list()).toMatchObject([{ kind: "clone", endedAt: null }]);
    findings.found(GATEWAY, { kind: "clone", goesOn: false });
    clock.advance(70_000);
    expect(list()).toMatchObject([{ kind: "clone", endedAt: "2026-11-21T09:00:00.000Z" }]);
    findings.found(GATEWAY, { kind: "clone", goesOn: false });
    expect(told).toEqual([true, false]);
  });

  it("are told of when an episode begins and when it ends", () => {
    const told: string[] = [];
    findings.onEpisode((_, kind, begun) => told.push(`${kind} ${begun}`));
    for (let i = 0; i < 3; i++) findings.found(GATEWAY, { kind: "clone" });
    expect(told).toEqual(["clone true"]);
    clock.advance(66_000);
    expect(told).toEqual(["clone true", "clone false"]);
  });

  it("go on to the next page, newest first, none twice", () => {
    for (let i = 0; i < 5; i++) {
      findings.found(GATEWAY, duplicate(i, i));
      clock.advance(70_000);
      findings.save();
    }
    const first = findings.list(GATEWAY, { limit: 3 });
    const second = findings.list(GATEWAY, { limit: 3, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items].map(({ from }) => from)).toEqual([4, 3, 2, 1, 0]);
    expect(second).not.toHaveProperty("nextCursor");
  });

  it("that went on when the process died are ended by the next one", () => {
    findings.found(GATEWAY, { kind: "silence", since: START });
    findings.save();
    clock.advance(10_000);
    const next = new Findings({ db, clock, logger: silentLogger });
    expect(next.list(GATEWAY, { limit: 10 }).items).toMatchObject([{ endedAt: "2026-11-21T08:00:10.000Z" }]);
    next.close();
  });

  it("are counted by kind for a span of time", () => {
    findings.found(GATEWAY, duplicate(1, 2));
    findings.found(GATEWAY, { kind: "clone" });
    expect(findings.counts(GATEWAY, START, START + 1)).toEqual({ duplicate: 1, clone: 1 });
    expect(findings.counts(GATEWAY, START + 1, START + 2)).toEqual({});
  });
});
