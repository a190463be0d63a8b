import type { XmlElement } from "./xml.ts";
import { escapeXml } from "./xml.ts";

/** A door as its controller describes it. [ONVIF Door Control 5.3.1] */
export interface DoorInfo {
  readonly token: string;
  readonly name: string;
  /** Names of the capabilities that hold; undefined where the controller tells none at all. */
  readonly capabilities: ReadonlySet<string> | undefined;
}

/** A side of a door where somebody asks to pass. [ONVIF Access Control 5.3.1] */
export interface AccessPointInfo {
  readonly token: string;
  readonly name: string;
  /** Token of the door it leads through; undefined where it leads through something else. */
  readonly door: string | undefined;
}

/** One page of a list; `next` is where the following one begins. [ONVIF Access Control 4.2.4] */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** States of one door as written by the controller, by name of the event that tells them (tns1:Door/State/<name>). */
export type DoorStateTexts = ReadonlyMap<string, string>;

const MAX_PER_PAGE = 1000;

function page<T>(response: XmlElement, name: string, decode: (element: XmlElement, token: string) => T): Page<T> {
  const items: T[] = [];
  for (const element of response.all(name).slice(0, MAX_PER_PAGE)) {
    const token = element.attributes.get("token");
    if (token !== undefined && token !== "" && token.length <= 64) items.push(decode(element, token));
  }
  return { items, next: response.textAt("NextStartReference") };
}

function isTrue(text: string | undefined): boolean {
  return text === "true" || text === "1";
}

function capabilitiesOf(element: XmlElement | undefined): ReadonlySet<string> | undefined {
  const told = [...(element?.attributes ?? [])].filter(([name]) => /^[A-Z]\w{1,40}$/.test(name));
  if (told.length === 0) return undefined;
  return new Set(told.filter(([, value]) => isTrue(value)).map(([name]) => name));
}

/** Reads a GetDoorInfoListResponse. */
export function decodeDoorInfoList(response: XmlElement): Page<DoorInfo> {
  return page(response, "DoorInfo", (element, token) => ({
    token,
    name: (element.textAt("Name") ?? token).slice(0, 128),
    capabilities: capabilitiesOf(element.child("Capabilities")),
  }));
}

/** Reads a GetAccessPointInfoListResponse. */
export function decodeAccessPointInfoList(response: XmlElement): Page<AccessPointInfo> {
  return page(response, "AccessPointInfo", (element, token) => {
    // [ONVIF Access Control 5.3.1] without an entity type it is a door
    const type = element.textAt("EntityType");
    const isDoor = type === undefined || /(^|:)Door$/.test(type);
    return {
      token,
      name: (element.textAt("Name") ?? token).slice(0, 128),
      door: isDoor ? element.textAt("Entity") : undefined,
    };
  });
}

/** Reads a GetDoorStateResponse. [ONVIF Door Control 5.3.4] */
export function decodeDoorState(response: XmlElement): DoorStateTexts {
  const state = response.child("DoorState");
  const found = new Map<string, string>();
  const put = (name: string, text: string | undefined): void => {
    if (text !== undefined) found.set(name, text);
  };
  put("DoorMode", state?.textAt("DoorMode"));
  put("DoorPhysicalState", state?.textAt("DoorPhysicalState"));
  put("LockPhysicalState", state?.textAt("LockPhysicalState"));
  put("DoorAlarm", state?.textAt("Alarm"));
  put("DoorTamper", state?.textAt("Tamper", "State"));
  put("DoorFault", state?.textAt("Fault", "State"));
  return found;
}

/** Body of a door's operation, e.g. `LockDoor`. `accessTimeMs` only with AccessDoor. [ONVIF Door Control 5.4] */
export function buildDoorOperation(operation: string, door: string, accessTimeMs?: number): string {
  const time = accessTimeMs === undefined ? "" : `<tdc:AccessTime>PT${accessTimeMs / 1000}S</tdc:AccessTime>`;
  return `<tdc:${operation}><tdc:Token>${escapeXml(door)}</tdc:Token>${time}</tdc:${operation}>`;
}
