import type { Notification } from "./codec/notification.ts";

/** What happened at an access point, in the hub's own terms. */
export interface AccessEvent {
  readonly kind: "accessGranted" | "accessDenied" | "accessTaken" | "accessNotTaken" | "duress";
  /** Token of the access point. */
  readonly accessPoint: string;
  /** Token or number of the credential, holder, reason ...: strings as the controller writes them, leading zeros and all. */
  readonly data: Readonly<Record<string, string>>;
}

/** [ONVIF Access Control 6.2] Main topics; a new subtopic is still an event of its main topic. */
const KINDS: readonly { readonly topic: string; readonly kind: AccessEvent["kind"] }[] = [
  { topic: "tns1:AccessControl/AccessGranted", kind: "accessGranted" },
  { topic: "tns1:AccessControl/AccessTaken", kind: "accessTaken" },
  { topic: "tns1:AccessControl/AccessNotTaken", kind: "accessNotTaken" },
  { topic: "tns1:AccessControl/Denied", kind: "accessDenied" },
  { topic: "tns1:AccessControl/Duress", kind: "duress" },
];

/** Items of the events and the hub's names of them. */
const ITEMS: readonly (readonly [item: string, name: string])[] = [
  ["CredentialToken", "credential"],
  ["CredentialHolderName", "holder"],
  ["Card", "card"],
  ["IdentifierValue", "card"],
  ["IdentifierType", "cardType"],
  ["FormatType", "cardFormat"],
  ["Reason", "reason"],
  ["External", "external"],
];
const MAX_TEXT = 256;

/** Translates a notification of access; undefined where it is none or names no access point. */
export function mapAccess(notification: Notification): AccessEvent | undefined {
  const { topic } = notification;
  const main = KINDS.find((candidate) => topic === candidate.topic || topic.startsWith(`${candidate.topic}/`));
  const accessPoint = notification.source.get("AccessPointToken") ?? notification.data.get("AccessPointToken");
  if (main === undefined || accessPoint === undefined) return undefined;
  const data: Record<string, string> = { topic };
  for (const [item, name] of ITEMS) {
    const value = notification.data.get(item);
    if (value !== undefined && value !== "") data[name] = value.slice(0, MAX_TEXT);
  }
  // [ONVIF Access Control 6.6] no reason is part of these topics: their names are it
  if (topic.startsWith("tns1:AccessControl/Denied/CredentialNotFound")) data["reason"] ??= "CredentialNotFound";
  return { kind: main.kind, accessPoint: accessPoint.slice(0, MAX_TEXT), data };
}
