import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  DataType,
  decodePayload,
  encodePayload,
  type Metric,
  type MetricValue,
  type PropertyValue,
} from "#core/sparkplug/payload.ts";
import { bytesOf, GOLDEN_PAYLOADS, hexOf, UNREAD_KINDS } from "#tests/fixtures/sparkplug/golden-payloads.ts";
import { peer } from "#tests/peers.ts";
import { metricArbitrary } from "#tests/unit/core/sparkplug/metric-arbitrary.ts";

/** The field numbers of the public Sparkplug B definition, written down again. @see Sparkplug 3.0 §6.4.1 */
const PROTO = `
syntax = "proto2";
message Payload {
  message DataSet { optional uint64 num_of_columns = 1; repeated string columns = 2; repeated uint32 types = 3; }
  message Template {
    optional string version = 1;
    repeated Metric metrics = 2;
    optional string template_ref = 4;
    optional bool is_definition = 5;
  }
  message PropertyValue {
    optional uint32 type = 1;
    optional bool is_null = 2;
    oneof value {
      uint32 int_value = 3;
      uint64 long_value = 4;
      float float_value = 5;
      double double_value = 6;
      bool boolean_value = 7;
      string string_value = 8;
      PropertySet propertyset_value = 9;
      PropertySetList propertysets_value = 10;
    }
  }
  message PropertySet { repeated string keys = 1; repeated PropertyValue values = 2; }
  message PropertySetList { repeated PropertySet propertyset = 1; }
  message MetaData { optional string content_type = 2; optional uint64 size = 3; }
  message Metric {
    optional string name = 1;
    optional uint64 alias = 2;
    optional uint64 timestamp = 3;
    optional uint32 datatype = 4;
    optional bool is_historical = 5;
    optional bool is_transient = 6;
    optional bool is_null = 7;
    optional MetaData metadata = 8;
    optional PropertySet properties = 9;
    oneof value {
      uint32 int_value = 10;
      uint64 long_value = 11;
      float float_value = 12;
      double double_value = 13;
      bool boolean_value = 14;
      string string_value = 15;
      bytes bytes_value = 16;
      DataSet dataset_value = 17;
      Template template_value = 18;
    }
  }
  optional uint64 timestamp = 1;
  repeated Metric metrics = 2;
  optional uint64 seq = 3;
  optional string uuid = 4;
  optional bytes body = 5;
}
`;

/** Reads a payload with classes made of the definition and says what each field holds, as text that loses nothing. */
const PYTHON = `
import json, struct, sys
from sparkplug_pb2 import Payload
FORMAT = {"float_value": "<f", "double_value": "<d"}
def plain(message, name):
    value = getattr(message, name)
    if name in FORMAT:
        return struct.pack(FORMAT[name], value).hex()
    return value.hex() if isinstance(value, bytes) else value if isinstance(value, (bool, str)) else str(value)
def fields(message):
    found = {}
    for field, value in message.ListFields():
        if field.name == "properties":
            found["properties"] = [[key, fields(item)] for key, item in zip(value.keys, value.values)]
            found["sizes"] = [len(value.keys), len(value.values)]
        elif field.label == field.LABEL_REPEATED:
            found[field.name] = [fields(item) for item in value]
        else:
            found[field.name] = plain(message, field.name)
    return found
payload = Payload()
payload.ParseFromString(sys.stdin.buffer.read())
json.dump(fields(payload), sys.stdout)
`;

const program = peer("protoc");
const python = peer("python3-protobuf");

const LONG = new Set<number>([DataType.Int64, DataType.UInt32, DataType.UInt64, DataType.DateTime]);
const TEXT = new Set<number>([DataType.String, DataType.Text, DataType.UUID]);

/** The field of the definition that holds a value, and its content in the notation of the script. @see Sparkplug 3.0 §6.4.16 */
function expectedValue(type: DataType | undefined, value: MetricValue): [string, unknown][] {
  if (value === null || value === undefined || type === undefined) return [];
  if (value instanceof Uint8Array) return [["bytes_value", Buffer.from(value).toString("hex")]];
  if (type === DataType.Boolean) return [["boolean_value", value]];
  if (TEXT.has(type)) return [["string_value", value]];
  if (type === DataType.Float || type === DataType.Double) {
    const bytes = Buffer.alloc(type === DataType.Float ? 4 : 8);
    if (type === DataType.Float) bytes.writeFloatLE(Number(value));
    else bytes.writeDoubleLE(Number(value));
    return [[type === DataType.Float ? "float_value" : "double_value", bytes.toString("hex")]];
  }
  if (LONG.has(type)) return [["long_value", String(BigInt.asUintN(64, BigInt(value)))]];
  return [["int_value", String(BigInt.asUintN(32, BigInt(value)))]];
}

