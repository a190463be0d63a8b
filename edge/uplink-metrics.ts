import { BOOT_METRIC, type Boot, formatBoot } from "#core/contracts/boot.ts";
import { pointParts } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { EdgeNodeSession, MetricDefinition, MetricReading, MetricSet } from "#core/sparkplug/edge-node-session.ts";
import type { PropertyValue } from "#core/sparkplug/metric.ts";
import { DataType, encodePayload } from "#core/sparkplug/payload.ts";
import type { Outbox } from "./outbox.ts";
import type { TelemetryRow } from "./outbox-lanes.ts";
import { MAX_TEXT_CHARS } from "./pipeline.ts";
import type { PackedSample } from "./sample-packing.ts";

/**
 * Metrics of the gateway itself, by name; all numbers. `backlog...`: what the cloud has not acked. `oldestUnackedAt`: when the oldest
 * of it was seen, Unix ms, 0 when nothing waits. `drainPerS`: samples acked a second. `drainedInS`: seconds until what waited
 * before the connection is acked, 0 when it is and -1 when that cannot be said.
 */
export const HEALTH_METRICS = [
  "Health/backlogTelemetry",
  "Health/backlogEvents",
  "Health/backlogBytes",
  "Health/oldestUnackedAt",
  "Health/drainPerS",
  "Health/drainedInS",
  "Health/cpuShare",
  "Health/rssBytes",
  "Health/driversDown",
] as const;
export type HealthMetric = (typeof HEALTH_METRICS)[number];
/** What the gateway says of itself with each sign of life. */
export type Health = Readonly<Record<HealthMetric, number>>;

const DATATYPES: Readonly<Record<Point["kind"], DataType>> = {
  number: DataType.Double,
  boolean: DataType.Boolean,
  enum: DataType.Int64,
  string: DataType.String,
};

/** The slot of a device id: its Sparkplug device id. */
export function deviceSlot(device: string): string {
  return device.slice(device.lastIndexOf("/") + 1);
}

function datatypeOf(value: Value): DataType {
  if (typeof value === "boolean") return DataType.Boolean;
  return typeof value === "string" ? DataType.String : DataType.Double;
}

function fits(datatype: DataType, value: Value): boolean {
  switch (datatype) {
    case DataType.Double:
      return typeof value === "number";
    case DataType.Int64:
      return typeof value === "number" && Number.isSafeInteger(value);
    case DataType.Boolean:
      return typeof value === "boolean";
    default:
      return typeof value === "string";
  }
}

/** One sample as a metric. A value of a kind the metric no longer has becomes null and bad: its row must not block the lane. */
function readingOf(
  alias: number,
  sample: PackedSample | Sample,
  datatype: DataType,
  isHistorical: boolean,
): MetricReading {
  const { value, quality, reason, sourceTime, observedAt } = sample;
  const base = {
    alias,
    timestamp: observedAt,
    ...(isHistorical ? { isHistorical } : {}),
    ...(sourceTime === undefined ? {} : { sourceTime }),
  };
  if (value !== null && !fits(datatype, value)) return { ...base, value: null, quality: "bad", reason: "configError" };
  return { ...base, value, quality, ...(reason === undefined ? {} : { reason }) };
}

const BOOT = "node:boot";

/** The metrics of the node's own birth. Numbers are given by the outbox, like those of points. */
export function nodeMetrics(outbox: Outbox): MetricSet {
  outbox.numbers.register(["node:batch", BOOT, ...HEALTH_METRICS.map((name) => `node:${name}`)]);
  const health = HEALTH_METRICS.map((name) => ({
    name,
    alias: outbox.numbers.numberOf(`node:${name}`),
    datatype: DataType.Double,
  }));
  const boot = { name: BOOT_METRIC, alias: outbox.numbers.numberOf(BOOT), datatype: DataType.String };
  return { batchAlias: outbox.numbers.numberOf("node:batch"), metrics: [boot, ...health] };
}

/** Reading of `Parkhub/boot` when the alias is its own; undefined for any other. */
export function bootReading(outbox: Outbox, alias: number, boot: Boot, now: number): MetricReading | undefined {
  return alias === outbox.numbers.numberOf(BOOT) ? { alias, value: formatBoot(boot), timestamp: now } : undefined;
}

/** Readings of the node's own metrics. */
export function healthReadings(outbox: Outbox, health: Health, now: number): MetricReading[] {
  return HEALTH_METRICS.map((name) => ({
    alias: outbox.numbers.numberOf(`node:${name}`),
    value: health[name],
    timestamp: now,
  }));
}

/** Largest birth that every broker takes, bytes: 1 MiB a packet is the limit of ours, and of others as they come. */
export const MAX_BIRTH_BYTES = 1024 * 1024 - 65_536;
/** Bytes of each text that a birth must have room for; longer ones are cut in the birth when all together do not fit. */
const TEXT_BYTES = 256;

