import type { Clock } from "../clock.ts";
import type { BatchIdentity } from "../contracts/batch.ts";
import { errorMessage, InvalidInputError } from "../errors.ts";
import type { SampleAppender } from "../model/sample-columns.ts";
import { BatchReader } from "./batch-reader.ts";
import { DataType } from "./datatype.ts";
import { decodePayload } from "./decode.ts";
import { encodePayload } from "./encode.ts";
import type { HostOutput, RebirthReason } from "./host-output.ts";
import { parseState, stateMessage } from "./host-state.ts";
import { BD_SEQ, REBIRTH, type SparkplugMessage } from "./message.ts";
import type { DecodedPayload } from "./metric.ts";
import { MetricTable } from "./metric-table.ts";
import { SequenceWindow } from "./sequence-window.ts";
import { NAMESPACE, nodeDescriptor, parseTopic, type SparkplugTopic, topicOf } from "./topic.ts";

/** Shortest time between two rebirth requests to one node; doubled up to a minute while requests follow each other. */
export const REBIRTH_DEBOUNCE_MS = 5_000;
const REBIRTH_LONGEST_MS = 60_000;
/** Topics whose parts are remembered. */
const MAX_KNOWN_TOPICS = 20_000;

/** How a host application listens. */
export interface HostSessionOptions {
  /** Host id in `spBv1.0/STATE/<host>`. */
  readonly host: string;
  readonly clock: Clock;
  /** How long a missing `seq` is waited for, ms; 0 asks for a rebirth at once. [Sparkplug tck-id-operational-behavior-host-reordering-param] */
  readonly reorderTimeoutMs: number;
  /** What follows when the reorder time-out elapses, outside any `receive`. */
  readonly onTimeout: (outputs: readonly HostOutput[]) => void;
  /** Messages held per node while a gap is open; 128 when absent. */
  readonly maxHeldMessages?: number;
  /** Bytes held per node; 4 MiB when absent. */
  readonly maxHeldBytes?: number;
  /** Edge nodes known at most; 10,000 when absent. Messages of more are reported as malformed. */
  readonly maxNodes?: number;
  /** Number of the point of a metric, for `receiveBatch`; without it every message is read the general way. */
  readonly pointNumber?: (node: string, device: string | undefined, metric: string) => number;
}

/** A batch of samples of one node or device, read into columns from row `start` on. */
export interface BatchRows {
  readonly node: string;
  readonly device: string | undefined;
  readonly identity: BatchIdentity;
  /** When it was published, Unix ms. */
  readonly timestamp: number;
  readonly start: number;
}

type EdgeTopic = Exclude<SparkplugTopic, { readonly type: "STATE" }>;

interface Arrived {
  readonly topic: EdgeTopic;
  readonly payload: DecodedPayload;
  readonly nowMs: number;
}

interface EdgeNode {
  readonly id: string;
  readonly window: SequenceWindow<Arrived>;
  born: boolean;
  bdSeq: number;
  metrics: MetricTable;
  readonly devices: Map<string, MetricTable>;
  afterGap: boolean;
  /** On the monotonic clock. */
  askAgainAt: number;
  askWaitMs: number;
  /** Withdraws the request that waits for `askAgainAt`. */
  cancelAsk: (() => void) | undefined;
}

/** A birth answers what was asked for, a death makes it pointless. */
function withdraw(node: EdgeNode): void {
  node.cancelAsk?.();
  node.cancelAsk = undefined;
}

function bdSeqOf(payload: DecodedPayload): number | undefined {
  const value = payload.metrics.find(({ name }) => name === BD_SEQ)?.value;
  return typeof value === "number" ? value : undefined;
}

/**
 * The Sparkplug side of one host application: turns received messages into births, data, deaths and rebirth requests for any
 * number of edge nodes. It performs no I/O.
 * @see Sparkplug 3.0 §5
 */
export class HostSession {
  readonly #options: HostSessionOptions;
  readonly #nodes = new Map<string, EdgeNode>();
  readonly #batches = new BatchReader();
  readonly #dataTopics = new Map<string, { readonly node: string; readonly device: string | undefined }>();

  constructor(options: HostSessionOptions) {
    this.#options = options;
  }

