import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { ClipView } from "#core/contracts/clips.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { RunView } from "#core/contracts/runs.ts";
import type { ApiClient } from "./api-client.ts";
import { actsOn, fieldDoor, modeNumber, tookValue } from "./field.ts";
import { act, alarmsOf, alarmWhen, dealWith, journalOf, picture, refusal, runsOf, SAID, video } from "./guard.ts";
import { Park, until } from "./park.ts";
import { clipsOf } from "./site.ts";

const FIRE = "fire-b1";
const RULE = "fire-building-b";
/** How soon a fire must be told and its doors and fans must have reacted, ms. */
const PROMPT_MS = 2000;
/** What the site's clips show, s: from so long before their alarm until so long after it. */
const BEFORE_S = 10;
const AFTER_S = 8;
const BEFORE_MS = BEFORE_S * 1000;
const AFTER_MS = AFTER_S * 1000;
/** What a busy gateway is granted to finish a clip and bring it, ms. */
const BRINGING_MS = 15_000;
/** A clip begins with a key frame: so much later than asked for at most, ms. */
const KEY_FRAME_MS = 2000;
const FANS = ["supply-fan", "return-fan"] as const;
const ESCAPE_DOORS = ["door-2", "door-3"] as const;

let park: Park;
let client: ApiClient;
let ready: number;

