import { NAMESPACES } from "./namespaces.ts";
import { parseDateTime } from "./time.ts";
import type { XmlElement } from "./xml.ts";

/** What happened to a property; absent for what happens and is over. [ONVIF Core 9.4] */
export type PropertyOperation = "Initialized" | "Changed" | "Deleted";

/** One notification of an event service. Every value stays a string. */
export interface Notification {
  /** Concrete path; parts of the ONVIF topic namespace have the prefix `tns1:` on the root only. */
  readonly topic: string;
  readonly operation?: PropertyOperation;
  /** Device's own time, Unix ms. */
  readonly utcTime?: number;
  /** Where it comes from: tokens and rule names by item name. */
  readonly source: ReadonlyMap<string, string>;
  readonly key: ReadonlyMap<string, string>;
  readonly data: ReadonlyMap<string, string>;
}

/** What a pull brought. Times are the device's, Unix ms. */
export interface PulledMessages {
  readonly currentTime?: number;
  readonly terminationTime?: number;
  readonly notifications: readonly Notification[];
  /** Messages without topic or content, or beyond the number looked at. */
  readonly malformed: number;
}

/** More in one answer than ten times what was asked for is an attack or a fault. */
const MAX_NOTIFICATIONS = 1000;
const MAX_ITEMS = 64;
const MAX_ITEM_DEPTH = 4;
const MAX_LEAF = 256;
const OPERATIONS: readonly string[] = ["Initialized", "Changed", "Deleted"] satisfies PropertyOperation[];

/**
 * Topic as this hub names it: the root with `tns1:` where its prefix is bound to the ONVIF topic namespace, whatever the
 * device calls that prefix; a vendor's root keeps the vendor's own prefix.
 */
function topicPath(element: XmlElement): string | undefined {
  const written = element.text;
  if (written === "" || written.length > 512 || /[\s|*]/.test(written)) return undefined;
  const colon = written.indexOf(":");
  const slash = written.indexOf("/");
  if (colon < 0 || (slash >= 0 && colon > slash)) return `tns1:${written}`;
  const bound = element.scope.get(written.slice(0, colon));
  return bound === NAMESPACES.tns1 ? `tns1:${written.slice(colon + 1)}` : written;
}

function simpleItems(list: XmlElement | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const item of (list?.all("SimpleItem") ?? []).slice(0, MAX_ITEMS)) {
    const name = item.attributes.get("Name");
    if (name !== undefined) found.set(name, item.attributes.get("Value") ?? "");
  }
  return found;
}

/** Texts of an ElementItem's leaves as `<item>.<leaf>`: of structures like LicensePlateInfo, and never of pictures. */
function leavesOf(prefix: string, element: XmlElement, found: Map<string, string>, depth: number): void {
  for (const child of element.children) {
    if (found.size >= MAX_ITEMS) return;
    if (child.children.length > 0) {
      if (depth < MAX_ITEM_DEPTH) leavesOf(prefix, child, found, depth + 1);
    } else if (child.text !== "" && child.text.length <= MAX_LEAF) found.set(`${prefix}.${child.name}`, child.text);
  }
}

/** Data of an analytics rule: its simple items, and the leaves of its structures. [ONVIF Core 9.5.1] */
function dataItems(list: XmlElement | undefined): ReadonlyMap<string, string> {
  const found = new Map(simpleItems(list));
  for (const item of (list?.all("ElementItem") ?? []).slice(0, MAX_ITEMS)) {
    const name = item.attributes.get("Name");
    if (name !== undefined) leavesOf(name, item, found, 0);
  }
  return found;
}

function decodeOne(element: XmlElement): Notification | undefined {
  const topicElement = element.child("Topic");
  const topic = topicElement === undefined ? undefined : topicPath(topicElement);
  const message = element.at("Message", "Message");
  if (topic === undefined || message === undefined) return undefined;
  const operation = message.attributes.get("PropertyOperation");
  const utcTime = parseDateTime(message.attributes.get("UtcTime"));
  return {
    topic,
    ...(operation !== undefined && OPERATIONS.includes(operation) ? { operation: operation as PropertyOperation } : {}),
    ...(utcTime === undefined ? {} : { utcTime }),
    source: simpleItems(message.child("Source")),
    key: simpleItems(message.child("Key")),
    data: dataItems(message.child("Data")),
  };
}

/** Reads a PullMessagesResponse. [ONVIF Core 9.1.1] */
export function decodePulledMessages(response: XmlElement): PulledMessages {
  const currentTime = parseDateTime(response.textAt("CurrentTime"));
  const terminationTime = parseDateTime(response.textAt("TerminationTime"));
  const elements = response.all("NotificationMessage");
  const notifications: Notification[] = [];
  for (const element of elements.slice(0, MAX_NOTIFICATIONS)) {
    const notification = decodeOne(element);
    if (notification !== undefined) notifications.push(notification);
  }
  return {
    ...(currentTime === undefined ? {} : { currentTime }),
    ...(terminationTime === undefined ? {} : { terminationTime }),
    notifications,
    malformed: elements.length - notifications.length,
  };
}

/** Where a subscription is reached. [WS-Addressing 1.0 §2.1] */
export interface SubscriptionReference {
  readonly address: string;
  /** Header blocks that every request to the address repeats. */
  readonly referenceParameters: readonly XmlElement[];
  /** How long it lives from now on, ms; undefined where the device does not tell. */
  readonly lifeMs?: number;
}

/** Reads a CreatePullPointSubscriptionResponse; undefined where it names no address. `deviceNow` as in `remainingLife`. */
export function decodeSubscription(response: XmlElement, deviceNow?: number): SubscriptionReference | undefined {
  const address = response.textAt("SubscriptionReference", "Address");
  if (address === undefined) return undefined;
  const lifeMs = remainingLife(response, deviceNow);
  return {
    address,
    referenceParameters: response.at("SubscriptionReference", "ReferenceParameters")?.children ?? [],
    ...(lifeMs === undefined ? {} : { lifeMs }),
  };
}

/**
 * TerminationTime - CurrentTime of an answer, ms: both are the device's, so that its clock does not matter. Where the device
 * leaves out the latter, `deviceNow` (Unix ms) takes its place.
 */
export function remainingLife(response: XmlElement, deviceNow?: number): number | undefined {
  const current = parseDateTime(response.textAt("CurrentTime")) ?? deviceNow;
  const termination = parseDateTime(response.textAt("TerminationTime"));
  return current === undefined || termination === undefined ? undefined : termination - current;
}
