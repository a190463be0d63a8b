import type { DataValue, NodeId } from "node-opcua";
import type { Clock } from "#core/clock.ts";
import type { PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import type { PointBinding } from "../driver.ts";
import type { NodeAddress, OpcuaAddress } from "./config.ts";
import type { OpcuaCounters } from "./counters.ts";
import { hasOverflown, type Reading, readingOf, timeOf } from "./map.ts";
import type { Signal } from "./vocabulary.ts";

/** A point that follows a node. */
export interface NodePoint {
  readonly point: PointId;
  readonly address: NodeAddress;
  readonly writable: boolean;
  /** Its NodeId at the server; undefined where the server has no such namespace. */
  nodeId: NodeId | undefined;
  /** Is it no longer among the points? Then nothing is told of it any more. */
  gone: boolean;
  /** Has the server accepted a monitored item for it? */
  monitored: boolean;
  /** Was a monitored item tried again after the point could be read? */
  retried: boolean;
  /** When it was last told, monotonic ms. */
  toldAt: number;
  /** Number of its last notification, to see that a read is older than it. */
  notification: number;
  last: Reading | undefined;
  sourceTime: number | undefined;
}

/** A point that follows the connection. */
export interface SignalPoint {
  readonly point: PointId;
  readonly signal: Exclude<Signal, "serverState">;
  last: Reading | undefined;
  toldAt: number;
}

const LOST = { quality: "bad", reason: "commLost" } as const;
const SERVER_STATE = "i=2259";

/** What the points of one server hold; makes the samples. */
export class PointValues {
  readonly #clock: Clock;
  readonly #counters: OpcuaCounters;
  readonly #onSamples: (samples: readonly Sample[]) => void;
  #nodes: readonly NodePoint[] = [];
  #signals: readonly SignalPoint[] = [];
  #byPoint: ReadonlyMap<PointId, NodePoint> = new Map();
  #notifications = 0;

  constructor(clock: Clock, counters: OpcuaCounters, onSamples: (samples: readonly Sample[]) => void) {
    this.#clock = clock;
    this.#counters = counters;
    this.#onSamples = onSamples;
  }

  get nodes(): readonly NodePoint[] {
    return this.#nodes;
  }

  /** Replaces the points; nothing is known of them until they are read. */
  bind(points: readonly PointBinding<OpcuaAddress>[]): void {
    const nodes: NodePoint[] = [];
    const signals: SignalPoint[] = [];
    for (const { point, address, writable } of points) {
      if ("signal" in address && address.signal !== "serverState") {
        signals.push({ point, signal: address.signal, last: undefined, toldAt: 0 });
        continue;
      }
      nodes.push({
        point,
        address: "signal" in address ? { nodeId: SERVER_STATE } : address,
        writable,
        nodeId: undefined,
        gone: false,
        monitored: false,
        retried: false,
        toldAt: 0,
        notification: 0,
        last: undefined,
        sourceTime: undefined,
      });
    }
    for (const old of this.#nodes) old.gone = true;
    this.#nodes = nodes;
    this.#signals = signals;
    this.#byPoint = new Map(nodes.map((node) => [node.point, node]));
  }

  has(point: PointId): boolean {
    return this.#byPoint.has(point) || this.#signals.some((signal) => signal.point === point);
  }

  node(point: PointId): NodePoint | undefined {
    return this.#byPoint.get(point);
  }

  /** A mark before a read: notifications after it are newer than the read's answer. */
  mark(): number {
    return this.#notifications;
  }

  /** Tells what monitored items gave, in their order. */
  notified(values: Iterable<readonly [NodePoint, DataValue]>): void {
    const samples: Sample[] = [];
    const now = this.#clock.now();
    for (const [node, data] of values) {
      if (node.gone) continue;
      node.notification = ++this.#notifications;
      this.#counters.changes++;
      if (hasOverflown(data.statusCode)) this.#counters.overflows++;
      samples.push(this.#sample(node, data, now));
    }
    if (samples.length > 0) this.#onSamples(samples);
  }

  /** Tells what was read, except where a notification came after the read was sent. */
  read(values: Iterable<readonly [NodePoint, DataValue]>, mark: number): void {
    const samples: Sample[] = [];
    const now = this.#clock.now();
    for (const [node, data] of values) {
      if (!node.gone && node.notification <= mark) samples.push(this.#sample(node, data, now));
    }
    if (samples.length > 0) this.#onSamples(samples);
  }

  /** Tells that points have no node at the server. */
  unknown(nodes: readonly NodePoint[]): void {
    const now = this.#clock.now();
    const told = nodes.map(
      (node): Sample => this.#told(node, { value: null, quality: "bad", reason: "configError" }, now),
    );
    if (told.length > 0) this.#onSamples(told);
  }

  /** Points that were not told for so long. */
  silent(forMs: number): readonly NodePoint[] {
    const before = this.#clock.monotonic() - forMs;
    return this.#nodes.filter(({ toldAt }) => toldAt < before);
  }

  /** Tells the signals that have changed or were not told for so long. */
  signals(values: Readonly<Record<SignalPoint["signal"], Reading>>, forMs: number): void {
    const samples: Sample[] = [];
    const now = this.#clock.monotonic();
    for (const signal of this.#signals) {
      const reading = values[signal.signal];
      if (same(signal.last, reading) && now - signal.toldAt < forMs) continue;
      signal.last = reading;
      signal.toldAt = now;
      samples.push({ point: signal.point, ...reading, observedAt: this.#clock.now() });
    }
    if (samples.length > 0) this.#onSamples(samples);
  }

  /** Communication loss: every point keeps its last value, which nobody may believe any more. Tells those not told as lost yet. */
  lost(): void {
    const now = this.#clock.now();
    const believed = this.#nodes.filter(({ last }) => last?.reason !== LOST.reason || last.quality !== LOST.quality);
    const samples = believed.map((node) => this.#told(node, { value: node.last?.value ?? null, ...LOST }, now));
    for (const signal of this.#signals) {
      const value = signal.signal === "online" ? false : (signal.last?.value ?? null);
      if (same(signal.last, { value, ...LOST })) continue;
      signal.last = { value, ...LOST };
      samples.push({ point: signal.point, ...signal.last, observedAt: now });
    }
    if (samples.length > 0) this.#onSamples(samples);
  }

  #sample(node: NodePoint, data: DataValue, now: number): Sample {
    const reading = readingOf(data, node.address.index !== undefined);
    const sourceTime = timeOf(data.sourceTimestamp);
    if (sourceTime === undefined) return this.#told(node, reading, now);
    node.sourceTime = sourceTime;
    return { ...this.#told(node, reading, now), sourceTime };
  }

  #told(node: NodePoint, reading: Reading, observedAt: number): Sample {
    node.last = reading;
    node.toldAt = this.#clock.monotonic();
    return { point: node.point, ...reading, observedAt };
  }
}

function same(a: Reading | undefined, b: Reading): boolean {
  return a !== undefined && a.value === b.value && a.quality === b.quality && a.reason === b.reason;
}
