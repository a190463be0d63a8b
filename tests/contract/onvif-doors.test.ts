import { afterEach, describe, expect, it } from "vitest";
import type { OnvifAddress } from "#protocols/onvif/config.ts";
import { DOOR_STATES } from "#protocols/onvif/vocabulary.ts";
import { POLL } from "./onvif-field.ts";
import {
  type Answer,
  documentOf,
  fault,
  item,
  notification,
  observeScripted,
  type ScriptedDevice,
  type ScriptedField,
  scriptedDevice,
} from "./onvif-scripted.ts";

/** Capabilities of a door that can do everything. [doorcontrol.wsdl DoorCapabilities] */
const ABLE =
  'Access="true" AccessTimingOverride="true" Lock="true" Unlock="true" Block="true" DoubleLock="true" LockDown="true" ' +
  'LockOpen="true" DoorMonitor="true" LockMonitor="true" Alarm="true" Tamper="1" Fault="true"';

const doorInfo = (token: string, name: string, capabilities = ABLE): string =>
  `<dc:DoorInfo token="${token}"><dc:Name>${name}</dc:Name><dc:Capabilities ${capabilities}/></dc:DoorInfo>`;

/** A controller with doors 0001, 2 and weak, listed on two pages; its doors do as they are told. */
class Controller {
  readonly modes = new Map([
    ["0001", "Locked"],
    ["2", "Locked"],
    ["weak", "Unlocked"],
  ]);
  alarm = "Normal";
  obeys = true;

  answers(): Readonly<Record<string, Answer>> {
    const order =
      (mode: string): Answer =>
      (body) => {
        if (this.obeys) this.modes.set(body.textAt("Token") ?? "", mode);
        return `<dc:${body.name}Response/>`;
      };
    return {
      GetDoorInfoList: (body) =>
        body.textAt("StartReference") === undefined
          ? `<dc:GetDoorInfoListResponse><dc:NextStartReference>page-2</dc:NextStartReference>${doorInfo("0001", "North")}</dc:GetDoorInfoListResponse>`
          : `<dc:GetDoorInfoListResponse>${doorInfo("2", "South", 'Lock="true" Access="true"')}${doorInfo("weak", "Old", "")}</dc:GetDoorInfoListResponse>`,
      GetAccessPointInfoList: () =>
        '<ac:GetAccessPointInfoListResponse><ac:AccessPointInfo token="AP-1"><ac:Name>North in</ac:Name>' +
        "<ac:EntityType>dc:Door</ac:EntityType><ac:Entity>0001</ac:Entity>" +
        '<ac:Capabilities DisableAccessPoint="false"/></ac:AccessPointInfo></ac:GetAccessPointInfoListResponse>',
      GetDoorState: (body) => {
        const mode = this.modes.get(body.textAt("Token") ?? "");
        if (mode === undefined) return fault("NotFound");
        return (
          "<dc:GetDoorStateResponse><dc:DoorState><dc:DoorPhysicalState>Closed</dc:DoorPhysicalState>" +
          `<dc:LockPhysicalState>Locked</dc:LockPhysicalState><dc:Alarm>${this.alarm}</dc:Alarm>` +
          "<dc:Tamper><dc:State>NotInTamper</dc:State></dc:Tamper><dc:Fault><dc:State>NotInFault</dc:State></dc:Fault>" +
          `<dc:DoorMode>${mode}</dc:DoorMode></dc:DoorState></dc:GetDoorStateResponse>`
        );
      },
      AccessDoor: order("Accessed"),
      LockDoor: order("Locked"),
      UnlockDoor: order("Unlocked"),
      BlockDoor: order("Blocked"),
      LockDownDoor: order("LockedDown"),
      LockDownReleaseDoor: order("Locked"),
      LockOpenDoor: order("LockedOpen"),
      LockOpenReleaseDoor: order("Locked"),
      DoubleLockDoor: order("DoubleLocked"),
    };
  }
}

const POINTS: Readonly<Record<string, OnvifAddress>> = {
  mode: { signal: "doorMode", door: "0001" },
  leaf: { signal: "doorPhysicalState", door: "0001" },
  lock: { signal: "lockPhysicalState", door: "0001" },
  alarm: { signal: "doorAlarm", door: "0001" },
  tamper: { signal: "doorTamper", door: "0001" },
  fault: { signal: "doorFault", door: "0001" },
  other: { signal: "doorMode", door: "2" },
  nowhere: { signal: "doorMode", door: "1" },
};

const doorEvent = (what: string, state: string, operation: "Initialized" | "Changed" = "Changed"): string =>
  notification({
    topic: `Door/State/${what}`,
    source: item("DoorToken", "0001"),
    data: item("State", state),
    operation,
  });

