import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { ESCALATE_AFTER_MS } from "#core/alarm/escalation.ts";
import type { AlarmView, JournalEntry } from "#core/contracts/alarms.ts";
import type { PermitView } from "#core/contracts/maintenance.ts";
import type { PointView } from "#core/contracts/points.ts";
import { silentLogger } from "#core/logger.ts";
import type { AlarmDefinition, AlarmTransition } from "#core/model/alarm.ts";
import { ApiClient } from "../e2e/api-client.ts";
import { act, alarmDetail, alarmsOf, alarmWhen } from "../e2e/guard.ts";
import { Park, until } from "../e2e/park.ts";

/** How late a timer may be, ms. */
const LATE_MS = 2000;
/** The clocks of two processes of one machine, ms. */
const EARLY_MS = 50;
const DELAY_MS = 15_000;
const RE_ALARM_MS = 65_000;
const PERMIT_MS = 62_000;
/** The shortest shelving that there is. */
const SHELVED_MINUTES = 1;
/** The escalation of an urgent alarm takes minutes: while the park stands still it is brought forward to so much later, ms. */
const ESCALATED_AFTER_STOP_MS = 35_000;
/** What the gateway saw so long before it was killed is on its disk, ms. */
const COMMITTED_MS = 1500;
const PASSWORD = "a-second-engineer";
const AHU_1 = "demo-park/gw-1/ahu-1";
const FILTER = "demo-park/gw-1/ahu-2/filter-alarm";

/** Holds as long as the unit runs, and again when it was started again. */
const always = (id: string, point: string, more: Partial<AlarmDefinition> = {}): AlarmDefinition => ({
  id,
  category: "equipment",
  priority: "low",
  condition: { type: "above", point: `${AHU_1}/${point}`, limit: -30, deadband: 0 },
  message: `计时 ${id}`,
  messageEn: `Timer ${id}`,
  ...more,
});
const DEFINITIONS: readonly AlarmDefinition[] = [
  always("timer-re-alarm", "supply-air-temperature", { reAlarmMs: RE_ALARM_MS, reAlarmLimit: 1 }),
  always("timer-shelved", "return-air-temperature"),
  always("timer-permit", "outdoor-air-temperature"),
  always("timer-escalated", "supply-air-temperature-setpoint", { priority: "urgent" }),
  {
    ...always("timer-delayed", "supply-air-temperature"),
    condition: { type: "equals", point: FILTER, value: true },
    onDelayMs: DELAY_MS,
  },
];

let park: Park;
let client: ApiClient;
let second: ApiClient;
let permit: PermitView;
/** When the park was ready again after all of it had been stopped, Unix ms. */
let readyAgain: number;
/** When each is due, Unix ms. */
const due = new Map<string, number>();

async function entries(definition: string, transition: AlarmTransition): Promise<readonly JournalEntry[]> {
  const { id } = await alarmWhen(client, definition, () => true);
  return (await alarmDetail(client, id)).journal.filter((entry) => entry.transition === transition);
}

const alarmOf = (definition: string): Promise<AlarmView> => alarmWhen(client, definition, ({ live }) => live);

/** The records of the cloud, while it is stopped. */
async function records<T>(work: (db: Db) => T): Promise<T> {
  const production = process.env["PARKHUB_TEST_PROFILE"] === "production";
  const url = production ? park.servers.environment["PARKHUB_POSTGRES_URL"] : undefined;
  const db = await openDatabase(url ?? path.join(park.data, "cloud", "records.db"), silentLogger);
  try {
    return work(db);
  } finally {
    await db.close();
  }
}

/** Begins a delay, a re-alarm, a shelving, a permit and an escalation. */
async function begin(): Promise<void> {
  await park.hold("ahu-2", "filter-alarm", true);
  const seen = await until("the filter to be seen", async () => {
    const { current } = await client.get<PointView>(`/points/${encodeURIComponent(FILTER)}`);
    return current.value === true ? Date.parse(current.observedAt ?? "") : undefined;
  });
  due.set("delay", seen + DELAY_MS);
  const repeated = await alarmOf("timer-re-alarm");
  await act(client, repeated, "acknowledge");
  due.set("re-alarm", Date.parse(repeated.receivedAt) + RE_ALARM_MS);
  const shelved = await alarmOf("timer-shelved");
  const shelving = { occurrence: shelved.occurrence, comment: "works", minutes: SHELVED_MINUTES };
  await client.post(`/alarms/${encodeURIComponent(shelved.id)}/shelve`, shelving);
  const asked = await client.post<PermitView>("/maintenance/permits", {
    areas: ["ahu-room-a"],
    definitions: ["timer-permit"],
    until: new Date(Date.now() + PERMIT_MS).toISOString(),
    reason: "works",
  });
  permit = await second.post<PermitView>(`/maintenance/permits/${encodeURIComponent(asked.id)}/approve`);
  due.set("permit", Date.parse(permit.until));
  const { shelvedUntil } = await alarmWhen(client, "timer-shelved", ({ suppression }) =>
    suppression.includes("shelved"),
  );
  due.set("shelving", Date.parse(shelvedUntil ?? ""));
  await alarmWhen(client, "timer-permit", ({ suppression }) => suppression.includes("outOfService"));
  await until("the gateway to have kept what it saw", () => Date.now() - seen > COMMITTED_MS || undefined);
}

