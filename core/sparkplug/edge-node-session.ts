import { HubError, InvalidInputError } from "../errors.ts";
import { type Quality, sparkplugQuality } from "../model/quality.ts";
import { DataType, type MetricValue } from "./datatype.ts";
import { decodePayload } from "./decode.ts";
import { encodePayload } from "./encode.ts";
import { BATCH, BD_SEQ, nextSequence, REBIRTH, type SparkplugMessage } from "./message.ts";
import type { Metric, PropertyValue } from "./metric.ts";
import { parseTopic, type SparkplugTopic, topicOf } from "./topic.ts";
import { MalformedPayloadError } from "./wire-reader.ts";

/** A metric as births declare it. */
export interface MetricDefinition {
  readonly name: string;
  /** Persistent number of the point; unique over the whole node and never reused. */
  readonly alias: number;
  readonly datatype: DataType;
  /** Properties of the point for births, such as its unit. */
  readonly properties?: Readonly<Record<string, PropertyValue>>;
}

/** What a node or a device reports. */
export interface MetricSet {
  readonly metrics: readonly MetricDefinition[];
  /** Alias of `Parkhub/batch` in this birth; like every alias unique over the node. */
  readonly batchAlias: number;
}

/** One value of one metric. Times are Unix ms. */
export interface MetricReading {
  readonly alias: number;
  /** `null` when there is none. */
  readonly value: MetricValue;
  /** When it was observed. */
  readonly timestamp: number;
  /** Good when absent. */
  readonly quality?: Quality;
  /** Why it is not good. */
  readonly reason?: string;
  /** When the device itself says it happened, Unix ms; sent as the property `sourceTime`. */
  readonly sourceTime?: number;
  /** A value from before, sent after a break: for storage only. [Sparkplug 6.4.6 is_historical] */
  readonly isHistorical?: boolean;
}

/** The current value of a metric for a birth; undefined when none was ever seen. */
export type CurrentReading = (alias: number) => MetricReading | undefined;

/** What a data message holds besides its readings. */
export interface DataOptions {
  /** Outbox rows of this message: `<epoch>:<first>:<last>`. */
  readonly batch?: string;
}

/** What a command from a host asks. We obey Rebirth only; `refused` names what else was in it. */
export type NodeCommand =
  | { readonly type: "rebirth" }
  | { readonly type: "refused"; readonly device?: string; readonly metrics: readonly string[] }
  | { readonly type: "malformed"; readonly reason: string };

/** Identity of an edge node and the number of the CONNECT it is about to make. */
export interface EdgeNodeOptions {
  readonly group: string;
  readonly edgeNode: string;
  /** 0 to 255; the caller persists it and passes the next one (see `advanceBdSeq`) over a restart. */
  readonly bdSeq: number;
  readonly node: MetricSet;
}

/** `Quality`, and in words what three numbers cannot say. [Sparkplug tck-id-payloads-propertyset-quality-value-type] */
function qualityProperties(quality: Quality, reason: string | undefined): Record<string, PropertyValue> {
  const code = { Quality: { type: DataType.Int32, value: sparkplugQuality(quality, reason) } };
  if (quality === "good") return code;
  const words = { ...code, quality: { type: DataType.String, value: quality } };
  return reason === undefined ? words : { ...words, reason: { type: DataType.String, value: reason } };
}

/** The device's own time, beside the metric's time stamp, which is when the driver saw it. */
function sourceTimeProperty(reading: MetricReading | undefined): Record<string, PropertyValue> | undefined {
  if (reading?.sourceTime === undefined) return undefined;
  return { sourceTime: { type: DataType.Int64, value: reading.sourceTime } };
}

/**
 * The Sparkplug side of one edge node: makes its will, births, data and deaths and reads its commands. It performs no I/O; each
 * message must be published in the order in which it was made, because `seq` is taken then.
 * Order per connection: `will` for CONNECT, `births` after it, then data; before the next CONNECT `advanceBdSeq`.
 * @see Sparkplug 3.0 §5
 */
