import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { CommandView } from "#core/contracts/commands.ts";
import type { DeviceEventView } from "#core/contracts/devices.ts";
import { ApiClient } from "./api-client.ts";
import { actsOn, fieldDoor, tookValue } from "./field.ts";
import { alarmsOf, alarmWhen, dealWith, eventsOf, picture, refusal, runsOf } from "./guard.ts";
import { Park, until } from "./park.ts";

const CONTROLLER = "demo-park/gw-1/door-controller";
const FORCED = "door-controller.door-2-forced";
const PASSWORD = "e2e-park-somebody-else";
/** Cards of the simulated park: a person who may pass, one whose card was withdrawn, and a card that nobody knows. */
const ADMITTED = { card: "00012345678901234567", credential: "cred-001", holder: "张敏 Zhang Min" } as const;
const WITHDRAWN = { card: "0004400818", credential: "cred-003", holder: "王芳 Wang Fang" } as const;
const STRANGER = { card: "0009999999" } as const;
/** How long the doors of the park stay open after an access, s. */
const RELEASE_SECONDS = 5;

let park: Park;
let client: ApiClient;
let guard: ApiClient;
let viewer: ApiClient;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
  const signedIn = async (name: string, role: "security" | "viewer"): Promise<ApiClient> => {
    const grants = [{ role, space: "park" }];
    await client.post("/users", { name, displayName: name, grants, password: PASSWORD });
    return ApiClient.signIn(client.base, name, PASSWORD);
  };
  guard = await signedIn("guard", "security");
  viewer = await signedIn("viewer", "viewer");
}, 120_000);
afterAll(() => park?.close());

const kindsOf = (events: readonly DeviceEventView[]) => events.map(({ kind, state }) => [kind, state]);

describe("door 2 forced open", () => {
  let since: number;
  let seq: number;
  let alarm: AlarmView;

  beforeAll(async () => {
    ({ at: since, seq } = await park.simulatorState());
    await park.scenario("door-forced-2", { seconds: 5 });
  });

  it("is an urgent security alarm of the door within two seconds", async () => {
    const forced = await tookValue(park, "door-controller", "door-2-alarm", 2, since);
    alarm = await alarmWhen(guard, FORCED, ({ live }) => live, 5000);
    expect(alarm).toMatchObject({
      occurrence: 1,
      law: "security",
      category: "access",
      priority: "urgent",
      condition: "active",
      point: `${CONTROLLER}/door-2-alarm`,
      zone: "door-2",
      area: "lobby-b",
    });
    expect(Date.parse(alarm.receivedAt) - forced).toBeLessThanOrEqual(2000);
  });

  it("turns the camera to the door and keeps a picture of it", async () => {
    await expect.poll(async () => (await park.device("cam-3")).ptz).toMatchObject({ preset: "door-2", moving: false });
    expect(await actsOn(park, "cam-3", seq)).toEqual(["goToPreset door-2"]);
    alarm = await alarmWhen(guard, FORCED, ({ snapshots, runs }) => snapshots.length > 0 && runs.length > 0);
    await picture(guard, alarm.snapshots[0] ?? "");
    const runs = await runsOf(guard, alarm);
    expect(runs).toMatchObject([{ rule: "door-forced", alarm: alarm.id, outcome: "fired" }]);
    expect(runs[0]?.steps.map(({ action, status }) => [action, status])).toEqual([
      ["ptzPreset", "done"],
      ["recordClip", "done"],
      ["snapshot", "done"],
      ["notifyConsole", "done"],
    ]);
  });

  it("is in the events with its beginning and its end, and stays an alarm until it is reset", async () => {
    alarm = await alarmWhen(guard, FORCED, ({ live }) => !live);
    expect(alarm).toMatchObject({ condition: "latched", acknowledged: false });
    await expect
      .poll(async () => kindsOf(await eventsOf(guard, CONTROLLER, "doorForced")))
      .toEqual([
        ["doorForced", true],
        ["doorForced", false],
      ]);
    for (const { data, sourceTime } of await eventsOf(guard, CONTROLLER, "doorForced")) {
      expect(data).toMatchObject({ door: "door-2" });
      expect(Date.parse(sourceTime ?? "")).toBeGreaterThanOrEqual(since);
    }
    await dealWith(guard, FORCED);
    expect(await alarmsOf(guard, FORCED)).toHaveLength(1);
  });
});

