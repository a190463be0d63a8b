import protobuf from "protobufjs";
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
  return {
    figures: { encodeSamplesPerS, decodeSamplesPerS, bytesPerSample: rounded(bytes.length / METRICS) },
    limit: { encodeSamplesPerS: encodeLimit, decodeSamplesPerS: decodeLimit },
    ratio: { encode: rounded(encodeSamplesPerS / encodeLimit), decode: rounded(decodeSamplesPerS / decodeLimit) },
  };
}