export class EdgeNodeSession {
  readonly #group: string;
  readonly #edgeNode: string;
  readonly #devices = new Map<string, MetricSet>();
  readonly #bornDevices = new Set<string>();
  // Owner of each alias: a device id, or "" for the node itself.
  readonly #aliases = new Map<number, { readonly owner: string; readonly datatype: DataType }>();
  readonly #notGood = new Set<number>();
  readonly #node: MetricSet;
  #bdSeq: number;
  #seq = 255;
  #born = false;

  /** @throws SPARKPLUG_ID_INVALID, SPARKPLUG_BDSEQ_INVALID, SPARKPLUG_ALIAS_TAKEN */
  constructor(options: EdgeNodeOptions) {
    this.#group = options.group;
    this.#edgeNode = options.edgeNode;
    this.#bdSeq = options.bdSeq;
    this.#node = options.node;
    if (!Number.isInteger(options.bdSeq) || options.bdSeq < 0 || options.bdSeq > 255) {
      throw new InvalidInputError("SPARKPLUG_BDSEQ_INVALID", `bdSeq ${options.bdSeq}: expected 0 to 255`);
    }
    topicOf({ type: "NBIRTH", group: options.group, edgeNode: options.edgeNode });
    this.#claim("", options.node);
  }

  /** Number of the current connection, in will and births alike. */
  get bdSeq(): number {
    return this.#bdSeq;
  }

  /** May data be made? True from `births` until a rebirth is asked for, a death, or `advanceBdSeq`. */
  get born(): boolean {
    return this.#born;
  }

  /** Declares or replaces a device; it is born with the next `births` or `deviceBirth`. @throws SPARKPLUG_ID_INVALID, SPARKPLUG_ALIAS_TAKEN */
  defineDevice(device: string, set: MetricSet): void {
    this.#deviceTopic("DBIRTH", device);
    this.#release(device);
    this.#claim(device, set);
    this.#devices.set(device, set);
    this.#bornDevices.delete(device);
  }

  /** Forgets a device. Publish its `deviceDeath` first. */
  removeDevice(device: string): void {
    this.#release(device);
    this.#devices.delete(device);
    this.#bornDevices.delete(device);
  }

  /** Moves to the next CONNECT: its number, which the caller persists before it connects. [Sparkplug tck-id-topics-nbirth-bdseq-increment] */
  advanceBdSeq(): number {
    this.#bdSeq = nextSequence(this.#bdSeq);
    this.#endBirths();
    return this.#bdSeq;
  }

