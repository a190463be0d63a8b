import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { DeviceEventView, DeviceView } from "#core/contracts/devices.ts";
import type { HistoryView } from "#core/contracts/history.ts";
import type { PointView } from "#core/contracts/points.ts";
import { TREND_MS } from "#simulators/park-bacnet.ts";
import type { ApiClient } from "./api-client.ts";
import { chromiumFile, openConsole, startBrowser, visit } from "./browser.ts";
import { alarmWhen, eventsOf, journalOf } from "./guard.ts";
import { Park, until } from "./park.ts";

/** How long the field network is cut, s. Five minutes: PARKHUB_TEST_CUT_S=300. */
const CUT_S = Number(process.env["PARKHUB_TEST_CUT_S"] ?? 30);
/** How soon after the cut its devices must be back and healed. */
const HEALED_MS = 40_000;
/** A rebooted controller must be subscribed to again within so long; and a change is told by COV, not by a poll, within so long. */
const SUBSCRIBED_MS = 60_000;
const COV_MS = 5000;
const REBOOT_S = 5;
const AHU = "demo-park/gw-1/ahu-1";
const VAV = "demo-park/gw-1/vav-controller-1";
const MEASURED = ["supply-air-temperature", "return-air-temperature", "supply-duct-pressure", "filter-pressure"];
/** A record is made at the device's first look after its time, and the clocks are one here. */
const RECORD_MS = 1500;

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

type Samples = NonNullable<HistoryView["samples"]>;

const iso = (at: number): string => new Date(at).toISOString();
const pointOf = (id: string): Promise<PointView> => client.get(`/points/${encodeURIComponent(id)}`);
const isOnline = async (id: string): Promise<boolean | undefined> =>
  (await client.all<DeviceView>("/devices")).find((device) => device.id === id)?.online;

async function historyOf(point: string, from: number, to: number): Promise<Samples> {
  const range = new URLSearchParams({ from: iso(from), to: iso(to), limit: "5000" });
  const { samples = [] } = await client.get<HistoryView>(`/points/${encodeURIComponent(point)}/history?${range}`);
  return samples;
}

/** Alarms that a device itself told. */
async function ownAlarms(device: string): Promise<AlarmView[]> {
  const all = await client.all<AlarmView>("/alarms?state=all");
  return all.filter((alarm) => alarm.device === device && alarm.definition !== `comm:${device}`);
}

describe("air handling units after a cut of the field network", { timeout: (CUT_S + 120) * 1000 }, () => {
  let cut: number;
  let end: number;
  let healed: DeviceEventView;

  beforeAll(
    async () => {
      await until("the unit to be online", async () => (await isOnline(AHU)) || undefined);
      expect(await ownAlarms(AHU)).toEqual([]);
      cut = (await park.simulatorState()).at;
      await park.scenario("field-cut", { seconds: CUT_S });
      await alarmWhen(client, `comm:${AHU}`, ({ live }) => live);
      await park.hold("ahu-1", "freeze-alarm", true);
      await until(
        "the frost to be seen by the unit",
        async () => (await park.simulatorState()).at > cut + 15_000 || undefined,
      );
      await park.hold("ahu-1", "freeze-alarm", false);
      await alarmWhen(client, `comm:${AHU}`, ({ live }) => !live, CUT_S * 1000 + HEALED_MS);
      end = (await park.simulatorState()).at;
      healed = await until(
        "the journal to say that the history is healed",
        async () => (await eventsOf(client, AHU, "historyHealed"))[0],
        HEALED_MS,
      );
    },
    (CUT_S + 120) * 1000,
  );

  it("have no hole in their history: it is filled from their trend logs, and marked", async () => {
    for (const name of MEASURED) {
      const samples = await historyOf(`${AHU}/${name}`, cut - 60_000, end + 5000);
      const filled = samples.filter(({ historical }) => historical);
      expect(filled.length, name).toBeGreaterThanOrEqual(Math.floor((CUT_S * 1000) / TREND_MS) - 1);
      const times = filled.map(({ t }) => Date.parse(t));
      expect(Math.min(...times), name).toBeGreaterThan(cut - 30_000);
      expect(Math.max(...times), name).toBeLessThanOrEqual(end);
      // each record once, and none missing between two of them
      const steps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
      for (const step of steps) expect(Math.abs(step - TREND_MS), name).toBeLessThanOrEqual(RECORD_MS);
      expect(filled.every(({ quality }) => quality === "good")).toBe(true);
      // the live path told that it was lost, and the first value after it
      const lost = samples.findIndex(({ reason }) => reason === "commLost");
      expect(lost, name).toBeGreaterThanOrEqual(0);
      expect(samples.slice(lost).some(({ quality, historical }) => quality === "good" && !historical)).toBe(true);
    }
  });

  it("have in their history what the field has recorded of itself", async () => {
    const point = "supply-air-temperature";
    const changes = await park.changes("ahu-1", point, 0);
    const filled = (await historyOf(`${AHU}/${point}`, cut - 60_000, end)).filter(({ historical }) => historical);
    for (const { t, value } of filled) {
      const at = Date.parse(t);
      // what it held then, and what it took while the record was made
      const before = changes.findLast((change) => change.at < at - RECORD_MS);
      const then = changes.filter((change) => Math.abs(change.at - at) <= RECORD_MS);
      const held = [...(before === undefined ? [] : [before]), ...then].map((change) =>
        Math.fround(Number(change.value)),
      );
      expect(held, t).toContain(Math.fround(Number(value)));
    }
  });

  it("say in their journal, once, what was filled", async () => {
    const { data = {} } = healed;
    expect(Number(data["from"])).toBeLessThanOrEqual(cut + TREND_MS);
    expect(Number(data["to"])).toBeGreaterThanOrEqual(cut + CUT_S * 1000);
    expect(Number(data["points"])).toBeGreaterThanOrEqual(MEASURED.length);
    expect(Number(data["records"])).toBeGreaterThanOrEqual(
      Number(data["points"]) * (Math.floor((CUT_S * 1000) / TREND_MS) - 1),
    );
    expect(await eventsOf(client, AHU, "historyHealed")).toHaveLength(1);
  });

  it.skipIf(chromiumFile === undefined).for([
    ["zh-CN", "已由设备趋势日志补齐"],
    ["en-GB", "was filled up from the device's trend logs"],
  ] as const)("are shown as healed by the console, %s", async ([locale, words]) => {
    const browser = await startBrowser();
    try {
      const page = await openConsole(await visit(browser, park, { locale }));
      await page.getByTestId("nav-devices").click();
      await page.locator(`[data-testid="tree-device"][data-id="${AHU}"]`).click();
      await page.locator(`[data-point="${AHU}/${MEASURED[0]}"]`).click();
      await page.getByTestId("trend-chart").waitFor();
      const note = await page.getByTestId("trend-healed").textContent();
      expect(note).toContain(words);
      expect(note).toContain(String(healed.data?.["records"]));
    } finally {
      await browser.close();
    }
  });

  it("have the alarm that came and went meanwhile in the journal once", async () => {
    const alarms = await until("the alarm of the cut", async () => {
      const found = await ownAlarms(AHU);
      return found.length > 0 && found.every(({ live }) => !live) ? found : undefined;
    });
    expect(alarms).toHaveLength(1);
    const [alarm] = alarms;
    if (alarm === undefined) throw new Error("no alarm");
    expect(alarm).toMatchObject({ occurrence: 1 });
    expect(Date.parse(alarm.raisedAt)).toBeGreaterThanOrEqual(cut);
    const transitions = (await journalOf(client, alarm.id)).map(({ transition }) => transition);
    expect(transitions.filter((one) => one === "raised")).toHaveLength(1);
    expect(transitions.filter((one) => one === "cleared")).toHaveLength(1);
  });
});

