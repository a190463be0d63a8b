import { hubTopic, parseHubTopic } from "#core/contracts/topics.ts";
import { NAMESPACE, parseTopic } from "#core/sparkplug/topic.ts";

const PUBLISHED = new Set(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]);

/** Which part of the topic space belongs to a gateway. */
export interface GatewayTopics {
  readonly site: string;
  readonly gateway: string;
}

/** May the gateway publish here? Its own Sparkplug messages and its own events, nothing else. */
export function mayPublish({ site, gateway }: GatewayTopics, topic: string): boolean {
  const hub = parseHubTopic(topic);
  if (hub !== undefined) return hub.kind === "events" && hub.site === site && hub.gateway === gateway;
  const sparkplug = parseTopic(topic);
  if (sparkplug === undefined || sparkplug.type === "STATE") return false;
  return PUBLISHED.has(sparkplug.type) && sparkplug.group === site && sparkplug.edgeNode === gateway;
}

/** May the gateway subscribe to this filter? Commands, acks and configuration of its own and the state of the host. `$share` never: the embedded broker would deliver nothing. */
export function maySubscribe({ site, gateway }: GatewayTopics, filter: string): boolean {
  const own = [
    hubTopic(site, gateway, "ack"),
    hubTopic(site, gateway, "commands"),
    hubTopic(site, gateway, "config"),
    `${NAMESPACE}/${site}/NCMD/${gateway}`,
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
