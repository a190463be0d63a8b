import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { verifyJournal } from "#cloud/alarms/journal-chain.ts";
import { AlarmStore } from "#cloud/alarms/store.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { DomainBench, type Domains, LI } from "../domain-bench.ts";
import { GatewaySide } from "./gateway-side.ts";

/** More than two whole statements, and some that are left. */
const MANY = 430;
const HOUR_MS = 3_600_000;

let bench: DomainBench;
let cloud: Domains;
let gateway: GatewaySide;
beforeEach(async () => {
  bench = new DomainBench();
  cloud = await bench.open();
  gateway = new GatewaySide(bench, () => cloud);
});
afterEach(() => bench.clear());

/** A storm in one transaction, every third alarm of it over by now. */
function storm(count = MANY): readonly Alarm[] {
  return cloud.db.sync.transaction<readonly Alarm[]>(() =>
    Array.from({ length: count }, (_, at) => {
      const alarm = gateway.raise("comfort");
      if (at % 3 === 0) gateway.happens(alarm.id, { type: "clear" });
      return alarm;
    }),
  );
}
const onAll = (alarms: readonly { readonly id: string }[]) => alarms.map(({ id }) => ({ id, occurrence: 1 }));
const rowsOf = () => {
  const { kysely, sync } = cloud.db;
  return sync.all(kysely.selectFrom("alarms").selectAll().orderBy("id"));
};
const acknowledgements = () => {
  const { kysely, sync } = cloud.db;
  const of = kysely.selectFrom("alarm_journal").selectAll().where("transition", "=", "acknowledged");
  return sync.all(of.orderBy("seq"));
};

describe("an acknowledgement of a storm", () => {
  it("is written for each alarm as a single one is, in the order in which they were named", async () => {
    const alarms = storm().toReversed();
    const fared = cloud.alarms.actMany("acknowledge", onAll(alarms), { comment: "storm", station: "desk-1" }, LI);
    expect(fared.map(({ id, refused }) => [id, refused])).toEqual(alarms.map(({ id }) => [id, undefined]));
    const written = acknowledgements();
    expect(written.map(({ alarm }) => alarm)).toEqual(alarms.map(({ id }) => id));
    expect(new Set(written.map(({ actor, station, comment }) => `${actor} ${station} ${comment}`))).toEqual(
      new Set(["li.wei desk-1 storm"]),
    );
    expect(await verifyJournal(cloud.db)).not.toHaveProperty("brokenAt");
    const rows = rowsOf();
    expect(rows.filter(({ open }) => open === 0)).toHaveLength(Math.ceil(MANY / 3));
    const store = new AlarmStore(cloud.db);
    for (const { document } of rows) store.put(JSON.parse(document) as Alarm, false);
    expect(rowsOf()).toEqual(rows);
  });

  it("asks each alarm's gateway once, tells each transition once, and ends their escalation", () => {
    const alarms = storm();
    const told = vi.spyOn(cloud.linkage, "trigger");
    cloud.changes.length = 0;
    cloud.alarms.actMany("acknowledge", [...onAll(alarms), ...onAll(alarms)], {}, LI);
    bench.clock.advance(1000);
    expect(gateway.sent.map(({ alarm }) => alarm)).toEqual(alarms.map(({ id }) => id));
    expect(told.mock.calls.map(([trigger]) => trigger.type === "alarm" && trigger.alarm.id)).toEqual(
      alarms.map(({ id }) => id),
    );
    expect(cloud.changes.filter(({ kind }) => kind === "alarms").map(({ id }) => id)).toEqual(
      alarms.map(({ id }) => id),
    );
    told.mockClear();
    bench.clock.advance(2 * HOUR_MS);
    expect(told).not.toHaveBeenCalled();
  });

  it("done again, or told by the gateway as well, changes and writes nothing", async () => {
    const alarms = storm();
    cloud.alarms.actMany("acknowledge", onAll(alarms.slice(0, 100)), {}, LI);
    gateway.obey();
    bench.clock.advance(1000);
    gateway.obey();
    cloud.alarms.actMany("acknowledge", onAll(alarms), {}, LI);
    bench.clock.advance(1000);
    gateway.obey();
    expect(acknowledgements().map(({ alarm }) => alarm)).toEqual(alarms.map(({ id }) => id));
    expect(await verifyJournal(cloud.db)).not.toHaveProperty("brokenAt");
    const { kysely, sync } = cloud.db;
    expect(sync.all(kysely.selectFrom("alarm_commands").select("alarm"))).toEqual([]);
  });

  it("that fails at its last alarm is done to none of them", async () => {
    const alarms = storm();
    const rows = rowsOf();
    const trigger = cloud.linkage.trigger.bind(cloud.linkage);
    vi.spyOn(cloud.linkage, "trigger").mockImplementation((one, at) => {
      if (one.type === "alarm" && one.alarm.id === alarms.at(-1)?.id) throw new Error("disk full");
      return trigger(one, at);
    });
    expect(() => cloud.alarms.actMany("acknowledge", onAll(alarms), {}, LI)).toThrow("disk full");
    expect(rowsOf()).toEqual(rows);
    expect(acknowledgements()).toEqual([]);
    expect(gateway.sent).toEqual([]);
    expect(await verifyJournal(cloud.db)).not.toHaveProperty("brokenAt");
  });
});

describe("a shelving of a storm", () => {
  it("waits for the gateways, each with its end, and makes void what waited before", () => {
    const alarms = storm().filter((_, at) => at % 3 !== 0);
    for (const minutes of [15, 30]) cloud.alarms.actMany("shelve", onAll(alarms), { comment: "works", minutes }, LI);
    const { kysely, sync } = cloud.db;
    const waiting = sync.all(kysely.selectFrom("alarm_commands").select(["alarm", "expires_at"]).orderBy("seq"));
    const until = bench.clock.now() + 30 * 60_000;
    expect(waiting).toEqual(alarms.map(({ id }) => ({ alarm: id, expires_at: until })));
  });
});
