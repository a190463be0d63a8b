import type { DoorOperation } from "#core/model/door.ts";
import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { parseDuration } from "#protocols/onvif/codec/time.ts";
import { escapeXml, type XmlElement } from "#protocols/onvif/codec/xml.ts";
import type { AccessTimes } from "../../devices/door.ts";
import type { DoorDescription, SimulatedDoorController } from "../../devices/door-controller.ts";
import { doorWords, FAULT_REASON } from "./door-topics.ts";
import type { OnvifFaults } from "./fault-menu.ts";
import { named, oneOf, pageOf } from "./paging.ts";
import { answer, type Operation, parseBoolean, SERVICE_PATHS, type Service, SoapRefusal } from "./service.ts";

/** [ONVIF Door Control 5.4] */
const OPERATIONS: Readonly<Record<string, DoorOperation>> = {
  AccessDoor: "access",
  LockDoor: "lock",
  UnlockDoor: "unlock",
  BlockDoor: "block",
  LockDownDoor: "lockDown",
  LockDownReleaseDoor: "lockDownRelease",
  LockOpenDoor: "lockOpen",
  LockOpenReleaseDoor: "lockOpenRelease",
  DoubleLockDoor: "doubleLock",
};

function infoXml({ token, name, nameEn, capabilities: can }: DoorDescription): string {
  const capabilities = {
    Access: can.access,
    AccessTimingOverride: can.accessTimingOverride,
    Lock: can.lock,
    Unlock: can.unlock,
    Block: can.block,
    DoubleLock: can.doubleLock,
    LockDown: can.lockDown,
    LockOpen: can.lockOpen,
    DoorMonitor: can.doorMonitor,
    LockMonitor: can.lockMonitor,
    DoubleLockMonitor: false,
    Alarm: can.alarm,
    Tamper: can.tamper,
    Fault: can.fault,
  };
  const attributes = Object.entries(capabilities).map(([capability, has]) => ` ${capability}="${has}"`);
  return (
    `<tdc:DoorInfo token="${escapeXml(token)}"><tdc:Name>${escapeXml(name)}</tdc:Name>` +
    `<tdc:Description>${escapeXml(nameEn)}</tdc:Description><tdc:Capabilities${attributes.join("")}/></tdc:DoorInfo>`
  );
}

/** What a door has no sensor for is left out. [ONVIF Door Control, DoorState] */
function stateXml(controller: SimulatedDoorController, { token, capabilities: can }: DoorDescription): string {
  const words = doorWords(controller, token);
  const plain = (has: boolean, name: "DoorPhysicalState" | "LockPhysicalState" | "Alarm"): string =>
    has ? `<tdc:${name}>${words[name]}</tdc:${name}>` : "";
  const reason = words.Fault === "FaultDetected" ? `<tdc:Reason>${FAULT_REASON}</tdc:Reason>` : "";
  return (
    `<tdc:DoorState>${plain(can.doorMonitor, "DoorPhysicalState")}${plain(can.lockMonitor, "LockPhysicalState")}` +
    plain(can.alarm, "Alarm") +
    (can.tamper ? `<tdc:Tamper><tdc:State>${words.Tamper}</tdc:State></tdc:Tamper>` : "") +
    (can.fault ? `<tdc:Fault>${reason}<tdc:State>${words.Fault}</tdc:State></tdc:Fault>` : "") +
    `<tdc:DoorMode>${words.DoorMode}</tdc:DoorMode></tdc:DoorState>`
  );
}

function secondsOf(body: XmlElement, element: string): number | undefined {
  const text = body.textAt(element);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new SoapRefusal("Sender", ["InvalidArgVal"], `${element} ${text}`);
  return ms / 1000;
}

function timesOf(body: XmlElement): AccessTimes {
  const accessSeconds = secondsOf(body, "AccessTime");
  const openTooLongSeconds = secondsOf(body, "OpenTooLongTime");
  return {
    extended: parseBoolean(body.textAt("UseExtendedTime")) ?? false,
    ...(accessSeconds === undefined ? {} : { accessSeconds }),
    ...(openTooLongSeconds === undefined ? {} : { openTooLongSeconds }),
  };
}

/** Door control service. [ONVIF Door Control 5] `maxLimit`: entries of one answer at most. */
export function doorService(controller: SimulatedDoorController, faults: OnvifFaults, maxLimit: number): Service {
  const operate =
    (name: string, operation: DoorOperation): Operation =>
    ({ body }) => {
      const { token } = oneOf(body, controller.doors);
      const verdict = faults.has("deaf-doors") ? "done" : controller.operate(token, operation, timesOf(body));
      if (verdict === "not-supported") {
        throw new SoapRefusal("Receiver", ["ActionNotSupported"], `${token} does not support ${name}`);
      }
      if (verdict === "failed") {
        const mode = doorWords(controller, token).DoorMode;
        throw new SoapRefusal("Receiver", ["Action", "Failure"], `${name} failed: ${token} is ${mode}`);
      }
      return answer("tdc", `${name}Response`);
    };
  return {
    name: "DoorControl",
    namespace: NAMESPACES.tdc,
    path: SERVICE_PATHS.doorControl,
    version: [21, 6],
    capabilities: `<tdc:Capabilities xmlns:tdc="${NAMESPACES.tdc}" MaxLimit="${maxLimit}" MaxDoors="${controller.doors.length}"/>`,
    operations: {
      ...Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [name, operate(name, operation)])),
      GetDoorInfoList: ({ body }) => {
        const { items, next } = pageOf(body, controller.doors, maxLimit);
        const reference =
          next === undefined ? "" : `<tdc:NextStartReference>${escapeXml(next)}</tdc:NextStartReference>`;
        return answer("tdc", "GetDoorInfoListResponse", reference + items.map(infoXml).join(""));
      },
      GetDoorInfo: ({ body }) =>
        answer("tdc", "GetDoorInfoResponse", named(body, controller.doors, maxLimit).map(infoXml).join("")),
      GetDoorState: ({ body }) =>
        answer("tdc", "GetDoorStateResponse", stateXml(controller, oneOf(body, controller.doors))),
    },
  };
}
