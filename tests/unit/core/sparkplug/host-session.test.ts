import { describe, expect, test } from "vitest";
import { rebirthRequest } from "#core/sparkplug/host-session.ts";
import { parseState } from "#core/sparkplug/host-state.ts";
import { DataType, decodePayload, encodePayload, type Metric } from "#core/sparkplug/payload.ts";
import { bytesOf, UNREAD_KINDS } from "#tests/fixtures/sparkplug/golden-payloads.ts";
import { bench, NODE, reasons, T, types, values } from "./host-bench.ts";

describe("a host application and births", () => {
  test("an NBIRTH tells the node, its bdSeq and its metrics", () => {
    const [born] = bench().nbirth(42, [
      { name: "cpu", alias: 2, timestamp: T - 5, datatype: DataType.Double, value: 1 },
    ]);
    expect(born).toMatchObject({ type: "nodeBorn", node: NODE, bdSeq: 42, timestamp: T - 10 });
    expect(born?.type === "nodeBorn" && born.metrics[1]).toEqual({
      name: "cpu",
      alias: 2,
      datatype: DataType.Double,
      timestamp: T - 5,
      value: 1,
      isNull: false,
      isHistorical: false,
      isTransient: false,
      properties: undefined,
      skipped: false,
    });
  });

  test("a DBIRTH tells the device, and DDATA by alias is resolved with it", () => {
    const b = bench();
    b.nbirth();
    expect(b.dbirth(1)).toMatchObject([{ type: "deviceBorn", node: NODE, device: "ahu-1" }]);
    expect(b.ddata(2, 19.5)).toMatchObject([
      {
        type: "data",
        node: NODE,
        device: "ahu-1",
        afterGap: false,
        metrics: [{ name: "supplyTemp", alias: 11, datatype: DataType.Double, timestamp: T + 2, value: 19.5 }],
      },
    ]);
  });

  test("data is read as the datatype of its birth, with historical marks and properties", () => {
    const b = bench();
    b.nbirth(0, [{ name: "mode", alias: 3, timestamp: T, datatype: DataType.Int16, value: 0 }]);
    const metric: Metric = {
      alias: 3,
      timestamp: T,
      datatype: DataType.Int32,
      isHistorical: true,
      properties: { Quality: { type: DataType.Int32, value: 500 } },
      value: -7,
    };
    const bytes = encodePayload({ metrics: [metric, { alias: 3, value: null }], seq: 1 }, { omitDatatype: true });
    const [data] = b.host.receive("spBv1.0/park/NDATA/gw-1", bytes, T + 99);
    expect(data).toMatchObject({
      type: "data",
      device: undefined,
      timestamp: T + 99, // the payload had none
      metrics: [
        {
          name: "mode",
          datatype: DataType.Int16,
          value: -7,
          isHistorical: true,
          properties: { Quality: { value: 500 } },
        },
        { name: "mode", value: null, isNull: true, isHistorical: false, timestamp: T + 99 },
      ],
    });
  });

  test("kinds we do not read are passed on as skipped, in births and by alias", () => {
    const b = bench();
    b.nbirth();
    const [born] = b.host.receive("spBv1.0/park/DBIRTH/gw-1/udt", bytesOf(UNREAD_KINDS.hex.replace(/03$/, "01")), T);
    expect(
      born?.type === "deviceBorn" && born.metrics.map(({ name, skipped, isNull }) => [name, skipped, isNull]),
    ).toEqual([
      ["set", true, false],
      ["udt", true, false],
      ["array", true, false],
      ["new kind", true, false],
      ["file", false, false],
      ["props", false, false],
    ]);
    b.send("DBIRTH/gw-1/ahu-1", 2, [{ name: "list", alias: 5, datatype: DataType.Int8Array, value: null }]);
    const [data] = b.send("DDATA/gw-1/ahu-1", 3, [{ alias: 5, value: Uint8Array.of(1) }]);
    expect(data).toMatchObject({ metrics: [{ name: "list", skipped: true, value: null, isNull: false }] });
  });

  test("an NBIRTH makes all devices unknown until their DBIRTH", () => {
    const b = bench().born();
    b.nbirth(1);
    expect(reasons(b.ddata(1, 20))).toEqual(["unknownDevice"]);
  });

  test("a birth in which two metrics share an alias is refused, and its metrics get no data", () => {
    const b = bench().born();
    const twice = ["a", "b"].map((name) => ({ name, alias: 11, datatype: DataType.Double, value: 1 }));
    const refusal = { type: "malformed", reason: expect.stringContaining("alias 11") };
    expect(b.send("DBIRTH/gw-1/ahu-1", 2, twice)).toMatchObject([refusal]);
    expect(types(b.ddata(3, 20))).toEqual(["rebirthNeeded"]);
  });

  test("an NBIRTH that cannot be read ends the trust in the aliases of the one before", () => {
    const b = bench().born();
    expect(types(b.host.receive("spBv1.0/park/NBIRTH/gw-1", Uint8Array.of(0x12, 0x7f), T))).toEqual(["malformed"]);
    expect(reasons(b.ddata(2, 20))).toEqual(["dataBeforeBirth"]);
  });
});

