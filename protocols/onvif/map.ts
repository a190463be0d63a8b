import type { Notification } from "./codec/notification.ts";
import type { EventSignal } from "./vocabulary.ts";

/** A notification in the hub's own terms. */
export interface FieldEvent {
  /** Kind of the device event, and the boolean signal that follows it. */
  readonly kind: EventSignal | "restarted";
  /** Tells one state from another: topic, source and key. */
  readonly instance: string;
  /** Topic and source alone; the same as `instance` where there is no key. */
  readonly origin: string;
  /** True where the state exists no longer, as with an object that has left the scene. [ONVIF Core 9.4] */
  readonly deleted: boolean;
  /** Values by which a point's `token` may name it: source, input, relay, rule. */
  readonly tokens: readonly string[];
  /** The state that holds; undefined for what happens and is over. */
  readonly state: boolean | undefined;
  /** True where the device only repeats what holds already. */
  readonly repeated: boolean;
  readonly utcTime: number | undefined;
  /** Time of the last start, Unix ms; of `restarted` only. */
  readonly restartedAt: number | undefined;
  /** Topic, source and data as strings, for the record. */
  readonly data: Readonly<Record<string, string>>;
}

interface TopicRule {
  /** Topic, or its beginning where it ends in `/`. */
  readonly topic: string;
  readonly kind: EventSignal;
  /** Items of Data that hold the state, first found wins; none: an instant. */
  readonly state: readonly string[];
}

/**
 * [ONVIF Imaging §events; Analytics annex B; Device IO §events; Core 8.8] The topics of S, T and C devices that the hub
 * understands. The last item name of each list is what some firmware writes instead of the specified one.
 */
const RULES: readonly TopicRule[] = [
  { topic: "tns1:VideoSource/MotionAlarm", kind: "motion", state: ["State"] },
  { topic: "tns1:RuleEngine/CellMotionDetector/Motion", kind: "motion", state: ["IsMotion", "State"] },
  { topic: "tns1:RuleEngine/MotionRegionDetector/Motion", kind: "motion", state: ["State", "IsMotion"] },
  { topic: "tns1:VideoSource/GlobalSceneChange/", kind: "tamper", state: ["State"] },
  { topic: "tns1:RuleEngine/TamperDetector/Tamper", kind: "tamper", state: ["IsTamper", "State"] },
  { topic: "tns1:RuleEngine/FieldDetector/ObjectsInside", kind: "fieldIntrusion", state: ["IsInside", "State"] },
  { topic: "tns1:RuleEngine/LineDetector/Crossed", kind: "lineCrossed", state: [] },
  { topic: "tns1:Device/Trigger/DigitalInput", kind: "digitalInput", state: ["LogicalState", "State"] },
  { topic: "tns1:Device/Trigger/Relay", kind: "relay", state: ["LogicalState", "State"] },
  { topic: "tns1:Device/HardwareFailure/", kind: "hardwareFailure", state: ["Failed", "Critical", "State"] },
];
const LAST_REBOOT = "tns1:Monitoring/OperatingTime/LastReboot";
const MAX_TEXT = 256;

/** xs:boolean, and the words of tt:RelayLogicalState; undefined for anything else. */
function parseState(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case "true":
    case "1":
    case "active":
      return true;
    case "false":
    case "0":
    case "inactive":
      return false;
    default:
      return undefined;
  }
}

function recordOf(notification: Notification): Record<string, string> {
  const data: Record<string, string> = { topic: notification.topic };
  for (const items of [notification.source, notification.key, notification.data]) {
    for (const [name, value] of items) {
      if (name !== "topic" && /^[\w.-]{1,64}$/.test(name)) data[name] = value.slice(0, MAX_TEXT);
    }
  }
  return data;
}

function stateOf(rule: TopicRule, notification: Notification): boolean | undefined | "none" {
  if (rule.state.length === 0) return undefined;
  // [ONVIF Core 9.4] a deleted property exists no longer, so nothing holds
  if (notification.operation === "Deleted") return false;
  for (const item of rule.state) {
    const state = parseState(notification.data.get(item));
    if (state !== undefined) return state;
  }
  return "none";
}

/** Translates a notification; undefined where the hub has no event for its topic or its data hold no state. */
export function mapNotification(notification: Notification): FieldEvent | undefined {
  const sources = [...notification.source, ...notification.key];
  const base = {
    instance: JSON.stringify([notification.topic, ...sources]),
    origin: JSON.stringify([notification.topic, ...notification.source]),
    deleted: notification.operation === "Deleted",
    tokens: sources.map(([, value]) => value),
    repeated: notification.operation === "Initialized",
    utcTime: notification.utcTime,
    data: recordOf(notification),
  };
  if (notification.topic === LAST_REBOOT) {
    const restartedAt = Date.parse(notification.data.get("Status") ?? "");
    if (!Number.isFinite(restartedAt)) return undefined;
    return { ...base, kind: "restarted", state: undefined, restartedAt };
  }
  const rule = RULES.find(({ topic }) =>
    topic.endsWith("/") ? notification.topic.startsWith(topic) : notification.topic === topic,
  );
  if (rule === undefined) return undefined;
  const state = stateOf(rule, notification);
  return state === "none" ? undefined : { ...base, kind: rule.kind, state, restartedAt: undefined };
}