/** Bytes of a device's birth when every value is as long as it gets and none is good; texts with so many bytes each. */
export function birthBytes({ points }: DevicePoints, textBytes = TEXT_BYTES): number {
  const at = 8_640_000_000_000_000;
  const text = "x".repeat(textBytes);
  const values: Readonly<Record<Point["kind"], Value>> = { number: 0.1, boolean: true, enum: -1, string: text };
  const metrics = points.map((point) => ({
    name: point.id.slice(point.id.lastIndexOf("/") + 1),
    alias: Number.MAX_SAFE_INTEGER,
    timestamp: at,
    datatype: DATATYPES[point.kind],
    properties: {
      ...unitOf(point),
      Quality: { type: DataType.Int32, value: 500 },
      quality: { type: DataType.String, value: "uncertain" },
      reason: { type: DataType.String, value: "certificateUntrusted" },
      sourceTime: { type: DataType.Int64, value: at },
    },
    value: values[point.kind],
  }));
  return encodePayload({ timestamp: at, metrics, seq: 255 }).length;
}

function unitOf({ unit }: Point): Readonly<Record<string, PropertyValue>> {
  return unit === undefined ? {} : { unit: { type: DataType.String, value: unit } };
}

/** Most characters of each text in the births of a device, so that all of them fit. */
function textLimit(device: DevicePoints): number {
  const texts = device.points.filter(({ kind }) => kind === "string").length;
  // up to three bytes a character
  return texts === 0 ? MAX_TEXT_CHARS : Math.floor(Math.max(0, MAX_BIRTH_BYTES - birthBytes(device, 0)) / texts / 3);
}

/** A device with its points, as the bundle has them. */
export interface DevicePoints {
  /** <site>/<gateway>/<device>. */
  readonly device: string;
  readonly points: readonly Point[];
}

/**
 * Which metrics each device declares. A point that left the configuration while rows of it still wait is declared again when
 * they are sent: nothing that was committed is left behind.
 */
export class DeviceMetrics {
  readonly #session: EdgeNodeSession;
  readonly #outbox: Outbox;
  readonly #definitions = new Map<string, Map<number, MetricDefinition>>();
  readonly #textLimits = new Map<string, number>();

  constructor(session: EdgeNodeSession, outbox: Outbox) {
    this.#session = session;
    this.#outbox = outbox;
  }

  /** Every declared device id. */
  devices(): string[] {
    return [...this.#definitions.keys()];
  }

  /** Replaces what is declared. Data may be sent again after `births` of the session. */
  configure(devices: readonly DevicePoints[]): void {
    for (const device of this.#definitions.keys()) this.#session.removeDevice(deviceSlot(device));
    this.#definitions.clear();
    this.#textLimits.clear();
    this.#outbox.numbers.register(devices.flatMap(({ points }) => points.map((point) => point.id)));
    for (const { device, points } of devices) {
      const definitions = new Map<number, MetricDefinition>();
      for (const point of points) {
        const alias = this.#outbox.numbers.numberOf(point.id);
        const name = pointParts(point.id).point;
        definitions.set(alias, { name, alias, datatype: DATATYPES[point.kind], properties: unitOf(point) });
      }
      this.#textLimits.set(device, textLimit({ device, points }));
      this.#define(device, definitions);
    }
  }

  #define(device: string, definitions: Map<number, MetricDefinition>): void {
    const batch = `batch:${device}`;
    this.#outbox.numbers.register([batch]);
    this.#definitions.set(device, definitions);
    this.#session.defineDevice(deviceSlot(device), {
      metrics: [...definitions.values()],
      batchAlias: this.#outbox.numbers.numberOf(batch),
    });
  }

  /** Declares what a row needs and is not declared. True when the device has to be born again before its data. */
  declareFor({ device, samples }: TelemetryRow): boolean {
    const definitions = this.#definitions.get(device) ?? new Map<number, MetricDefinition>();
    const missing = samples.filter(({ number }) => !definitions.has(number));
    if (missing.length === 0 && this.#definitions.has(device)) return false;
    for (const { number, value } of missing) {
      const id = this.#outbox.numbers.idOf(number);
      if (id === undefined) continue;
      const known = definitions.get(number);
      if (known === undefined || value !== null)
        definitions.set(number, { name: pointParts(id).point, alias: number, datatype: datatypeOf(value) });
    }
    this.#define(device, definitions);
    return true;
  }

  /** The readings of a row, in its order; `late`: all of it is of before the connection. */
  readings({ device, samples }: TelemetryRow, late: boolean): MetricReading[] {
    const definitions = this.#definitions.get(device);
    return samples.flatMap((sample) => {
      const definition = definitions?.get(sample.number);
      return definition === undefined
        ? []
        : [readingOf(sample.number, sample, definition.datatype, late || sample.historical === true)];
    });
  }

  /** The reading of a birth for an alias. */
  current(alias: number, latest: (point: string) => Sample | undefined): MetricReading | undefined {
    const id = this.#outbox.numbers.idOf(alias);
    if (id === undefined) return undefined;
    const sample = latest(id);
    if (sample === undefined) return undefined;
    const device = id.slice(0, id.lastIndexOf("/"));
    const definition = this.#definitions.get(device)?.get(alias);
    if (definition === undefined) return undefined;
    return readingOf(alias, this.#cut(device, sample), definition.datatype, false);
  }

  #cut(device: string, sample: Sample): Sample {
    const { value, quality, reason } = sample;
    const limit = this.#textLimits.get(device) ?? 0;
    if (typeof value !== "string" || value.length <= limit) return sample;
    const judged = quality === "good" ? ({ quality: "uncertain", reason: "outOfRange" } as const) : { quality, reason };
    return { ...sample, value: value.slice(0, limit), ...judged, reason: judged.reason ?? "outOfRange" };
  }
}
