import { describe, expect, test } from "vitest";
import { isSparkplugId, nodeDescriptor, parseTopic, type SparkplugTopic, topicOf } from "#core/sparkplug/topic.ts";

const TOPICS: readonly (readonly [string, SparkplugTopic])[] = [
  ["spBv1.0/park/NBIRTH/gw-1", { type: "NBIRTH", group: "park", edgeNode: "gw-1" }],
  ["spBv1.0/park/NDATA/gw-1", { type: "NDATA", group: "park", edgeNode: "gw-1" }],
  ["spBv1.0/park/NDEATH/gw-1", { type: "NDEATH", group: "park", edgeNode: "gw-1" }],
  ["spBv1.0/park/NCMD/gw-1", { type: "NCMD", group: "park", edgeNode: "gw-1" }],
  ["spBv1.0/park/DBIRTH/gw-1/ahu-1", { type: "DBIRTH", group: "park", edgeNode: "gw-1", device: "ahu-1" }],
  ["spBv1.0/park/DDATA/gw-1/ahu-1", { type: "DDATA", group: "park", edgeNode: "gw-1", device: "ahu-1" }],
  ["spBv1.0/园区/DDEATH/网关 1/空调", { type: "DDEATH", group: "园区", edgeNode: "网关 1", device: "空调" }],
  ["spBv1.0/park/DCMD/gw-1/ahu-1", { type: "DCMD", group: "park", edgeNode: "gw-1", device: "ahu-1" }],
  ["spBv1.0/STATE/hub", { type: "STATE", host: "hub" }],
];

describe("a Sparkplug topic", () => {
  test.each(TOPICS)("%s is read and written", (text, topic) => {
    expect(parseTopic(text)).toEqual(topic);
    expect(topicOf(topic)).toBe(text);
  });

  test.each([
    "",
    "spBv1.0",
    "spAv1.0/park/NBIRTH/gw-1",
    "STATE/hub",
    "spBv1.0/STATE",
    "spBv1.0/STATE/",
    "spBv1.0/STATE/hub/more",
    "spBv1.0/park/NBIRTH",
    "spBv1.0/park/NBIRTH/",
    "spBv1.0//NBIRTH/gw-1",
    "spBv1.0/park/NBIRTH/gw-1/ahu-1",
    "spBv1.0/park/DBIRTH/gw-1",
    "spBv1.0/park/DBIRTH/gw-1/ahu-1/more",
    "spBv1.0/park/DBIRTH/gw-1/",
    "spBv1.0/park/nbirth/gw-1",
    "spBv1.0/park/+/gw-1",
    "spBv1.0/park/NBIRTH/#",
    "spBv1.0/park/NBIRTH/\u0000",
    "spBv1.0/park/constructor/gw-1",
    "parkhub/v1/park/gw-1/events",
  ])("%j is none", (text) => {
    expect(parseTopic(text)).toBeUndefined();
  });

  test("tck-id-topic-structure-namespace-valid-group-id: ids hold no + / # and are not empty", () => {
    expect(["a", "园区 1", "a.b-c_d"].every(isSparkplugId)).toBe(true);
    for (const id of ["", "a+b", "a/b", "a#", "a\u0000", "\ud800", "x".repeat(513)]) {
      expect(isSparkplugId(id)).toBe(false);
      expect(() => topicOf({ type: "NDATA", group: id, edgeNode: "gw-1" })).toThrow(
        expect.objectContaining({ code: "SPARKPLUG_ID_INVALID" }),
      );
    }
  });

  test("a group named STATE is refused, because it would be read as a host's state", () => {
    expect(() => topicOf({ type: "NDATA", group: "STATE", edgeNode: "gw-1" })).toThrow(/reserved/);
  });

  test("the Edge Node Descriptor is group and edge node", () => {
    expect(nodeDescriptor({ group: "park", edgeNode: "gw-1" })).toBe("park/gw-1");
  });
});
