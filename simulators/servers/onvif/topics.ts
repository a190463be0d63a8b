import { CONCRETE_TOPIC } from "#protocols/onvif/codec/namespaces.ts";
import { formatDateTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import { answer } from "./service.ts";

type Item = readonly [name: string, value: string];

/** One topic of a device, with the types of its items. [ONVIF Core 9.7] */
export interface TopicDescription {
  readonly topic: string;
  /** A property has a state that a subscriber is told at once; the others happen and are over. */
  readonly property: boolean;
  readonly source: readonly (readonly [name: string, type: string])[];
  readonly data: readonly (readonly [name: string, type: string])[];
  /** Data that are elements of their own and no simple items. */
  readonly elements?: readonly (readonly [name: string, type: string])[];
}

/** One thing to tell. */
export interface Happening {
  readonly topic: string;
  readonly property: boolean;
  readonly source: readonly Item[];
  readonly data: readonly Item[];
  /** Data that are elements: name of the item, and XML. */
  readonly elements?: readonly Item[];
}

/** What a device has to tell. */
export interface EventSource {
  readonly topics: readonly TopicDescription[];
  /** Every property as it holds now. */
  properties(): readonly Happening[];
  /** Tells all that happens from now on. Gives the way to stop. */
  listen(tell: (happening: Happening) => void): () => void;
}

export type PropertyOperation = "Initialized" | "Changed";

/** A NotificationMessage; `at` is the device's time, Unix ms. [ONVIF Core 9.5] */
export function notification(happening: Happening, at: number, operation: PropertyOperation): string {
  const item = ([name, value]: Item): string =>
    `<tt:SimpleItem Name="${escapeXml(name)}" Value="${escapeXml(value)}"/>`;
  const elements = (happening.elements ?? []).map(
    ([name, xml]) => `<tt:ElementItem Name="${escapeXml(name)}">${xml}</tt:ElementItem>`,
  );
  const list = (name: string, content: string): string => (content === "" ? "" : `<tt:${name}>${content}</tt:${name}>`);
  const property = happening.property ? ` PropertyOperation="${operation}"` : "";
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="${CONCRETE_TOPIC}">${happening.topic}</wsnt:Topic><wsnt:Message>` +
    `<tt:Message UtcTime="${formatDateTime(at)}"${property}>${list("Source", happening.source.map(item).join(""))}` +
    `${list("Data", happening.data.map(item).join("") + elements.join(""))}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}

/** One level of the topic tree: each name stands once among its siblings. [WS-Topics 1.3 §6] */
interface TopicNode {
  readonly children: Map<string, TopicNode>;
  description: string;
}

function describe({ source, data, elements, property }: TopicDescription): string {
  const items = (kind: string, described: TopicDescription["source"]): string =>
    described.map(([name, type]) => `<tt:${kind} Name="${name}" Type="${type}"/>`).join("");
  const list = (name: string, content: string): string => (content === "" ? "" : `<tt:${name}>${content}</tt:${name}>`);
  return (
    `<tt:MessageDescription IsProperty="${property}">${list("Source", items("SimpleItemDescription", source))}` +
    list("Data", items("SimpleItemDescription", data) + items("ElementItemDescription", elements ?? [])) +
    "</tt:MessageDescription>"
  );
}

/** The tree of all topics of a device. [ONVIF Core 9.8] */
export function topicSet(topics: readonly TopicDescription[]): string {
  const root: TopicNode = { children: new Map(), description: "" };
  for (const topic of topics) {
    let at = root;
    for (const name of topic.topic.split("/")) {
      const next = at.children.get(name) ?? { children: new Map(), description: "" };
      at.children.set(name, next);
      at = next;
    }
    at.description = describe(topic);
  }
  const write = ({ children, description }: TopicNode): string => {
    const inner = [...children].map(([name, node]) => {
      const leaf = node.description === "" ? "" : ' wstop:topic="true"';
      return `<${name}${leaf}>${write(node)}</${name}>`;
    });
    return description + inner.join("");
  };
  return answer("wstop", "TopicSet", write(root));
}

/**
 * Does a concrete topic lie in a topic expression of the concrete dialects, e.g. `tns1:Door//.|tns1:Device/Trigger/Relay`?
 * [ONVIF Core 9.7.3]
 */
export function topicMatches(expression: string, topic: string): boolean {
  return expression
    .split("|")
    .map((part) => part.trim())
    .some((part) => {
      if (!part.endsWith("//.")) return part === topic;
      const root = part.slice(0, -3);
      return topic === root || topic.startsWith(`${root}/`);
    });
}
