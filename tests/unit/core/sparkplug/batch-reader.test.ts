import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBatch } from "#core/contracts/batch.ts";
import type { PointId } from "#core/ids.ts";
import { SampleAppender, sampleAt } from "#core/model/sample-columns.ts";
import { EdgeNodeSession, type MetricReading } from "#core/sparkplug/edge-node-session.ts";
import { HostSession } from "#core/sparkplug/host-session.ts";
import { BATCH, type SparkplugMessage } from "#core/sparkplug/message.ts";
import { sampleOf } from "#core/sparkplug/metric-sample.ts";
import { DataType, decodePayload, encodePayload, type Metric } from "#core/sparkplug/payload.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const NOW = 1_790_000_000_000;
const EPOCH = "0123456789abcdef0123456789abcdef";
const TYPES = [
  DataType.Double,
  DataType.Float,
  DataType.Boolean,
  DataType.String,
  DataType.Int8,
  DataType.Int16,
  DataType.Int32,
  DataType.UInt8,
  DataType.UInt16,
  DataType.UInt32,
  DataType.Int64,
  DataType.UInt64,
  DataType.DateTime,
  DataType.Bytes,
] as const;
const FIRST_ALIAS = 200;
const BATCH_ALIAS = 100;
const NAMES = TYPES.map((type) => `point-${type}`);

/** A host application that has seen the births of a device with one metric of each type, and what it makes of a message. */
class Host {
  readonly appender = new SampleAppender();
  readonly #session: HostSession;
  readonly #numbers = new Map<string, number>();

  constructor(births: readonly SparkplugMessage[]) {
    this.#session = new HostSession({
      host: "hub",
      clock: new ManualClock(NOW),
      reorderTimeoutMs: 1000,
      onTimeout: () => undefined,
      pointNumber: (_node, _device, metric) => this.#number(metric),
    });
    for (const { topic, payload } of births) this.#session.receive(topic, payload, NOW);
  }

  #number(metric: string): number {
    const known = this.#numbers.get(metric);
    if (known !== undefined) return known;
    this.#numbers.set(metric, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** Samples, identity and time stamp as read into columns; undefined when it has to be read the general way. */
  plainly({ topic, payload }: SparkplugMessage): unknown {
    const { columns } = this.appender;
    const before = columns.length;
    const rows = this.#session.receiveBatch(topic, payload, this.appender);
    if (rows === undefined) {
      expect(columns.length).toBe(before);
      return undefined;
    }
    expect(rows.start).toBe(before);
    const names = [...this.#numbers.keys()];
    const samples = Array.from({ length: columns.length - before }, (_, i) => {
      const row = before + i;
      return sampleAt(columns, row, (names[columns.point[row] ?? 0] ?? "") as PointId);
    });
    return { samples, identity: rows.identity, timestamp: rows.timestamp, device: rows.device };
  }

  /** The same, read the general way; undefined when that gives no batch. */
  generally({ topic, payload }: SparkplugMessage): unknown {
    for (const output of this.#session.receive(topic, payload, NOW)) {
      if (output.type !== "data") continue;
      const text = output.metrics.find(({ name }) => name === BATCH)?.value;
      if (typeof text !== "string") return undefined;
      const samples = output.metrics
        .filter(({ name }) => name !== BATCH)
        .map((metric) => {
          const sample = sampleOf(metric.name as PointId, metric, NOW);
          return metric.isHistorical ? { ...sample, historical: true } : sample;
        });
      return { samples, identity: parseBatch(text), timestamp: output.timestamp, device: output.device };
    }
    return undefined;
  }
}

function node(): { session: EdgeNodeSession; births: readonly SparkplugMessage[] } {
  const session = new EdgeNodeSession({
    group: "park",
    edgeNode: "gw-1",
    bdSeq: 1,
    node: { metrics: [], batchAlias: 1 },
  });
  const metrics = TYPES.map((datatype, i) => ({ name: NAMES[i] ?? "", alias: FIRST_ALIAS + i, datatype }));
  session.defineDevice("ahu-1", { batchAlias: BATCH_ALIAS, metrics });
  return { session, births: session.births(NOW, () => undefined) };
}