describe("a gateway that was killed", { timeout: 120_000 }, () => {
  it("fills what its devices recorded meanwhile", async () => {
    const before = await eventsOf(client, AHU, "historyHealed");
    const { at: killed } = await park.simulatorState();
    park.launcher("SIGSTOP");
    park.kill("gw-1");
    await until(
      "two records to be made",
      async () => (await park.simulatorState()).at > killed + 2 * TREND_MS + RECORD_MS || undefined,
    );
    park.launcher("SIGCONT");
    const healed = await until(
      "the journal to say that the history is healed",
      async () => (await eventsOf(client, AHU, "historyHealed"))[before.length],
      60_000,
    );
    const to = Number(healed.data?.["to"]);
    const samples = await historyOf(`${AHU}/supply-air-temperature`, killed, to);
    const filled = samples.filter(({ historical }) => historical);
    expect(filled.length).toBeGreaterThanOrEqual(2);
    const times = filled.map(({ t }) => Date.parse(t));
    expect(times).toEqual([...new Set(times)].toSorted());
    expect(Math.min(...times)).toBeLessThanOrEqual(killed + TREND_MS + RECORD_MS);
    expect(Math.max(...times)).toBeGreaterThan(to - TREND_MS - RECORD_MS);
  });
});

describe("a controller that is rebooted", { timeout: SUBSCRIBED_MS + 60_000 }, () => {
  it("is subscribed to again within a minute, with no operator", async () => {
    const point = `${VAV}/vav-1-zone-temperature`;
    const told = async () => (await pointOf(point)).current.value;
    await until("the controller to be online", async () => (await isOnline(VAV)) || undefined);
    const { at } = await park.simulatorState();
    await park.scenario("device-reboot", { device: "vav-controller-1", seconds: REBOOT_S });
    await until("the controller to be down for its time", async () => {
      return (await park.simulatorState()).at > at + REBOOT_S * 1000 || undefined;
    });
    const back = performance.now();
    // what COV tells arrives at once; what was polled would take up to its turn
    let value = 21;
    await expect
      .poll(
        async () => {
          value = value === 21 ? 23 : 21;
          await park.hold("vav-controller-1", "vav-1-zone-temperature", value);
          const wanted = value;
          return until("the change", async () => (await told()) === wanted || undefined, COV_MS).catch(() => false);
        },
        { timeout: SUBSCRIBED_MS + COV_MS },
      )
      .toBe(true);
    value = value === 21 ? 23 : 21;
    await park.hold("vav-controller-1", "vav-1-zone-temperature", value);
    await expect.poll(told, { timeout: COV_MS }).toBe(value);
    process.stderr.write(`subscribed again ${Math.round(performance.now() - back)} ms after the controller's return\n`);
    expect(performance.now() - back).toBeLessThanOrEqual(SUBSCRIBED_MS);
  });
});
