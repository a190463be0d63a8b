import type { Ack, ConfigNotice } from "#core/contracts/lanes.ts";
import { type HubTopicKind, hubTopic } from "#core/contracts/topics.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Command } from "#core/model/command.ts";
import type { Broker, GatewayLink } from "../ports.ts";
import type { Presence } from "./presence.ts";

function topic(gateway: GatewayId, kind: HubTopicKind): string {
  const [site = "", name = ""] = gateway.split("/");
  return hubTopic(site, name, kind);
}

/** How the cloud speaks to a gateway: JSON on the gateway's own topics. */
export class MqttGatewayLink implements GatewayLink {
  readonly #broker: Broker;
  readonly #presence: Presence;
  constructor(broker: Broker, presence: Presence) {
    this.#broker = broker;
    this.#presence = presence;
  }

  sendCommand(gateway: GatewayId, command: Command): boolean {
    if (!this.isOnline(gateway)) return false;
    this.#broker.publish(topic(gateway, "commands"), JSON.stringify(command), { qos: 1, retain: false });
    return true;
  }

  sendAck(gateway: GatewayId, ack: Ack): void {
    // QoS 0: the next acknowledgement is cumulative, and the gateway offers again what was not acknowledged.
    this.#broker.publish(topic(gateway, "ack"), JSON.stringify(ack), { qos: 0, retain: false });
  }

  announceConfig(gateway: GatewayId, notice: ConfigNotice): void {
    this.#broker.publish(topic(gateway, "config"), JSON.stringify(notice), { qos: 1, retain: true });
  }

  isOnline(gateway: GatewayId): boolean {
    return this.#presence.isOnline(gateway) && this.#broker.isReachable(gateway);
  }
}