const whole = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const valuesOf: Readonly<Record<number, fc.Arbitrary<MetricReading["value"]>>> = {
  [DataType.Double]: fc.double(),
  [DataType.Float]: fc.float(),
  [DataType.Boolean]: fc.boolean(),
  [DataType.String]: fc.string({ unit: "binary", maxLength: 40 }),
  [DataType.Int8]: whole(-128, 127),
  [DataType.Int16]: whole(-32_768, 32_767),
  [DataType.Int32]: whole(-2_147_483_648, 2_147_483_647),
  [DataType.UInt8]: whole(0, 255),
  [DataType.UInt16]: whole(0, 65_535),
  [DataType.UInt32]: whole(0, 4_294_967_295),
  [DataType.Int64]: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  [DataType.UInt64]: fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  [DataType.DateTime]: whole(0, 2 ** 31),
  [DataType.Bytes]: fc.uint8Array({ maxLength: 8 }),
};
const time = fc.oneof({ weight: 8, arbitrary: whole(2 ** 36, 2 ** 41) }, { weight: 1, arbitrary: fc.maxSafeNat() });

const reading: fc.Arbitrary<MetricReading> = whole(0, TYPES.length - 1).chain((i) =>
  fc.record(
    {
      alias: fc.constant(FIRST_ALIAS + i),
      value: fc.option(valuesOf[TYPES[i] ?? DataType.Double] ?? fc.constant(null), { freq: 6 }),
      timestamp: time,
      quality: fc.constantFrom("good", "uncertain", "bad"),
      reason: fc.constantFrom("commLost", "stale", "超范围"),
      sourceTime: time,
      isHistorical: fc.boolean(),
    },
    { requiredKeys: ["alias", "value", "timestamp"] },
  ),
);
const readings = fc.array(reading, { minLength: 1, maxLength: 20 });

/** A reading as a host would describe it by itself: names, types, properties and values in any combination. */
const oddMetric: fc.Arbitrary<Metric> = whole(0, TYPES.length - 1).chain((i) => {
  const datatype = TYPES[i] ?? DataType.Double;
  const property = fc.oneof(
    fc.record({ type: fc.constant(DataType.Int32), value: fc.constantFrom(192, 500, 0, 7) }),
    fc.record({ type: fc.constant(DataType.String), value: fc.constantFrom("good", "bad", "odd", null) }),
    fc.record({ type: fc.constant(DataType.Int64), value: fc.oneof(time, fc.constant(null)) }),
    fc.record({ value: fc.boolean() }),
  );
  const properties = fc.dictionary(fc.constantFrom("Quality", "quality", "reason", "sourceTime", "unit"), property);
  return fc.record(
    {
      name: fc.constantFrom(...NAMES, "unknown"),
      alias: fc.constantFrom(FIRST_ALIAS + i, FIRST_ALIAS + i, FIRST_ALIAS + i, 3),
      timestamp: time,
      datatype: fc.constant(datatype),
      isHistorical: fc.boolean(),
      isTransient: fc.boolean(),
      isNull: fc.boolean(),
      properties,
      value: fc.option(valuesOf[datatype] ?? fc.constant(null), { freq: 6 }),
    },
    { requiredKeys: [] },
  );
});

function batchOf(count: number): string {
  return `${EPOCH}:1:${count}`;
}

/** Both hosts read the message; what is read plainly is what is read generally. Says how it was read. */
function bothRead(births: readonly SparkplugMessage[], message: SparkplugMessage): "plainly" | "generally" {
  const plain = new Host(births).plainly(message);
  if (plain === undefined) return "generally";
  expect(plain).toEqual(new Host(births).generally(message));
  return "plainly";
}

