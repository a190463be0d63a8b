import { describe, expect, test } from "vitest";
import { EdgeNodeSession, type MetricReading, type MetricSet } from "#core/sparkplug/edge-node-session.ts";
import { rebirthRequest } from "#core/sparkplug/host-session.ts";
import type { SparkplugMessage } from "#core/sparkplug/message.ts";
import { DataType, type DecodedPayload, decodePayload, encodePayload } from "#core/sparkplug/payload.ts";

const T = 1_700_000_000_000;

const NODE: MetricSet = { batchAlias: 1, metrics: [{ name: "Health/cpu", alias: 2, datatype: DataType.Double }] };
const AHU: MetricSet = {
  batchAlias: 10,
  metrics: [
    { name: "supplyTemp", alias: 11, datatype: DataType.Double, properties: { unit: { type: 12, value: "celsius" } } },
    { name: "fanStatus", alias: 12, datatype: DataType.Boolean },
    { name: "mode", alias: 13, datatype: DataType.Int32 },
  ],
};
const METER: MetricSet = { batchAlias: 20, metrics: [{ name: "energy", alias: 21, datatype: DataType.UInt64 }] };

const CURRENT = new Map<number, MetricReading>([
  [2, { alias: 2, value: 12.5, timestamp: T - 1 }],
  [11, { alias: 11, value: 18.25, timestamp: T - 2 }],
  [12, { alias: 12, value: true, timestamp: T - 3, quality: "bad", reason: "commLost" }],
  [21, { alias: 21, value: 9_007_199_254_740_993n, timestamp: T - 4 }],
]);
const current = (alias: number): MetricReading | undefined => CURRENT.get(alias);

function newSession(bdSeq = 0): EdgeNodeSession {
  const session = new EdgeNodeSession({ group: "park", edgeNode: "gw-1", bdSeq, node: NODE });
  session.defineDevice("ahu-1", AHU);
  session.defineDevice("meter-1", METER);
  return session;
}
function bornSession(bdSeq = 0): EdgeNodeSession {
  const session = newSession(bdSeq);
  session.births(T, current);
  return session;
}
const read = ({ payload }: SparkplugMessage): DecodedPayload => decodePayload(payload);
const seqOf = (message: SparkplugMessage): number | undefined => read(message).seq;
const metric = (message: SparkplugMessage, name: string): DecodedPayload["metrics"][number] | undefined =>
  read(message).metrics.find((candidate) => candidate.name === name);

describe("an edge node's will", () => {
  test("tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq: NDEATH with bdSeq as Int64 only", () => {
    const will = newSession(41).will(T);
    expect(will.topic).toBe("spBv1.0/park/NDEATH/gw-1");
    expect(read(will).metrics).toMatchObject([{ name: "bdSeq", datatype: DataType.Int64, value: 41 }]);
    expect(read(will).metrics).toHaveLength(1);
  });

  test("tck-id-payloads-ndeath-will-message-qos and -retain: QoS 1, not retained", () => {
    expect(newSession().will(T)).toMatchObject({ qos: 1, retain: false });
  });

  test("tck-id-payloads-ndeath-seq: NDEATH carries no seq", () => {
    expect(read(newSession().will(T)).seq).toBeUndefined();
    expect(read(bornSession().nodeDeath(T)).seq).toBeUndefined();
  });

  test("tck-id-topics-nbirth-bdseq-increment: bdSeq grows with each CONNECT and wraps from 255 to 0", () => {
    const session = newSession(254);
    expect([session.advanceBdSeq(), session.advanceBdSeq(), session.advanceBdSeq()]).toEqual([255, 0, 1]);
    expect(session.bdSeq).toBe(1);
  });

  test.each([-1, 256, 1.5])("a bdSeq of %d is refused", (bdSeq) => {
    expect(() => newSession(bdSeq)).toThrow(expect.objectContaining({ code: "SPARKPLUG_BDSEQ_INVALID" }));
  });
});

