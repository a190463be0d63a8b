import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { DeviceView } from "#core/contracts/devices.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "./api-client.ts";
import { tookValue } from "./field.ts";
import { act, alarmsOf, alarmWhen, dealWith, eventsOf, journalOf, refusal } from "./guard.ts";
import { Park, until } from "./park.ts";
import { deviceConfig } from "./site.ts";

const PANEL = "demo-park/gw-1/burglar-panel";
const COMMUNICATION = `comm:${PANEL}`;
/** Supervision of the panel's account: the panel speaks every 20 s. */
const SUPERVISION = { supervisionS: 20, graceS: 5 } as const;
const SUPERVISION_MS = (SUPERVISION.supervisionS + SUPERVISION.graceS) * 1000;
const PANEL_MS = 20_000;
/** So long a detector must be violated for a panel to take it as an alarm, ms. [EN 50131-3] */
const LOOP_MS = 400;

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start({}, undefined, deviceConfig("burglar-panel", SUPERVISION));
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

const definitionOf = (zone: number): string => `burglar-panel.zone-${zone}-alarm`;
const intruderIn = (zone: number, there: boolean): Promise<void> =>
  park.set("burglar-panel", `zone-${zone}-alarm`, there);
const transitionsOf = async ({ id }: AlarmView) => (await journalOf(client, id)).map(({ transition }) => transition);
/** SIA codes that the hub holds of a zone, in the order of their telling: BA burglary, BR its restore. [SIA DC-03] */
async function codesOf(zone: number): Promise<readonly unknown[]> {
  const events = await eventsOf(client, PANEL, "panelEvent");
  return events.flatMap(({ data }) => {
    const burglary = String(data?.["code"]).startsWith("B");
    return burglary && data?.["zone"] === String(zone) ? [data["code"]] : [];
  });
}

describe("an intruder at a zone of the burglar panel", () => {
  it("is an urgent security alarm within two seconds, and stays one until a person resets it", async () => {
    const { at } = await park.simulatorState();
    await intruderIn(1, true);
    const entered = await tookValue(park, "burglar-panel", "zone-1-alarm", true, at);
    const raised = await alarmWhen(client, definitionOf(1), ({ live }) => live, 5000);
    expect(raised).toMatchObject({
      occurrence: 1,
      law: "security",
      category: "intrusion",
      priority: "urgent",
      condition: "active",
      point: `${PANEL}/zone-1-alarm`,
    });
    const [first] = await journalOf(client, raised.id);
    expect((first?.receivedAt ?? Number.NaN) - entered).toBeLessThanOrEqual(2000);
    expect(await refusal(act(client, raised, "reset"))).toEqual({ status: 409, code: "ALARM_STILL_ACTIVE" });

    await intruderIn(1, false);
    const gone = await alarmWhen(client, definitionOf(1), ({ live }) => !live);
    expect(gone).toMatchObject({ id: raised.id, condition: "latched", acknowledged: false });
    expect(await codesOf(1)).toEqual(["BA", "BR"]);
    await dealWith(client, definitionOf(1));
    expect(await alarmsOf(client, definitionOf(1))).toHaveLength(1);
  });
});

describe("a gateway that is killed", { timeout: 60_000 }, () => {
  async function killed(meanwhile: () => Promise<void>): Promise<void> {
    park.launcher("SIGSTOP");
    const before = park.kill("gw-1");
    await meanwhile();
    park.launcher("SIGCONT");
    await until("the gateway to be started again", () => park.pid("gw-1") !== before || undefined);
    await expect.poll(() => park.isReady().catch(() => undefined), { timeout: 30_000 }).toBe(true);
  }

  it("between an alarm and its restore loses neither and doubles neither", async () => {
    await intruderIn(2, true);
    const raised = await alarmWhen(client, definitionOf(2), ({ live }) => live);
    await killed(() => intruderIn(2, false));
    const gone = await alarmWhen(client, definitionOf(2), ({ live }) => !live);
    expect(gone).toMatchObject({ id: raised.id, occurrence: 1, condition: "latched" });
    expect(await transitionsOf(gone)).toEqual(["raised", "cleared"]);
    expect(await codesOf(2)).toEqual(["BA", "BR"]);
    expect(await alarmsOf(client, definitionOf(2))).toHaveLength(1);
  });

  it("before an intruder comes and goes is told of him when it is back, once", async () => {
    await killed(async () => {
      const entered = performance.now();
      await intruderIn(3, true);
      // Long enough for the panel's own look at its loops.
      await until("the panel to have seen him", () => performance.now() - entered > LOOP_MS || undefined);
      await intruderIn(3, false);
    });
    const gone = await alarmWhen(client, definitionOf(3), ({ live }) => !live);
    expect(gone).toMatchObject({ occurrence: 1, condition: "latched", acknowledged: false });
    expect(await transitionsOf(gone)).toEqual(["raised", "cleared"]);
    expect(await codesOf(3)).toEqual(["BA", "BR"]);
    expect(await alarmsOf(client, definitionOf(3))).toHaveLength(1);
    const { items } = await client.get<{ items: GatewayView[] }>("/gateways");
    expect(items).toMatchObject([{ online: true, gaps: [], quarantined: 0 }]);
  });
});

describe("a burglar panel that is not heard of", { timeout: 120_000 }, () => {
  const panel = async () => (await client.all<DeviceView>("/devices")).find(({ id }) => id === PANEL);
  const qualities = async () => {
    const points = (await client.all<PointView>("/points")).filter(({ device }) => device === PANEL);
    return [...new Set(points.map(({ current }) => current.quality))];
  };

  it("for its supervision is one communication alarm and no intrusion, and tells what it kept when it is back", async () => {
    const { at } = await park.simulatorState();
    await park.scenario("field-cut", { device: "burglar-panel", seconds: 3600 });
    await intruderIn(4, true);
    const lost = await alarmWhen(client, COMMUNICATION, ({ live }) => live, SUPERVISION_MS + 10_000);
    // Counted from the last frame, which may be older than the cut by the panel's interval.
    expect(Date.parse(lost.raisedAt) - at).toBeGreaterThan(SUPERVISION_MS - PANEL_MS - 1000);
    expect(lost).toMatchObject({ occurrence: 1, law: "facility", category: "communication" });
    expect(await panel()).toMatchObject({ online: false, reason: "commLost" });
    expect(await qualities()).toEqual(["bad"]);
    expect(await alarmsOf(client, definitionOf(4))).toEqual([]);

    await park.endScenario("field-cut");
    await alarmWhen(client, COMMUNICATION, ({ live }) => !live);
    await alarmWhen(client, definitionOf(4), ({ live }) => live);
    await expect.poll(qualities).toEqual(["good"]);
    expect(await panel()).toMatchObject({ online: true });
    expect(await transitionsOf(lost)).toEqual(["raised", "cleared"]);
    expect(await alarmsOf(client, COMMUNICATION)).toHaveLength(1);
    await intruderIn(4, false);
    await dealWith(client, definitionOf(4));
    expect(await codesOf(4)).toEqual(["BA", "BR"]);
  });
});
