import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbeddedBroker } from "#cloud/broker/embedded-broker.ts";
import type { Broker } from "#cloud/ports.ts";
import { type GatewayId, gatewayId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { DataType, encodePayload } from "#core/sparkplug/payload.ts";
import { mosquittoProgram } from "#tests/servers/mosquitto.ts";
import { DataPath, ExternalBench } from "./external-cloud.ts";

const NODE = gatewayId("park/plc-7");
const ACTOR = { name: "admin", grants: [] };
const PRESS = { kind: "foreignNode", name: "press", clientId: "press", node: NODE, space: "park" } as const;
const AT = 1_790_000_000_000;

interface Metric {
  readonly name?: string;
  readonly alias?: number;
  readonly datatype?: DataType;
  readonly value: number | boolean | string | Uint8Array;
  readonly timestamp?: number;
  readonly properties?: Record<string, { type: DataType; value: string }>;
}

/** An edge node of another maker: it knows Sparkplug and nothing of ours. */
class ForeignNode {
  readonly #client: MqttClient;
  readonly #group = NODE.split("/")[0];
  #seq = 0;

  private constructor(client: MqttClient) {
    this.#client = client;
  }

  static async connect(port: number, password: string): Promise<ForeignNode> {
    const will = encodePayload({
      timestamp: AT,
      metrics: [{ name: "bdSeq", datatype: DataType.Int64, value: 0, timestamp: AT }],
    });
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 4,
      clientId: PRESS.clientId,
      username: PRESS.name,
      password,
      reconnectPeriod: 0,
      will: { topic: "spBv1.0/park/NDEATH/plc-7", payload: Buffer.from(will), qos: 1, retain: false },
    });
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", reject);
    });
    return new ForeignNode(client);
  }

  async send(type: string, device: string | undefined, metrics: readonly Metric[]): Promise<void> {
    const topic = `spBv1.0/${this.#group}/${type}/plc-7${device === undefined ? "" : `/${device}`}`;
    if (type === "NBIRTH") this.#seq = 0;
    const payload = encodePayload({
      timestamp: AT,
      seq: this.#seq,
      metrics: metrics.map((metric) => ({ timestamp: AT, ...metric })),
    });
    this.#seq = (this.#seq + 1) & 255;
    // QoS 1, so that the test knows when it is through; Sparkplug asks for 0
    await this.#client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
  }

  async births(): Promise<void> {
    await this.send("NBIRTH", undefined, [
      { name: "bdSeq", datatype: DataType.Int64, value: 0 },
      { name: "Node Control/Rebirth", datatype: DataType.Boolean, value: false },
      { name: "uptime", alias: 1, datatype: DataType.UInt32, value: 5 },
    ]);
    await this.send("DBIRTH", "Press hall 1", [
      {
        name: "Motor/Speed",
        alias: 2,
        datatype: DataType.Float,
        value: 1.5,
        properties: { engUnit: { type: DataType.String, value: "°C" } },
      },
      { name: "Motor_Speed", alias: 3, datatype: DataType.Int16, value: -7 },
      { name: "running", alias: 4, datatype: DataType.Boolean, value: true },
      { name: "recipe", alias: 5, datatype: DataType.String, value: "A" },
      { name: "picture", alias: 6, datatype: DataType.Bytes, value: new Uint8Array(3) },
    ]);
  }

  async cut(): Promise<void> {
    this.#client.stream.destroy();
    await this.#client.endAsync(true);
  }
}

let bench: ExternalBench | undefined;
let folder: string;
let path: DataPath;
let node: ForeignNode;

/** The data path on the embedded broker. */
async function onEmbedded(): Promise<{ port: number; password: string }> {
  let embedded: EmbeddedBroker | undefined;
  path = await DataPath.open(folder, async ({ clients, violations }): Promise<Broker> => {
    embedded = await EmbeddedBroker.start({
      host: "127.0.0.1",
      port: 0,
      authenticate: () => Promise.resolve(undefined),
      foreignClient: (name, password) => clients.verify(name, password),
      violations,
      logger: silentLogger,
    });
    return embedded;
  });
  const { password } = await path.clients.add(PRESS, ACTOR);
  return { port: embedded?.port ?? 0, password };
}