describe("an edge node's births", () => {
  test("tck-id-payloads-dbirth-order: NBIRTH first, then the DBIRTH of each device, all QoS 0 and not retained", () => {
    const births = newSession().births(T, current);
    expect(births.map(({ topic, qos, retain }) => [topic, qos, retain])).toEqual([
      ["spBv1.0/park/NBIRTH/gw-1", 0, false],
      ["spBv1.0/park/DBIRTH/gw-1/ahu-1", 0, false],
      ["spBv1.0/park/DBIRTH/gw-1/meter-1", 0, false],
    ]);
  });

  test("only the devices that are alive are born", () => {
    const births = newSession().births(T, current, ["meter-1"]);
    expect(births.map(({ topic }) => topic)).toEqual(["spBv1.0/park/NBIRTH/gw-1", "spBv1.0/park/DBIRTH/gw-1/meter-1"]);
  });

  test("tck-id-topics-nbirth-seq-num: NBIRTH has seq 0 and the rest follow by one", () => {
    expect(newSession().births(T, current).map(seqOf)).toEqual([0, 1, 2]);
  });

  test("tck-id-topics-nbirth-bdseq-matching: NBIRTH carries the bdSeq of the will", () => {
    const session = newSession(200);
    const [nbirth] = session.births(T, current);
    const value = read(session.will(T)).metrics[0]?.value;
    expect(nbirth && metric(nbirth, "bdSeq")).toMatchObject({ datatype: DataType.Int64, value });
  });

  test("tck-id-operational-behavior-data-commands-rebirth-name-aliases: Rebirth is false and has no alias", () => {
    const [nbirth] = newSession().births(T, current);
    expect(nbirth && metric(nbirth, "Node Control/Rebirth")).toMatchObject({
      datatype: DataType.Boolean,
      value: false,
      alias: undefined,
    });
  });

  test("tck-id-payloads-alias-birth-requirement: each birth declares name, alias, datatype, time stamp and value", () => {
    const [nbirth, dbirth, meter] = newSession().births(T, current);
    expect(nbirth && metric(nbirth, "Health/cpu")).toMatchObject({
      alias: 2,
      datatype: 10,
      timestamp: T - 1,
      value: 12.5,
    });
    expect(dbirth && metric(dbirth, "supplyTemp")).toMatchObject({
      alias: 11,
      datatype: 10,
      timestamp: T - 2,
      value: 18.25,
    });
    expect(meter && metric(meter, "energy")).toMatchObject({ alias: 21, value: 9_007_199_254_740_993n });
  });

  test("every birth declares Parkhub/batch as a null String with an alias of its own", () => {
    const batches = newSession()
      .births(T, current)
      .map((birth) => metric(birth, "Parkhub/batch"));
    expect(batches).toMatchObject([
      { alias: 1, datatype: DataType.String, isNull: true },
      { alias: 10, datatype: DataType.String, isNull: true },
      { alias: 20, datatype: DataType.String, isNull: true },
    ]);
  });

  test("a metric never seen is born null with bad quality and the reason noValue", () => {
    const [, dbirth] = newSession().births(T, current);
    expect(dbirth && metric(dbirth, "mode")).toMatchObject({
      isNull: true,
      value: null,
      timestamp: T,
      properties: {
        Quality: { type: DataType.Int32, value: 0 },
        quality: { type: DataType.String, value: "bad" },
        reason: { type: DataType.String, value: "noValue" },
      },
    });
  });

  test("a birth carries the point's own properties beside its Quality", () => {
    const [, dbirth] = newSession().births(T, current);
    expect(dbirth && metric(dbirth, "supplyTemp")?.properties).toEqual({
      unit: { type: DataType.String, value: "celsius" },
      Quality: { type: DataType.Int32, value: 192 },
    });
  });

  test("tck-id-payloads-alias-uniqueness: an alias used anywhere else on the node is refused", () => {
    const session = newSession();
    const taken = expect.objectContaining({ code: "SPARKPLUG_ALIAS_TAKEN" });
    for (const alias of [1, 2, 11, 20]) {
      expect(() => session.defineDevice("x", { batchAlias: alias, metrics: [] })).toThrow(taken);
    }
    const twice = { name: "a", alias: 31, datatype: DataType.Double };
    expect(() => session.defineDevice("x", { batchAlias: 30, metrics: [twice, twice] })).toThrow(taken);
  });

  test("a device that is defined anew or removed gives its aliases free", () => {
    const session = newSession();
    session.defineDevice("ahu-1", AHU);
    session.removeDevice("ahu-1");
    session.defineDevice("ahu-2", AHU);
    expect(session.births(T, current)).toHaveLength(3);
  });
});