describe("doors of an access controller", { timeout: 30_000 }, () => {
  let controller: Controller;
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field(
    services: readonly string[] = ["events", "door", "access"],
    config: Parameters<typeof observeScripted>[2] = {},
  ): Promise<ScriptedField & { readonly device: ScriptedDevice }> {
    controller = new Controller();
    const device = await scriptedDevice(services);
    closing.push(() => device.close());
    device.answer(controller.answers());
    const made = await observeScripted(device, POINTS, { slowPollMs: 60_000, ...config });
    closing.push(() => made.driver.stop());
    await expect.poll(() => made.latest("mode")?.quality, POLL).toBe("good");
    return { ...made, device };
  }
  const state = (signal: keyof typeof DOOR_STATES, text: string): number =>
    (DOOR_STATES[signal] as readonly string[]).indexOf(text);

  it("are listed page by page and read once, each state the index of its name", async () => {
    const made = await field();
    expect(made.latest("mode")?.value).toBe(state("doorMode", "Locked"));
    expect(made.latest("leaf")?.value).toBe(2);
    expect(made.latest("lock")?.value).toBe(1);
    expect(made.latest("alarm")?.value).toBe(0);
    expect([made.latest("tamper")?.value, made.latest("fault")?.value]).toEqual([1, 1]);
    expect(made.latest("other")?.quality).toBe("good");
    // Tokens are no numbers: 1 is not 0001.
    expect(made.latest("nowhere")).toMatchObject({ quality: "bad", reason: "configError" });
    expect(made.device.asked().filter((name) => name === "GetDoorInfoList").length).toBe(2);
  });

  it("follow their events without being asked", async () => {
    const made = await field();
    await expect.poll(() => made.device.asked().includes("PullMessages"), POLL).toBe(true);
    made.device.reset();
    made.device.tell(doorEvent("DoorMode", "Unlocked"), doorEvent("DoorPhysicalState", "Open"));
    await expect.poll(() => made.latest("mode")?.value, POLL).toBe(2);
    expect(made.latest("leaf")).toMatchObject({ value: 1, quality: "good", sourceTime: Date.UTC(2026, 10, 21, 8) });
    expect(made.device.asked()).not.toContain("GetDoorState");
  });

  it("tell forced, held open, tamper and fault with their beginning and their end", async () => {
    const made = await field();
    made.device.tell(doorEvent("DoorAlarm", "DoorForcedOpen"));
    await expect.poll(() => made.latest("alarm")?.value, POLL).toBe(1);
    made.device.tell(doorEvent("DoorAlarm", "DoorOpenTooLong"), doorEvent("DoorTamper", "TamperDetected"));
    made.device.tell(doorEvent("DoorFault", "FaultDetected"), doorEvent("DoorAlarm", "Normal"));
    await expect.poll(() => made.events("doorFault").length, POLL).toBe(1);
    const told = (kind: string) => made.events(kind).map((event) => [event.data?.["door"], event.state]);
    expect(told("doorForced")).toEqual([
      ["0001", true],
      ["0001", false],
    ]);
    expect(told("doorHeldOpen")).toEqual([
      ["0001", true],
      ["0001", false],
    ]);
    expect(told("doorTamper")).toEqual([["0001", true]]);
    expect(told("doorFault")).toEqual([["0001", true]]);
  });

  it("tell an alarm once when the controller repeats itself", async () => {
    const made = await field();
    made.device.tell(doorEvent("DoorAlarm", "DoorForcedOpen"));
    made.device.tell(
      doorEvent("DoorAlarm", "DoorForcedOpen"),
      doorEvent("DoorAlarm", "DoorForcedOpen", "Initialized"),
      doorEvent("DoorMode", "Unlocked"),
    );
    await expect.poll(() => made.latest("mode")?.value, POLL).toBe(2);
    expect(made.events("doorForced").length).toBe(1);
  });

  it("that the controller could not tell for a while keep their alarm: it begins once and it ends", async () => {
    const made = await field(["door"]);
    controller.alarm = "DoorForcedOpen";
    await expect.poll(() => made.latest("alarm")?.value, POLL).toBe(1);
    const told = controller.answers()["GetDoorState"];
    made.device.answer({ GetDoorState: () => fault("Failure") });
    await expect.poll(() => made.latest("alarm"), POLL).toMatchObject({ quality: "bad", reason: "noValue" });
    if (told !== undefined) made.device.answer({ GetDoorState: told });
    await expect.poll(() => made.latest("alarm"), POLL).toMatchObject({ value: 1, quality: "good" });
    made.device.answer({ GetDoorState: () => fault("Failure") });
    await expect.poll(() => made.latest("alarm"), POLL).toMatchObject({ quality: "bad", reason: "noValue" });
    controller.alarm = "Normal";
    if (told !== undefined) made.device.answer({ GetDoorState: told });
    await expect.poll(() => made.latest("alarm"), POLL).toMatchObject({ value: 0, quality: "good" });
    const forced = made.events("doorForced").filter((event) => event.data?.["door"] === "0001");
    expect(forced.map(({ state }) => state)).toEqual([true, false]);
  });

  it("are polled where there are no events, and an alarm found so is told as recovered", async () => {
    const made = await field(["door"]);
    controller.alarm = "DoorForcedOpen";
    controller.modes.set("0001", "Blocked");
    await expect.poll(() => made.latest("mode")?.value, POLL).toBe(state("doorMode", "Blocked"));
    const forced = made.events("doorForced").filter((event) => event.data?.["door"] === "0001");
    expect(forced).toMatchObject([{ state: true, data: { recovered: true } }]);
  });

  it("are read again by the slow poll even while events flow", async () => {
    const made = await field(["events", "door"], { slowPollMs: 1000 });
    controller.modes.set("0001", "DoubleLocked");
    await expect.poll(() => made.latest("mode")?.value, POLL).toBe(state("doorMode", "DoubleLocked"));
  });

  it("take a state they have no name for as none", async () => {
    const made = await field();
    made.device.tell(doorEvent("DoorMode", "acme:Revolving"));
    await expect.poll(() => made.latest("mode"), POLL).toMatchObject({ quality: "bad", reason: "noValue" });
  });

  it.each([
    ["access", "AccessDoor", "Accessed"],
    ["unlock", "UnlockDoor", "Unlocked"],
    ["block", "BlockDoor", "Blocked"],
    ["lockDown", "LockDownDoor", "LockedDown"],
    ["lockOpen", "LockOpenDoor", "LockedOpen"],
    ["doubleLock", "DoubleLockDoor", "DoubleLocked"],
    ["lock", "LockDoor", "Locked"],
  ])("do what is asked, %s, and it is done when the door shows it", async (operation, name, mode) => {
    const made = await field();
    expect(await made.act("doorControl", { door: "0001", operation })).toEqual({ status: "done" });
    const sent = made.device.received.find((body) => body.name === name);
    expect([sent?.namespace, sent?.textAt("Token")]).toEqual(["http://www.onvif.org/ver10/doorcontrol/wsdl", "0001"]);
    expect(made.latest("mode")?.value).toBe(state("doorMode", mode));
  });

  it.each([
    ["lockDown", "lockDownRelease"],
    ["lockOpen", "lockOpenRelease"],
  ])("are released from %s when their mode has left it", async (operation, release) => {
    const made = await field();
    await made.act("doorControl", { door: "0001", operation });
    expect(await made.act("doorControl", { door: "0001", operation: release })).toEqual({ status: "done" });
    expect(controller.modes.get("0001")).toBe("Locked");
  });

  it("are opened for some seconds, told as a duration", async () => {
    const made = await field();
    expect(await made.act("doorControl", { door: "0001", operation: "access", seconds: 5 })).toEqual({
      status: "done",
    });
    expect(made.device.received.find(({ name }) => name === "AccessDoor")?.textAt("AccessTime")).toBe("PT5S");
  });

  it("show a short access by their event alone", async () => {
    const made = await field();
    controller.obeys = false;
    made.device.answer({
      AccessDoor: () => {
        made.device.tell(doorEvent("DoorMode", "Accessed"), doorEvent("DoorMode", "Locked"));
        return "<dc:AccessDoorResponse/>";
      },
    });
    expect(await made.act("doorControl", { door: "0001", operation: "access" })).toEqual({ status: "done" });
  });

  it("are not done when the controller says yes and the door stays as it is", async () => {
    const made = await field();
    controller.obeys = false;
    const result = await made.act("doorControl", { door: "0001", operation: "unlock" });
    expect(result).toMatchObject({ status: "failed", code: "ONVIF_DOOR_UNCONFIRMED" });
    expect(result.status === "failed" && result.message).toContain("its mode is Locked");
    expect(made.driver.counters()["unconfirmed"]).toBe(1);
  });

  it.each([
    ["a door that is not there", { door: "1", operation: "lock" }, "ONVIF_DOOR_UNKNOWN"],
    ["no door", { operation: "lock" }, "ONVIF_DOOR_UNKNOWN"],
    ["an operation that is none", { door: "0001", operation: "toString" }, "ONVIF_PARAM_INVALID"],
    ["an operation the door is not capable of", { door: "2", operation: "lockOpen" }, "ONVIF_DOOR_NOT_CAPABLE"],
    ["a time the door cannot keep", { door: "2", operation: "access", seconds: 5 }, "ONVIF_DOOR_NOT_CAPABLE"],
    ["a time with locking", { door: "0001", operation: "lock", seconds: 5 }, "ONVIF_PARAM_INVALID"],
    ["a time without end", { door: "0001", operation: "access", seconds: 1e9 }, "ONVIF_PARAM_INVALID"],
  ])("are not asked for %s", async (_what, params, code) => {
    const made = await field();
    made.device.reset();
    expect(await made.act("doorControl", params)).toMatchObject({ status: "rejected", code });
    expect(made.device.asked().filter((name) => name.endsWith("Door"))).toEqual([]);
  });

  it("that tell no capabilities are asked all the same", async () => {
    const made = await field();
    expect(await made.act("doorControl", { door: "weak", operation: "lockOpen" })).toEqual({ status: "done" });
  });

  it("are asked once, also when the connection breaks before the controller has answered", async () => {
    // without events a connection is idle, which a request would use again
    const made = await field(["door"]);
    made.device.breakOff("AccessDoor");
    const result = await made.act("doorControl", { door: "0001", operation: "access" });
    expect(result).toMatchObject({ status: "failed", code: "ONVIF_UNREACHABLE" });
    expect(made.device.received.filter(({ name }) => name === "AccessDoor").length).toBe(1);
  });

  it("tell what the controller refuses", async () => {
    const made = await field();
    made.device.answer({ LockDoor: () => fault("Failure") });
    expect(await made.act("doorControl", { door: "0001", operation: "lock" })).toMatchObject({
      status: "failed",
      code: "ONVIF_FAULT",
    });
  });

  it("tell who was granted and denied access, card numbers and tokens as they are written", async () => {
    const made = await field();
    const source = item("AccessPointToken", "AP-1");
    const card = "00012345678901234567";
    made.device.tell(
      notification({
        topic: "AccessControl/AccessGranted/Credential",
        source,
        data: item("CredentialToken", card) + item("CredentialHolderName", "王伟") + item("External", "false"),
      }),
      notification({
        topic: "AccessControl/Denied/Credential",
        source,
        data: item("CredentialToken", "0042") + item("Reason", "CredentialExpired"),
      }),
      notification({ topic: "AccessControl/Denied/CredentialNotFound/Card", source, data: item("Card", card) }),
      notification({ topic: "AccessControl/AccessTaken/Anonymous", source }),
      notification({ topic: "AccessControl/Duress", source: item("AccessPointToken", "AP-9") }),
    );
    await expect.poll(() => made.events("duress").length, POLL).toBe(1);
    expect(made.events("accessGranted")).toMatchObject([
      { data: { door: "0001", accessPoint: "AP-1", credential: card, holder: "王伟", external: "false" } },
    ]);
    expect(made.events("accessDenied")).toMatchObject([
      { data: { door: "0001", credential: "0042", reason: "CredentialExpired" } },
      { data: { door: "0001", card, reason: "CredentialNotFound" } },
    ]);
    expect(made.events("accessTaken")).toMatchObject([{ data: { door: "0001" } }]);
    expect(made.events("duress")[0]?.data).toEqual({ topic: "tns1:AccessControl/Duress", accessPoint: "AP-9" });
  });

  it("are listed anew when the controller says that its doors have changed", async () => {
    const made = await field(["events", "door"], { slowPollMs: 500 });
    controller.modes.set("1", "Blocked");
    made.device.answer({
      GetDoorInfoList: () => `<dc:GetDoorInfoListResponse>${doorInfo("1", "New")}</dc:GetDoorInfoListResponse>`,
    });
    made.device.tell(notification({ topic: "Configuration/Door/Changed", source: item("DoorToken", "1") }));
    await expect.poll(() => made.latest("nowhere"), POLL).toMatchObject({ value: 4, quality: "good" });
    expect(made.latest("mode")).toMatchObject({ quality: "bad", reason: "configError" });
  });

  it("are offered as points, without those a door does not have", async () => {
    const made = await field();
    const { points } = documentOf(await made.act("discover")) as { points: { id: string; address: OnvifAddress }[] };
    const of = (door: string) =>
      points.filter(({ address }) => address.door === door).map(({ address }) => address.signal);
    expect(of("0001").length).toBe(6);
    expect(of("2")).toEqual(["doorMode"]);
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
  });
});
