/** Our own MQTT topics, beside Sparkplug's. */
export type HubTopicKind = "events" | "ack" | "commands" | "config";

const FORM = /^parkhub\/v1\/([^/+#]+)\/([^/+#]+)\/(events|ack|commands|config)$/;

/** `parkhub/v1/<site>/<gateway>/<kind>`. */
export function hubTopic(site: string, gateway: string, kind: HubTopicKind): string {
  return `parkhub/v1/${site}/${gateway}/${kind}`;
}

/** The parts of one of our topics, or undefined for any other. */
export function parseHubTopic(topic: string): { site: string; gateway: string; kind: HubTopicKind } | undefined {
  const [, site, gateway, kind] = FORM.exec(topic) ?? [];
  if (site === undefined || gateway === undefined || kind === undefined) return undefined;
  return { site, gateway, kind: kind as HubTopicKind };
}

/** MQTT client id and user name of a gateway. */
export function gatewayClientId(site: string, gateway: string): string {
  return `${site}:${gateway}`;
}
