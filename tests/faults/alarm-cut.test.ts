import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foundCondition } from "#core/alarm/field.ts";
import type { AlarmView, JournalEntry } from "#core/contracts/alarms.ts";
import type { DefinitionView } from "#core/contracts/definitions.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { chromiumFile, NOT_SIGNED_IN, NOT_YET_HERE, openConsole, startBrowser, visit, Watch } from "../e2e/browser.ts";
import { act, alarmDetail, alarmsOf, alarmWhen } from "../e2e/guard.ts";
import { Park, until } from "../e2e/park.ts";
import { atBacnet, atFirePanel, type DeviceCondition } from "./field-people.ts";

/** How long the uplink is cut, s. */
const CUT_S = Number(process.env["PARKHUB_TEST_CUT_S"] ?? (process.env["PARKHUB_TEST_LONG"] === undefined ? 30 : 600));
/** What the gateway saw so long before it was killed is on its disk, and by then it has seen what it polls, ms. */
const COMMITTED_MS = 2000;
const TRIP = "chiller-plant.chiller-1-trip";
const FAN = "ahu-1.fan-fault";
const FAN_INPUT = 3;
const FIRE_ZONES = ["a1", "a2", "a3", "b1", "b2"];
const PERIMETER_ZONES = [1, 2, 3, 4, 5, 6, 7, 8];
/** Alarms of these tests that wait for somebody after the cut. */
const STAND_OPEN = 9;

let park: Park;
let client: ApiClient;
let browser: Browser | undefined;
let page: Page | undefined;
let watch: Watch | undefined;
let before: ReadonlyMap<string, AlarmView>;
/** When the cut began and ended, by the field's clock, Unix ms. */
let cut: { readonly from: number; readonly to: number };

const zoneAlarm = (zone: number): string => `zone-${zone}-intrusion`;
const gateways = async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items;
const fieldNow = async (): Promise<number> => (await park.simulatorState()).at;
const intruder = (zone: number, there: boolean): Promise<void> =>
  park.set("perimeter-panel", `zone-${zone}-alarm`, there);
const trip = (there: boolean): Promise<void> => park.hold("chiller-plant", "chiller-1-trip", there, CUT_S + 900);

/** An alarm as the operator saw it before the cut. */
function seenBefore(definition: string): AlarmView {
  const alarm = before.get(definition);
  if (alarm === undefined) throw new Error(`${definition} was not there before the cut`);
  return alarm;
}

/** The only alarm that a definition has ever raised. */
async function only(definition: string): Promise<AlarmView> {
  const [alarm, ...others] = await alarmsOf(client, definition);
  if (alarm === undefined || others.length > 0) throw new Error(`${definition} has ${others.length + 1} alarms`);
  return alarm;
}

async function committed(): Promise<void> {
  const at = await fieldNow();
  await until("the gateway to have kept what it saw", async () => (await fieldNow()) > at + COMMITTED_MS || undefined);
}

/** The gateway has seen somebody in a zone: by its own rule the zone's light is on. */
function lit(zone: number): Promise<true> {
  return until(`the light of zone ${zone}`, async () => {
    const { signals } = await park.device("street-lighting");
    return signals[`zone-${zone}-light`]?.value === true || undefined;
  });
}

async function killGateway(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  park.launcher("SIGSTOP");
  const old = park.kill("gw-1");
  await meanwhile();
  park.launcher("SIGCONT");
  await until("the gateway to be started again", () => park.pid("gw-1") !== old || undefined);
}