/** The data path on mosquitto, which knows the node by what the API answered when it was made. */
async function onMosquitto(): Promise<{ port: number; password: string }> {
  bench = new ExternalBench();
  const password = "a password of the press";
  const server = await bench.mosquitto([{ ...PRESS, password }]);
  path = await bench.cloud(server);
  await path.clients.add(PRESS, ACTOR);
  return { port: server.port, password };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-foreign-"));
});
afterEach(async () => {
  await node.cut();
  await path.close();
  await bench?.clear();
  bench = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const all = { limit: 100, visible: "all" } as const;
const points = () => path.state.points(all).items;
const point = (name: string) => points().find((one) => one.name === name);

const BROKERS = [
  ["the embedded broker", onEmbedded, true],
  ["mosquitto", onMosquitto, mosquittoProgram() !== undefined],
] as const;
describe.each(BROKERS.filter(([, , isThere]) => isThere))("a foreign edge node on %s", (_name, open) => {
  beforeEach(async () => {
    const { port, password } = await open();
    node = await ForeignNode.connect(port, password);
    await node.births();
    await expect.poll(() => points().length).toBe(5);
  });

  it("shows its devices and points with kind, unit and value as soon as it is born", () => {
    const devices = path.state.devices(all).items.map(({ name, protocol, space }) => ({ name, protocol, space }));
    expect(devices).toEqual(
      expect.arrayContaining([
        { name: "Press hall 1", protocol: "sparkplug", space: "park" },
        { name: "plc-7", protocol: "sparkplug", space: "park" },
      ]),
    );
    expect(point("Motor/Speed")).toMatchObject({
      kind: "number",
      unit: "degC",
      writable: false,
      current: { value: 1.5 },
    });
    expect(point("Motor_Speed")).toMatchObject({ kind: "number", unit: null, current: { value: -7, quality: "good" } });
    expect(point("running")).toMatchObject({ kind: "boolean", current: { value: true } });
    expect(point("recipe")).toMatchObject({ kind: "string", current: { value: "A" } });
    expect(point("uptime")).toMatchObject({ gateway: NODE, current: { value: 5 } });
    expect(new Set(points().map(({ id }) => id)).size).toBe(5);
  });

  it("has what it sends stored and shown, each metric as its own point, whatever its name", async () => {
    await node.send("DDATA", "Press hall 1", [
      { alias: 2, value: 2.5, timestamp: AT + 1000 },
      { alias: 3, value: -8, timestamp: AT + 1000 },
    ]);
    await node.send("DDATA", "Press hall 1", [{ alias: 2, value: 3.5, timestamp: AT + 2000 }]);
    await node.send("NDATA", undefined, [{ alias: 1, value: 6, timestamp: AT + 2000 }]);
    await expect.poll(() => point("uptime")?.current.value).toBe(6);
    expect(point("Motor/Speed")?.current.value).toBe(3.5);
    await expect.poll(() => path.stored(point("uptime")?.id ?? "")).toEqual([6]);
    expect(await path.stored(point("Motor/Speed")?.id ?? "")).toEqual([2.5, 3.5]);
    expect(await path.stored(point("Motor_Speed")?.id ?? "")).toEqual([-8]);
    const [range, ...more] = await path.store.ranges(NODE as GatewayId);
    expect(range).toMatchObject({ from: 1, to: 4 });
    expect(more).toEqual([]);
  });

  it("is online without any heartbeat until it dies, and its values are stale then", async () => {
    expect(path.online).toEqual(["park/plc-7 online"]);
    await node.cut();
    await expect.poll(() => path.online.at(-1)).toMatch(/^park\/plc-7 offline/);
    expect(point("Motor_Speed")?.current).toMatchObject({ value: -7, quality: "uncertain", reason: "stale" });
  });

  it("takes its points along when it is removed, and is heard no more", async () => {
    expect(path.clients.remove("press", ACTOR)).toBe(true);
    expect(points()).toEqual([]);
    expect(path.state.devices(all).items).toEqual([]);
    expect(path.foreign.isForeign(NODE)).toBe(false);
  });
});