function given(name: string, value: unknown): [string, unknown][] {
  return value === undefined || value === false ? [] : [[name, value === true ? true : String(value)]];
}

function expectedProperty({ type, value }: PropertyValue): unknown {
  return Object.fromEntries([
    ...given("type", type),
    ...given("is_null", value === null),
    ...expectedValue(type, value),
  ]);
}

function expectedMetric({ properties, ...metric }: Metric): unknown {
  const set = properties === undefined ? undefined : Object.entries(properties);
  return Object.fromEntries([
    ...given("name", metric.name),
    ...given("alias", metric.alias),
    ...given("timestamp", metric.timestamp),
    ...given("datatype", metric.datatype),
    ...given("is_historical", metric.isHistorical),
    ...given("is_transient", metric.isTransient),
    ...given("is_null", metric.value === null),
    ...(set === undefined
      ? []
      : [
          ["properties", set.map(([key, property]) => [key, expectedProperty(property)])],
          ["sizes", [set.length, set.length]],
        ]),
    ...expectedValue(metric.datatype, metric.value),
  ]);
}

describe.skipIf(program === undefined)("Sparkplug payloads against protoc", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), "parkhub-sparkplug-"));
    writeFileSync(path.join(directory, "sparkplug.proto"), PROTO);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function protoc(mode: "encode" | "decode", input: string | Uint8Array): Buffer {
    const args = [`--proto_path=${directory}`, `--${mode}=Payload`, "sparkplug.proto"];
    const run = spawnSync(program ?? "", args, { input, maxBuffer: 64 * 1024 * 1024 });
    if (run.status !== 0) throw new Error(`protoc --${mode} failed: ${run.stderr.toString()}`);
    return run.stdout;
  }

  test.each(GOLDEN_PAYLOADS)("protoc writes and we write the same bytes: $title", ({ payload, options, text, hex }) => {
    expect(hexOf(protoc("encode", text))).toBe(hexOf(bytesOf(hex)));
    expect(hexOf(encodePayload(payload, options))).toBe(hexOf(bytesOf(hex)));
  });

  test("protoc writes the golden payload of kinds we do not read", () => {
    expect(hexOf(protoc("encode", UNREAD_KINDS.text))).toBe(hexOf(bytesOf(UNREAD_KINDS.hex)));
  });

  test("protoc reads a thousand metrics of every scalar kind and writes our bytes again", () => {
    const metrics = fc.sample(metricArbitrary, { numRuns: 1000, seed: 20_260_101 });
    const ours = encodePayload({ timestamp: 1_700_000_000_000, metrics, seq: 17 });
    const text = protoc("decode", ours);
    expect(text.toString()).toContain("seq: 17");
    const theirs = protoc("encode", new Uint8Array(text));
    expect(decodePayload(theirs)).toEqual(decodePayload(ours));
    expect(hexOf(theirs) === hexOf(ours)).toBe(true);
  });

  test.skipIf(python === undefined)("python3-protobuf finds in each field what we put there", () => {
    writeFileSync(path.join(directory, "read.py"), PYTHON);
    const made = spawnSync(program ?? "", [
      `--proto_path=${directory}`,
      `--python_out=${directory}`,
      "sparkplug.proto",
    ]);
    expect(made.stderr.toString()).toBe("");
    const metrics = fc.sample(metricArbitrary, { numRuns: 1000, seed: 20_260_102 });
    const input = encodePayload({
      timestamp: 1_700_000_000_000,
      metrics,
      seq: 17,
      uuid: "u",
      body: new Uint8Array([7]),
    });
    const run = spawnSync(python ?? "", [path.join(directory, "read.py")], { input, maxBuffer: 64 * 1024 * 1024 });
    expect(run.stderr.toString()).toBe("");
    const read = JSON.parse(run.stdout.toString()) as { metrics: unknown[] };
    expect(read).toEqual({
      timestamp: "1700000000000",
      seq: "17",
      uuid: "u",
      body: "07",
      metrics: metrics.map(expectedMetric),
    });
  });
});