  /** The NDEATH to register as will of the coming CONNECT. [Sparkplug tck-id-payloads-ndeath-will-message] */
  will(nowMs: number): SparkplugMessage {
    const metrics = [{ name: BD_SEQ, timestamp: nowMs, datatype: DataType.Int64, value: this.#bdSeq }];
    return {
      topic: this.#nodeTopic("NDEATH"),
      payload: encodePayload({ timestamp: nowMs, metrics }), // no seq [Sparkplug tck-id-payloads-ndeath-seq]
      qos: 1,
      retain: false,
    };
  }

  /** The NDEATH to publish before an intended DISCONNECT. [Sparkplug tck-id-operational-behavior-edge-node-intentional-disconnect-ndeath] */
  nodeDeath(nowMs: number): SparkplugMessage {
    this.#endBirths();
    return this.will(nowMs);
  }

  /**
   * NBIRTH with seq 0 and the DBIRTH of every device, after CONNECT and after a Rebirth.
   * @param devices those that are alive now; all when absent
   * @throws SPARKPLUG_DEVICE_UNKNOWN
   */
  births(nowMs: number, current: CurrentReading, devices: Iterable<string> = this.#devices.keys()): SparkplugMessage[] {
    const alive = [...devices];
    for (const device of alive) this.#setOf(device);
    this.#endBirths();
    this.#notGood.clear();
    this.#seq = 255;
    const control: Metric[] = [
      { name: BD_SEQ, timestamp: nowMs, datatype: DataType.Int64, value: this.#bdSeq },
      // Without alias, so that a host that knows nothing can ask. [Sparkplug tck-id-operational-behavior-data-commands-rebirth-name-aliases]
      { name: REBIRTH, timestamp: nowMs, datatype: DataType.Boolean, value: false },
    ];
    const metrics = [...control, ...this.#declared(this.#node, nowMs, current)];
    const births = [this.#sequenced(this.#nodeTopic("NBIRTH"), nowMs, metrics, false)];
    for (const device of alive) births.push(this.#deviceBirth(device, nowMs, current));
    this.#born = true;
    return births;
  }

  /** The DBIRTH of one device that came (back). @throws SPARKPLUG_NOT_BORN, SPARKPLUG_DEVICE_UNKNOWN */
  deviceBirth(device: string, nowMs: number, current: CurrentReading): SparkplugMessage {
    this.#setOf(device);
    this.#requireBorn();
    return this.#deviceBirth(device, nowMs, current);
  }

  #deviceBirth(device: string, nowMs: number, current: CurrentReading): SparkplugMessage {
    const metrics = this.#declared(this.#setOf(device), nowMs, current);
    const birth = this.#sequenced(this.#deviceTopic("DBIRTH", device), nowMs, metrics, false);
    this.#bornDevices.add(device);
    return birth;
  }

  /** NDATA of the node's own metrics; without readings and batch a sign of life. @throws SPARKPLUG_NOT_BORN, SPARKPLUG_ALIAS_UNKNOWN */
  nodeData(readings: readonly MetricReading[], nowMs: number, options: DataOptions = {}): SparkplugMessage {
    this.#requireBorn();
    const metrics = this.#data("", this.#node, readings, nowMs, options);
    return this.#sequenced(this.#nodeTopic("NDATA"), nowMs, metrics, true);
  }

  /** DDATA of one device. @throws SPARKPLUG_NOT_BORN, SPARKPLUG_DEVICE_UNKNOWN, SPARKPLUG_ALIAS_UNKNOWN */
  deviceData(
    device: string,
    readings: readonly MetricReading[],
    nowMs: number,
    options: DataOptions = {},
  ): SparkplugMessage {
    const set = this.#setOf(device);
    this.#requireBorn(device);
    const metrics = this.#data(device, set, readings, nowMs, options);
    return this.#sequenced(this.#deviceTopic("DDATA", device), nowMs, metrics, true);
  }

  /** DDEATH of a device that was lost. [Sparkplug tck-id-operational-behavior-device-ddeath] @throws SPARKPLUG_NOT_BORN */
  deviceDeath(device: string, nowMs: number): SparkplugMessage {
    this.#requireBorn(device);
    this.#bornDevices.delete(device);
    return this.#sequenced(this.#deviceTopic("DDEATH", device), nowMs, [], true);
  }

  /**
   * Reads a message from a host: undefined when it is no command to this node. After `rebirth` no data can be made until
   * `births`. [Sparkplug tck-id-operational-behavior-data-commands-rebirth-action-1]
   */
  receive(topicText: string, bytes: Uint8Array): NodeCommand | undefined {
    const topic = parseTopic(topicText);
    if (topic === undefined || (topic.type !== "NCMD" && topic.type !== "DCMD")) return undefined;
    if (topic.group !== this.#group || topic.edgeNode !== this.#edgeNode) return undefined;
    try {
      const { metrics } = decodePayload(bytes);
      if (topic.type === "NCMD" && metrics.some(({ name, value }) => name === REBIRTH && value === true)) {
        this.#endBirths();
        return { type: "rebirth" };
      }
      const names = metrics.map(({ name, alias }) => name ?? `alias ${alias ?? "absent"}`);
      return { type: "refused", ...("device" in topic ? { device: topic.device } : {}), metrics: names };
    } catch (error) {
      if (error instanceof MalformedPayloadError) return { type: "malformed", reason: error.message };
      throw error;
    }
  }

  #endBirths(): void {
    this.#born = false;
    this.#bornDevices.clear();
  }

  // [Sparkplug tck-id-payloads-alias-uniqueness] over the whole node, devices included
  #claim(owner: string, set: MetricSet): void {
    const wanted = [...set.metrics, { alias: set.batchAlias, datatype: DataType.String }];
    const seen = new Set<number>();
    for (const { alias } of wanted) {
      if (seen.has(alias) || this.#aliases.has(alias)) {
        throw new InvalidInputError("SPARKPLUG_ALIAS_TAKEN", `alias ${alias} of "${owner}" is already in use`);
      }
      seen.add(alias);
    }
    for (const { alias, datatype } of wanted) this.#aliases.set(alias, { owner, datatype });
  }

  #release(owner: string): void {
    const set = this.#devices.get(owner);
    if (set === undefined) return;
    for (const { alias } of set.metrics) this.#aliases.delete(alias);
    this.#aliases.delete(set.batchAlias);
  }

  #setOf(device: string): MetricSet {
    const set = this.#devices.get(device);
    if (set !== undefined) return set;
    throw new InvalidInputError("SPARKPLUG_DEVICE_UNKNOWN", `device "${device}" is not defined on ${this.#edgeNode}`);
  }

  // [Sparkplug tck-id-payloads-ndata-order] no data before all births
  #requireBorn(device?: string): void {
    if (this.#born && (device === undefined || this.#bornDevices.has(device))) return;
    const what = device === undefined ? `edge node "${this.#edgeNode}"` : `device "${device}"`;
    throw new HubError("SPARKPLUG_NOT_BORN", `${what} has no birth in this connection`, { retriable: true });
  }

  #declared(set: MetricSet, nowMs: number, current: CurrentReading): Metric[] {
    const metrics: Metric[] = [
      { name: BATCH, alias: set.batchAlias, timestamp: nowMs, datatype: DataType.String, value: null },
    ];
    for (const { name, alias, datatype, properties } of set.metrics) {
      const reading = current(alias);
      const quality = reading?.quality ?? (reading === undefined ? "bad" : "good");
      const reason = reading === undefined ? "noValue" : reading.reason;
      if (quality !== "good") this.#notGood.add(alias);
      metrics.push({
        name,
        alias,
        timestamp: reading?.timestamp ?? nowMs,
        datatype,
        properties: { ...properties, ...qualityProperties(quality, reason), ...sourceTimeProperty(reading) },
        value: reading?.value ?? null,
      });
    }
    return metrics;
  }

  #data(
    owner: string,
    set: MetricSet,
    readings: readonly MetricReading[],
    nowMs: number,
    options: DataOptions,
  ): Metric[] {
    const metrics: Metric[] = [];
    if (options.batch !== undefined) {
      metrics.push({
        alias: set.batchAlias,
        timestamp: nowMs,
        datatype: DataType.String,
        isHistorical: undefined,
        properties: undefined,
        value: options.batch,
      });
    }
    for (const reading of readings) {
      const { alias, timestamp, isHistorical } = reading;
      const known = this.#aliases.get(alias);
      if (known === undefined || known.owner !== owner) {
        throw new InvalidInputError("SPARKPLUG_ALIAS_UNKNOWN", `alias ${alias} is not one of "${owner}"`);
      }
      const source = sourceTimeProperty(reading);
      const quality = this.#dataProperties(reading);
      const properties = source === undefined ? quality : { ...quality, ...source };
      metrics.push({
        alias,
        timestamp,
        datatype: known.datatype,
        isHistorical,
        properties,
        value: reading.value ?? null,
      });
    }
    return metrics;
  }