describe("a batch of one of our gateways", () => {
  it("is read into columns as it is read the general way, whatever its readings are", () => {
    let plainly = 0;
    fc.assert(
      fc.property(readings, (some) => {
        const { session, births } = node();
        const message = session.deviceData("ahu-1", some, NOW, { batch: batchOf(some.length) });
        if (bothRead(births, message) === "plainly") plainly++;
      }),
      { numRuns: 1000 },
    );
    expect(plainly).toBeGreaterThan(50);
  });

  it("of numbers, switches, texts and what is lost is never read the slow way", () => {
    const { session, births } = node();
    const host = new Host(births);
    const some: MetricReading[] = Array.from({ length: 300 }, (_, i) => ({
      alias: FIRST_ALIAS + (i % 4),
      value: [21.5 + i, 0.5, i % 3 === 0, `状态 ${i}`][i % 4] ?? null,
      timestamp: NOW + i,
      isHistorical: i % 7 === 0,
      ...(i % 5 === 0 ? { sourceTime: NOW - i } : {}),
      ...(i % 11 === 0 ? { value: null, quality: "bad" as const, reason: "commLost" } : {}),
    }));
    expect(host.plainly(session.deviceData("ahu-1", some, NOW, { batch: batchOf(300) }))).toBeDefined();
    expect(host.appender.columns.length).toBe(300);
  });

  it("with anything unusual in it is read plainly only where that gives the same", () => {
    const { births } = node();
    fc.assert(
      fc.property(fc.array(oddMetric, { maxLength: 6 }), fc.boolean(), fc.boolean(), (some, omitDatatype, timed) => {
        const identity = { alias: BATCH_ALIAS, timestamp: NOW, datatype: DataType.String, value: batchOf(some.length) };
        const payload = encodePayload(
          { ...(timed ? { timestamp: NOW } : {}), metrics: [identity, ...some], seq: 2 },
          { omitDatatype },
        );
        bothRead(births, { topic: "spBv1.0/park/DDATA/gw-1/ahu-1", payload, qos: 0, retain: false });
      }),
      { numRuns: 2000 },
    );
  });

  it("with damaged bytes is read plainly only where that gives the same", () => {
    const { session, births } = node();
    const some: MetricReading[] = TYPES.slice(0, 7).map((_, i) => ({
      alias: FIRST_ALIAS + i,
      value: [21.5, 0.5, true, "auto", -3, -300, -70_000][i] ?? null,
      timestamp: NOW + i,
      ...(i % 2 === 0 ? { quality: "bad" as const, reason: "stale" } : { sourceTime: NOW - 1 }),
    }));
    const { topic, payload } = session.deviceData("ahu-1", some, NOW, { batch: batchOf(some.length) });
    const damage = fc.tuple(whole(0, payload.length - 1), whole(0, 255));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), whole(0, payload.length), (bytes, length) => {
        const damaged = new Uint8Array(payload);
        for (const [at, byte] of bytes) damaged[at] = byte;
        const cut = length % 4 === 0 ? damaged.subarray(0, length) : damaged;
        bothRead(births, { topic, payload: cut, qos: 0, retain: false });
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps its place in the order of messages: one that comes early is left to the general way", () => {
    const { session, births } = node();
    const host = new Host(births);
    const one = (offset: number): SparkplugMessage =>
      session.deviceData("ahu-1", [{ alias: FIRST_ALIAS, value: offset, timestamp: NOW }], NOW, {
        batch: `${EPOCH}:${offset}:${offset}`,
      });
    const [first, second, third] = [one(1), one(2), one(3)];
    expect(host.plainly(first)).toBeDefined();
    expect(host.plainly(third)).toBeUndefined();
    expect(host.plainly(second)).toBeDefined();
    expect(host.plainly(second)).toBeUndefined();
    expect(host.plainly(third)).toBeDefined();
  });

  it("is left to the general way without its births, and where a row is missing", () => {
    const { session, births } = node();
    const some = [{ alias: FIRST_ALIAS, value: 1, timestamp: NOW }];
    const short = session.deviceData("ahu-1", some, NOW, { batch: batchOf(2) });
    expect(new Host([]).plainly(short)).toBeUndefined();
    expect(new Host(births).plainly(short)).toBeUndefined();
    expect(decodePayload(short.payload).metrics).toHaveLength(2);
  });
});