describe("an edge node's data", () => {
  test("tck-id-payloads-alias-data-cmd-requirement: alias without name and without datatype, with time stamp", () => {
    const data = bornSession().deviceData("ahu-1", [{ alias: 11, value: 19, timestamp: T + 5 }], T + 6);
    expect(data).toMatchObject({ topic: "spBv1.0/park/DDATA/gw-1/ahu-1", qos: 0, retain: false });
    expect(read(data)).toEqual({
      timestamp: T + 6,
      metrics: [{ alias: 11, timestamp: T + 5, value: 19 }],
      seq: 3,
    });
  });

  test("a batch is named in the first metric, by the alias its birth declared", () => {
    const data = bornSession().deviceData("ahu-1", [{ alias: 11, value: 1, timestamp: T }], T, { batch: "ab12:7:7" });
    expect(read(data).metrics[0]).toMatchObject({ alias: 10, value: "ab12:7:7" });
    const node = bornSession().nodeData([], T, { batch: "ab12:8:8" });
    expect(read(node).metrics).toMatchObject([{ alias: 1, value: "ab12:8:8" }]);
  });

  test("an NDATA without readings is a sign of life", () => {
    expect(read(bornSession().nodeData([], T + 5000))).toEqual({ timestamp: T + 5000, metrics: [], seq: 3 });
  });

  test("tck-id-payloads-propertyset-quality-value-value: stale is 500, other bad is 0, each with words", () => {
    const data = bornSession().deviceData(
      "ahu-1",
      [
        { alias: 11, value: 1, timestamp: T, quality: "bad", reason: "stale" },
        { alias: 12, value: null, timestamp: T, quality: "bad", reason: "commLost" },
        { alias: 13, value: 2, timestamp: T, quality: "uncertain" },
      ],
      T,
    );
    const words = read(data).metrics.map(({ properties }) => Object.values(properties ?? {}).map(({ value }) => value));
    expect(words).toEqual([
      [500, "bad", "stale"],
      [0, "bad", "commLost"],
      [500, "uncertain"],
    ]);
    expect(read(data).metrics[1]).toMatchObject({ isNull: true, value: null });
  });

  test("good is silent, but is said once after a quality that was not good", () => {
    const session = bornSession(); // alias 12 was born bad
    const qualities = (alias: number, quality: "good" | "bad", isHistorical = false): unknown => {
      const data = session.deviceData("ahu-1", [{ alias, value: null, timestamp: T, quality, isHistorical }], T);
      return read(data).metrics[0]?.properties?.["Quality"]?.value;
    };
    expect(qualities(11, "good")).toBeUndefined();
    expect(qualities(12, "good", true)).toBeUndefined();
    expect(qualities(12, "good")).toBe(192);
    expect(qualities(12, "good")).toBeUndefined();
    expect(qualities(12, "bad")).toBe(0);
    expect(qualities(12, "good")).toBe(192);
  });

  test("a historical reading is marked", () => {
    const data = bornSession().deviceData("ahu-1", [{ alias: 11, value: 1, timestamp: T, isHistorical: true }], T);
    expect(read(data).metrics[0]?.isHistorical).toBe(true);
  });

  test("tck-id-payloads-sequence-num-incrementing: one seq per node over all messages, from 255 to 0", () => {
    const session = bornSession();
    const seen = Array.from({ length: 300 }, (_, i) =>
      seqOf(i % 2 === 0 ? session.nodeData([], T) : session.deviceData("meter-1", [], T)),
    );
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => (i + 3) % 256));
    expect(seqOf(session.deviceDeath("meter-1", T))).toBe(303 % 256);
  });

  test("a refused value leaves no gap in seq", () => {
    const session = bornSession();
    expect(() => session.deviceData("ahu-1", [{ alias: 13, value: 0.5, timestamp: T }], T)).toThrow(
      expect.objectContaining({ code: "SPARKPLUG_VALUE_INVALID", message: expect.stringContaining("alias 13") }),
    );
    expect(seqOf(session.nodeData([], T))).toBe(3);
  });

  test("an alias of another device is refused", () => {
    expect(() => bornSession().deviceData("ahu-1", [{ alias: 21, value: 1, timestamp: T }], T)).toThrow(
      expect.objectContaining({ code: "SPARKPLUG_ALIAS_UNKNOWN" }),
    );
  });

  test("tck-id-payloads-ndata-order: no data before the births of this connection", () => {
    const session = newSession();
    const refusal = expect.objectContaining({ code: "SPARKPLUG_NOT_BORN" });
    expect(session.born).toBe(false);
    expect(() => session.nodeData([], T)).toThrow(refusal);
    session.births(T, current, ["ahu-1"]);
    expect(() => session.deviceData("meter-1", [], T)).toThrow(refusal);
    session.advanceBdSeq();
    expect(() => session.nodeData([], T)).toThrow(refusal);
  });

  test("tck-id-operational-behavior-device-ddeath: a lost device dies with seq and comes back with a DBIRTH", () => {
    const session = bornSession();
    const death = session.deviceDeath("ahu-1", T + 1);
    expect(death).toMatchObject({ topic: "spBv1.0/park/DDEATH/gw-1/ahu-1", qos: 0, retain: false });
    expect(read(death)).toEqual({ timestamp: T + 1, metrics: [], seq: 3 });
    expect(() => session.deviceData("ahu-1", [], T)).toThrow(expect.objectContaining({ code: "SPARKPLUG_NOT_BORN" }));
    expect(seqOf(session.deviceBirth("ahu-1", T + 2, current))).toBe(4);
    expect(seqOf(session.deviceData("ahu-1", [], T + 3))).toBe(5);
  });

  test("a device never defined is refused", () => {
    expect(() => bornSession().deviceData("nobody", [], T)).toThrow(
      expect.objectContaining({ code: "SPARKPLUG_DEVICE_UNKNOWN" }),
    );
  });
});