  /** No properties mean good; a good one is said once after a bad one, for hosts that keep properties until they change. */
  #dataProperties(reading: MetricReading): Record<string, PropertyValue> | undefined {
    const { alias, quality = "good", reason } = reading;
    if (quality !== "good") {
      if (reading.isHistorical !== true) this.#notGood.add(alias);
      return qualityProperties(quality, reason);
    }
    if (reading.isHistorical === true || !this.#notGood.delete(alias)) return undefined;
    return qualityProperties(quality, reason);
  }

  #sequenced(topic: string, timestamp: number, metrics: readonly Metric[], omitDatatype: boolean): SparkplugMessage {
    const seq = nextSequence(this.#seq);
    const payload = encodePayload({ timestamp, metrics, seq }, { omitDatatype });
    this.#seq = seq; // only now: a refused value must not leave a gap
    return { topic, payload, qos: 0, retain: false };
  }

  #nodeTopic(type: "NBIRTH" | "NDATA" | "NDEATH"): string {
    return topicOf({ type, group: this.#group, edgeNode: this.#edgeNode });
  }

  #deviceTopic(type: Extract<SparkplugTopic, { device: string }>["type"], device: string): string {
    return topicOf({ type, group: this.#group, edgeNode: this.#edgeNode, device });
  }
}
