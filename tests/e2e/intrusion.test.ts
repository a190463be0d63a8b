import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { ApiClient } from "./api-client.ts";
import { act, alarmDetail, alarmsOf, alarmWhen, dealWith, picture, refusal, runsOf } from "./guard.ts";
import { LiveClient } from "./live-client.ts";
import { Park, until } from "./park.ts";

interface Notice {
  readonly id: string;
  readonly popup: boolean;
  readonly camera?: string;
  readonly alarm?: string;
  readonly rule?: string;
}

/** How long the intruder stays: long enough to acknowledge and be refused a reset while he is there, s. */
const INTRUSION_SECONDS = 8;
const ZONE_3 = "zone-3-intrusion";

let park: Park;
let client: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

const runsOfRule = (rule: string): Promise<RunView[]> => client.all<RunView>(`/rules/${rule}/runs`);

describe("an intrusion at zone 3", () => {
  let alarm: AlarmView;
  let page: LiveClient<AlarmView>;
  let notices: LiveClient<Notice>;
  let from: number;
  let fieldSeq: number;

  beforeAll(async () => {
    page = await LiveClient.open<AlarmView>(client, "alarms");
    notices = await LiveClient.open<Notice>(client, "notices");
    await until("both views", () => (page.messages.length > 0 && notices.messages.length > 0) || undefined);
    ({ at: from, seq: fieldSeq } = await park.simulatorState());
    await park.scenario("intrusion-zone-3", { seconds: INTRUSION_SECONDS });
    alarm = await until("the alarm on the live page", () =>
      [...page.items.values()].find(({ definition }) => definition === ZONE_3),
    );
  });
  afterAll(() => {
    page?.close();
    notices?.close();
  });

  it("comes to an open page without being asked for, with law, place and times", async () => {
    expect(alarm).toMatchObject({
      occurrence: 1,
      law: "security",
      category: "intrusion",
      priority: "urgent",
      condition: "active",
      live: true,
      acknowledged: false,
      suppression: [],
      gateway: "demo-park/gw-1",
      point: "demo-park/gw-1/perimeter-panel/zone-3-alarm",
      zone: "zone-3",
      area: "perimeter-3",
      message: "3 号防区入侵",
      messageEn: "Intrusion at zone 3",
      value: true,
    });
    const seen = (await park.changes("perimeter-panel", "zone-3-alarm", from)).find(({ value }) => value === true);
    expect(Date.parse(alarm.raisedAt)).toBeGreaterThanOrEqual(seen?.at ?? Number.NaN);
    expect(Date.parse(alarm.receivedAt)).toBeGreaterThanOrEqual(Date.parse(alarm.raisedAt));
    expect(Date.parse(alarm.receivedAt)).toBeLessThanOrEqual(Date.now());
  });

  it("turns its camera to the zone and its light on", async () => {
    await expect.poll(async () => (await park.device("cam-3")).ptz).toMatchObject({ preset: "zone-3", moving: false });
    const lighting = await park.device("street-lighting");
    expect(lighting.signals["zone-3-light"]).toMatchObject({ value: true });
    expect(Object.keys(lighting.written)).toEqual(["zone-3-light"]);
    const actions = (await park.fieldLog(fieldSeq)).filter(({ type }) => type === "action");
    expect(actions.map(({ device, detail }) => [device, detail])).toEqual([["cam-3", "goToPreset zone-3"]]);
  });

  it("keeps one picture, which is a JPEG of the camera", async () => {
    alarm = await alarmWhen(client, ZONE_3, ({ snapshots }) => snapshots.length > 0);
    expect(alarm.snapshots).toHaveLength(1);
    const [url = ""] = alarm.snapshots;
    const { width, height, sha } = await picture(client, url);
    expect([width, height].every((pixels) => pixels >= 240)).toBe(true);
    expect(url.endsWith(sha)).toBe(true);
  });

  it("has one run, made on the gateway, with all its steps done", async () => {
    alarm = await alarmWhen(client, ZONE_3, ({ runs }) => runs.length > 0);
    const runs = await runsOf(client, alarm);
    expect(runs).toMatchObject([
      { rule: "perimeter-intrusion", alarm: alarm.id, ranOn: "demo-park/gw-1", outcome: "fired" },
    ]);
    expect(runs[0]?.steps.map(({ action, status, target }) => [action, status, target])).toEqual([
      ["ptzPreset", "done", "demo-park/gw-1/cam-3"],
      ["writePoint", "done", "demo-park/gw-1/street-lighting/zone-3-light"],
      ["recordClip", "done", "demo-park/gw-1/cam-3"],
      ["snapshot", "done", "demo-park/gw-1/cam-3"],
      ["notifyConsole", "done", undefined],
    ]);
    expect(runs[0]?.steps.find(({ action }) => action === "snapshot")?.snapshot).toBe(alarm.snapshots[0]);
  });

  it("opens once at the console by itself", async () => {
    await expect
      .poll(() => notices.told)
      .toMatchObject([{ rule: "perimeter-intrusion", alarm: alarm.id, popup: true, camera: "demo-park/gw-1/cam-3" }]);
  });

  it("is neither reset nor shelved while the intruder is there", async () => {
    expect(await refusal(act(client, alarm, "reset"))).toEqual({ status: 409, code: "ALARM_STILL_ACTIVE" });
    const shelve = client.post(`/alarms/${alarm.id}/shelve`, { occurrence: 1, comment: "quiet", minutes: 5 });
    expect(await refusal(shelve)).toEqual({ status: 409, code: "ALARM_LAW_FORBIDS" });
    expect(await alarmDetail(client, alarm.id)).toMatchObject({ condition: "active", acknowledged: false });
  });

  it("stays latched when he is gone, and is not reset before it is acknowledged", async () => {
    alarm = await alarmWhen(client, ZONE_3, ({ live }) => !live);
    expect(alarm).toMatchObject({ condition: "latched", acknowledged: false, occurrence: 1 });
    expect(await refusal(act(client, alarm, "reset"))).toEqual({ status: 409, code: "ALARM_NOT_ACKNOWLEDGED" });
    expect(await refusal(act(client, { id: alarm.id, occurrence: 2 }, "acknowledge"))).toEqual({
      status: 409,
      code: "ALARM_OCCURRENCE_UNKNOWN",
    });
    expect(await alarmDetail(client, alarm.id)).toMatchObject({ condition: "latched", acknowledged: false });
  });

  it("is closed by acknowledge and reset, and leaves the open page", async () => {
    expect(await act(client, alarm, "acknowledge")).toMatchObject({ acknowledged: true, acknowledgedBy: "admin" });
    expect(await act(client, alarm, "reset")).toMatchObject({ condition: "inactive", resetBy: "admin" });
    await expect.poll(() => page.items.has(alarm.id)).toBe(false);
    const detail = await alarmDetail(client, alarm.id);
    expect(detail.journal.map(({ transition }) => transition).toSorted()).toEqual([
      "acknowledged",
      "cleared",
      "raised",
      "reset",
    ]);
  });

  it("was exactly one alarm", async () => {
    expect((await alarmsOf(client, ZONE_3)).map(({ id, occurrence }) => [id, occurrence])).toEqual([[alarm.id, 1]]);
    expect(new Set(page.told.filter(({ zone }) => zone === "zone-3").map(({ id }) => id))).toEqual(new Set([alarm.id]));
    expect(await runsOfRule("perimeter-intrusion")).toHaveLength(1);
  });

  it("was closed on the gateway too: the next intrusion is another alarm", async () => {
    await park.scenario("intrusion-zone-3", { seconds: 4 });
    const second = await alarmWhen(client, ZONE_3, ({ id }) => id !== alarm.id);
    expect(second).toMatchObject({ occurrence: 1, law: "security" });
    await act(client, second, "acknowledge");
    expect(await refusal(act(client, second, "reset"))).toEqual({ status: 409, code: "ALARM_STILL_ACTIVE" });
    await dealWith(client, ZONE_3);
    expect((await alarmsOf(client, ZONE_3)).map(({ id }) => id)).toEqual([second.id, alarm.id]);
    await expect.poll(async () => (await runsOfRule("perimeter-intrusion")).length).toBe(2);
    expect(await alarmDetail(client, alarm.id)).toMatchObject({ condition: "inactive", occurrence: 1 });
  });
});