  /** Takes one message as it arrived. `nowMs` is the host's Unix ms. Never throws for what others send. */
  receive(topicText: string, bytes: Uint8Array, nowMs: number): HostOutput[] {
    const topic = parseTopic(topicText);
    if (topic === undefined) {
      if (!topicText.startsWith(`${NAMESPACE}/`)) return [];
      return [{ type: "malformed", topic: topicText, reason: "not a Sparkplug topic" }];
    }
    if (topic.type === "STATE") return this.#state(topic.host, bytes);
    if (topic.type === "NCMD" || topic.type === "DCMD") return []; // another host's
    try {
      return this.#edge(topic, bytes, nowMs);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      this.#distrust(topic);
      return [{ type: "malformed", topic: topicText, reason: errorMessage(error) }];
    }
  }

  /**
   * Reads a data message that is a plain `Parkhub/batch` in its order straight into columns. Undefined: it is not, nothing has
   * happened, and `receive` must read it. What this gives is what `receive` and `sampleOf` would have given.
   */
  receiveBatch(topicText: string, bytes: Uint8Array, into: SampleAppender): BatchRows | undefined {
    const { pointNumber } = this.#options;
    const source = this.#dataTopic(topicText);
    const node = source && this.#nodes.get(source.node);
    if (pointNumber === undefined || source === undefined || node?.born !== true || node.afterGap) return undefined;
    const { device } = source;
    const table = device === undefined ? node.metrics : node.devices.get(device);
    const aliases = table?.aliasIndex((metric) => pointNumber(node.id, device, metric));
    const read = aliases && this.#batches.read(bytes, aliases, into);
    if (read === undefined || !node.window.takeDue(read.seq)) return undefined;
    const start = into.columns.length;
    into.columns.length = start + read.rows;
    return { node: node.id, device, identity: read.identity, timestamp: read.timestamp, start };
  }

  /** The parts of a data topic. */
  #dataTopic(text: string): { readonly node: string; readonly device: string | undefined } | undefined {
    const known = this.#dataTopics.get(text);
    if (known !== undefined) return known;
    const topic = parseTopic(text);
    if (topic?.type !== "NDATA" && topic?.type !== "DDATA") return undefined;
    const parts = { node: nodeDescriptor(topic), device: topic.type === "DDATA" ? topic.device : undefined };
    if (this.#dataTopics.size >= MAX_KNOWN_TOPICS) this.#dataTopics.clear();
    this.#dataTopics.set(text, parts);
    return parts;
  }

