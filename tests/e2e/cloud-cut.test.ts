import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { ApiClient } from "./api-client.ts";
import { alarmDetail, alarmsOf, alarmWhen, dealWith, picture, runsOf } from "./guard.ts";
import { Park, until } from "./park.ts";

/** A way in which the cloud is out of the gateway's reach, and the zone that is entered meanwhile: each zone once. */
interface Outage {
  readonly how: string;
  readonly zone: string;
  readonly camera: string;
  begin(park: Park): void | Promise<void>;
  end(park: Park): void | Promise<void>;
}

const OUTAGES: readonly Outage[] = [
  {
    how: "the uplink is reset and refused",
    zone: "zone-3",
    camera: "cam-3",
    async begin(park) {
      await park.scenario("gateway-cut", { seconds: 60, mode: "reset" });
      await gatewayIsMissed();
    },
    end: (park) => park.endScenario("gateway-cut"),
  },
  {
    how: "the uplink swallows every byte",
    zone: "zone-2",
    camera: "cam-1",
    async begin(park) {
      await park.scenario("gateway-cut", { seconds: 60, mode: "silent" });
      await gatewayIsMissed();
    },
    end: (park) => park.endScenario("gateway-cut"),
  },
  {
    how: "the cloud process stands still",
    zone: "zone-4",
    camera: "cam-3",
    begin: (park) => void park.kill("cloud", "SIGSTOP"),
    end: (park) => void park.kill("cloud", "SIGCONT"),
  },
  {
    how: "the cloud process is dead",
    zone: "zone-6",
    camera: "cam-3",
    begin(park) {
      park.launcher("SIGSTOP");
      park.kill("cloud");
    },
    end: (park) => park.launcher("SIGCONT"),
  },
];

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

/** Resolves when the cloud knows that it hears nothing of the gateway. */
async function gatewayIsMissed(): Promise<void> {
  const gateways = async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items;
  await expect.poll(gateways, { timeout: 25_000 }).toMatchObject([{ online: false }]);
}

async function intruderComesAndGoes(zone: string): Promise<void> {
  await park.set("perimeter-panel", `${zone}-alarm`, true);
  await until(`the light of ${zone}`, async () => {
    const { signals } = await park.device("street-lighting");
    return signals[`${zone}-light`]?.value === true || undefined;
  });
  await park.set("perimeter-panel", `${zone}-alarm`, false);
}

describe.each(OUTAGES)("an intrusion while $how", ({ zone, camera, begin, end }) => {
  const definition = `${zone}-intrusion`;

  it("still turns the camera and the light, and is told exactly once when the cloud is back", {
    timeout: 60_000,
  }, async () => {
    expect(await alarmsOf(client, definition)).toEqual([]);
    await begin(park);
    const { at } = await park.simulatorState();
    await intruderComesAndGoes(zone);
    await expect.poll(async () => (await park.device(camera)).ptz).toMatchObject({ preset: zone, moving: false });
    const gone = (await park.changes("perimeter-panel", `${zone}-alarm`, at)).at(-1);
    await end(park);

    await expect.poll(() => park.isReady().catch(() => undefined), { timeout: 30_000 }).toBe(true);
    const alarm = await alarmWhen(
      client,
      definition,
      ({ live, snapshots, runs }) => !live && snapshots.length > 0 && runs.length > 0,
    );
    expect(alarm).toMatchObject({ occurrence: 1, law: "security", condition: "latched", acknowledged: false, zone });
    // Its times are those of the field and of the gateway, not of the cloud's return.
    expect(Date.parse(alarm.raisedAt)).toBeGreaterThanOrEqual(at);
    expect(Date.parse(alarm.raisedAt)).toBeLessThanOrEqual(gone?.at ?? Number.NaN);

    expect(alarm.snapshots).toHaveLength(1);
    await picture(client, alarm.snapshots[0] ?? "");
    expect(await runsOf(client, alarm)).toMatchObject([
      {
        rule: "perimeter-intrusion",
        alarm: alarm.id,
        ranOn: "demo-park/gw-1",
        outcome: "fired",
        steps: [
          { action: "ptzPreset", status: "done" },
          { action: "writePoint", status: "done" },
          { action: "recordClip", status: "done" },
          { action: "snapshot", status: "done" },
          { action: "notifyConsole", status: "done" },
        ],
      },
    ]);
    expect((await alarmDetail(client, alarm.id)).journal.map(({ transition }) => transition).toSorted()).toEqual([
      "cleared",
      "raised",
    ]);
    await dealWith(client, definition);
    expect((await alarmsOf(client, definition)).map(({ id }) => id)).toEqual([alarm.id]);
  });
});

describe("after all outages", () => {
  it("each intrusion has one run, and nothing of any lane is missing", async () => {
    const runs = await client.all<RunView>("/rules/perimeter-intrusion/runs");
    expect(runs.map(({ alarm }) => alarm).toSorted()).toEqual([...new Set(runs.map(({ alarm }) => alarm))].toSorted());
    expect(runs).toHaveLength(OUTAGES.length);
    await expect
      .poll(async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items)
      .toMatchObject([{ online: true, backlog: { events: 0 }, gaps: [], quarantined: 0 }]);
    const { lanes } = await client.get<Completeness>("/gateways/gw-1/completeness");
    expect(lanes.map(({ lane }) => lane).toSorted()).toEqual(["events", "telemetry"]);
    for (const { lane, from, upTo, stored, missing, gaps } of lanes)
      expect({ lane, stored, missing, gaps }).toEqual({ lane, stored: upTo - from + 1, missing: [], gaps: [] });
  });
});