beforeAll(
  async () => {
    [park, browser] = await Promise.all([Park.start(), chromiumFile === undefined ? undefined : startBrowser()]);
    client = await park.signIn();
    if (browser !== undefined) {
      const context = await visit(browser, park);
      watch = await Watch.over(context, park);
      watch.expect(NOT_SIGNED_IN);
      watch.expect(NOT_YET_HERE);
      page = await openConsole(context);
      // The list makes only the rows that are in sight: all are.
      await page.setViewportSize({ width: 1440, height: 3000 });
    }
    for (const zone of [1, 2, 4]) await intruder(zone, true);
    await trip(true);
    await park.hold("ahu-1", "supply-fan-fault", true, CUT_S + 900);
    await park.set("fire-panel", "zone-a1-detector", true);
    const raised = [...[1, 2, 4].map(zoneAlarm), TRIP, FAN, "fire-a1"];
    for (const definition of raised) await alarmWhen(client, definition, ({ live }) => live);
    for (const zone of [2, 4]) await intruder(zone, false);
    for (const zone of [2, 4]) await alarmWhen(client, zoneAlarm(zone), ({ live }) => !live);
    before = new Map(await Promise.all(raised.map(async (name) => [name, await only(name)] as const)));
    await liveThroughCut();
  },
  (CUT_S + 300) * 1000,
);
afterAll(async () => {
  await browser?.close();
  await park?.close();
});

async function liveThroughCut(): Promise<void> {
  const begun = performance.now();
  await park.scenario("gateway-cut", { seconds: CUT_S + 600 });
  const from = await fieldNow();
  await until("the gateway to be missed", async () => (await gateways()).every(({ online }) => !online) || undefined);
  await fieldGoesOn();
  await operatorActs();
  await killedTwice();
  await until("the end of the cut", () => performance.now() - begun >= CUT_S * 1000 || undefined, CUT_S * 1000);
  expect(await gateways()).toMatchObject([{ online: false }]);
  cut = { from, to: await fieldNow() };
  await park.endScenario("gateway-cut");
  await until(
    "the gateway to have told everything",
    async () => (await gateways()).every(({ online, backlog }) => online && backlog.events === 0) || undefined,
    60_000,
  );
}

/** What was there returns and comes again; new ones come and go; somebody acknowledges at the panel what came in the cut. */
async function fieldGoesOn(): Promise<void> {
  await intruder(1, false);
  await trip(false);
  await intruder(3, true);
  await lit(3);
  await intruder(3, false);
  await committed();
  await intruder(1, true);
  await trip(true);
  await intruder(4, true);
  await park.set("fire-panel", "zone-a2-detector", true);
  await committed();
  const panel = await atFirePanel(park);
  await panel.acknowledge("zone-a2-fire", "at the panel");
  await panel.close();
  await committed();
}

/** The operator sees what was before the cut. */
async function operatorActs(): Promise<void> {
  for (const name of [zoneAlarm(1), TRIP]) await act(client, seenBefore(name), "acknowledge");
  for (const name of [zoneAlarm(2), zoneAlarm(4)]) {
    await act(client, seenBefore(name), "acknowledge");
    await act(client, seenBefore(name), "reset");
  }
}

/** Killed once after a colleague's acknowledgement at the bus, and once while the panel is acknowledged and reset. */
async function killedTwice(): Promise<void> {
  const bacnet = await atBacnet(park);
  await bacnet.acknowledge("ahu-1", FAN_INPUT, "colleague");
  bacnet.close();
  await killGateway();
  await intruder(5, true);
  await lit(5);
  const panel = await atFirePanel(park);
  await killGateway(async () => {
    await panel.acknowledge("zone-a1-fire", "at the panel");
    await park.set("fire-panel", "zone-a1-detector", false);
    await park.set("fire-panel", "reset-command", true);
  });
  await panel.close();
  await intruder(6, true);
  await lit(6);
  await intruder(6, false);
  await committed();
}

/** The journal of an alarm, without the calls for help that the cloud makes by itself when a cut lasts. */
async function journalOf({ id }: Pick<AlarmView, "id">): Promise<readonly JournalEntry[]> {
  const { journal } = await alarmDetail(client, id);
  return journal.filter(({ transition }) => transition !== "escalated");
}

/** What happened to an alarm by its journal, in order, as `transition occurrence`, with who did it. */
async function told(alarm: Pick<AlarmView, "id">): Promise<readonly string[]> {
  return (await journalOf(alarm)).map(({ transition, occurrence, actor }) =>
    [transition, String(occurrence), ...(actor === undefined ? [] : [`by ${actor}`])].join(" "),
  );
}

