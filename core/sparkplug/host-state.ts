import type { SparkplugMessage } from "./message.ts";
import { topicOf } from "./topic.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MAX_STATE_BYTES = 1024;

/** Is a host application there? `timestamp` is Unix ms. */
export interface HostState {
  readonly online: boolean;
  readonly timestamp: number;
}

/**
 * The STATE message of a host application, also its will (`online` false). The birth after a CONNECT carries the time stamp of
 * that CONNECT's will; the death before a clean DISCONNECT carries the current time. @throws SPARKPLUG_ID_INVALID
 * @see Sparkplug tck-id-host-topic-phid-birth-payload, tck-id-host-topic-phid-death-payload
 */
export function stateMessage(host: string, state: HostState): SparkplugMessage {
  return {
    topic: topicOf({ type: "STATE", host }),
    payload: encoder.encode(JSON.stringify({ online: state.online, timestamp: state.timestamp })),
    qos: 1,
    retain: true,
  };
}

/** Reads a STATE payload; undefined when it is none. An edge node with a primary host waits for `online` with a newer time stamp. */
export function parseState(bytes: Uint8Array): HostState | undefined {
  if (bytes.length > MAX_STATE_BYTES) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined; // not JSON: a Sparkplug 2.2 host's ONLINE/OFFLINE or garbage
  }
  if (typeof json !== "object" || json === null || !("online" in json) || !("timestamp" in json)) return undefined;
  const { online, timestamp } = json;
  if (typeof online !== "boolean" || typeof timestamp !== "number" || !Number.isSafeInteger(timestamp))
    return undefined;
  return { online, timestamp };
}
