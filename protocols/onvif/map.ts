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

/** How a topic tells its state. `listed`: it holds while the list in the item is not empty. `none`: it is an instant. */
type StateForm =
  | { readonly form: "boolean"; readonly items: readonly string[] }
  | { readonly form: "listed"; readonly item: string }
  | { readonly form: "none" };

interface TopicRule {
  /** Topic, or its beginning where it ends in `/`. */
  readonly topic: string;
  readonly kind: EventSignal;
  readonly state: StateForm;
}

const booleanIn = (...items: readonly string[]): StateForm => ({ form: "boolean", items });
const INSTANT: StateForm = { form: "none" };

/**
 * The topics of S, T, C and M devices that the hub understands. [ONVIF Imaging 5.3; Analytics annex A, B; Device IO 5.9; Core 8.8]
 * The last item name of each list is what some firmware writes instead of the specified one.
 */
const RULES: readonly TopicRule[] = [
  { topic: "tns1:VideoSource/MotionAlarm", kind: "motion", state: booleanIn("State") },
  { topic: "tns1:RuleEngine/CellMotionDetector/Motion", kind: "motion", state: booleanIn("IsMotion", "State") },
  { topic: "tns1:RuleEngine/MotionRegionDetector/Motion", kind: "motion", state: booleanIn("State", "IsMotion") },
  { topic: "tns1:VideoSource/GlobalSceneChange/", kind: "tamper", state: booleanIn("State") },
  { topic: "tns1:RuleEngine/TamperDetector/Tamper", kind: "tamper", state: booleanIn("IsTamper", "State") },
  { topic: "tns1:VideoSource/SignalLoss", kind: "videoLoss", state: booleanIn("State") },
  {
    topic: "tns1:RuleEngine/FieldDetector/ObjectsInside",
    kind: "fieldIntrusion",
    state: booleanIn("IsInside", "State"),
  },
  { topic: "tns1:RuleEngine/LineDetector/Crossed", kind: "lineCrossed", state: INSTANT },
  {
    topic: "tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering",
    kind: "loitering",
    state: { form: "listed", item: "ObjectId" },
  },
  {
    topic: "tns1:RuleEngine/ObjectDetection/Object",
    kind: "objectDetected",
    state: { form: "listed", item: "ClassTypes" },
  },
  { topic: "tns1:RuleEngine/ObjectTrack/Aggregation", kind: "objectDetected", state: INSTANT },
  { topic: "tns1:RuleEngine/Recognition/", kind: "objectDetected", state: INSTANT },
  { topic: "tns1:Device/Trigger/DigitalInput", kind: "digitalInput", state: booleanIn("LogicalState", "State") },
  { topic: "tns1:Device/Trigger/Relay", kind: "relay", state: booleanIn("LogicalState", "State") },
  { topic: "tns1:Device/HardwareFailure/", kind: "hardwareFailure", state: booleanIn("Failed", "Critical", "State") },
];
const LAST_REBOOT = "tns1:Monitoring/OperatingTime/LastReboot";
const MAX_TEXT = 256;

/** Items that hold the same thing under different names, and the hub's name of it. First found wins. */
const NORMALISED: readonly { readonly name: string; readonly items: readonly string[] }[] = [
  { name: "licensePlate", items: ["LicensePlateInfo.PlateNumber", "PlateNumber", "LicensePlate", "Plate"] },
  { name: "objectClass", items: ["ClassTypes", "Object.Type", "ObjectType", "Class"] },
];

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

/** Topic and all items as strings, each cut to 256 characters; items with names no program would use are left out. */
export function recordOf(notification: Notification): Record<string, string> {
  const data: Record<string, string> = { topic: notification.topic };
  for (const items of [notification.source, notification.key, notification.data]) {
    for (const [name, value] of items) {
      if (name !== "topic" && /^[\w.-]{1,64}$/.test(name)) data[name] = value.slice(0, MAX_TEXT);
    }
  }
  return data;
}

function normalised(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const found: Record<string, string> = { ...data };
  for (const { name, items } of NORMALISED) {
    const value = items.map((item) => data[item]).find((text) => text !== undefined && text !== "");
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function stateOf({ state }: TopicRule, notification: Notification): boolean | undefined | "none" {
  if (state.form === "none") return undefined;
  // [ONVIF Core 9.4] a deleted property exists no longer, so nothing holds
  if (notification.operation === "Deleted") return false;
  if (state.form === "listed") return (notification.data.get(state.item) ?? "").trim() !== "";
  for (const item of state.items) {
    const found = parseState(notification.data.get(item));
    if (found !== undefined) return found;
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
  };
  if (notification.topic === LAST_REBOOT) {
    const restartedAt = Date.parse(notification.data.get("Status") ?? "");
    if (!Number.isFinite(restartedAt)) return undefined;
    return { ...base, data: recordOf(notification), kind: "restarted", state: undefined, restartedAt };
  }
  const rule = RULES.find(({ topic }) =>
    topic.endsWith("/") ? notification.topic.startsWith(topic) : notification.topic === topic,
  );
  if (rule === undefined) return undefined;
  const state = stateOf(rule, notification);
  if (state === "none") return undefined;
  return { ...base, data: normalised(recordOf(notification)), kind: rule.kind, state, restartedAt: undefined };
}