  /** A birth we cannot read may have moved aliases: what the one before declared no longer holds. */
  #distrust(topic: EdgeTopic): void {
    const node = this.#nodes.get(nodeDescriptor(topic));
    if (node === undefined) return;
    if (topic.type === "DBIRTH") node.devices.delete(topic.device);
    if (topic.type !== "NBIRTH") return;
    node.window.giveUp();
    node.born = false;
  }

  /** We lost the broker: every node there may have changed unseen. Held data comes first, then one nodeDead per node. */
  connectionLost(nowMs: number): HostOutput[] {
    const outputs: HostOutput[] = [];
    for (const node of this.#nodes.values()) if (node.born) this.#die(node, "connectionLost", nowMs, outputs);
    return outputs;
  }

  /** Stops all timers. Nothing comes out afterwards. */
  close(): void {
    for (const node of this.#nodes.values()) {
      node.window.giveUp();
      withdraw(node);
    }
    this.#nodes.clear();
  }

  /** Our STATE: online after subscribing, with the time stamp of the will; offline before a clean disconnect, with the current one. */
  stateMessage(online: boolean, timestamp: number): SparkplugMessage {
    return stateMessage(this.#options.host, { online, timestamp });
  }

  /** The will of a CONNECT made at `timestamp`. [Sparkplug tck-id-host-topic-phid-death-payload-timestamp-connect] */
  will(timestamp: number): SparkplugMessage {
    return this.stateMessage(false, timestamp);
  }

  #state(host: string, bytes: Uint8Array): HostOutput[] {
    const state = host === this.#options.host ? parseState(bytes) : undefined;
    return state?.online === false ? [{ type: "ownStateOffline", timestamp: state.timestamp }] : [];
  }

  #edge(topic: EdgeTopic, bytes: Uint8Array, nowMs: number): HostOutput[] {
    const payload = decodePayload(bytes);
    const outputs: HostOutput[] = [];
    if (topic.type === "NDEATH") {
      this.#nodeDeath(nodeDescriptor(topic), payload, nowMs, outputs);
      return outputs;
    }
    const { seq } = payload;
    // [Sparkplug tck-id-payloads-sequence-num-always-included]
    if (seq === undefined) throw new InvalidInputError("SPARKPLUG_SEQ_MISSING", `${topic.type} without seq`);
    if (topic.type === "NBIRTH") {
      this.#nodeBirth(nodeDescriptor(topic), payload, seq, nowMs, outputs);
      return outputs;
    }
    const node = this.#node(nodeDescriptor(topic));
    if (!node.born) {
      this.#ask(node, "dataBeforeBirth", outputs);
      return outputs;
    }
    const released = node.window.offer(seq, { topic, payload, nowMs }, bytes.length);
    if (released.gap) this.#gap(node, outputs);
    for (const arrived of released.items) this.#process(node, arrived, outputs);
    return outputs;
  }

  #node(id: string): EdgeNode {
    const known = this.#nodes.get(id);
    if (known !== undefined) return known;
    const { clock, reorderTimeoutMs, maxHeldMessages, maxHeldBytes, maxNodes = 10_000 } = this.#options;
    if (this.#nodes.size >= maxNodes) {
      throw new InvalidInputError("SPARKPLUG_TOO_MANY_NODES", `more than ${maxNodes} edge nodes`);
    }
    const window = new SequenceWindow<Arrived>({
      clock,
      timeoutMs: reorderTimeoutMs,
      maxMessages: maxHeldMessages ?? 128,
      maxBytes: maxHeldBytes ?? 4_194_304,
      onTimeout: (held) => {
        const outputs: HostOutput[] = [];
        this.#gap(node, outputs);
        for (const arrived of held) this.#process(node, arrived, outputs);
        this.#options.onTimeout(outputs);
      },
    });
    const node: EdgeNode = {
      id,
      window,
      born: false,
      bdSeq: 0,
      metrics: new MetricTable(),
      devices: new Map(),
      afterGap: false,
      askAgainAt: Number.NEGATIVE_INFINITY,
      askWaitMs: REBIRTH_DEBOUNCE_MS,
      cancelAsk: undefined,
    };
    this.#nodes.set(id, node);
    return node;
  }

  #nodeBirth(id: string, payload: DecodedPayload, seq: number, nowMs: number, outputs: HostOutput[]): void {
    const bdSeq = bdSeqOf(payload);
    // [Sparkplug tck-id-topics-nbirth-bdseq-included] without it no NDEATH could be told from a stale one
    if (bdSeq === undefined) throw new InvalidInputError("SPARKPLUG_BIRTH_INVALID", "NBIRTH without bdSeq");
    const timestamp = payload.timestamp ?? nowMs;
    const table = new MetricTable();
    const metrics = table.declare(payload.metrics, timestamp);
    const node = this.#node(id);
    // What is held may be of the session before or after this birth: resolving it could hand A's value to B.
    const messages = node.window.restart(seq);
    if (messages > 0) outputs.push({ type: "discarded", node: id, messages });
    withdraw(node);
    node.born = true;
    node.bdSeq = bdSeq;
    node.metrics = table;
    node.devices.clear();
    node.afterGap = false;
    outputs.push({ type: "nodeBorn", node: id, bdSeq, timestamp, metrics });
  }

  #nodeDeath(id: string, payload: DecodedPayload, nowMs: number, outputs: HostOutput[]): void {
    const bdSeq = bdSeqOf(payload);
    // [Sparkplug tck-id-payloads-ndeath-bdseq]
    if (bdSeq === undefined) throw new InvalidInputError("SPARKPLUG_DEATH_INVALID", "NDEATH without bdSeq");
    const node = this.#nodes.get(id);
    // A will of an older connection, delivered late, must not kill the session that followed it.
    if (node?.born !== true || node.bdSeq !== bdSeq) return;
    this.#die(node, "death", nowMs, outputs);
  }

  #die(node: EdgeNode, cause: "death" | "connectionLost", nowMs: number, outputs: HostOutput[]): void {
    const held = node.window.giveUp();
    if (held.length > 0) node.afterGap = true;
    for (const arrived of held) this.#process(node, arrived, outputs, false);
    node.born = false;
    withdraw(node);
    node.metrics = new MetricTable();
    node.devices.clear();
    outputs.push({ type: "nodeDead", node: node.id, bdSeq: node.bdSeq, timestamp: nowMs, cause });
  }

  #process(node: EdgeNode, arrived: Arrived, outputs: HostOutput[], askRebirth = true): void {
    const { topic, payload, nowMs } = arrived;
    const timestamp = payload.timestamp ?? nowMs;
    const ask = (reason: RebirthReason): void => {
      if (askRebirth) this.#ask(node, reason, outputs);
    };
    switch (topic.type) {
      case "DBIRTH":
        this.#deviceBirth(node, topic, payload, timestamp, outputs);
        return;
      case "DDEATH":
        if (!node.devices.delete(topic.device)) return; // was not born: nothing to take back
        outputs.push({ type: "deviceDead", node: node.id, device: topic.device, timestamp });
        return;
      case "NDATA":
      case "DDATA": {
        const device = topic.type === "DDATA" ? topic.device : undefined;
        const table = device === undefined ? node.metrics : node.devices.get(device);
        if (table === undefined) {
          ask("unknownDevice");
          return;
        }
        const { metrics, unknown } = table.resolve(payload.metrics, timestamp);
        if (unknown > 0) ask("unknownAlias");
        // A request may be lost (QoS 0): as long as the gap is not mended it is repeated, more and more rarely.
        if (node.afterGap) ask("sequenceGap");
        outputs.push({ type: "data", node: node.id, device, timestamp, metrics, afterGap: node.afterGap });
        return;
      }
      case "NBIRTH":
      case "NDEATH":
      case "NCMD":
      case "DCMD":
        return; // never held
      default:
        topic satisfies never;
    }
  }

  #deviceBirth(
    node: EdgeNode,
    topic: EdgeTopic & { readonly device: string },
    payload: DecodedPayload,
    timestamp: number,
    outputs: HostOutput[],
  ): void {
    const table = new MetricTable();
    node.devices.delete(topic.device); // also when this birth is refused: the old aliases no longer hold
    try {
      const metrics = table.declare(payload.metrics, timestamp);
      node.devices.set(topic.device, table);
      outputs.push({ type: "deviceBorn", node: node.id, device: topic.device, timestamp, metrics });
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      outputs.push({ type: "malformed", topic: topicOf(topic), reason: errorMessage(error) });
    }
  }

  #gap(node: EdgeNode, outputs: HostOutput[]): void {
    node.afterGap = true;
    this.#ask(node, "sequenceGap", outputs);
  }

  #ask(node: EdgeNode, reason: RebirthReason, outputs: HostOutput[]): void {
    const { clock, onTimeout } = this.#options;
    const now = clock.monotonic();
    if (now < node.askAgainAt) {
      // A node that reports by exception may be silent for hours: the request that is due must not wait for its next message.
      node.cancelAsk ??= clock.after(node.askAgainAt - now, () => {
        node.cancelAsk = undefined;
        const late: HostOutput[] = [];
        this.#ask(node, reason, late);
        onTimeout(late);
      });
      return;
    }
    // Not reset by a birth: a node whose births do not help would give birth every five seconds for ever.
    if (now > node.askAgainAt + node.askWaitMs) node.askWaitMs = REBIRTH_DEBOUNCE_MS;
    node.askAgainAt = now + node.askWaitMs;
    node.askWaitMs = Math.min(node.askWaitMs * 2, REBIRTH_LONGEST_MS);
    outputs.push({ type: "rebirthNeeded", node: node.id, reason });
  }
}

/**
 * The NCMD that asks an edge node (`<group>/<edgeNode>`) for new births. @throws SPARKPLUG_ID_INVALID
 * @see Sparkplug tck-id-operational-behavior-data-commands-ncmd-rebirth-verb, tck-id-payloads-ncmd-seq
 */
export function rebirthRequest(node: string, nowMs: number): SparkplugMessage {
  const [group = "", edgeNode = ""] = node.split("/", 2);
  const metrics = [{ name: REBIRTH, timestamp: nowMs, datatype: DataType.Boolean, value: true }];
  return {
    topic: topicOf({ type: "NCMD", group, edgeNode }),
    payload: encodePayload({ timestamp: nowMs, metrics }),
    qos: 0,
    retain: false,
  };
}
