import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { LaneCursors } from "#cloud/ingest/cursors.ts";
import { GapStore } from "#cloud/ingest/gap-store.ts";
import { GatewayRows } from "#cloud/ingest/gateway-rows.ts";
import { Offers } from "#cloud/ingest/offers.ts";
import { Quarantine } from "#cloud/ingest/quarantine.ts";
import { GROUP_SAMPLES } from "#cloud/ingest/telemetry-group.ts";
import { TelemetryLane } from "#cloud/ingest/telemetry-lane.ts";
import { PointNumbers } from "#cloud/point-directory.ts";
import type { GatewayLink, IngestSinks } from "#cloud/ports.ts";
import type { TelemetryStore, TelemetryWrite } from "#cloud/telemetry-ports.ts";
import { HubError } from "#core/errors.ts";
import { gatewayId, newEpoch, type PointId } from "#core/ids.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const GATEWAY = gatewayId("park/gw-1");
const points = new PointNumbers();
const POINT = points.numberOf("park/gw-1/meter/power" as PointId);
let clock: ManualClock;
let log: KeptLog;
let db: Db;
let lane: TelemetryLane;
let epoch = "";
/** When each write reached the store, monotonic ms, and how it answers. */
let written: number[] = [];
let answer: (write: TelemetryWrite) => Promise<{ stored: number; duplicates: number }>;
let told: number[] = [];
let sinkFails = false;
let acked: number[] = [];

const stored = () => Promise.resolve({ stored: 1, duplicates: 0 });
const full = () => Promise.reject(new HubError("HISTORY_FULL", "samples wait to be sorted", { retriable: true }));

beforeEach(async () => {
  clock = new ManualClock(1_790_000_000_000);
  log = new KeptLog();
  db = await openRecords(":memory:");
  epoch = newEpoch();
  [written, told, acked] = [[], [], []];
  sinkFails = false;
  answer = stored;
  const cursors = new LaneCursors(db, clock, { found: () => undefined });
  const gaps = new GapStore(db, clock);
  const store: Pick<TelemetryStore, "write"> = {
    write(write) {
      written.push(clock.monotonic());
      return answer(write);
    },
  };
  const sinks: Pick<IngestSinks, "onSamples"> = {
    onSamples(columns, from, to) {
      if (sinkFails) throw new Error("a rule is broken");
      told.push(...columns.number.subarray(from, to));
    },
  };
  const link: Pick<GatewayLink, "sendAck"> = { sendAck: (_gateway, { upTo }) => acked.push(upTo) };
  lane = new TelemetryLane({
    store: store as TelemetryStore,
    sinks: sinks as IngestSinks,
    link: link as GatewayLink,
    points,
    cursors,
    gaps,
    offers: new Offers(gaps),
    quarantine: new Quarantine({ db, rows: new GatewayRows(db), clock, logger: log }),
    clock,
    logger: log,
  });
});
afterEach(async () => {
  await lane.close();
  await db.close();
});

/** Submits a batch whose values are its offsets; a promise asks for a pause. */
function submit(first: number, last: number): Promise<void> | undefined {
  const group = lane.filling();
  const start = group.appender.columns.length;
  for (let value = first; value <= last; value++)
    group.appender.sample(POINT, { value, quality: "good", observedAt: 1_790_000_000_000 + value });
  return lane.submit(group, { span: { gateway: GATEWAY, epoch, first, last, start }, session: 1, topic: "t" });
}
const offer = (first: number, last: number): void => void submit(first, last);
/** Lets so much time pass, ms, and everything that follows from it happen. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5) {
    clock.advance(Math.min(5, left));
    await turn();
  }
}
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

describe("a batch of telemetry", () => {
  it("is told in the tick in which it is offered, and acknowledged when the store has it", async () => {
    offer(1, 3);
    expect([told, written, acked]).toEqual([upTo(3), [], []]);
    await pass(10);
    expect([written.length, acked]).toEqual([1, [3]]);
  });

  it("is stored although whoever is told of it fails, which is said once", async () => {
    sinkFails = true;
    offer(1, 3);
    offer(4, 6);
    await pass(20);
    expect(acked.at(-1)).toBe(6);
    expect(log.lines.filter((line) => line.startsWith("error following up"))).toHaveLength(1);
    sinkFails = false;
    offer(7, 9);
    expect(told).toEqual([7, 8, 9]);
  });
});

describe("a store that is full", () => {
  it("for a moment holds nothing up but the acknowledgement, and is no trouble that is told of", async () => {
    answer = full;
    offer(1, 3);
    await pass(60);
    offer(4, 6);
    expect([told, acked]).toEqual([upTo(6), []]);
    answer = stored;
    await pass(200);
    expect([acked.at(-1), log.lines]).toEqual([6, []]);
  });

  it("is asked again ever more rarely, not without a pause, and told of once when it lasts", async () => {
    answer = full;
    offer(1, 3);
    await pass(10_000);
    const pauses = written.slice(1).map((at, i) => at - (written[i] ?? 0));
    expect(pauses.slice(0, 7)).toEqual([25, 50, 100, 200, 400, 800, 1000]);
    expect(new Set(pauses.slice(6))).toEqual(new Set([1000]));
    expect(log.lines).toEqual([expect.stringMatching(/^error telemetry cannot be stored, trying again/)]);
    answer = stored;
    await pass(2000);
    expect(acked.at(-1)).toBe(3);
    expect(log.lines.at(-1)).toMatch(/^info telemetry is stored again/);
  });

  it("makes the gateways wait when a bounded number of samples does, and lets them go on when it has room", async () => {
    answer = full;
    let waits: Promise<void> | undefined;
    let next = 1;
    for (; waits === undefined; next += 8192) waits = submit(next, next + 8191);
    expect(lane.backlog).toBe(4 * GROUP_SAMPLES);
    let goesOn = false;
    void waits.then(() => {
      goesOn = true;
    });
    await pass(500);
    expect(goesOn).toBe(false);
    answer = stored;
    await pass(2000);
    expect([goesOn, lane.backlog, acked.at(-1)]).toEqual([true, 0, next - 1]);
  });
});
