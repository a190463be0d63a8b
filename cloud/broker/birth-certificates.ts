import { nodeDescriptor, parseTopic } from "#core/sparkplug/topic.ts";
import { CERTIFICATES } from "./topic-rules.ts";

/** What is kept of one edge node at most: devices, and bytes of all its births. */
const MAX_DEVICES = 5_000;
const MAX_NODE_BYTES = 32 * 1024 * 1024;

interface Node {
  /** Bytes by topic. */
  readonly sizes: Map<string, number>;
  bytes: number;
}

/**
 * The last births of each edge node, offered retained under `$sparkplug/certificates/`, so that a host that comes later
 * knows every metric at once. With an NBIRTH the births of the node's devices before it are void. Kept in memory: after a
 * restart every node signs in and is born again. [Sparkplug tck-id-conformance-mqtt-aware-store]
 */
export class BirthCertificates {
  readonly #offer: (topic: string, payload: Uint8Array) => void;
  readonly #full: (node: string) => void;
  readonly #nodes = new Map<string, Node>();

  /** `offer` publishes retained, an empty payload takes back; `full` is told when a birth of a node could not be kept. */
  constructor(offer: (topic: string, payload: Uint8Array) => void, full: (node: string) => void) {
    this.#offer = offer;
    this.#full = full;
  }

  /** Takes a message that may be a birth. */
  note(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed?.type !== "NBIRTH" && parsed?.type !== "DBIRTH") return;
    const id = nodeDescriptor(parsed);
    if (parsed.type === "NBIRTH") this.#forget(id, topic);
    const node = this.#nodes.get(id) ?? { sizes: new Map<string, number>(), bytes: 0 };
    this.#nodes.set(id, node);
    const before = node.sizes.get(topic);
    const bytes = node.bytes - (before ?? 0) + payload.length;
    if (bytes > MAX_NODE_BYTES || (before === undefined && node.sizes.size >= MAX_DEVICES)) {
      if (before !== undefined) this.#takeBack(node, topic, before);
      this.#full(id);
      return;
    }
    node.sizes.set(topic, payload.length);
    node.bytes = bytes;
    this.#offer(`${CERTIFICATES}/${topic}`, payload);
  }

  /** A birth that holds no longer would give its metrics' aliases to others. */
  #takeBack(node: Node, topic: string, size: number): void {
    node.sizes.delete(topic);
    node.bytes -= size;
    this.#offer(`${CERTIFICATES}/${topic}`, new Uint8Array());
  }

  /** Takes back all births of a node but the one that replaces its own. */
  #forget(id: string, replaced: string): void {
    for (const topic of this.#nodes.get(id)?.sizes.keys() ?? [])
      if (topic !== replaced) this.#offer(`${CERTIFICATES}/${topic}`, new Uint8Array());
    this.#nodes.delete(id);
  }
}