/** Both sides die at once, in the middle of all of them. */
async function killed(): Promise<void> {
  const before = { gateway: park.kill("gw-1"), cloud: park.kill("cloud") };
  await until(
    "both to be started again",
    () => (park.pid("gw-1") !== before.gateway && park.pid("cloud") !== before.cloud) || undefined,
  );
  await until("the park to be ready again", () => park.isReady(), 60_000);
}

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
  const grants = [{ role: "engineer", space: "park" }];
  await client.post("/users", { name: "second", displayName: "Second", password: PASSWORD, grants });
  second = await ApiClient.signIn(`http://${park.http}`, "second", PASSWORD);
  for (const definition of DEFINITIONS) await client.post("/alarm-definitions", { definition, why: "timers" });
  const urgent = await alarmOf("timer-escalated");
  await begin();
  await killed();
  await until("the delay to be over", async () => (await entries("timer-delayed", "raised"))[0], 2 * DELAY_MS);

  expect(await park.interrupt()).toBe(0);
  const escalateAt = Date.now() + ESCALATED_AFTER_STOP_MS;
  const expected = await records(({ kysely, sync }) => {
    const row = sync.get(kysely.selectFrom("alarms").select("escalate_at").where("id", "=", urgent.id));
    sync.run(kysely.updateTable("alarms").set({ escalate_at: escalateAt }).where("id", "=", urgent.id));
    return Number(row?.escalate_at);
  });
  const promised = Date.parse(urgent.receivedAt) + (ESCALATE_AFTER_MS.urgent ?? Number.NaN);
  expect(Math.abs(expected - promised)).toBeLessThanOrEqual(LATE_MS);
  due.set("escalation", escalateAt);

  await park.launch();
  readyAgain = Date.now();
  client = await park.signIn();
}, 240_000);
afterAll(() => park?.close());

describe("AL-14 what an alarm waits for, over a kill of both sides and a stop of the whole park", () => {
  it.each([
    { what: "delay", definition: "timer-delayed", transition: "raised" },
    { what: "shelving", definition: "timer-shelved", transition: "unshelved" },
    { what: "permit", definition: "timer-permit", transition: "returnedToService" },
    { what: "re-alarm", definition: "timer-re-alarm", transition: "reAlarmed" },
    { what: "escalation", definition: "timer-escalated", transition: "escalated" },
  ] as const)(
    "the $what comes to its end at its time",
    { timeout: 120_000 },
    async ({ what, definition, transition }) => {
      const [entry] = await until(
        `${transition} of ${definition}`,
        async () => {
          const found = await entries(definition, transition);
          return found.length > 0 ? found : undefined;
        },
        100_000,
      );
      const dueAt = due.get(what) ?? Number.NaN;
      const at = Date.parse(entry?.at ?? "");
      expect(at - dueAt).toBeGreaterThanOrEqual(-EARLY_MS);
      // What became due while nothing ran comes with the next start.
      expect(at - (what === "delay" ? dueAt : Math.max(dueAt, readyAgain))).toBeLessThanOrEqual(LATE_MS);
    },
  );

  it("each has happened once", async () => {
    const journals = await Promise.all(
      DEFINITIONS.map(async ({ id }) => {
        const alarm = await alarmWhen(client, id, () => true);
        expect(await alarmsOf(client, id)).toHaveLength(1);
        const { journal } = await alarmDetail(client, alarm.id);
        return [id, journal.map(({ transition, occurrence }) => `${transition} ${occurrence}`)] as const;
      }),
    );
    // The filter was clean again when the simulated unit had been started anew.
    expect(Object.fromEntries(journals)).toEqual({
      "timer-delayed": ["raised 1", "cleared 1"],
      "timer-escalated": ["raised 1", "escalated 1"],
      "timer-permit": ["raised 1", "outOfService 1", "returnedToService 1"],
      "timer-re-alarm": ["raised 1", "acknowledged 1", "reAlarmed 2"],
      "timer-shelved": ["raised 1", "shelved 1", "unshelved 1"],
    });
  });

  it("the permit has ended by itself and tells what it held back", async () => {
    const { items } = await client.get<{ items: PermitView[] }>("/maintenance/permits");
    expect(items).toMatchObject([{ id: permit.id, status: "ended", digest: { alarms: 1, active: 1 } }]);
    expect(items[0]).not.toHaveProperty("endedBy");
    const endedAt = Date.parse(items[0]?.endedAt ?? "");
    expect(endedAt - Math.max(due.get("permit") ?? Number.NaN, readyAgain)).toBeLessThanOrEqual(LATE_MS);
  });
});
