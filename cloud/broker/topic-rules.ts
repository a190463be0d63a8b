import { hubTopic, parseHubTopic } from "#core/contracts/topics.ts";
import { NAMESPACE, parseTopic } from "#core/sparkplug/topic.ts";

/** Where the broker offers the last births, retained. [Sparkplug tck-id-conformance-mqtt-aware-nbirth-mqtt-topic] */
export const CERTIFICATES = "$sparkplug/certificates";

const PUBLISHED = new Set(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]);

/** Which part of the topic space belongs to a gateway, or to a foreign edge node, which knows Sparkplug alone. */
export interface NodeTopics {
  readonly kind: "gateway" | "foreignNode";
  readonly site: string;
  readonly gateway: string;
}

/** A foreign host application: reads the whole site; its own host id is its name. */
export interface ReaderTopics {
  readonly kind: "reader";
  readonly name: string;
  /** May it send NCMD, new births for instance? */
  readonly mayCommand: boolean;
}

/** What a peer's topics follow from. */
export type PeerTopics = NodeTopics | ReaderTopics;

/** May the peer publish here? Its own messages, nothing else. */
export function mayPublish(peer: PeerTopics, topic: string): boolean {
  const hub = parseHubTopic(topic);
  if (hub !== undefined)
    return peer.kind === "gateway" && hub.kind === "events" && hub.site === peer.site && hub.gateway === peer.gateway;
  const sparkplug = parseTopic(topic);
  if (sparkplug === undefined) return false;
  if (peer.kind === "reader") {
    if (sparkplug.type === "STATE") return sparkplug.host === peer.name;
    return sparkplug.type === "NCMD" && peer.mayCommand;
  }
  if (sparkplug.type === "STATE" || !PUBLISHED.has(sparkplug.type)) return false;
  return sparkplug.group === peer.site && sparkplug.edgeNode === peer.gateway;
}

/** May what the peer publishes here be kept for those who come later? Only a host's own state. [Sparkplug tck-id-host-topic-phid-birth-retain] */
export function mayRetain(peer: PeerTopics, topic: string): boolean {
  return peer.kind === "reader" && parseTopic(topic)?.type === "STATE";
}

/** May the peer subscribe to this filter? `$share` never: the embedded broker would deliver nothing. */
export function maySubscribe(peer: PeerTopics, filter: string): boolean {
  if (peer.kind === "reader") return filter.startsWith(`${NAMESPACE}/`) || filter.startsWith(`${CERTIFICATES}/`);
  const { kind, site, gateway } = peer;
  const own = [
    ...(kind === "gateway" ? (["ack", "commands", "config"] as const).map((k) => hubTopic(site, gateway, k)) : []),
    `${NAMESPACE}/${site}/NCMD/${gateway}`,
    `${NAMESPACE}/${site}/NCMD/${gateway}/#`,
    `${NAMESPACE}/${site}/DCMD/${gateway}/#`,
    `${NAMESPACE}/${site}/DCMD/${gateway}/+`,
    `${NAMESPACE}/STATE/#`,
    `${NAMESPACE}/STATE/+`,
  ];
  if (own.includes(filter)) return true;
  const topic = parseTopic(filter);
  if (topic?.type === "STATE") return true;
  return topic?.type === "DCMD" && topic.group === site && topic.edgeNode === gateway;
}