describe("a host application and deaths", () => {
  test("tck-id-payloads-ndeath-bdseq: an NDEATH of the current bdSeq ends the node at the host's time", () => {
    const b = bench().born();
    b.clock.advance(700);
    expect(b.ndeath(0)).toEqual([{ type: "nodeDead", node: NODE, bdSeq: 0, timestamp: T + 700, cause: "death" }]);
    expect(reasons(b.ddata(2, 20))).toEqual(["dataBeforeBirth"]);
    expect(b.ndeath(0)).toEqual([]);
  });

  test("a stale will does not kill the newer session", () => {
    const b = bench();
    b.nbirth(255);
    b.nbirth(0);
    expect(b.ndeath(255)).toEqual([]);
    b.dbirth(1);
    expect(values(b.ddata(2, 20))).toEqual([20]);
  });

  test("tck-id-operational-behavior-edge-node-termination-host-action-ddeath-devices-offline: at the payload's time", () => {
    const b = bench().born();
    expect(b.send("DDEATH/gw-1/ahu-1", 2, [])).toEqual([
      { type: "deviceDead", node: NODE, device: "ahu-1", timestamp: T - 10 },
    ]);
    expect(reasons(b.ddata(3, 20))).toEqual(["unknownDevice"]);
  });

  test("what was held for reordering comes out before the death", () => {
    const b = bench().born();
    expect(b.ddata(3, 3)).toEqual([]);
    const outputs = b.ndeath(0);
    expect(types(outputs)).toEqual(["data", "nodeDead"]);
    expect(outputs[0]).toMatchObject({ afterGap: true });
  });

  test("when the host loses the broker every live node is dead, once", () => {
    const b = bench().born();
    expect(b.host.connectionLost(T + 1)).toMatchObject([{ type: "nodeDead", node: NODE, cause: "connectionLost" }]);
    expect(b.host.connectionLost(T + 2)).toEqual([]);
  });
});

describe("a host application asks for a rebirth", () => {
  test("on data before birth", () => {
    expect(bench().ddata(5, 1)).toEqual([{ type: "rebirthNeeded", node: NODE, reason: "dataBeforeBirth" }]);
  });

  test("on a DBIRTH before the NBIRTH", () => {
    expect(reasons(bench().dbirth(1))).toEqual(["dataBeforeBirth"]);
  });

  test("on data of an unknown device", () => {
    const b = bench();
    b.nbirth();
    expect(b.ddata(1, 1)).toEqual([{ type: "rebirthNeeded", node: NODE, reason: "unknownDevice" }]);
  });

  test("on an unknown alias, and passes on the metrics it knows", () => {
    const b = bench().born();
    const outputs = b.send("DDATA/gw-1/ahu-1", 2, [
      { alias: 99, value: 1 },
      { alias: 11, value: 2 },
    ]);
    expect(outputs).toMatchObject([
      { type: "rebirthNeeded", reason: "unknownAlias" },
      { type: "data", metrics: [{ name: "supplyTemp", value: 2 }] },
    ]);
  });

  test("never takes the alias of another device for its own", () => {
    const b = bench().born();
    b.send("DBIRTH/gw-1/ahu-2", 2, [{ name: "returnTemp", alias: 12, datatype: DataType.Double, value: 1 }]);
    expect(b.ddata(3, 77, 12)).toMatchObject([{ reason: "unknownAlias" }, { type: "data", metrics: [] }]);
  });

  test("not more often than every 5 s, and more and more rarely while it does not help", () => {
    const b = bench();
    const askedAt: number[] = [];
    for (let second = 0; second < 120; second++) {
      askedAt.push(...b.ddata(second, 1).map(() => second));
      b.clock.advance(1000);
      askedAt.push(...b.timedOut.splice(0).map(() => second + 1));
    }
    expect(askedAt).toEqual([0, 5, 15, 35, 75]);
  });

  test("tck-id-operational-behavior-data-commands-ncmd-rebirth-value: by an NCMD with Rebirth true and without seq", () => {
    const request = rebirthRequest(NODE, T);
    expect(request).toMatchObject({ topic: "spBv1.0/park/NCMD/gw-1", qos: 0, retain: false });
    expect(decodePayload(request.payload)).toEqual({
      timestamp: T,
      metrics: [{ name: "Node Control/Rebirth", timestamp: T, datatype: DataType.Boolean, value: true }],
    });
  });
});

