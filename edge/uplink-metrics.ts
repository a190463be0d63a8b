import { pointParts } from "#core/ids.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { EdgeNodeSession, MetricDefinition, MetricReading, MetricSet } from "#core/sparkplug/edge-node-session.ts";
import { DataType } from "#core/sparkplug/payload.ts";
import type { Outbox } from "./outbox.ts";
import type { TelemetryRow } from "./outbox-lanes.ts";
import type { PackedSample } from "./sample-packing.ts";

/** Metrics of the gateway itself, by name; all numbers. */
export const HEALTH_METRICS = [
  "Health/backlogTelemetry",
  "Health/backlogEvents",
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

/** The metrics of the node's own birth. Numbers are given by the outbox, like those of points. */
export function nodeMetrics(outbox: Outbox): MetricSet {
  outbox.numbers.register(["node:batch", ...HEALTH_METRICS.map((name) => `node:${name}`)]);
  return {
    batchAlias: outbox.numbers.numberOf("node:batch"),
    metrics: HEALTH_METRICS.map((name) => ({
      name,
      alias: outbox.numbers.numberOf(`node:${name}`),
      datatype: DataType.Double,
    })),
  };
}

/** Readings of the node's own metrics. */
export function healthReadings(outbox: Outbox, health: Health, now: number): MetricReading[] {
  return HEALTH_METRICS.map((name) => ({
    alias: outbox.numbers.numberOf(`node:${name}`),
    value: health[name],
    timestamp: now,
  }));
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
    this.#outbox.numbers.register(devices.flatMap(({ points }) => points.map((point) => point.id)));
    for (const { device, points } of devices) {
      const definitions = new Map<number, MetricDefinition>();
      for (const point of points) {
        const alias = this.#outbox.numbers.numberOf(point.id);
        const properties = point.unit === undefined ? {} : { unit: { type: DataType.String, value: point.unit } };
        const name = pointParts(point.id).point;
        definitions.set(alias, { name, alias, datatype: DATATYPES[point.kind], properties });
      }
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
    return definition === undefined ? undefined : readingOf(alias, sample, definition.datatype, false);
  }
}