describe("a card shown at door 2", () => {
  /** Shows a card and gives what the controller told of it, to the one who asks. */
  async function show({ card }: { readonly card: string }, kind: string): Promise<(as: ApiClient) => Promise<unknown>> {
    const known = (await eventsOf(guard, CONTROLLER, kind)).length;
    await park.set("door-controller", "door-2-card", card);
    const { id } = await until(`an event ${kind}`, async () => (await eventsOf(guard, CONTROLLER, kind))[known]);
    return async (as) => (await eventsOf(as, CONTROLLER, kind)).find((event) => event.id === id)?.data;
  }

  it("of somebody who may pass opens it for five seconds, and is told with the person to the guard alone", async () => {
    const { at } = await park.simulatorState();
    const told = await show(ADMITTED, "accessGranted");
    const { credential, holder } = ADMITTED;
    expect(await told(guard)).toMatchObject({ door: "door-2", credential, holder });
    expect(await told(viewer)).toMatchObject({ door: "door-2", credential: "***", holder: "***" });
    const opened = await tookValue(park, "door-controller", "door-2-lock", 3, at);
    const locked = await tookValue(park, "door-controller", "door-2-lock", 2, opened);
    expect(Math.round((locked - opened) / 1000)).toBe(RELEASE_SECONDS);
  });

  it("that was withdrawn opens nothing, and is told with the reason and the person to the guard alone", async () => {
    const told = await show(WITHDRAWN, "accessDenied");
    const { credential, holder } = WITHDRAWN;
    const reason = "CredentialNotEnabled";
    expect(await told(guard)).toMatchObject({ door: "door-2", reason, credential, holder });
    expect(await told(viewer)).toMatchObject({ door: "door-2", reason, credential: "***", holder: "***" });
    expect(await fieldDoor(park, "door-2")).toEqual({ mode: "Locked", lock: "Locked", open: false });
  });

  it("that nobody knows opens nothing, and its number is told to the guard alone", async () => {
    const told = await show(STRANGER, "accessDenied");
    const reason = "CredentialNotFound";
    expect(await told(guard)).toMatchObject({ door: "door-2", reason });
    const { card } = (await told(guard)) as { card: string };
    // The identifier is the hexBinary of what was read. [ONVIF Access Control, Denied/CredentialNotFound]
    expect([card, Buffer.from(card, "hex").toString("latin1")]).toContain(STRANGER.card);
    expect(await told(viewer)).toMatchObject({ door: "door-2", reason, card: "***" });
    expect(await fieldDoor(park, "door-2")).toEqual({ mode: "Locked", lock: "Locked", open: false });
  });

  it("leaves no card number and no name in any log", () => {
    for (const part of ["cloud", "gw-1"] as const) {
      const log = park.log(part, 100_000);
      for (const { card, ...person } of [ADMITTED, WITHDRAWN, STRANGER]) {
        expect(log).not.toContain(card);
        expect(log).not.toContain(Buffer.from(card, "latin1").toString("hex"));
        for (const text of Object.values(person)) expect(log).not.toContain(text);
      }
    }
  });
});

describe("a door asked for over the API", () => {
  const operate = (as: ApiClient, door: string, operation: string): Promise<CommandView> =>
    as.post<CommandView>(`/doors/${door}/operate`, { operation, reason: "a visitor" });
  const ended = ({ id }: CommandView): Promise<CommandView> =>
    until("the end of the command", async () => {
      const view = await client.get<CommandView>(`/commands/${encodeURIComponent(id)}`);
      return view.status === "pending" || view.status === "sent" ? undefined : view;
    });

  it("is unlocked for five seconds and locks again by itself, as the field and the hub both see", async () => {
    const { at, seq } = await park.simulatorState();
    expect(await ended(await operate(guard, "door-2", "access"))).toMatchObject({ status: "done" });
    const opened = await tookValue(park, "door-controller", "door-2-lock", 3, at);
    expect(await fieldDoor(park, "door-2")).toEqual({ mode: "Accessed", lock: "Unlocked", open: false });
    await expect.poll(() => guard.get("/doors/door-2")).toMatchObject({ state: "Accessed", quality: "good" });
    const locked = await tookValue(park, "door-controller", "door-2-lock", 2, opened);
    expect(Math.round((locked - opened) / 1000)).toBe(RELEASE_SECONDS);
    await expect.poll(() => guard.get("/doors/door-2")).toMatchObject({ state: "Locked", open: false });
    expect(await actsOn(park, "door-controller", seq)).toEqual(["access door-2: done"]);
    const audit = await auditOf();
    expect(audit.find(({ action, actor }) => action.startsWith("command.") && actor === "guard")).toMatchObject({
      target: CONTROLLER,
      result: "ok",
    });
  });

  it("does nothing for those who may not open doors, or for a door or an operation that is not there", async () => {
    const { seq } = await park.simulatorState();
    expect(await refusal(operate(viewer, "door-2", "access"))).toEqual({ status: 403, code: "FORBIDDEN" });
    expect(await refusal(operate(guard, "door-9", "access"))).toEqual({ status: 404, code: "DOOR_UNKNOWN" });
    expect(await refusal(operate(guard, "door-2", "explode"))).toEqual({ status: 400, code: "VALIDATION" });
    // What is allowed comes through; none of the refused ones did before it.
    expect(await ended(await operate(guard, "door-1", "block"))).toMatchObject({ status: "done" });
    expect(await fieldDoor(park, "door-1")).toMatchObject({ mode: "Blocked", lock: "Locked" });
    expect(await ended(await operate(guard, "door-1", "lock"))).toMatchObject({ status: "done" });
    expect(await actsOn(park, "door-controller", seq)).toEqual(["block door-1: done", "lock door-1: done"]);
  });

  async function auditOf() {
    const { items } = await client.get<{
      items: { action: string; actor: string; target?: string; result: string }[];
    }>("/audit");
    return items;
  }
});