describe("a host application and what it cannot use", () => {
  test.each([
    ["NBIRTH without bdSeq", "NBIRTH/gw-1", 0, []],
    [
      "NBIRTH with a metric without name",
      "NBIRTH/gw-1",
      0,
      [
        { name: "bdSeq", value: 0 },
        { alias: 1, value: 2 },
      ],
    ],
    ["NDEATH without bdSeq", "NDEATH/gw-1", undefined, []],
    ["DDATA without seq", "DDATA/gw-1/ahu-1", undefined, []],
    ["a message type nobody knows", "XDATA/gw-1", 0, []],
  ] satisfies [string, string, number | undefined, Metric[]][])("reports %s as malformed", (_, path, seq, metrics) => {
    expect(bench().send(path, seq, metrics)).toMatchObject([{ type: "malformed", topic: `spBv1.0/park/${path}` }]);
  });

  test("other topics and other hosts' commands are none of ours", () => {
    const b = bench();
    const { topic, payload } = rebirthRequest(NODE, T);
    expect(b.host.receive(topic, payload, T)).toEqual([]);
    expect(b.host.receive("parkhub/v1/park/gw-1/events", payload, T)).toEqual([]);
  });

  test("more edge nodes than it may know are reported", () => {
    const b = bench({ maxNodes: 1 }).born();
    const bytes = encodePayload({ metrics: [], seq: 1 });
    expect(types(b.host.receive("spBv1.0/park/NDATA/gw-2", bytes, T))).toEqual(["malformed"]);
  });
});

describe("the state of a host application", () => {
  test("tck-id-host-topic-phid-birth-payload: JSON online and timestamp, QoS 1, retained, as birth and as will", () => {
    const { host } = bench();
    const birth = host.stateMessage(true, T);
    const will = host.will(T);
    expect(birth).toMatchObject({ topic: "spBv1.0/STATE/hub", qos: 1, retain: true });
    expect(will).toMatchObject({ topic: "spBv1.0/STATE/hub", qos: 1, retain: true });
    expect(Buffer.from(birth.payload).toString()).toBe(`{"online":true,"timestamp":${T}}`);
    expect(Buffer.from(will.payload).toString()).toBe(`{"online":false,"timestamp":${T}}`);
    expect(parseState(will.payload)).toEqual({ online: false, timestamp: T });
  });

  test("tck-id-message-flow-hid-sparkplug-state-message-delivered: our own offline is told, others' is not", () => {
    const { host } = bench();
    const offline = host.will(T);
    expect(host.receive(offline.topic, offline.payload, T)).toEqual([{ type: "ownStateOffline", timestamp: T }]);
    expect(host.receive("spBv1.0/STATE/other", offline.payload, T)).toEqual([]);
    expect(host.receive(offline.topic, host.stateMessage(true, T).payload, T)).toEqual([]);
  });

  test.each(["ONLINE", "", "null", "[]", '{"online":1,"timestamp":2}', '{"online":true}', `"${"x".repeat(2000)}"`])(
    "%j is no state",
    (text) => {
      expect(parseState(Buffer.from(text))).toBeUndefined();
    },
  );
});