describe("an edge node's commands", () => {
  test("tck-id-operational-behavior-data-commands-rebirth-action-1: after Rebirth data stops until the births", () => {
    const session = bornSession(7);
    const request = rebirthRequest("park/gw-1", T);
    expect(session.receive(request.topic, request.payload)).toEqual({ type: "rebirth" });
    expect(() => session.nodeData([], T)).toThrow(expect.objectContaining({ code: "SPARKPLUG_NOT_BORN" }));
    const births = session.births(T + 1, current);
    expect(births.map(seqOf)).toEqual([0, 1, 2]);
    expect(births[0] && metric(births[0], "bdSeq")?.value).toBe(7); // rebirth-action-3
    expect(seqOf(session.nodeData([], T + 2))).toBe(3);
  });

  test("a Rebirth of false is none", () => {
    const session = bornSession();
    const payload = encodePayload({ metrics: [{ name: "Node Control/Rebirth", datatype: 11, value: false }] });
    expect(session.receive("spBv1.0/park/NCMD/gw-1", payload)?.type).toBe("refused");
    expect(session.born).toBe(true);
  });

  test("other NCMD and every DCMD are refused by name", () => {
    const payload = encodePayload({
      metrics: [
        { name: "Node Control/Reboot", value: true },
        { alias: 11, value: 1 },
      ],
    });
    const session = bornSession();
    const metrics = ["Node Control/Reboot", "alias 11"];
    expect(session.receive("spBv1.0/park/NCMD/gw-1", payload)).toEqual({ type: "refused", metrics });
    expect(session.receive("spBv1.0/park/DCMD/gw-1/ahu-1", payload)).toEqual({
      type: "refused",
      device: "ahu-1",
      metrics,
    });
  });

  test("garbage is reported, and commands to others are none of ours", () => {
    const session = bornSession();
    expect(session.receive("spBv1.0/park/NCMD/gw-1", Uint8Array.of(0x12, 0xff))?.type).toBe("malformed");
    const { payload } = rebirthRequest("park/gw-2", T);
    for (const topic of ["spBv1.0/park/NCMD/gw-2", "spBv1.0/other/NCMD/gw-1", "spBv1.0/park/NDATA/gw-1", "else"]) {
      expect(session.receive(topic, payload)).toBeUndefined();
    }
    expect(session.born).toBe(true);
  });
});
