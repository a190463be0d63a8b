import protobuf from "protobufjs";
import { newEpoch } from "#core/ids.ts";
import { SampleAppender } from "#core/model/sample-columns.ts";
import { BatchReader } from "#core/sparkplug/batch-reader.ts";
import { BATCH } from "#core/sparkplug/message.ts";
import { MetricTable } from "#core/sparkplug/metric-table.ts";
import { DataType, decodePayload, encodePayload, type Payload } from "#core/sparkplug/payload.ts";
import type { BenchResult } from "./bench.ts";

/** The part of the public Sparkplug B definition that a DDATA of numbers needs. @see Sparkplug 3.0 §6.4.1 */
const PROTO = `
syntax = "proto2";
message Payload {
  message Metric {
    optional string name = 1;
    optional uint64 alias = 2;
    optional uint64 timestamp = 3;
    optional uint32 datatype = 4;
    oneof value {
      uint32 int_value = 10;
      uint64 long_value = 11;
      float float_value = 12;
      double double_value = 13;
      bool boolean_value = 14;
      string string_value = 15;
    }
  }
  optional uint64 timestamp = 1;
  repeated Metric metrics = 2;
  optional uint64 seq = 3;
}`;

const METRICS = 100;
const WARM_UP_MS = 500;
const MEASURE_MS = 2000;
const START = 1_750_000_000_000;

/** One DDATA of numbers, as a gateway with a few busy devices sends it. */
function payload(): Payload {
  const metrics = Array.from({ length: METRICS }, (_, index) => ({
    alias: 1000 + index * 7,
    timestamp: START + index,
    datatype: DataType.Double,
    value: Math.round(Math.sin(index) * 10_000) / 100,
  }));
  return { timestamp: START, metrics, seq: 17 };
}

/** Samples a second of `work`, which handles METRICS of them at each call. */
function samplesPerSecond(work: () => unknown): number {
  const runFor = (ms: number): number => {
    const started = performance.now();
    let calls = 0;
    let elapsed = 0;
    do {
      for (let i = 0; i < 20; i++) work();
      calls += 20;
      elapsed = performance.now() - started;
    } while (elapsed < ms);
    return (calls * METRICS * 1000) / elapsed;
  };
  runFor(WARM_UP_MS);
  return Math.round(runFor(MEASURE_MS));
}

const BATCH_ALIAS = 1;

/** The same numbers as a gateway's batch: with its identity, and without what its birth has declared. */
function batchBytes(): Uint8Array {
  const { metrics } = payload();
  const identity = { alias: BATCH_ALIAS, timestamp: START, value: `${newEpoch()}:1:${METRICS}` };
  const rows = metrics.map(({ alias, timestamp, value }) => ({ alias, timestamp, value }));
  return encodePayload({ timestamp: START, metrics: [identity, ...rows], seq: 17 });
}

/** Reads the batch into columns again and again. @throws when it does not give the numbers that are in it */
function intoColumns(bytes: Uint8Array): () => unknown {
  const { metrics } = payload();
  const table = new MetricTable();
  const declared = metrics.map(({ alias, datatype }) => ({ name: `metric-${alias}`, alias, datatype }));
  table.declare([{ name: BATCH, alias: BATCH_ALIAS, datatype: DataType.String }, ...declared], START);
  let numbers = 0;
  const aliases = table.aliasIndex(() => numbers++);
  if (aliases === undefined) throw new Error("the births have no index");
  const reader = new BatchReader();
  const into = new SampleAppender();
  const found = reader.read(bytes, aliases, into);
  const { number } = into.columns;
  if (found?.rows !== METRICS || metrics.some(({ value }, row) => number[row] !== value))
    throw new Error("the columns do not hold what was sent");
  return () => reader.read(bytes, aliases, into);
}

const rounded = (ratio: number): number => Math.round(ratio * 100) / 100;

/** `npm run bench -- codec`: our Sparkplug codec beside protobufjs, whose encoder and decoder are compiled for the definition. */
export async function codec(say: (text: string) => void): Promise<BenchResult> {
  const ours = payload();
  const type = protobuf.parse(PROTO).root.lookupType("Payload");
  const message = type.create({
    timestamp: ours.timestamp,
    seq: ours.seq,
    metrics: ours.metrics.map(({ alias, timestamp, datatype, value }) => ({
      alias,
      timestamp,
      datatype,
      doubleValue: value,
    })),
  });
  const bytes = encodePayload(ours);
  const theirs = type.encode(message).finish();
  if (Buffer.compare(bytes, theirs) !== 0)
    throw new Error(`the two codecs write different bytes: ${bytes.length} and ${theirs.length}`);

  say(`${METRICS} samples in ${bytes.length} bytes; encoding ...`);
  const encodeSamplesPerS = samplesPerSecond(() => encodePayload(ours));
  const encodeLimit = samplesPerSecond(() => type.encode(message).finish());
  say("decoding ...");
  const decodeSamplesPerS = samplesPerSecond(() => decodePayload(bytes));
  const decodeLimit = samplesPerSecond(() => type.decode(bytes));
  say("decoding into columns, as ingest does ...");
  const batch = batchBytes();
  const columnsSamplesPerS = samplesPerSecond(intoColumns(batch));
  const columnsLimit = samplesPerSecond(() => type.decode(batch));
  return {
    figures: {
      encodeSamplesPerS,
      decodeSamplesPerS,
      columnsSamplesPerS,
      bytesPerSample: rounded(bytes.length / METRICS),
    },
    limit: { encodeSamplesPerS: encodeLimit, decodeSamplesPerS: decodeLimit, columnsSamplesPerS: columnsLimit },
    ratio: {
      encode: rounded(encodeSamplesPerS / encodeLimit),
      decode: rounded(decodeSamplesPerS / decodeLimit),
      columns: rounded(columnsSamplesPerS / columnsLimit),
    },
  };
}
