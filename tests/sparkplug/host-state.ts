import { expect } from "vitest";
import { HOST_ID } from "./host-bench.ts";
import { type HostRecording, STATE_TOPIC } from "./host-recording.ts";
import type { MqttPacket, WireMessage } from "./mqtt-packets.ts";
import type { Tck } from "./tck.ts";

const CLOCK_TOLERANCE_MS = 5_000;

interface State {
  readonly online: boolean;
  readonly timestamp: number;
}

/** A STATE payload: JSON in UTF-8 with exactly these two keys. @throws Error for anything else */
function stateOf(payload: Buffer): State {
  const state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as State;
  expect(Object.keys(state).sort()).toEqual(["online", "timestamp"]);
  expect(state.online).toBeTypeOf("boolean");
  expect(Number.isSafeInteger(state.timestamp)).toBe(true);
  return state;
}

/** How the host application says that it is there and that it is not. `recording` is there when the cases run. */
export function hostState(tck: Tck, recording: () => HostRecording): void {
  /** Each connection: its CONNECT, when that passed, and the client's packets. */
  const connections = () =>
    recording().seen.flatMap(({ packet, connection, at }) => {
      if (packet.kind !== "connect") return [];
      const packets = recording().seen.filter((s) => s.connection === connection);
      const sent = packets.filter(({ from }) => from === "client").map((s) => s.packet);
      return [{ connect: packet, at, packets, sent }];
    });
  const wills = (): WireMessage[] => {
    const found = connections().flatMap(({ connect }) => connect.will ?? []);
    expect(found.length).toBeGreaterThanOrEqual(2);
    return found;
  };
  const states = (online: boolean): WireMessage[] => {
    const found = connections()
      .flatMap(({ sent }) => sent)
      .filter((packet) => packet.kind === "publish" && packet.topic.startsWith("spBv1.0/STATE/"))
      .filter((packet): packet is Extract<MqttPacket, { kind: "publish" }> => packet.kind === "publish")
      .filter(({ payload }) => stateOf(payload).online === online);
    expect(found.length).toBeGreaterThanOrEqual(online ? 3 : 1);
    return found;
  };
  const births = () => states(true);
  const deaths = () => states(false);
  /** What the client sent from the moment on which it was told to stop. */
  const ending = () =>
    recording()
      .seen.slice(recording().moments.closing)
      .filter(({ from }) => from === "client")
      .map(({ packet }) => packet);

  tck.chapter("host application: CONNECT and will", () => {
    tck.covers(["message-flow-phid-sparkplug-clean-session-311"], "every CONNECT asks for a clean session", () => {
      expect(connections().length).toBeGreaterThanOrEqual(2);
      for (const { connect } of connections()) expect(connect).toMatchObject({ level: 4, clean: true });
    });

    tck.covers(
      ["host-topic-phid-death-required", "operational-behavior-host-application-connect-will"],
      "every CONNECT has a will",
      () => expect(wills()).toHaveLength(connections().length),
    );

    tck.covers(
      [
        "payloads-state-will-message",
        "operational-behavior-host-application-connect-will-topic",
        "host-topic-phid-death-topic",
      ],
      "the will is on the STATE topic of this host application",
      () => expect(new Set(wills().map(({ topic }) => topic))).toEqual(new Set([`spBv1.0/STATE/${HOST_ID}`])),
    );

    tck.covers(
      [
        "payloads-state-will-message-qos",
        "operational-behavior-host-application-connect-will-qos",
        "host-topic-phid-death-qos",
      ],
      "the will has QoS 1",
      () => expect(new Set(wills().map(({ qos }) => qos))).toEqual(new Set([1])),
    );

    tck.covers(
      [
        "payloads-state-will-message-retain",
        "operational-behavior-host-application-connect-will-retained",
        "host-topic-phid-death-retain",
      ],
      "the will is retained",
      () => expect(new Set(wills().map(({ retain }) => retain))).toEqual(new Set([true])),
    );

    tck.covers(
      [
        "payloads-state-will-message-payload",
        "operational-behavior-host-application-connect-will-payload",
        "host-topic-phid-death-payload",
      ],
      "the will says offline, with a time",
      () => {
        for (const { payload } of wills()) expect(stateOf(payload).online).toBe(false);
      },
    );

    tck.covers(["host-topic-phid-death-payload-timestamp-connect"], "its time is that of the CONNECT", () => {
      const times = connections().map(({ connect, at }) => {
        const { timestamp } = stateOf(connect.will?.payload ?? Buffer.alloc(0));
        expect(Math.abs(at - timestamp)).toBeLessThan(CLOCK_TOLERANCE_MS);
        return timestamp;
      });
      expect(new Set(times).size).toBe(connections().length);
    });
  });

  tck.chapter("host application: subscriptions", () => {
    tck.covers(
      ["host-topic-phid-birth-sub-required", "message-flow-phid-sparkplug-subscription", "payloads-state-subscribe"],
      "subscribes to its own STATE and to what edge nodes send before anything is published",
      () => {
        for (const { sent } of connections()) {
          const [, subscribe] = sent;
          if (subscribe?.kind !== "subscribe") throw new Error(`${subscribe?.kind ?? "nothing"} after CONNECT`);
          const filters = subscribe.filters.map(({ filter }) => filter);
          expect(filters).toContain(`spBv1.0/STATE/${HOST_ID}`);
          for (const type of ["NBIRTH", "NDATA", "NDEATH"]) expect(filters).toContain(`spBv1.0/park/${type}/+`);
          for (const type of ["DBIRTH", "DDATA", "DDEATH"]) expect(filters).toContain(`spBv1.0/park/${type}/+/+`);
        }
      },
    );
  });

  tck.chapter("host application: birth", () => {
    tck.covers(
      [
        "host-topic-phid-birth-message",
        "operational-behavior-primary-application-state-with-multiple-servers-state",
        "operational-behavior-host-application-connect-birth",
      ],
      "the first message of every connection says online",
      () => {
        for (const { sent } of connections()) {
          const first = sent.find((packet) => packet.kind === "publish");
          expect(first?.topic).toBe(STATE_TOPIC);
          expect(stateOf(first?.payload ?? Buffer.alloc(0)).online).toBe(true);
        }
      },
    );

    tck.covers(
      ["host-topic-phid-birth-required", "message-flow-phid-sparkplug-state-publish", "payloads-state-birth"],
      "it follows at once when the subscriptions are granted, with QoS 1 and retained",
      () => {
        for (const { packets } of connections()) {
          const granted = packets.findIndex(({ packet }) => packet.kind === "suback");
          const next = packets.slice(granted).find(({ from }) => from === "client");
          expect(granted).toBeGreaterThan(0);
          expect(next?.packet).toMatchObject({ kind: "publish", topic: STATE_TOPIC, qos: 1, retain: true });
        }
      },
    );

    tck.covers(
      ["host-topic-phid-birth-qos", "operational-behavior-host-application-connect-birth-qos"],
      "it has QoS 1",
      () => expect(new Set(births().map(({ qos }) => qos))).toEqual(new Set([1])),
    );
    tck.covers(
      ["host-topic-phid-birth-retain", "operational-behavior-host-application-connect-birth-retained"],
      "it is retained",
      () => expect(new Set(births().map(({ retain }) => retain))).toEqual(new Set([true])),
    );
    tck.covers(
      ["host-topic-phid-birth-topic", "operational-behavior-host-application-connect-birth-topic"],
      "it is on the STATE topic of this host application",
      () => expect(new Set(births().map(({ topic }) => topic))).toEqual(new Set([`spBv1.0/STATE/${HOST_ID}`])),
    );
    tck.covers(
      [
        "host-topic-phid-birth-payload",
        "host-topic-phid-birth-payload-timestamp",
        "message-flow-phid-sparkplug-state-publish-payload",
        "message-flow-phid-sparkplug-state-publish-payload-timestamp",
        "operational-behavior-host-application-connect-birth-payload",
        "payloads-state-birth-payload",
      ],
      "it says online with the time of the will of its connection",
      () => {
        for (const { connect, sent } of connections()) {
          const first = sent.find((packet) => packet.kind === "publish");
          const { timestamp } = stateOf(connect.will?.payload ?? Buffer.alloc(0));
          expect(stateOf(first?.payload ?? Buffer.alloc(0))).toEqual({ online: true, timestamp });
        }
      },
    );

    tck.covers(
      ["message-flow-hid-sparkplug-state-message-delivered"],
      "a late offline of a former connection is answered by online, with the time of the will again",
      () => {
        const { moments, seen } = recording();
        const between = seen.slice(moments.offlineSaid, moments.cut);
        const told = between.find(({ from, packet }) => from === "server" && packet.kind === "publish");
        expect(told?.packet).toMatchObject({ topic: STATE_TOPIC });
        const answer = between.find(({ from, packet }) => from === "client" && packet.kind === "publish")?.packet;
        if (answer?.kind !== "publish") throw new Error("not answered");
        const { timestamp } = stateOf(connections()[0]?.connect.will?.payload ?? Buffer.alloc(0));
        expect(answer).toMatchObject({ topic: STATE_TOPIC, qos: 1, retain: true });
        expect(stateOf(answer.payload)).toEqual({ online: true, timestamp });
      },
    );
  });

  tck.chapter("host application: end", () => {
    tck.covers(
      ["intro-sparkplug-host-state", "components-ph-state", "conformance-primary-host"],
      "STATE tells each change: online, offline by the will after a cut, online again, offline at the end",
      () => {
        const told = recording().seen.flatMap(({ packet, from }) =>
          from === "server" && packet.kind === "publish" && packet.topic === STATE_TOPIC ? [packet.payload] : [],
        );
        const sequence = told
          .map((payload) => stateOf(payload).online)
          .filter((online, at, all) => online !== all[at - 1]);
        // the first offline is the late one of the scenario; the last may come after the one who said it has gone
        expect(sequence.slice(0, 5)).toEqual([true, false, true, false, true]);
        expect(stateOf(deaths().at(-1)?.payload ?? Buffer.alloc(0)).online).toBe(false);
      },
    );

    tck.covers(["operational-behavior-host-application-termination"], "an intended end publishes a death", () => {
      expect(ending().filter((packet) => packet.kind === "publish" && packet.topic === STATE_TOPIC)).toHaveLength(1);
    });
    tck.covers(["operational-behavior-host-application-death-topic"], "it is on its STATE topic", () => {
      expect(new Set(deaths().map(({ topic }) => topic))).toEqual(new Set([STATE_TOPIC]));
    });
    tck.covers(["operational-behavior-host-application-death-qos"], "it has QoS 1", () => {
      expect(new Set(deaths().map(({ qos }) => qos))).toEqual(new Set([1]));
    });
    tck.covers(["operational-behavior-host-application-death-retained"], "it is retained", () => {
      expect(new Set(deaths().map(({ retain }) => retain))).toEqual(new Set([true]));
    });
    tck.covers(["operational-behavior-host-application-death-payload"], "it says offline, with a time", () => {
      expect(deaths().map(({ payload }) => stateOf(payload).online)).toEqual([false]);
    });
    tck.covers(
      ["host-topic-phid-death-payload-timestamp-disconnect-clean"],
      "its time is that of the end and not that of the will",
      () => {
        const { timestamp } = stateOf(deaths().at(-1)?.payload ?? Buffer.alloc(0));
        const will = stateOf(wills().at(-1)?.payload ?? Buffer.alloc(0)).timestamp;
        expect(timestamp).toBeGreaterThanOrEqual(recording().moments.closingAt);
        expect(timestamp).toBeGreaterThan(will);
      },
    );
    tck.covers(["operational-behavior-host-application-disconnect-intentional"], "DISCONNECT follows the death", () => {
      // between them stands at most what the broker is answered
      const order = ending().map(({ kind }) => kind);
      expect(order.filter((kind) => kind !== "puback")).toEqual(["publish", "disconnect"]);
      expect(order.at(-1)).toBe("disconnect");
    });
  });
}
