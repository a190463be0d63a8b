import type { MqttPacket } from "./mqtt-packets.ts";
import type { Seen } from "./packet-spy.ts";
import { readPayload, type WireMetric, type WirePayload } from "./wire-payload.ts";

type Publish = Extract<MqttPacket, { kind: "publish" }>;

/** Data types of the standard by number, written down again: 1 to 34. @see Sparkplug 3.0 §6.4.16 */
export const INT32 = 3;
export const INT64 = 4;
export const DOUBLE = 10;
export const BOOLEAN = 11;
export const STRING = 12;

/** A Sparkplug message of an edge node as it passed the spy. */
export interface EdgeMessage {
  readonly seen: Seen;
  /** Where it stands among all packets. */
  readonly index: number;
  readonly connection: number;
  readonly publish: Publish;
  readonly type: string;
  readonly group: string;
  readonly node: string;
  readonly device: string | undefined;
  readonly payload: WirePayload;
}

/** The messages in the Sparkplug namespace among these packets, all but STATE. @throws Error for one that is no protobuf */
export function sparkplugMessages(seen: readonly Seen[], from: Seen["from"] = "client"): EdgeMessage[] {
  return seen.flatMap((entry, index) => {
    const { packet, connection } = entry;
    if (entry.from !== from || packet.kind !== "publish") return [];
    const [namespace, group = "", type = "", node = "", device] = packet.topic.split("/");
    if (namespace !== "spBv1.0" || group === "STATE") return [];
    const payload = readPayload(packet.payload);
    return [{ seen: entry, index, connection, publish: packet, type, group, node, device, payload }];
  });
}

/** The metric of a name. @throws Error when there is not exactly one */
export function metricNamed(payload: WirePayload, name: string): WireMetric {
  const found = payload.metrics.filter((metric) => metric.name === name);
  const [metric] = found;
  if (metric === undefined || found.length > 1) throw new Error(`${found.length} metrics named ${name}`);
  return metric;
}