beforeAll(async () => {
  park = await Park.start({}, undefined, clipsOf(BEFORE_S, AFTER_S));
  ready = Date.now();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

const command = async (asked: Promise<CommandView>): Promise<CommandView> => {
  const { id } = await asked;
  return until("the command to end", async () => {
    const view = await client.get<CommandView>(`/commands/${encodeURIComponent(id)}`);
    return view.status === "pending" || view.status === "sent" ? undefined : view;
  });
};
const runsOfRule = (): Promise<RunView[]> => client.all<RunView>(`/rules/${RULE}/runs`);

/** Latest of the moments at which doors and fans had done their part, by the field's own record, Unix ms. */
async function reacted(onset: number): Promise<number> {
  const moments = await Promise.all([
    ...ESCAPE_DOORS.map((door) => tookValue(park, "door-controller", `${door}-mode`, modeNumber("LockedOpen"), onset)),
    ...FANS.map((fan) => tookValue(park, "ahu-2", `${fan}-command`, false, onset)),
    ...FANS.map((fan) => tookValue(park, "ahu-2", `${fan}-status`, false, onset)),
  ]);
  return Math.max(...moments);
}

/** What an operator does when the fire is over: locks the doors again and gives the fans back to their own control. */
async function putBack(): Promise<void> {
  for (const operation of ["lockOpenRelease", "lock"])
    for (const door of ESCAPE_DOORS)
      expect(await command(client.post(`/doors/${door}/operate`, { operation }))).toMatchObject({ status: "done" });
  for (const fan of FANS) {
    const point = `demo-park/gw-1/ahu-2/${fan}-command`;
    expect(await command(client.post("/commands", { point, value: null, priority: 2 }))).toMatchObject({
      status: "done",
    });
  }
  for (const door of ESCAPE_DOORS)
    expect(await fieldDoor(park, door)).toEqual({ mode: "Locked", lock: "Locked", open: false });
  await expect.poll(async () => (await park.device("ahu-2")).signals["supply-fan-status"]?.value).toBe(true);
}

async function expectClip(clips: readonly ClipView[], onset: number): Promise<void> {
  expect(clips).toHaveLength(1);
  const [clip] = clips;
  if (clip === undefined) return;
  expect(clip).toMatchObject({ state: "here", camera: "demo-park/gw-1/cam-4" });
  const [startedAt, triggerAt, endedAt] = [clip.startedAt, clip.triggerAt, clip.endedAt].map((at) => Date.parse(at));
  expect(triggerAt).toBeGreaterThanOrEqual(onset);
  expect(triggerAt).toBeLessThanOrEqual(onset + PROMPT_MS);
  expect(startedAt).toBeLessThanOrEqual((triggerAt ?? Number.NaN) - BEFORE_MS + KEY_FRAME_MS);
  expect(endedAt).toBeGreaterThanOrEqual((triggerAt ?? Number.NaN) + AFTER_MS - 1000);
  await video(client, clip);
}

const STEPS = [
  ["releaseEscapeDoors", "done", "demo-park/gw-1/door-controller"],
  ["writePoint", "done", "demo-park/gw-1/ahu-2/supply-fan-command"],
  ["writePoint", "done", "demo-park/gw-1/ahu-2/return-fan-command"],
  ["recordClip", "done", "demo-park/gw-1/cam-4"],
  ["snapshot", "done", "demo-park/gw-1/cam-4"],
  ["notifyConsole", "done", undefined],
];
const stepsOf = (run: RunView | undefined) => run?.steps.map(({ action, status, target }) => [action, status, target]);

describe("a fire in building B", () => {
  let onset: number;
  let seq: number;
  let alarm: AlarmView;

  beforeAll(async () => {
    await until("enough video from before the fire", () => Date.now() - ready > BEFORE_MS || undefined);
    ({ at: onset, seq } = await park.simulatorState());
    await park.scenario("fire-building-b", { seconds: 6 });
  });

  it("is an urgent security alarm of its zone within two seconds, told by the panel's own condition", async () => {
    const burns = await tookValue(park, "fire-panel", "zone-b1-fire", true, onset);
    alarm = await alarmWhen(client, FIRE, ({ live }) => live, 5000);
    expect(alarm).toMatchObject({
      occurrence: 1,
      law: "security",
      category: "fire",
      priority: "urgent",
      condition: "active",
      acknowledged: false,
      suppression: [],
      device: "demo-park/gw-1/fire-panel",
      zone: "fire-b1",
      area: "building-b-1",
      messageEn: "Fire: Building B, floor 1",
    });
    const [raised] = await journalOf(client, alarm.id);
    expect(raised).toMatchObject({ transition: "raised" });
    expect((raised?.receivedAt ?? Number.NaN) - burns).toBeLessThanOrEqual(PROMPT_MS);
    expect(Date.parse(alarm.raisedAt)).toBeGreaterThanOrEqual(burns);
  });

  it("opens the escape doors of its building and no other, and stops its fans, within two seconds", async () => {
    expect((await reacted(onset)) - onset).toBeLessThanOrEqual(PROMPT_MS);
    for (const door of ESCAPE_DOORS)
      expect(await fieldDoor(park, door)).toEqual({ mode: "LockedOpen", lock: "Unlocked", open: false });
    expect(await fieldDoor(park, "door-1")).toEqual({ mode: "Locked", lock: "Locked", open: false });
    expect((await actsOn(park, "door-controller", seq)).toSorted()).toEqual([
      "lockOpen door-2: done",
      "lockOpen door-3: done",
    ]);
    // Written at the life safety priority, above any operator. [BACnet 19.2, table 19-1]
    const { priorityArrays } = await park.device("ahu-2");
    for (const fan of FANS) expect(priorityArrays?.[`${fan}-command`]?.[1]).toBe(false);
    expect((await park.device("ahu-1")).signals["supply-fan-status"]).toMatchObject({ value: true });
  });

  it("has one run with every step done, and one picture of the building's front", async () => {
    alarm = await alarmWhen(client, FIRE, ({ snapshots, runs }) => snapshots.length > 0 && runs.length > 0);
    expect(alarm.snapshots).toHaveLength(1);
    await picture(client, alarm.snapshots[0] ?? "");
    const runs = await runsOf(client, alarm);
    expect(runs).toMatchObject([{ rule: RULE, alarm: alarm.id, ranOn: "demo-park/gw-1", outcome: "fired" }]);
    expect(stepsOf(runs[0])).toEqual(STEPS);
  });

  it("is not reset while it burns, nor before it is acknowledged, and stays when the panel was reset", async () => {
    expect(await refusal(act(client, alarm, "reset"))).toEqual({ status: 409, code: "ALARM_STILL_ACTIVE" });
    alarm = await alarmWhen(client, FIRE, ({ live }) => !live);
    expect(alarm).toMatchObject({ condition: "latched", acknowledged: false, occurrence: 1 });
    expect((await park.device("fire-panel")).signals["zone-b1-fire"]).toMatchObject({ value: false });
    expect(await refusal(act(client, alarm, "reset"))).toEqual({ status: 409, code: "ALARM_NOT_ACKNOWLEDGED" });
    expect(await actsOn(park, "fire-panel", seq)).toEqual([]);
  });

  it("is acknowledged at the panel when it is acknowledged in the hub, and closed by the reset after it", async () => {
    expect(await act(client, alarm, "acknowledge")).toMatchObject({ acknowledged: true, acknowledgedBy: "admin" });
    await expect.poll(() => actsOn(park, "fire-panel", seq)).toEqual([`zone-b1-fire acknowledged: ${SAID}`]);
    expect(await act(client, alarm, "reset")).toMatchObject({ condition: "inactive", resetBy: "admin" });
    // The panel waits for no more. [OPC 10000-9 §5.7.4]
    await expect
      .poll(() => actsOn(park, "fire-panel", seq))
      // What it asks for after the reset only is given without the words of then.
      .toEqual([`zone-b1-fire acknowledged: ${SAID}`, expect.stringMatching(/^zone-b1-fire confirmed/)]);
    expect((await journalOf(client, alarm.id)).map(({ transition }) => transition).toSorted()).toEqual([
      "acknowledged",
      "cleared",
      "raised",
      "reset",
    ]);
  });

  it("leaves doors open and fans off until a person puts them back", async () => {
    for (const door of ESCAPE_DOORS)
      expect(await fieldDoor(park, door)).toEqual({ mode: "LockedOpen", lock: "Unlocked", open: false });
    expect((await park.device("ahu-2")).signals["supply-fan-status"]).toMatchObject({ value: false });
    await putBack();
  });

  it("keeps the video from before it until after it, as its rule says", { timeout: 60_000 }, async () => {
    const isHere = ({ clips }: AlarmView) => clips.some(({ state }) => state === "here");
    const { clips } = await alarmWhen(client, FIRE, isHere, AFTER_MS + BRINGING_MS);
    await expectClip(clips, onset);
    expect(await alarmsOf(client, FIRE)).toHaveLength(1);
    expect(await runsOfRule()).toHaveLength(1);
  });
});

describe("a fire in building B while the cloud is dead", () => {
  let onset: number;
  let first: AlarmView | undefined;

  it("opens the escape doors and stops the fans all the same, within two seconds", async () => {
    [first] = await alarmsOf(client, FIRE);
    park.launcher("SIGSTOP");
    park.kill("cloud");
    ({ at: onset } = await park.simulatorState());
    await park.scenario("fire-building-b", { seconds: 3 });
    expect((await reacted(onset)) - onset).toBeLessThanOrEqual(PROMPT_MS);
    for (const door of ESCAPE_DOORS)
      expect(await fieldDoor(park, door)).toEqual({ mode: "LockedOpen", lock: "Unlocked", open: false });
  });

  it("is told with its run, its picture and its video exactly once when the cloud is back", {
    timeout: 120_000,
  }, async () => {
    await until(
      "the video to have been kept without the cloud",
      () => Date.now() - onset > AFTER_MS + 3000 || undefined,
      AFTER_MS + 10_000,
    );
    park.launcher("SIGCONT");
    await expect.poll(() => park.isReady().catch(() => undefined), { timeout: 30_000 }).toBe(true);
    const alarm = await alarmWhen(
      client,
      FIRE,
      ({ id, live, snapshots, runs, clips }) =>
        id !== first?.id && !live && snapshots.length > 0 && runs.length > 0 && clips[0]?.state === "here",
    );
    expect(alarm).toMatchObject({ occurrence: 1, law: "security", condition: "latched", acknowledged: false });
    // Its times are those of the field, not of the cloud's return.
    expect(Date.parse(alarm.raisedAt)).toBeGreaterThanOrEqual(onset);
    expect(Date.parse(alarm.raisedAt)).toBeLessThanOrEqual(onset + PROMPT_MS);
    expect(alarm.snapshots).toHaveLength(1);
    await picture(client, alarm.snapshots[0] ?? "");
    await expectClip(alarm.clips, onset);
    const runs = await runsOf(client, alarm);
    expect(runs).toMatchObject([{ rule: RULE, alarm: alarm.id, ranOn: "demo-park/gw-1", outcome: "fired" }]);
    expect(stepsOf(runs[0])).toEqual(STEPS);
    expect((await journalOf(client, alarm.id)).map(({ transition }) => transition).toSorted()).toEqual([
      "cleared",
      "raised",
    ]);
    await dealWith(client, FIRE);
    expect((await alarmsOf(client, FIRE)).map(({ id }) => id)).toEqual([alarm.id, first?.id]);
    expect((await runsOfRule()).map((run) => run.alarm)).toEqual([alarm.id, first?.id]);
    await expect
      .poll(async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items)
      .toMatchObject([{ online: true, backlog: { events: 0 }, gaps: [], quarantined: 0 }]);
    await putBack();
  });
});
