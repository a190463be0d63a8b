import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { createDoorController, type SimulatedDoorController } from "#simulators/devices/door-controller.ts";
import { type OnvifServer, serveDoorController } from "#simulators/servers/onvif.ts";
import { CREDENTIALS } from "./onvif-field.ts";
import { bodyOf, childNames, faultOf, soap, subscribe } from "./onvif-simulator-client.ts";

const TDC = "http://www.onvif.org/ver10/doorcontrol/wsdl";
const TAC = "http://www.onvif.org/ver10/accesscontrol/wsdl";
const NOON = Date.UTC(2026, 10, 20, 4, 0, 0);

const door = (operation: string, token: string, more = ""): string =>
  `<tdc:${operation}><tdc:Token>${token}</tdc:Token>${more}</tdc:${operation}>`;

describe("the simulated access controller on the wire", () => {
  let controller: SimulatedDoorController;
  let server: OnvifServer;

  beforeEach(async () => {
    controller = createDoorController({ id: "access-1", name: "门禁", nameEn: "Access" });
    controller.step(0.1, NOON);
    server = await serveDoorController(controller, { ...CREDENTIALS, maxLimit: 2 }, silentLogger);
  });
  afterEach(() => server.close());

  it("names the services of Profile C with their capabilities", async () => {
    const services = await bodyOf(
      soap(server, "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"),
    );
    const found = services.all("Service").map((service) => service.textAt("Namespace"));
    expect(found).toEqual([
      "http://www.onvif.org/ver10/device/wsdl",
      TAC,
      TDC,
      "http://www.onvif.org/ver10/credential/wsdl",
      "http://www.onvif.org/ver10/events/wsdl",
    ]);
    const doors = services.all("Service").find((service) => service.textAt("Namespace") === TDC);
    expect(doors?.at("Capabilities", "Capabilities")?.attributes.get("MaxLimit")).toBe("2");
  });

  it("gives doors and access points page by page, and the fault of the specification for a wrong page", async () => {
    const first = await bodyOf(soap(server, "<tdc:GetDoorInfoList><tdc:Limit>9</tdc:Limit></tdc:GetDoorInfoList>"));
    expect(childNames(first)).toEqual(["NextStartReference", "DoorInfo", "DoorInfo"]);
    expect(first.child("DoorInfo")?.namespace).toBe(TDC);
    const next = first.textAt("NextStartReference");
    const second = await bodyOf(
      soap(server, `<tdc:GetDoorInfoList><tdc:StartReference>${next}</tdc:StartReference></tdc:GetDoorInfoList>`),
    );
    expect(second.all("DoorInfo").map(({ attributes }) => attributes.get("token"))).toEqual(["door-3"]);
    expect(second.child("NextStartReference")).toBeUndefined();
    const plant = second.child("DoorInfo");
    expect(childNames(plant)).toEqual(["Name", "Description", "Capabilities"]);
    expect(Object.fromEntries(plant?.child("Capabilities")?.attributes ?? [])).toMatchObject({
      Access: "true",
      DoubleLock: "true",
      LockOpen: "false",
    });
    const wrong = "<tdc:GetDoorInfoList><tdc:StartReference>after:nothing</tdc:StartReference></tdc:GetDoorInfoList>";
    expect(await faultOf(soap(server, wrong))).toEqual([400, "Sender", "InvalidArgVal", "InvalidStartReference"]);
    const points = await bodyOf(soap(server, "<tac:GetAccessPointInfoList/>"));
    const [point] = points.all("AccessPointInfo");
    expect(childNames(point)).toEqual(["Name", "Description", "EntityType", "Entity", "Capabilities"]);
    expect(point?.textAt("Entity")).toBe("door-1");
  });

  it("ignores unknown tokens in a list and refuses more than its limit", async () => {
    const some = "<tdc:Token>door-2</tdc:Token><tdc:Token>nowhere</tdc:Token>";
    const info = await bodyOf(soap(server, `<tdc:GetDoorInfo>${some}</tdc:GetDoorInfo>`));
    expect(info.all("DoorInfo").map(({ attributes }) => attributes.get("token"))).toEqual(["door-2"]);
    const many = `<tdc:GetDoorInfo>${some}<tdc:Token>door-1</tdc:Token></tdc:GetDoorInfo>`;
    expect(await faultOf(soap(server, many))).toEqual([400, "Sender", "InvalidArgs", "TooManyItems"]);
  });

  it("tells the state of a door in the order of the schema, with the reason of a fault", async () => {
    controller.write("door-2-open", true);
    controller.write("door-2-tamper", true);
    controller.write("door-2-fault", true);
    const state = (await bodyOf(soap(server, door("GetDoorState", "door-2")))).child("DoorState");
    expect(childNames(state)).toEqual([
      "DoorPhysicalState",
      "LockPhysicalState",
      "Alarm",
      "Tamper",
      "Fault",
      "DoorMode",
    ]);
    expect(state?.children.map((child) => child.textAt("State") ?? child.text)).toEqual([
      "Open",
      "Fault",
      "DoorForcedOpen",
      "TamperDetected",
      "FaultDetected",
      "Locked",
    ]);
    expect(childNames(state?.child("Fault"))).toEqual(["Reason", "State"]);
    expect(await faultOf(soap(server, door("GetDoorState", "nowhere")))).toEqual([
      400,
      "Sender",
      "InvalidArgs",
      "NotFound",
    ]);
  });

  it("does what is asked of a door and tells mode and lock of each change", async () => {
    const events = await subscribe(server, "tns1:Door/State/DoorMode|tns1:Door/State/LockPhysicalState");
    expect(await events.pull()).toHaveLength(6);
    await bodyOf(soap(server, door("AccessDoor", "door-1", "<tdc:AccessTime>PT3S</tdc:AccessTime>")));
    controller.step(3.1, NOON + 3100);
    const told = (topic: string, state: string): string =>
      `tns1:Door/State/${topic} {DoorToken=door-1 State=${state}} Changed`;
    expect(await events.pull()).toEqual([
      told("DoorMode", "Accessed"),
      told("LockPhysicalState", "Unlocked"),
      told("DoorMode", "Locked"),
      told("LockPhysicalState", "Locked"),
    ]);
    for (const [operation, mode] of [
      ["UnlockDoor", "Unlocked"],
      ["BlockDoor", "Blocked"],
      ["LockDoor", "Locked"],
      ["LockOpenDoor", "LockedOpen"],
      ["LockOpenReleaseDoor", "Unlocked"],
      ["LockDownDoor", "LockedDown"],
      ["LockDownReleaseDoor", "Locked"],
    ]) {
      expect((await bodyOf(soap(server, door(operation ?? "", "door-1")))).name).toBe(`${operation}Response`);
      const state = await bodyOf(soap(server, door("GetDoorState", "door-1")));
      expect(state.textAt("DoorState", "DoorMode"), operation).toBe(mode);
    }
  });

  it("refuses by fault what the door cannot do, what its mode forbids and what a broken lock cannot", async () => {
    expect(await faultOf(soap(server, door("DoubleLockDoor", "door-1")))).toEqual([
      500,
      "Receiver",
      "ActionNotSupported",
    ]);
    await bodyOf(soap(server, door("LockDownDoor", "door-1")));
    expect(await faultOf(soap(server, door("UnlockDoor", "door-1")))).toEqual([500, "Receiver", "Action", "Failure"]);
    controller.write("door-2-fault", true);
    expect(await faultOf(soap(server, door("AccessDoor", "door-2")))).toEqual([500, "Receiver", "Action", "Failure"]);
    expect(await faultOf(soap(server, door("LockDoor", "door-9")))).toEqual([400, "Sender", "InvalidArgs", "NotFound"]);
  });

  it("tells every state of every door at the subscription and again at a synchronization point", async () => {
    controller.write("door-2-open", true);
    const events = await subscribe(server, "tns1:Door//.");
    const first = await events.pull();
    expect(first).toHaveLength(18);
    expect(first).toContain("tns1:Door/State/DoorAlarm {DoorToken=door-2 State=DoorForcedOpen} Initialized");
    await events.ask("<tev:SetSynchronizationPoint/>");
    expect(await events.pull()).toEqual(first);
  });

  it("tells who was granted and who was denied, cards as texts", async () => {
    const events = await subscribe(server, "tns1:AccessControl//.");
    controller.write("door-1-card", "00012345678901234567");
    controller.write("door-1-card", "0004400818");
    controller.write("door-1-card", "007");
    controller.write("door-2-card", "0004400821");
    const at = "AccessPointToken=reader-door-1";
    expect(await events.pull()).toEqual([
      `tns1:AccessControl/AccessGranted/Credential {${at} CredentialToken=cred-001 CredentialHolderName=张敏 Zhang Min} instant`,
      `tns1:AccessControl/Denied/Credential {${at} CredentialToken=cred-003 CredentialHolderName=王芳 Wang Fang Reason=CredentialNotEnabled} instant`,
      `tns1:AccessControl/Denied/CredentialNotFound {${at} IdentifierType=pt:Card FormatType=SIMPLE_ALPHA_NUMERIC IdentifierValue=303037} instant`,
      "tns1:AccessControl/AccessGranted/Credential {AccessPointToken=reader-door-2 CredentialToken=cred-006 CredentialHolderName=刘洋 Liu Yang} instant",
      "tns1:AccessControl/Duress {AccessPointToken=reader-door-2 CredentialToken=cred-006 CredentialHolderName=刘洋 Liu Yang Reason=duress code} instant",
    ]);
  });

  it("describes every topic that it tells", async () => {
    const properties = await bodyOf(soap(server, "<tev:GetEventProperties/>"));
    const topics = properties.child("TopicSet");
    const reason = topics?.at("AccessControl", "Denied", "Credential", "MessageDescription", "Data");
    expect(reason?.children.map(({ attributes }) => attributes.get("Name"))).toEqual([
      "CredentialToken",
      "CredentialHolderName",
      "Reason",
    ]);
    expect(childNames(topics?.at("Door", "State"))).toEqual([
      "DoorMode",
      "DoorPhysicalState",
      "LockPhysicalState",
      "DoorAlarm",
      "DoorTamper",
      "DoorFault",
    ]);
  });

  it("disables a reader, and tells it", async () => {
    const events = await subscribe(server, "tns1:AccessPoint//.");
    await events.pull();
    await bodyOf(soap(server, "<tac:DisableAccessPoint><tac:Token>reader-door-1</tac:Token></tac:DisableAccessPoint>"));
    expect(await events.pull()).toEqual([
      "tns1:AccessPoint/State/Enabled {AccessPointToken=reader-door-1 State=false} Changed",
    ]);
    const state = await bodyOf(
      soap(server, "<tac:GetAccessPointState><tac:Token>reader-door-1</tac:Token></tac:GetAccessPointState>"),
    );
    expect(state.textAt("AccessPointState", "Enabled")).toBe("false");
  });

  it("lists credentials without their cards", async () => {
    const tcr = 'xmlns:tcr="http://www.onvif.org/ver10/credential/wsdl"';
    const { body, text } = await soap(server, `<tcr:GetCredentialInfoList ${tcr}/>`);
    expect(body?.all("CredentialInfo").map(({ attributes }) => attributes.get("token"))).toEqual([
      "cred-001",
      "cred-002",
    ]);
    expect(text).not.toContain("00012345678901234567");
    const state = `<tcr:GetCredentialState ${tcr}><tcr:Token>cred-003</tcr:Token></tcr:GetCredentialState>`;
    expect((await bodyOf(soap(server, state))).textAt("State", "Enabled")).toBe("false");
  });

  it("acknowledges and does nothing while its doors are deaf", async () => {
    server.faults.set("deaf-doors");
    await bodyOf(soap(server, door("UnlockDoor", "door-1")));
    expect(controller.read("door-1-mode")).toBe(2);
    server.faults.clear("deaf-doors");
    await bodyOf(soap(server, door("UnlockDoor", "door-1")));
    expect(controller.read("door-1-mode")).toBe(3);
  });
});
