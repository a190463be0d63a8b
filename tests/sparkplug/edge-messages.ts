import { expect } from "vitest";
import { isSparkplugId, topicOf } from "#core/sparkplug/topic.ts";
import { DEVICES, type EdgeRecording, GROUP, NODE } from "./edge-recording.ts";
import { BOOLEAN, type EdgeMessage, metricNamed } from "./messages.ts";
import type { Tck } from "./tck.ts";

const REBIRTH = "Node Control/Rebirth";
/** How far a time stamp may be from when the message passed the spy, in the same machine. */
const CLOCK_TOLERANCE_MS = 5_000;

/** Topics, flags, numbers and times of every message. `recording` is there when the cases run. */
export function edgeMessages(tck: Tck, recording: () => EdgeRecording): void {
  /** Messages of a type; none at all would prove nothing. */
  const all = (...types: readonly string[]): EdgeMessage[] => {
    const found = recording().of(...types);
    for (const type of types) expect(found.map((message) => message.type)).toContain(type);
    return found;
  };

  tck.chapter("edge node: ids and topics", () => {
    const refused = ["", "a+b", "a/b", "a#b", "a\0b", "\uD800"];
    const idCases = [
      ["group", (group: string) => topicOf({ type: "NDATA", group, edgeNode: NODE })],
      ["edge-node", (edgeNode: string) => topicOf({ type: "NDATA", group: GROUP, edgeNode })],
      ["device", (device: string) => topicOf({ type: "DDATA", group: GROUP, edgeNode: NODE, device })],
    ] as const;
    for (const [what, topic] of idCases) {
      tck.covers([`intro-${what}-id-string`], "the id stands in the topic as UTF-8 text", () => {
        expect(topic("东楼 1").split("/")).toContain("东楼 1");
        for (const { publish } of recording().messages) expect(publish.topic.isWellFormed()).toBe(true);
      });
      tck.covers(
        [`intro-${what}-id-chars`, `topic-structure-namespace-valid-${what}-id`],
        "an id with + / # or without a character is refused, and none is sent",
        () => {
          for (const id of refused)
            expect(() => topic(id)).toThrow(expect.objectContaining({ code: "SPARKPLUG_ID_INVALID" }));
          for (const { group, node, device } of recording().messages)
            for (const id of [group, node, device ?? "none"]) expect(isSparkplugId(id) && !/[+#/]/.test(id)).toBe(true);
        },
      );
    }

    tck.covers(
      ["topic-structure", "topic-structure-namespace-a"],
      "every topic is in the namespace and of its form",
      () => {
        const form = /^spBv1\.0\/[^/+#]+\/(?:N(?:BIRTH|DATA|DEATH)\/[^/+#]+|D(?:BIRTH|DATA|DEATH)\/[^/+#]+\/[^/+#]+)$/;
        expect(recording().messages.length).toBeGreaterThan(256);
        for (const { publish } of recording().messages) expect(publish.topic).toMatch(form);
      },
    );

    tck.covers(["topic-structure-namespace-unique-device-id"], "each device of a session has its own id", () => {
      for (const [, ...rest] of recording().configured()) {
        const born = rest.slice(0, DEVICES.length).map(({ device }) => device);
        expect(new Set(born).size).toBe(DEVICES.length);
      }
    });

    tck.covers(
      ["topic-structure-namespace-device-id-associated-message-types"],
      "every message of a device names it",
      () => {
        for (const { device } of all("DBIRTH", "DDATA", "DDEATH")) expect(DEVICES).toContain(device);
      },
    );

    tck.covers(
      ["topic-structure-namespace-device-id-non-associated-message-types"],
      "no message of the node names a device",
      () => {
        for (const { publish } of all("NBIRTH", "NDATA", "NDEATH")) expect(publish.topic.split("/")).toHaveLength(4);
      },
    );

    const nodeTopics = [
      ["NBIRTH", ["topics-nbirth-topic", "message-flow-edge-node-birth-publish-nbirth-topic"]],
      ["NDATA", ["topics-ndata-topic"]],
    ] as const;
    for (const [type, ids] of nodeTopics)
      tck.covers(ids, `${type} is on the topic of this node`, () => {
        for (const { publish } of all(type)) expect(publish.topic).toBe(`spBv1.0/${GROUP}/${type}/${NODE}`);
      });
    const deviceTopics = [
      ["DBIRTH", ["topics-dbirth-topic", "message-flow-device-birth-publish-dbirth-topic"]],
      ["DDATA", ["topics-ddata-topic"]],
      ["DDEATH", ["topics-ddeath-topic"]],
    ] as const;
    for (const [type, ids] of deviceTopics)
      tck.covers(ids, `${type} is on the topic of its device`, () => {
        const topics = DEVICES.map((device) => `spBv1.0/${GROUP}/${type}/${NODE}/${device}`);
        for (const { publish } of all(type)) expect(topics).toContain(publish.topic);
      });
  });

  tck.chapter("edge node: QoS and retain", () => {
    const flags = [
      ["NBIRTH", ["topics-nbirth-mqtt"]],
      ["NDATA", ["topics-ndata-mqtt"]],
      ["DBIRTH", ["topics-dbirth-mqtt"]],
      ["DDATA", ["topics-ddata-mqtt"]],
      ["DDEATH", ["topics-ddeath-mqtt"]],
    ] as const;
    for (const [type, ids] of flags)
      tck.covers(ids, `${type} has QoS 0 and is not retained`, () => {
        for (const { publish } of all(type)) expect(publish).toMatchObject({ qos: 0, retain: false });
      });
    const qos = [
      ["NBIRTH", ["message-flow-edge-node-birth-publish-nbirth-qos", "payloads-nbirth-qos"]],
      ["DBIRTH", ["message-flow-device-birth-publish-dbirth-qos", "payloads-dbirth-qos"]],
      ["NDATA", ["payloads-ndata-qos"]],
      ["DDATA", ["payloads-ddata-qos"]],
    ] as const;
    for (const [type, ids] of qos)
      tck.covers(ids, `${type} has QoS 0`, () => {
        for (const { publish } of all(type)) expect(publish.qos).toBe(0);
      });
    const retain = [
      ["NBIRTH", ["message-flow-edge-node-birth-publish-nbirth-retained", "payloads-nbirth-retain"]],
      ["DBIRTH", ["message-flow-device-birth-publish-dbirth-retained", "payloads-dbirth-retain"]],
      ["NDATA", ["payloads-ndata-retain"]],
      ["DDATA", ["payloads-ddata-retain"]],
    ] as const;
    for (const [type, ids] of retain)
      tck.covers(ids, `${type} is not retained`, () => {
        for (const { publish } of all(type)) expect(publish.retain).toBe(false);
      });
  });

  tck.chapter("edge node: sequence numbers", () => {
    tck.covers(["topics-nbirth-seq-num"], "NBIRTH has the number 0", () => {
      for (const { payload } of all("NBIRTH")) expect(payload.seq).toBe(0);
    });

    tck.covers(
      [
        "payloads-sequence-num-req-nbirth",
        "payloads-nbirth-seq",
        "message-flow-edge-node-birth-publish-nbirth-payload-seq",
      ],
      "NBIRTH has a number from 0 to 255",
      () => {
        for (const { payload } of all("NBIRTH")) {
          expect(payload.seq).toBeGreaterThanOrEqual(0);
          expect(payload.seq).toBeLessThanOrEqual(255);
        }
      },
    );

    tck.covers(["payloads-sequence-num-always-included"], "every message but NDEATH has a number", () => {
      for (const { type, payload } of recording().messages) expect(payload.seq === undefined).toBe(type === "NDEATH");
    });

    const numbered = [
      ["DBIRTH", ["payloads-dbirth-seq"]],
      ["NDATA", ["payloads-ndata-seq"]],
      ["DDATA", ["payloads-ddata-seq"]],
      ["DDEATH", ["payloads-ddeath-seq", "payloads-ddeath-seq-number"]],
    ] as const;
    for (const [type, ids] of numbered)
      tck.covers(ids, `${type} has a number`, () => {
        for (const { payload } of all(type)) expect(payload.seq).toBeTypeOf("number");
      });

    tck.covers(["payloads-sequence-num-incrementing"], "each message counts on by one, from 255 to 0", () => {
      const wraps = recording()
        .sessions()
        .map((session) => {
          const numbers = session.filter(({ type }) => type !== "NDEATH").map(({ payload }) => payload.seq);
          expect(numbers).toEqual(numbers.map((_, at) => at % 256));
          return numbers.length > 256;
        });
      expect(wraps).toContain(true);
    });

    const counted = [
      ["NDATA", ["topics-ndata-seq-num", "payloads-ndata-seq-inc"]],
      [
        "DBIRTH",
        ["topics-dbirth-seq", "payloads-dbirth-seq-inc", "message-flow-device-birth-publish-dbirth-payload-seq"],
      ],
      ["DDATA", ["topics-ddata-seq-num", "payloads-ddata-seq-inc"]],
      ["DDEATH", ["topics-ddeath-seq-num", "payloads-ddeath-seq-inc"]],
    ] as const;
    for (const [type, ids] of counted)
      tck.covers(ids, `${type} has one more than the message before, 0 after 255`, () => {
        const pairs = recording()
          .sessions()
          .flatMap((session) => session.slice(1).map((message, at) => [session[at], message] as const))
          .filter(([, message]) => message.type === type);
        expect(pairs.length).toBeGreaterThan(0);
        for (const [before, { payload }] of pairs) expect(payload.seq).toBe(((before?.payload.seq ?? -2) + 1) % 256);
      });
  });

  tck.chapter("edge node: times", () => {
    const stamped = [
      ["NBIRTH", ["topics-nbirth-timestamp", "payloads-nbirth-timestamp"]],
      ["NDATA", ["topics-ndata-timestamp", "payloads-ndata-timestamp"]],
      ["DBIRTH", ["topics-dbirth-timestamp", "payloads-dbirth-timestamp"]],
      ["DDATA", ["topics-ddata-timestamp", "payloads-ddata-timestamp"]],
      ["DDEATH", ["payloads-ddeath-timestamp"]],
    ] as const;
    for (const [type, ids] of stamped)
      tck.covers(ids, `${type} says when it was sent`, () => {
        for (const { payload, seen } of all(type))
          expect(Math.abs((payload.timestamp ?? 0) - seen.at)).toBeLessThan(CLOCK_TOLERANCE_MS);
      });

    tck.covers(["payloads-timestamp-in-UTC"], "the time of a message is Unix time in ms, whatever the zone", () => {
      // the gateway's site is 8 hours east of UTC
      for (const { payload, seen } of recording().messages)
        expect(Math.abs((payload.timestamp ?? 0) - seen.at)).toBeLessThan(CLOCK_TOLERANCE_MS);
    });

    tck.covers(["payloads-metric-timestamp-in-UTC"], "the time of a metric is Unix time in ms", () => {
      const begin = (recording().seen[0]?.at ?? 0) - CLOCK_TOLERANCE_MS;
      for (const { payload, seen } of recording().messages)
        for (const { timestamp } of payload.metrics) {
          expect(timestamp).toBeGreaterThan(begin);
          expect(timestamp).toBeLessThan(seen.at + CLOCK_TOLERANCE_MS);
        }
    });

    tck.covers(["payloads-name-birth-data-requirement"], "every metric has a time", () => {
      for (const { payload } of all("NBIRTH", "DBIRTH", "NDATA", "DDATA"))
        for (const { timestamp } of payload.metrics) expect(timestamp).toBeTypeOf("number");
    });
  });

  tck.chapter("edge node: the rebirth metric", () => {
    const births = () => all("NBIRTH").map(({ payload }) => metricNamed(payload, REBIRTH));

    tck.covers(["operational-behavior-data-commands-rebirth-name"], "NBIRTH holds Node Control/Rebirth once", () => {
      expect(births().length).toBeGreaterThan(0);
    });
    tck.covers(["topics-nbirth-rebirth-metric", "payloads-nbirth-rebirth-req"], "it is a Boolean and false", () => {
      for (const metric of births())
        expect(metric).toMatchObject({ datatype: BOOLEAN, isNull: false, value: { field: 14, value: 0 } });
    });
    tck.covers(["operational-behavior-data-commands-rebirth-name-aliases"], "it has no alias", () => {
      for (const { alias } of births()) expect(alias).toBeUndefined();
    });
    tck.covers(["operational-behavior-data-commands-rebirth-datatype"], "its datatype is Boolean", () => {
      for (const { datatype } of births()) expect(datatype).toBe(BOOLEAN);
    });
    tck.covers(["operational-behavior-data-commands-rebirth-value"], "its value is false", () => {
      for (const { value } of births()) expect(value).toEqual({ field: 14, value: 0 });
    });
  });
}
