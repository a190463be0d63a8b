import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { EmbeddedBroker } from "#cloud/broker/embedded-broker.ts";
import { Violations } from "#cloud/broker/violations.ts";
import type { ForeignClient, GatewayMessage } from "#cloud/ports.ts";
import { systemClock } from "#core/clock.ts";
import { gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { WireMessage } from "./mqtt-packets.ts";
import { RawClient } from "./raw-client.ts";
import type { Tck } from "./tck.ts";
import { writePayload } from "./wire-payload.ts";

const HOST = "scada";
const STATE = `spBv1.0/STATE/${HOST}`;
const CERTIFICATES = "$sparkplug/certificates";
const NODES = ["n1", "n2"] as const;
type NodeName = (typeof NODES)[number];

function birth(value: number): Buffer {
  const timestamp = 1_790_000_000_000 + value;
  return writePayload({ timestamp, seq: 0, metrics: [{ name: "bdSeq", timestamp, datatype: 4, value, long: true }] });
}

function topicOf(type: string, node: NodeName, device?: string): string {
  return `spBv1.0/park/${type}/${node}${device === undefined ? "" : `/${device}`}`;
}

/** An edge node's death with a time that nobody would make up. */
const DEATH = writePayload({
  timestamp: 1_500_000_000_123,
  metrics: [{ name: "bdSeq", timestamp: 1_500_000_000_123, datatype: 4, value: 3, long: true }],
});

/** The embedded broker between foreign edge nodes and a foreign host application, all of them raw clients. */
class Bench {
  readonly taken: GatewayMessage[] = [];
  readonly #broker: EmbeddedBroker;
  #clients: RawClient[] = [];

  private constructor(broker: EmbeddedBroker) {
    this.#broker = broker;
    broker.attach({
      message: (message) => {
        this.taken.push(message);
        return undefined;
      },
      disconnected: () => undefined,
    });
  }

  static async open(): Promise<Bench> {
    const clients = new Map<string, ForeignClient>([
      [HOST, { kind: "reader", name: HOST, clientId: HOST, mayCommand: true }],
      ["late", { kind: "reader", name: "late", clientId: "late", mayCommand: false }],
      ...NODES.map(
        (name) =>
          [
            name,
            { kind: "foreignNode", name, clientId: name, node: gatewayId(`park/${name}`), space: "site" },
          ] as const,
      ),
    ]);
    const broker = await EmbeddedBroker.start({
      host: "127.0.0.1",
      port: 0,
      authenticate: () => Promise.resolve(undefined),
      foreignClient: (name, password) => Promise.resolve(password === "secret" ? clients.get(name) : undefined),
      violations: new Violations({ clock: systemClock, logger: silentLogger }),
      logger: silentLogger,
    });
    return new Bench(broker);
  }

  async client(name: string, will?: WireMessage): Promise<RawClient> {
    const { port } = this.#broker;
    const client = await RawClient.connect(port, { clientId: name, username: name, password: "secret", will });
    this.#clients.push(client);
    return client;
  }

  node(name: NodeName): Promise<RawClient> {
    return this.client(name, { topic: topicOf("NDEATH", name), payload: DEATH, qos: 1, retain: false });
  }

  /** The host application: STATE as its will, and what it subscribes to. */
  async host(filter = "spBv1.0/#", qos = 1): Promise<RawClient> {
    const host = await this.client(HOST, { topic: STATE, payload: state(false, 1), qos: 1, retain: true });
    expect(await host.subscribe(filter, qos)).toBe(qos);
    return host;
  }

  /** What a host sees that subscribes only now. */
  async late(filter: string): Promise<RawClient> {
    const client = await this.client("late");
    expect(await client.subscribe(filter)).toBe(1);
    return client;
  }

  async clear(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.disconnect();
  }

  async close(): Promise<void> {
    await this.#broker.close();
  }
}

function state(online: boolean, timestamp: number): Buffer {
  return Buffer.from(JSON.stringify({ online, timestamp }));
}

function on(client: RawClient, topic: string): RawClient["messages"] {
  return client.messages.filter((message) => message.topic === topic);
}

/** What a Sparkplug compliant and aware MQTT server does. */
export function serverBroker(tck: Tck): void {
  let bench: Bench;

  tck.chapter("server: the embedded broker", () => {
    beforeAll(async () => {
      bench = await Bench.open();
    });
    afterEach(() => bench.clear());
    afterAll(() => bench.close());

    tck.covers(["conformance-mqtt-qos0"], "takes and delivers QoS 0", async () => {
      const [host, node] = [await bench.host("spBv1.0/#", 0), await bench.node("n1")];
      await node.publish({ topic: topicOf("NBIRTH", "n1"), payload: birth(1), qos: 0, retain: false });
      await expect.poll(() => on(host, topicOf("NBIRTH", "n1"))).toHaveLength(1);
      expect(host.messages[0]).toMatchObject({ qos: 0, dup: false, payload: birth(1) });
    });

    tck.covers(["conformance-mqtt-qos1"], "acknowledges QoS 1 and delivers it as subscribed", async () => {
      const [host, node] = [await bench.host("spBv1.0/#", 1), await bench.node("n1")];
      const late = await bench.client("late");
      expect(await late.subscribe("spBv1.0/park/#", 0)).toBe(0);
      const topic = topicOf("NDATA", "n1");
      await node.publish({ topic, payload: birth(2), qos: 1, retain: false });
      await expect.poll(() => [on(host, topic).length, on(late, topic).length]).toEqual([1, 1]);
      expect(on(host, topic)[0]).toMatchObject({ qos: 1, payload: birth(2) });
      expect(on(late, topic)[0]).toMatchObject({ qos: 0, payload: birth(2) });
    });

    tck.covers(
      ["conformance-mqtt-will-messages"],
      "publishes the will of a broken connection with its QoS and its retain flag, and none after DISCONNECT",
      async () => {
        const watcher = await bench.late("spBv1.0/#");
        const [host, gone, orderly] = [await bench.host(), await bench.node("n1"), await bench.node("n2")];
        await orderly.disconnect();
        await gone.drop();
        await expect.poll(() => on(watcher, topicOf("NDEATH", "n1"))).toHaveLength(1);
        expect(on(watcher, topicOf("NDEATH", "n1"))[0]).toMatchObject({ qos: 1, retain: false, payload: DEATH });
        await host.drop();
        await expect.poll(() => on(watcher, STATE)).toHaveLength(1);
        expect(on(watcher, STATE)[0]).toMatchObject({ qos: 1, payload: state(false, 1) });
        expect(on(watcher, topicOf("NDEATH", "n2"))).toEqual([]);
        await watcher.disconnect();
        // a retained will is there for those who come later, one that is not retained is not
        const late = await bench.late("spBv1.0/#");
        await expect.poll(() => on(late, STATE)).toHaveLength(1);
        expect(on(late, STATE)[0]).toMatchObject({ retain: true, payload: state(false, 1) });
        expect(on(late, topicOf("NDEATH", "n1"))).toEqual([]);
      },
    );

    tck.covers(
      ["conformance-mqtt-retained"],
      "keeps the last retained message of a topic, marks it for late subscribers only, and forgets it on an empty one",
      async () => {
        const host = await bench.host();
        for (const timestamp of [1, 2])
          await host.publish({ topic: STATE, payload: state(true, timestamp), qos: 1, retain: true });
        await expect.poll(() => on(host, STATE).filter(({ retain }) => !retain)).toHaveLength(2);
        const late = await bench.late(STATE);
        await expect.poll(() => on(late, STATE)).toHaveLength(1);
        expect(on(late, STATE)[0]).toMatchObject({ qos: 1, retain: true, payload: state(true, 2) });
        await host.publish({ topic: STATE, payload: Buffer.alloc(0), qos: 1, retain: true });
        await late.disconnect();
        const later = await bench.late("spBv1.0/#");
        await host.publish({ topic: STATE, payload: state(true, 3), qos: 1, retain: false });
        await expect.poll(() => on(later, STATE)).toHaveLength(1);
        expect(on(later, STATE)[0]).toMatchObject({ retain: false, payload: state(true, 3) });
      },
    );

    tck.covers(
      [
        "intro-edge-node-id-uniqueness",
        "topic-structure-namespace-unique-edge-node-descriptor",
        "payloads-nbirth-edge-node-descriptor",
      ],
      "an edge node descriptor belongs to one credential, and that has one connection",
      async () => {
        const [host, n1, n2] = [await bench.host(), await bench.node("n1"), await bench.node("n2")];
        const before = bench.taken.length;
        await n2.publish({ topic: topicOf("NBIRTH", "n1"), payload: birth(9), qos: 0, retain: false });
        await expect.poll(() => n2.closed).toBe(true);
        const again = await bench.node("n1");
        await expect.poll(() => n1.closed).toBe(true);
        await again.publish({ topic: topicOf("NBIRTH", "n1"), payload: birth(4), qos: 0, retain: false });
        await expect.poll(() => on(host, topicOf("NBIRTH", "n1")).at(-1)?.payload).toEqual(birth(4));
        expect(on(host, topicOf("NBIRTH", "n1")).map(({ payload }) => payload)).not.toContainEqual(birth(9));
        const births = bench.taken.slice(before).filter(({ topic }) => topic.includes("/NBIRTH/"));
        expect(births.map(({ gateway }) => gateway)).toEqual(["park/n1"]);
      },
    );

    tck.covers(
      ["operational-behavior-host-application-host-id"],
      "a host id belongs to one credential: nobody else says that this host is there",
      async () => {
        const watcher = await bench.late("spBv1.0/#");
        const host = await bench.host();
        await host.publish({ topic: STATE, payload: state(true, 5), qos: 1, retain: true });
        await host.publish({ topic: "spBv1.0/STATE/hub", payload: state(false, 6), qos: 0, retain: true });
        await expect.poll(() => host.closed).toBe(true);
        // the connection is closed like a broken one: its will says so of the host itself
        await expect
          .poll(() => on(watcher, STATE).map(({ payload }) => payload))
          .toEqual([state(true, 5), state(false, 1)]);
        expect(on(watcher, "spBv1.0/STATE/hub")).toEqual([]);
      },
    );
  });

  tck.chapter("server: the births it keeps", () => {
    beforeAll(async () => {
      bench = await Bench.open();
    });
    afterEach(() => bench.clear());
    afterAll(() => bench.close());

    /** Born twice with one device: what is kept is the second of each. */
    async function born(): Promise<RawClient> {
      const node = await bench.node("n1");
      for (const value of [1, 2]) {
        await node.publish({ topic: topicOf("NBIRTH", "n1"), payload: birth(value), qos: 0, retain: false });
        await node.publish({ topic: topicOf("DBIRTH", "n1", "d1"), payload: birth(value), qos: 0, retain: false });
      }
      const ndata = { topic: topicOf("NDATA", "n1"), payload: birth(3), qos: 1, retain: false };
      await node.publish(ndata); // acknowledged: everything before it is through
      return node;
    }

    tck.covers(["conformance-mqtt-aware-store"], "keeps the last births as they were published, no data", async () => {
      await born();
      const late = await bench.late(`${CERTIFICATES}/#`);
      await expect.poll(() => late.messages).toHaveLength(2);
      expect(late.messages.map(({ payload }) => payload)).toEqual([birth(2), birth(2)]);
    });

    const offers = [
      ["nbirth", topicOf("NBIRTH", "n1")],
      ["dbirth", topicOf("DBIRTH", "n1", "d1")],
    ] as const;
    for (const [type, topic] of offers) {
      tck.covers(
        [`conformance-mqtt-aware-${type}-mqtt-topic`],
        "offers it on its topic among the certificates",
        async () => {
          await born();
          const late = await bench.late(`${CERTIFICATES}/${topic}`);
          await expect.poll(() => late.messages.map((message) => message.topic)).toEqual([`${CERTIFICATES}/${topic}`]);
        },
      );
      tck.covers([`conformance-mqtt-aware-${type}-mqtt-retain`], "offers it retained, and only there", async () => {
        await born();
        const late = await bench.late(`${CERTIFICATES}/${topic}`);
        expect(await late.subscribe("spBv1.0/park/#")).toBe(1);
        await expect.poll(() => late.messages).toHaveLength(1);
        expect(late.messages[0]).toMatchObject({ topic: `${CERTIFICATES}/${topic}`, retain: true, payload: birth(2) });
      });
    }

    tck.covers(
      ["conformance-mqtt-aware-basic"],
      "passes a birth on as it came, with QoS 0 and not retained, while it keeps a copy",
      async () => {
        const host = await bench.host();
        await born();
        const topic = topicOf("NBIRTH", "n1");
        await expect.poll(() => on(host, topic)).toHaveLength(2);
        for (const [at, message] of on(host, topic).entries())
          expect(message).toMatchObject({ qos: 0, retain: false, payload: birth(at + 1) });
      },
    );

    tck.covers(
      ["conformance-mqtt-aware-ndeath-timestamp"],
      "leaves the time in a death as the node wrote it",
      async () => {
        const host = await bench.host();
        const node = await born();
        await node.drop();
        await expect.poll(() => on(host, topicOf("NDEATH", "n1")).map(({ payload }) => payload)).toEqual([DEATH]);
      },
    );
  });
}
