import { InvalidInputError } from "../errors.ts";

/** The namespace element of Sparkplug B topics. [Sparkplug tck-id-topic-structure-namespace-a] */
export const NAMESPACE = "spBv1.0";

const NODE_MESSAGE_TYPES = ["NBIRTH", "NDATA", "NDEATH", "NCMD"] as const;
const DEVICE_MESSAGE_TYPES = ["DBIRTH", "DDATA", "DDEATH", "DCMD"] as const;

/** Message types of an edge node itself. */
export type NodeMessageType = (typeof NODE_MESSAGE_TYPES)[number];
/** Message types of a device behind an edge node. */
export type DeviceMessageType = (typeof DEVICE_MESSAGE_TYPES)[number];

/** A Sparkplug topic in parts: of an edge node, of one of its devices, or the state of a host application. */
export type SparkplugTopic =
  | { readonly type: NodeMessageType; readonly group: string; readonly edgeNode: string }
  | { readonly type: DeviceMessageType; readonly group: string; readonly edgeNode: string; readonly device: string }
  | { readonly type: "STATE"; readonly host: string };

/** Longest id in UTF-16 units; MQTT allows 65535 bytes for a whole topic. */
const MAX_ID_LENGTH = 512;

/**
 * May this be a group, edge node, device or host id? UTF-8 text without `+`, `/`, `#`, not empty, not too long for a topic.
 * @see Sparkplug tck-id-topic-structure-namespace-valid-group-id, -valid-edge-node-id, -valid-device-id
 */
export function isSparkplugId(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ID_LENGTH && !/[+/#]/.test(id) && !id.includes("\0") && id.isWellFormed();
}

function isOneOf<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text);
}

/** The parts of a topic, or undefined when it is not a Sparkplug B topic. */
export function parseTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, second, third, fourth, fifth, ...rest] = topic.split("/", 6);
  if (namespace !== NAMESPACE || second === undefined || third === undefined || rest.length > 0) return undefined;
  if (!isSparkplugId(third)) return undefined;
  if (second === "STATE") return fourth === undefined ? { type: "STATE", host: third } : undefined;
  if (fourth === undefined || !isSparkplugId(second) || !isSparkplugId(fourth)) return undefined;
  if (isOneOf(NODE_MESSAGE_TYPES, third)) {
    // [Sparkplug tck-id-topic-structure-namespace-device-id-non-associated-message-types]
    return fifth === undefined ? { type: third, group: second, edgeNode: fourth } : undefined;
  }
  // [Sparkplug tck-id-topic-structure-namespace-device-id-associated-message-types]
  if (!isOneOf(DEVICE_MESSAGE_TYPES, third) || fifth === undefined || !isSparkplugId(fifth)) return undefined;
  return { type: third, group: second, edgeNode: fourth, device: fifth };
}

function checked(id: string, what: string): string {
  if (isSparkplugId(id)) return id;
  throw new InvalidInputError(
    "SPARKPLUG_ID_INVALID",
    `${what} "${id}": expected 1 to ${MAX_ID_LENGTH} characters without + / #`,
  );
}

/** The topic of its parts; the inverse of `parseTopic`. @throws SPARKPLUG_ID_INVALID */
export function topicOf(topic: SparkplugTopic): string {
  if (topic.type === "STATE") return `${NAMESPACE}/STATE/${checked(topic.host, "host id")}`;
  // A group called STATE would be read as a host's state.
  if (topic.group === "STATE") throw new InvalidInputError("SPARKPLUG_ID_INVALID", 'group id "STATE" is reserved');
  const group = checked(topic.group, "group id");
  const node = `${NAMESPACE}/${group}/${topic.type}/${checked(topic.edgeNode, "edge node id")}`;
  return "device" in topic ? `${node}/${checked(topic.device, "device id")}` : node;
}

/** The Edge Node Descriptor `<group>/<edgeNode>`, unique in the park; for our gateways it is the GatewayId. */
export function nodeDescriptor(topic: { readonly group: string; readonly edgeNode: string }): string {
  return `${topic.group}/${topic.edgeNode}`;
}