describe("AL-15 after the uplink was cut and the gateway killed twice in the cut", () => {
  it.each([
    {
      what: "an intrusion that went and came again is not acknowledged by who saw the first one",
      definition: zoneAlarm(1),
      is: { occurrence: 2, condition: "active", live: true, acknowledged: false },
      journal: ["raised 1", "acknowledged 1 by admin", "cleared 1", "raised 2"],
    },
    {
      what: "an equipment alarm that went and came again is not either",
      definition: TRIP,
      is: { occurrence: 2, condition: "active", live: true, acknowledged: false },
      journal: ["raised 1", "acknowledged 1 by admin", "cleared 1", "raised 2"],
    },
    {
      what: "an intrusion that was over is closed by the operator",
      definition: zoneAlarm(2),
      is: { occurrence: 1, condition: "inactive", live: false, acknowledged: true, resetBy: "admin" },
      journal: ["raised 1", "cleared 1", "acknowledged 1 by admin", "reset 1 by admin"],
    },
    {
      what: "an intrusion that the operator closed and that comes again stays open",
      definition: zoneAlarm(4),
      is: { occurrence: 2, condition: "active", live: true, acknowledged: false },
      journal: ["raised 1", "cleared 1", "acknowledged 1 by admin", "reset 1 by admin", "raised 2"],
    },
    {
      what: "what a colleague acknowledged on the BACnet network is acknowledged",
      definition: FAN,
      is: { occurrence: 1, condition: "active", live: true, acknowledged: true, acknowledgedBy: "field" },
      journal: ["raised 1", "acknowledged 1 by field"],
    },
    {
      what: "a fire acknowledged at the panel and reset there while the gateway was dead is acknowledged and latched",
      definition: "fire-a1",
      is: { occurrence: 1, condition: "latched", live: false, acknowledged: true, acknowledgedBy: "field" },
      journal: ["raised 1", "cleared 1", "acknowledged 1 by field"],
    },
    {
      what: "a fire that outlives the panel's reset is another occurrence, which nobody has acknowledged",
      definition: "fire-a2",
      is: { occurrence: 2, condition: "active", live: true, acknowledged: false },
      journal: ["raised 1", "acknowledged 1 by field", "cleared 1", "raised 2"],
    },
    {
      what: "an intruder who came and went in the cut is told",
      definition: zoneAlarm(3),
      is: { occurrence: 1, condition: "latched", live: false, acknowledged: false },
      journal: ["raised 1", "cleared 1"],
    },
    {
      what: "an intruder who came in the cut and is still there is told",
      definition: zoneAlarm(5),
      is: { occurrence: 1, condition: "active", live: true, acknowledged: false },
      journal: ["raised 1"],
    },
    {
      what: "an intruder who came and went after the second kill is told",
      definition: zoneAlarm(6),
      is: { occurrence: 1, condition: "latched", live: false, acknowledged: false },
      journal: ["raised 1", "cleared 1"],
    },
  ])("$what, and its journal has each step once and in order", async ({ definition, is, journal }) => {
    const alarm = await alarmWhen(
      client,
      definition,
      ({ occurrence, live }) => occurrence === is.occurrence && live === is.live,
    );
    expect(await only(definition)).toMatchObject({ id: before.get(definition)?.id ?? alarm.id, stale: false, ...is });
    expect(await told(alarm)).toEqual(journal);
  });

  it("what happened in the cut bears the times of the field, and what the gateway told is in their order", async () => {
    const during = ({ at }: { at: string }): boolean => Date.parse(at) >= cut.from && Date.parse(at) <= cut.to;
    for (const definition of [3, 5, 6].map(zoneAlarm)) {
      const journal = await journalOf(await only(definition));
      expect(
        journal.filter((entry) => !during(entry)),
        definition,
      ).toEqual([]);
    }
    for (const definition of [...before.keys(), ...[3, 5, 6].map(zoneAlarm), "fire-a2"]) {
      const journal = await journalOf(await only(definition));
      const times = journal.filter(({ actor }) => actor === undefined).map(({ at }) => at);
      expect(times, definition).toEqual(times.toSorted());
    }
  });

  it("the open list is that of the perimeter panel", async () => {
    const { signals } = await park.device("perimeter-panel");
    const open = await client.all<AlarmView>("/alarms");
    const live = open.filter((alarm) => alarm.live).map(({ definition }) => definition);
    expect(PERIMETER_ZONES.filter((zone) => live.includes(zoneAlarm(zone)))).toEqual(
      PERIMETER_ZONES.filter((zone) => signals[`zone-${zone}-alarm`]?.value === true),
    );
    expect(PERIMETER_ZONES.filter((zone) => live.includes(zoneAlarm(zone)))).toEqual([1, 4, 5]);
  });

  it("the open list is that of the BACnet devices, as another workstation reads it from them [MP-01]", async () => {
    const definitions = await client.all<DefinitionView>("/alarm-definitions");
    const open = await client.all<AlarmView>("/alarms");
    const bacnet = await atBacnet(park);
    const listed: Record<string, readonly DeviceCondition[]> = {};
    for (const device of ["ahu-1", "ahu-2", "chiller-plant"]) {
      const own = (await bacnet.conditions(device)).filter(({ active }) => active);
      const here = open.flatMap((alarm) => {
        const condition = conditionOf(alarm, definitions);
        if (alarm.device !== `demo-park/gw-1/${device}` || !alarm.live || condition === undefined) return [];
        return [{ condition, active: true, acknowledged: alarm.acknowledged }];
      });
      expect(here.toSorted(byName), device).toEqual(own.toSorted(byName));
      listed[device] = here;
    }
    bacnet.close();
    expect(listed).toMatchObject({
      "ahu-1": [{ condition: `binary-input:${FAN_INPUT}`, acknowledged: true }],
      "chiller-plant": [{ acknowledged: false }],
    });
  });

  it("the open list is that of the fire panel, as another OPC UA client reads it from there [MP-01]", async () => {
    const panel = await atFirePanel(park);
    const own = await Promise.all(FIRE_ZONES.map((zone) => panel.condition(`zone-${zone}-fire`)));
    await panel.close();
    const here = await Promise.all(
      FIRE_ZONES.map(async (zone) => {
        const [alarm] = await alarmsOf(client, `fire-${zone}`);
        const { live: active = false, acknowledged = true } = alarm ?? {};
        return { condition: `zone-${zone}-fire`, active, acknowledged };
      }),
    );
    expect(here).toEqual(own);
    expect(own.filter(({ active }) => active).map(({ condition }) => condition)).toEqual(["zone-a2-fire"]);
  });

  it.skipIf(chromiumFile === undefined)(
    "a page that was open all the time shows the open list without a reload",
    async () => {
      if (page === undefined || watch === undefined) throw new Error("no page");
      const fold = page.getByTestId("fold-toggle");
      if ((await fold.count()) > 0 && (await fold.getAttribute("aria-pressed")) === "true") await fold.click();
      const rows = page.getByTestId("alarm-row");
      const shown = () =>
        rows.evaluateAll((all) =>
          all.map((row) => [row.getAttribute("data-alarm") ?? "", row.classList.contains("row-quiet")] as const),
        );
      const open = async () =>
        (await client.all<AlarmView>("/alarms"))
          .filter(({ suppression }) => suppression.length === 0)
          .map(({ id, acknowledged }) => [id, acknowledged] as const);
      // What is still on its way is told to both: they come to the same.
      const here = await until("the page to show the open list", async () => {
        const [rows, list] = [(await shown()).toSorted(), (await open()).toSorted()];
        return isDeepStrictEqual(rows, list) ? rows : undefined;
      });
      expect(here.length).toBeGreaterThanOrEqual(STAND_OPEN);
      expect(watch.loads).toBe(1);
      expect(watch.complaints).toEqual([]);
    },
  );
});

function byName(a: DeviceCondition, b: DeviceCondition): number {
  return a.condition < b.condition ? -1 : 1;
}

/** Name of the device's condition that an alarm stands for; undefined when it stands for none. */
function conditionOf(alarm: AlarmView, definitions: readonly DefinitionView[]): string | undefined {
  const view = definitions.find(({ definition }) => definition.id === alarm.definition);
  if (view?.definition.condition.type === "field") return view.definition.condition.condition;
  return foundCondition(alarm);
}