describe("other events of the park", () => {
  it("latch a tamper contact without turning a camera", async () => {
    const { seq } = await park.simulatorState();
    await park.scenario("tamper-zone-5", { seconds: 2 });
    const alarm = await alarmWhen(client, "zone-5-tamper", ({ live }) => !live);
    expect(alarm).toMatchObject({
      law: "security",
      category: "tamper",
      priority: "high",
      condition: "latched",
      occurrence: 1,
      zone: "zone-5",
      area: "perimeter-5",
      snapshots: [],
    });
    await dealWith(client, "zone-5-tamper");
    expect(await alarmsOf(client, "zone-5-tamper")).toHaveLength(1);
    expect((await park.fieldLog(seq)).filter(({ type }) => type === "action")).toEqual([]);
  });

  it("latch a panic button that was let go at once, with a picture of the room", async () => {
    await park.scenario("panic-button", { seconds: 2 });
    const alarm = await alarmWhen(client, "panic-1", ({ live, snapshots }) => !live && snapshots.length > 0);
    expect(alarm).toMatchObject({
      law: "security",
      category: "panic",
      priority: "urgent",
      condition: "latched",
      zone: "panic-1",
      area: "control-room",
    });
    await picture(client, alarm.snapshots[0] ?? "");
    expect(await runsOf(client, await alarmWhen(client, "panic-1", ({ runs }) => runs.length > 0))).toMatchObject([
      { rule: "panic-button", outcome: "fired", steps: [{ status: "done" }, { status: "done" }] },
    ]);
    await dealWith(client, "panic-1");
    expect(await alarmsOf(client, "panic-1")).toHaveLength(1);
  });

  it("let a chiller trip return to normal by itself, under the facility law", async () => {
    await park.scenario("chiller-trip", { seconds: 4 });
    const definition = "chiller-plant.chiller-1-trip";
    const raised = await alarmWhen(client, definition, ({ live }) => live);
    expect(raised).toMatchObject({
      law: "facility",
      category: "equipment",
      priority: "high",
      condition: "active",
      state: "B",
      area: "plant-room",
    });
    expect(await refusal(act(client, raised, "reset"))).toEqual({ status: 409, code: "ALARM_LAW_FORBIDS" });
    const cleared = await alarmWhen(client, definition, ({ live }) => !live);
    expect(cleared).toMatchObject({ id: raised.id, condition: "inactive", acknowledged: false, state: "D" });
    expect(await act(client, cleared, "acknowledge")).toMatchObject({ acknowledged: true, state: "A" });
    expect(await alarmsOf(client, definition)).toHaveLength(1);
  });
});
