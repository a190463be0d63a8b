import { expect } from "vitest";
import { EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import { AFTER_REQUEST, DEVICES, type EdgeRecording, GROUP, NODE } from "./edge-recording.ts";
import { type EdgeMessage, INT64, metricNamed } from "./messages.ts";
import type { Tck } from "./tck.ts";
import { readPayload } from "./wire-payload.ts";

const NDEATH_TOPIC = `spBv1.0/${GROUP}/NDEATH/${NODE}`;

/** The number in the will of a CONNECT. */
function willBdSeq(payload: Buffer): unknown {
  return metricNamed(readPayload(payload), "bdSeq").value?.value;
}

/** How an edge node connects, is born, and says goodbye. `recording` is there when the cases run. */
export function edgeSession(tck: Tck, recording: () => EdgeRecording): void {
  const wills = () =>
    recording()
      .connects()
      .map(({ connect }) => connect.will);

  tck.chapter("edge node: CONNECT and will", () => {
    tck.covers(["principles-persistence-clean-session-311"], "every CONNECT asks for a clean session", () => {
      const connects = recording().connects();
      expect(connects.length).toBeGreaterThanOrEqual(3);
      for (const { connect } of connects) expect(connect).toMatchObject({ level: 4, clean: true });
    });

    tck.covers(
      ["message-flow-edge-node-birth-publish-will-message", "payloads-ndeath-will-message"],
      "every CONNECT registers the death of the node",
      () => {
        expect(wills().length).toBeGreaterThanOrEqual(3);
        for (const will of wills()) expect(will?.topic).toContain("/NDEATH/");
      },
    );

    tck.covers(
      ["topics-ndeath-topic", "message-flow-edge-node-birth-publish-will-message-topic"],
      "the death is on the topic of this node",
      () => {
        expect(new Set(wills().map((will) => will?.topic))).toEqual(new Set([NDEATH_TOPIC]));
        expect(
          new Set(
            recording()
              .of("NDEATH")
              .map(({ publish }) => publish.topic),
          ),
        ).toEqual(new Set([NDEATH_TOPIC]));
      },
    );

    tck.covers(
      ["message-flow-edge-node-birth-publish-will-message-payload", "topics-ndeath-payload"],
      "the death is a payload with one metric, bdSeq",
      () => {
        const deaths = [
          ...wills().map((will) => readPayload(will?.payload ?? Buffer.alloc(0))),
          ...recording()
            .of("NDEATH")
            .map(({ payload }) => payload),
        ];
        expect(deaths.length).toBeGreaterThanOrEqual(4);
        for (const { metrics } of deaths) expect(metrics.map(({ name }) => name)).toEqual(["bdSeq"]);
      },
    );

    tck.covers(
      ["message-flow-edge-node-birth-publish-will-message-qos", "payloads-ndeath-will-message-qos"],
      "the will has QoS 1",
      () => expect(new Set(wills().map((will) => will?.qos))).toEqual(new Set([1])),
    );

    tck.covers(
      ["message-flow-edge-node-birth-publish-will-message-will-retained", "payloads-ndeath-will-message-retain"],
      "the will is not retained",
      () => expect(new Set(wills().map((will) => will?.retain))).toEqual(new Set([false])),
    );

    tck.covers(["topics-ndeath-seq", "payloads-ndeath-seq"], "no death has a sequence number", () => {
      for (const will of wills()) expect(readPayload(will?.payload ?? Buffer.alloc(0)).seq).toBeUndefined();
      const deaths = recording().of("NDEATH");
      expect(deaths.length).toBeGreaterThan(0);
      for (const { payload } of deaths) expect(payload.seq).toBeUndefined();
    });

    tck.covers(
      ["topics-nbirth-bdseq-increment", "message-flow-edge-node-birth-publish-will-message-payload-bdSeq"],
      "bdSeq begins at 0 and is one more in each CONNECT, over refused attempts and a new start, and 0 after 255",
      () => {
        const numbers = wills().map((will) => willBdSeq(will?.payload ?? Buffer.alloc(0)));
        expect(numbers.length).toBeGreaterThanOrEqual(3);
        expect(numbers).toEqual(numbers.map((_, at) => at));
        for (const will of wills())
          expect(metricNamed(readPayload(will?.payload ?? Buffer.alloc(0)), "bdSeq").datatype).toBe(INT64);
        const last = new EdgeNodeSession({
          group: GROUP,
          edgeNode: NODE,
          bdSeq: 255,
          node: { metrics: [], batchAlias: 1 },
        });
        last.advanceBdSeq();
        expect(willBdSeq(Buffer.from(last.will(0).payload))).toBe(0);
      },
    );
  });

  tck.chapter("edge node: subscriptions", () => {
    const filters = () =>
      recording()
        .packets("client")
        .flatMap(({ packet }) => (packet.kind === "subscribe" ? packet.filters : []));

    tck.covers(["message-flow-edge-node-ncmd-subscribe"], "subscribes to its commands with QoS 1", () => {
      const own = filters().filter(({ filter }) => filter === `spBv1.0/${GROUP}/NCMD/${NODE}`);
      expect(own).toHaveLength(recording().connects().length);
      expect(new Set(own.map(({ qos }) => qos))).toEqual(new Set([1]));
    });

    tck.covers(["message-flow-device-dcmd-subscribe"], "subscribes to its devices' commands with QoS 1", () => {
      // one filter for all devices: the topic of each of them matches it
      const own = filters().filter(({ filter }) => filter === `spBv1.0/${GROUP}/DCMD/${NODE}/#`);
      expect(own).toHaveLength(recording().connects().length);
      expect(new Set(own.map(({ qos }) => qos))).toEqual(new Set([1]));
    });

    tck.covers(
      ["message-flow-edge-node-birth-publish-connect"],
      "is born only after CONNACK and after its subscriptions were granted",
      () => {
        for (const { connection, index } of recording().connects()) {
          const order = recording()
            .seen.slice(index)
            .flatMap(({ packet, connection: c }) => (c === connection ? [packet.kind] : []));
          expect(order.slice(0, 4)).toEqual(["connect", "connack", "subscribe", "suback"]);
        }
      },
    );
  });

  tck.chapter("edge node: birth sequence", () => {
    tck.covers(["principles-birth-certificates-order"], "the first message of every connection is NBIRTH", () => {
      for (const { connection } of recording().connects()) {
        const first = recording()
          .packets("client", connection)
          .find(({ packet }) => packet.kind === "publish");
        expect(first?.packet).toMatchObject({ topic: `spBv1.0/${GROUP}/NBIRTH/${NODE}` });
      }
    });

    tck.covers(
      ["topics-nbirth-bdseq-included", "payloads-nbirth-bdseq"],
      "every NBIRTH holds one bdSeq of type Int64",
      () => {
        const births = recording().of("NBIRTH");
        expect(births.length).toBeGreaterThanOrEqual(4);
        for (const { payload } of births) expect(metricNamed(payload, "bdSeq").datatype).toBe(INT64);
      },
    );

    tck.covers(
      [
        "topics-nbirth-bdseq-matching",
        "message-flow-edge-node-birth-publish-nbirth-payload-bdSeq",
        "payloads-nbirth-bdseq-repeat",
        "payloads-ndeath-bdseq",
        "operational-behavior-data-commands-rebirth-action-3",
      ],
      "NBIRTH and NDEATH carry the number of the will of their connection, also after a rebirth",
      () => {
        const will = new Map(
          recording()
            .connects()
            .map(({ connection, connect }) => [connection, willBdSeq(connect.will?.payload ?? Buffer.alloc(0))]),
        );
        const withNumber = recording().of("NBIRTH", "NDEATH");
        expect(withNumber.length).toBeGreaterThan(will.size);
        for (const { connection, payload } of withNumber)
          expect(metricNamed(payload, "bdSeq").value?.value).toBe(will.get(connection));
      },
    );

    tck.covers(
      ["message-flow-device-birth-publish-nbirth-wait"],
      "no device is born before its node in the same connection",
      () => {
        const births = recording().of("DBIRTH");
        expect(births.length).toBeGreaterThan(0);
        for (const birth of births) {
          const before = recording()
            .of("NBIRTH")
            .filter(({ connection, index }) => connection === birth.connection && index < birth.index);
          expect(before.length).toBeGreaterThan(0);
        }
      },
    );

    tck.covers(
      ["message-flow-device-birth-publish-dbirth-match-edge-node-topic"],
      "births share group and node",
      () => {
        for (const [birth, ...rest] of recording().sessions())
          for (const { type, group, node } of rest)
            if (type === "DBIRTH") expect({ group, node }).toEqual({ group: birth?.group, node: birth?.node });
      },
    );

    tck.covers(
      ["payloads-dbirth-order", "payloads-ndata-order", "payloads-ddata-order"],
      "after NBIRTH all devices are born before any data",
      () => {
        expect(
          recording()
            .sessions()[0]
            ?.filter(({ device }) => device !== undefined),
        ).toEqual([]);
        expect(recording().configured().length).toBeGreaterThanOrEqual(4);
        for (const session of recording().configured()) {
          const firstData = session.findIndex(({ type }) => type === "NDATA" || type === "DDATA");
          const born = session.slice(1, firstData < 0 ? session.length : firstData);
          expect(new Set(born.map(({ type }) => type))).toEqual(new Set(["DBIRTH"]));
          expect(born.map(({ device }) => device).sort()).toEqual([...DEVICES].sort());
        }
      },
    );

    tck.covers(
      ["operational-behavior-primary-application-state-with-multiple-servers-single-server"],
      "one connection has ended before the next one begins",
      () => {
        const connections = recording().connects();
        for (const [at, { connection, index }] of connections.entries()) {
          const last = recording().seen.findLastIndex((s) => s.connection === connection && s.from === "client");
          expect(last).toBeLessThan(connections[at + 1]?.index ?? Number.POSITIVE_INFINITY);
          expect(last).toBeGreaterThan(index);
        }
      },
    );
  });

  tck.chapter("edge node: end", () => {
    const ending = () => {
      const { seen, marks } = recording();
      return seen.slice(marks.stopping, marks.stopped).filter(({ from }) => from === "client");
    };

    tck.covers(
      ["operational-behavior-edge-node-intentional-disconnect-ndeath", "payloads-ndeath-will-message-publisher"],
      "an intended end publishes NDEATH",
      () => expect(ending().filter(({ packet }) => "topic" in packet && packet.topic === NDEATH_TOPIC)).toHaveLength(1),
    );

    tck.covers(
      [
        "operational-behavior-edge-node-intentional-disconnect-packet",
        "payloads-ndeath-will-message-publisher-disconnect-mqtt311",
      ],
      "DISCONNECT follows NDEATH and nothing follows DISCONNECT",
      () => {
        const [death, disconnect] = ending().slice(-2);
        expect(death?.packet).toMatchObject({ kind: "publish", topic: NDEATH_TOPIC });
        expect(disconnect?.packet.kind).toBe("disconnect");
      },
    );

    tck.covers(["operational-behavior-device-ddeath"], "a device that falls silent dies", () => {
      const deaths = recording().of("DDEATH");
      expect(deaths.map(({ device }) => device)).toEqual(["meter"]);
    });
  });

  tck.chapter("edge node: rebirth", () => {
    const rebirth = () => {
      const { messages, marks, seen } = recording();
      const asked = seen.findIndex(
        ({ packet, from }, at) =>
          at >= marks.rebirthAsked && from === "server" && packet.kind === "publish" && packet.topic.includes("/NCMD/"),
      );
      const askedAt = seen[asked]?.at ?? 0;
      // what was on its way when the request came knows nothing of it: at once, and with none of the values that followed it
      const underWay = ({ seen: { at }, payload }: EdgeMessage): boolean =>
        at - askedAt < 250 && payload.metrics.every(({ value }) => value?.value !== AFTER_REQUEST);
      const after = messages.filter(({ index }) => index > asked);
      return { asked, askedAt, after: after.slice(after.findIndex((message) => !underWay(message))) };
    };

    tck.covers(
      ["operational-behavior-data-commands-rebirth-action-1"],
      "no DATA is sent between a rebirth request and the new NBIRTH",
      () => {
        const { asked, askedAt, after } = rebirth();
        expect(asked).toBeGreaterThan(0);
        const [first] = after;
        expect(first?.type).toBe("NBIRTH");
        expect((first?.seen.at ?? 0) - askedAt).toBeGreaterThan(1_000);
      },
    );

    tck.covers(
      ["operational-behavior-data-commands-rebirth-action-2"],
      "a rebirth request is answered by NBIRTH and the DBIRTH of every device",
      () => {
        const { after } = rebirth();
        expect(after.slice(0, DEVICES.length + 1).map(({ type }) => type)).toEqual([
          "NBIRTH",
          ...DEVICES.map(() => "DBIRTH"),
        ]);
      },
    );
  });
}
