import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandView } from "#core/contracts/commands.ts";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import { hasProduction } from "#tests/servers/production.ts";
import { CountingSignal, storedSamples } from "../faults/counting-signal.ts";
import type { ApiClient } from "./api-client.ts";
import { alarmDetail, alarmsOf, alarmWhen, dealWith, picture, runsOf } from "./guard.ts";
import { LiveClient } from "./live-client.ts";
import { Park, until } from "./park.ts";

const SETPOINT = "demo-park/gw-1/ahu-1/supply-air-temperature-setpoint";
const GOOD_SHARE = 0.99;
const COUNTED = 5;

describe.skipIf(!hasProduction())("the demo park on InfluxDB, Redis, PostgreSQL and Mosquitto", () => {
  let park: Park;
  let client: ApiClient;

  beforeAll(async () => {
    park = await Park.start({}, "production");
    client = await park.signIn();
  }, 120_000);
  afterAll(() => park?.close());

  const gateway = async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items[0];
  const nothingMissing = async (): Promise<void> => {
    await expect.poll(gateway).toMatchObject({ online: true, backlog: { events: 0 }, gaps: [], quarantined: 0 });
    const { lanes } = await client.get<Completeness>("/gateways/gw-1/completeness");
    expect(lanes.map(({ lane }) => lane).toSorted()).toEqual(["events", "telemetry"]);
    for (const { lane, from, upTo, stored, missing, gaps } of lanes)
      expect({ lane, stored, missing, gaps }).toEqual({ lane, stored: upTo - from + 1, missing: [], gaps: [] });
  };
  /** An intruder comes and goes; the alarm with all that belongs to it, when he is gone. */
  async function told(definition: string): Promise<string> {
    const alarm = await alarmWhen(
      client,
      definition,
      ({ live, snapshots, runs }) => !live && snapshots.length > 0 && runs.length > 0,
    );
    expect(alarm).toMatchObject({ occurrence: 1, law: "security", condition: "latched", acknowledged: false });
    await picture(client, alarm.snapshots[0] ?? "");
    const runs = await runsOf(client, alarm);
    expect(runs).toMatchObject([{ rule: "perimeter-intrusion", ranOn: "demo-park/gw-1", outcome: "fired" }]);
    expect(runs[0]?.steps.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "done"));
    const { journal } = await alarmDetail(client, alarm.id);
    expect(journal.map(({ transition }) => transition).toSorted()).toEqual(["cleared", "raised"]);
    await dealWith(client, definition);
    expect((await alarmsOf(client, definition)).map(({ id }) => id)).toEqual([alarm.id]);
    return alarm.id;
  }

  it("runs on all four, and has its points good", async () => {
    const ready = await (await fetch(`${client.base}/readyz`)).json();
    expect(ready).toMatchObject({
      parts: {
        records: { ready: true },
        telemetry: { ready: true, detail: expect.stringContaining("InfluxDB 1.") },
        jobs: { ready: true },
        broker: { ready: true, detail: `mqtt://${park.servers.broker}` },
      },
    });
    const keys = await park.servers.redisKeys("parkhub:demo-park*");
    expect(keys.length).toBeGreaterThan(0);
    const good = async (): Promise<number> => {
      const points = await client.all<PointView>("/points");
      return points.filter(({ current }) => current.quality === "good").length / points.length;
    };
    await expect.poll(good, { timeout: 30_000 }).toBeGreaterThanOrEqual(GOOD_SHARE);
    await nothingMissing();
  }, 45_000);

  it("keeps as history what the field produced, each value once and at its time", async () => {
    const counting = new CountingSignal(park);
    const { at } = await park.simulatorState();
    const url = `/points/${encodeURIComponent(CountingSignal.point)}`;
    for (let step = 0; step < COUNTED; step++) {
      const value = await counting.step();
      await expect
        .poll(async () => (await client.get<PointView>(url)).current)
        .toMatchObject({ value, quality: "good" });
    }
    const changes = (await counting.changes(at)).slice(-COUNTED);
    const samples = async () => await storedSamples(client, CountingSignal.point, (changes[0]?.at ?? 0) - 1);
    await expect
      .poll(async () => (await samples()).map(({ value }) => value))
      .toEqual(changes.map(({ value }) => value));
    for (const [index, { t }] of (await samples()).entries()) {
      expect(t).toBeGreaterThanOrEqual(changes[index]?.at ?? Number.NaN);
      expect(t).toBeLessThanOrEqual(changes[index + 1]?.at ?? Number.POSITIVE_INFINITY);
    }
  });

  it("tells an intrusion to an open page within two seconds, with linkage and picture", async () => {
    const page = await LiveClient.open<{ id: string; definition: string }>(client, "alarms");
    try {
      await until("the page", () => page.messages.length > 0 || undefined);
      const { at } = await park.simulatorState();
      await park.scenario("intrusion-zone-3", { seconds: 2 });
      const id = await told("zone-3-intrusion");
      expect([...new Set(page.told.map((alarm) => alarm.id))]).toEqual([id]);
      const entered = (await park.changes("perimeter-panel", "zone-3-alarm", at)).find(({ value }) => value === true);
      const { receivedAt } = (await alarmDetail(client, id)).journal[0] ?? {};
      expect(Date.parse(receivedAt ?? "") - (entered?.at ?? Number.NaN)).toBeLessThanOrEqual(2000);
    } finally {
      page.close();
    }
  }, 45_000);

  it("carries a command to the device and back", async () => {
    for (const value of [18.5, null]) {
      const { id } = await client.post<CommandView>("/commands", { point: SETPOINT, value });
      const done = await until("the end of the command", async () => {
        const view = await client.get<CommandView>(`/commands/${encodeURIComponent(id)}`);
        return view.status === "pending" || view.status === "sent" ? undefined : view;
      });
      expect(done).toMatchObject({ status: "done" });
      if (value !== null) expect(done.readBack).toBe(value);
    }
    expect(await client.get("/audit/verify")).toEqual({ whole: true });
  });

  it("is told of an intrusion exactly once that came and went while the cloud was dead", async () => {
    park.launcher("SIGSTOP");
    park.kill("cloud");
    await park.set("perimeter-panel", "zone-6-alarm", true);
    await expect.poll(async () => (await park.device("cam-3")).ptz).toMatchObject({ preset: "zone-6", moving: false });
    await park.set("perimeter-panel", "zone-6-alarm", false);
    park.launcher("SIGCONT");
    await expect.poll(() => park.isReady().catch(() => undefined), { timeout: 30_000 }).toBe(true);
    await told("zone-6-intrusion");
    await nothingMissing();
  }, 60_000);

  it("goes on with the same records and histories after Ctrl-C", async () => {
    const { at } = await park.simulatorState();
    const before = await storedSamples(client, CountingSignal.point, at - 60_000);
    expect(before.length).toBeGreaterThanOrEqual(COUNTED);
    expect(await park.interrupt()).toBe(0);
    await park.launch();
    client = await park.signIn();
    const now = await storedSamples(client, CountingSignal.point, at - 60_000);
    expect(now.slice(0, before.length)).toEqual(before);
    expect(await alarmsOf(client, "zone-6-intrusion")).toHaveLength(1);
    await nothingMissing();
  }, 60_000);

  it("has no password of a server in any log, nor anything at the level of an error", () => {
    const secrets = Object.values(park.servers.environment).flatMap((url) => new URL(url).password || []);
    expect(secrets).toHaveLength(2);
    for (const part of ["cloud", "gw-1", "simulators"] as const)
      for (const secret of secrets) expect(park.log(part, 100_000)).not.toContain(secret);
    const errors = park
      .log("cloud", 100_000)
      .split("\n")
      .filter((line) => /"level":[56]0/.test(line));
    expect(errors).toEqual([]);
  });
});
