import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OperatorPosition, PermitDirectory, PermitTimes, PositionDirectory } from "#cloud/alarm-ports.ts";
import type { Db } from "#cloud/db/database.ts";
import { ProcessLiveBus } from "#cloud/live/bus.ts";
import type { LiveChange } from "#cloud/ports.ts";
import { FloodWatch } from "#cloud/quality/flood-watch.ts";
import { pruneFloods } from "#cloud/quality/nightly.ts";
import { silentLogger } from "#core/logger.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const START = Date.parse("2026-11-21T09:00:00Z");
const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;
const GUARDS: OperatorPosition = { id: "guards", name: "安防", nameEn: "Guards", areas: ["perimeter"], categories: [] };

let folder = "";
let db: Db;
let clock: ManualClock;
let history: AlarmHistory;
let changes: LiveChange[];
let watch: FloodWatch;
let desks: OperatorPosition[];
let number = 0;
/** What a maintenance permit is about right now. */
let permitted: ReadonlySet<string>;

const positions: PositionDirectory = {
  positions: () => desks,
  of: ({ area }) => desks.filter(({ areas }) => area !== undefined && areas.includes(area)),
};

async function begin(): Promise<FloodWatch> {
  const bus = new ProcessLiveBus((error) => {
    throw error;
  });
  bus.subscribe((change) => changes.push(change));
  const permits: Pick<PermitDirectory, "permitOf"> & PermitTimes = {
    beganAt: () => undefined,
    permitOf: ({ definition }) => (permitted.has(definition) ? "permit-1" : undefined),
  };
  const made = new FloodWatch({ db, positions, permits, bus, clock, logger: silentLogger });
  await made.start();
  return made;
}

/** Alarms come in one after the other, a second apart. */
function come(count: number, more: Parameters<typeof aFacilityAlarm>[2] = {}): void {
  history.atOnce(() => {
    for (let i = 0; i < count; i++) {
      const alarm = aFacilityAlarm(`alarm-${number++}`, clock.now(), more);
      history.happened(alarm, "raised", clock.now());
      watch.listener({ alarm, transition: "raised", at: clock.now() })?.();
      clock.advance(SECOND);
    }
  });
}
const load = (id: string) => watch.loads("all").find((one) => one.id === id);
const kept = () => db.sync.all(db.kysely.selectFrom("alarm_floods").selectAll().orderBy("scope").orderBy("began_at"));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-floods-"));
  db = await openRecords(join(folder, "records.db"));
  clock = new ManualClock(START);
  history = new AlarmHistory(db);
  changes = [];
  desks = [GUARDS];
  permitted = new Set();
  watch = await begin();
});
afterEach(async () => {
  watch.stop();
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the load of the operators", () => {
  it("becomes a flood with the eleventh alarm in ten minutes, for the site and for the position, and is told once each", () => {
    come(10);
    expect(load("site")).toMatchObject({ count: 10, flood: false });
    come(1);
    expect(load("site")).toMatchObject({ count: 11, flood: true, floodCount: 11 });
    expect(load("guards")).toMatchObject({ count: 11, flood: true });
    clock.advance(2 * SECOND);
    const told = changes.filter(({ kind, id }) => kind === "loads" && id === "site").at(-1);
    expect(told?.item).toMatchObject({ flood: true });
    const before = changes.length;
    clock.advance(10 * SECOND);
    expect(changes).toHaveLength(before);
  });

  it("is no flood of the position when the alarms lie elsewhere", () => {
    come(12, { area: "office-a" });
    expect([load("site")?.flood, load("guards")?.flood]).toEqual([true, false]);
  });

  it("ends with fewer than five in ten minutes, and what it was is kept", () => {
    come(11);
    clock.advance(20 * MINUTE);
    expect(load("site")).toEqual({ id: "site", name: "全园区", nameEn: "Whole site", count: 0, flood: false });
    expect(kept()).toMatchObject([
      { scope: "guards", count: 11, peak: 11, ended_at: START + 6 * SECOND + 10 * MINUTE },
      { scope: "site", count: 11, peak: 11, ended_at: START + 6 * SECOND + 10 * MINUTE },
    ]);
  });

  it("goes on in the next process, with the same beginning, and ends once", async () => {
    come(15);
    const since = load("site")?.since;
    watch.stop();
    watch = await begin();
    expect(load("site")).toMatchObject({ count: 15, flood: true, since, floodCount: 15 });
    clock.advance(20 * MINUTE);
    expect(kept().map(({ scope, ended_at: to }) => [scope, to !== null])).toEqual([
      ["guards", true],
      ["site", true],
    ]);
  });

  it("does not count what is suppressed or only remarked, and counts what comes back from suppression", () => {
    const alarm = aFacilityAlarm("a", START);
    const tell = (transition: Parameters<typeof watch.listener>[0]["transition"], more: object = {}) =>
      watch.listener({ alarm: { ...alarm, ...more }, transition, at: START })?.();
    tell("raised", { suppression: ["shelved"] });
    tell("commented");
    tell("cleared");
    tell("unshelved", { condition: "inactive" });
    expect(load("site")?.count).toBe(0);
    tell("unshelved");
    expect(load("site")?.count).toBe(1);
  });

  it("KP-02 does not count what a permit will take out of service as soon as its gateway has heard of it", () => {
    permitted = new Set(["noisy-alarm"]);
    come(12);
    expect(load("site")).toMatchObject({ count: 0, flood: false });
    permitted = new Set();
    come(1);
    expect(load("site")?.count).toBe(1);
  });

  it("KP-02 is after a restart what it was before: what was hidden did not call, what came back did", async () => {
    const happen = (id: string, ...transitions: Parameters<typeof history.happened>[1][]) =>
      history.atOnce(() => {
        for (const [i, transition] of transitions.entries())
          history.happened(aFacilityAlarm(id, clock.now(), { version: i + 1 }), transition, clock.now());
      });
    happen("shelved-before", "shelved");
    clock.advance(20 * MINUTE);
    for (let i = 0; i < 12; i++) happen(`child-${i}`, "raised", "suppressed");
    happen("shelved-before", "raised");
    happen("seen", "raised");
    happen("back", "shelved", "raised", "unshelved");
    watch.stop();
    watch = await begin();
    expect(load("site")).toMatchObject({ count: 2, flood: false });
  });

  it("is forgotten with its position, and its flood ends", () => {
    come(11);
    clock.advance(2 * SECOND);
    desks = [];
    clock.advance(2 * SECOND);
    expect(watch.loads("all").map(({ id }) => id)).toEqual(["site"]);
    expect(changes.at(-1)).toMatchObject({ kind: "loads", id: "guards", item: undefined });
    expect(kept().find(({ scope }) => scope === "guards")?.ended_at).not.toBeNull();
  });

  it("shows who sees only some spaces no more than the positions there", () => {
    expect(watch.loads(new Set(["perimeter"])).map(({ id }) => id)).toEqual(["guards"]);
    expect(watch.loads(new Set(["office-a"]))).toEqual([]);
  });

  it("keeps its floods for 400 days, and one that lasts for ever", async () => {
    come(11);
    clock.advance(20 * MINUTE);
    come(11);
    clock.advance(2 * SECOND);
    expect(await pruneFloods(db, START + 399 * DAY)).toBe(0);
    expect(await pruneFloods(db, START + 401 * DAY)).toBe(2);
    expect(kept().map(({ ended_at: to }) => to)).toEqual([null, null]);
  });
});
