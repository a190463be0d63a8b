import { statSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayClientId, hubTopic } from "#core/contracts/topics.ts";
import { EdgeNodeSession } from "#core/sparkplug/edge-node-session.ts";
import { DataType } from "#core/sparkplug/payload.ts";
import { Bench, type Cloud, eventBatch, eventItem, passwordOf, SITE } from "./ingest-park.ts";

let bench: Bench;
let cloud: Cloud;
const clients: MqttClient[] = [];
const NAME = gatewayClientId(SITE, "gw-1");

beforeEach(async () => {
  bench = new Bench();
  cloud = await bench.cloud();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await bench.clear();
});

/** Connects as asked; gives the client or the CONNACK code of the refusal. */
async function connect(options: IClientOptions): Promise<MqttClient | number | undefined> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${cloud.port}`, {
    protocolVersion: 4,
    clientId: NAME,
    username: NAME,
    password: passwordOf(bench.folder),
    clean: true,
    reconnectPeriod: 0,
    ...options,
  });
  clients.push(client);
  return new Promise((resolve) => {
    client.once("connect", () => resolve(client));
    client.once("error", (error) =>
      resolve("code" in error && typeof error.code === "number" ? error.code : undefined),
    );
    client.once("close", () => resolve(undefined));
  });
}
async function gateway(): Promise<MqttClient> {
  const client = await connect({});
  if (client === undefined || typeof client === "number") throw new Error("gateway refused");
  return client;
}
function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

describe("the door of the broker", () => {
  it("lets in the gateway whose credential the cloud has written, for its eyes only", async () => {
    expect(statSync(join(bench.folder, "gateways", "gw-1", "credential.json")).mode & 0o777).toBe(0o600);
    expect((await gateway()).connected).toBe(true);
  });

  it.each([
    ["a wrong password", { password: "wrong" }, 4, "badCredential"],
    ["no password", { password: "" }, 4, "badCredential"],
    ["an unknown name", { username: "park:gw-9", clientId: "park:gw-9" }, 4, "badCredential"],
    ["the client id of another gateway", { clientId: "park:gw-2" }, 2, "foreignClientId"],
    ["a session that should survive", { clean: false }, 2, "persistentSession"],
  ] as const)("refuses %s, counts and audits it", async (_what, options, code, violation) => {
    expect(await connect(options)).toBe(code);
    expect(cloud.violations.get(violation)).toBe(1);
    expect(cloud.audited).toHaveLength(1);
  });

  it("audits the same violation once, however often it comes", async () => {
    for (let i = 0; i < 5; i++) expect(await connect({ password: "wrong" })).toBe(4);
    expect(cloud.violations.get("badCredential")).toBe(5);
    expect(cloud.audited).toHaveLength(1);
  });

  it("knows the same credential after a restart", async () => {
    const before = passwordOf(bench.folder);
    cloud = await bench.restart(cloud);
    expect(passwordOf(bench.folder)).toBe(before);
    expect((await gateway()).connected).toBe(true);
  });

  it("closes a connection that announces a huge packet before it signed in, without reading it", async () => {
    const socket = connectSocket(cloud.port, "127.0.0.1");
    socket.on("error", () => undefined); // the reset is what is expected
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    // CONNECT with a remaining length of 200 MB
    socket.write(Buffer.from([0x10, 0x80, 0x84, 0xaf, 0x5f, 0x00, 0x04]));
    await ended;
    expect(cloud.violations.get("packetTooLarge")).toBe(1);
  });

  it("takes the birth of a device of 5000 points", async () => {
    const client = await gateway();
    const session = new EdgeNodeSession({
      group: SITE,
      edgeNode: "gw-1",
      bdSeq: 1,
      node: { metrics: [], batchAlias: 1 },
    });
    const name = (nr: number): string => `supply-air-temperature-of-the-floor-${nr}`;
    const unit = { unit: { type: DataType.String, value: "degreesCelsius" } };
    session.defineDevice("controller", {
      batchAlias: 2,
      metrics: Array.from({ length: 5_000 }, (_, nr) => ({
        name: name(nr),
        alias: 10 + nr,
        datatype: DataType.Double,
        properties: unit,
      })),
    });
    const now = Date.now();
    for (const { topic, payload, qos } of session.births(now, (alias) => ({ alias, value: 20.5, timestamp: now })))
      client.publish(topic, Buffer.from(payload), { qos });
    await expect.poll(() => cloud.told.births.length).toBe(5_000);
    expect(cloud.violations.size).toBe(0);
  });

  it("takes 100 kB after sign-in and closes above 1 MiB", async () => {
    const client = await gateway();
    const topic = hubTopic(SITE, "gw-1", "events");
    await client.publishAsync(topic, Buffer.alloc(100_000, 32), { qos: 1 });
    const gone = closed(client);
    client.publish(topic, Buffer.alloc(1_100_000, 32), { qos: 1 });
    await gone;
    expect(cloud.violations.get("packetTooLarge")).toBe(1);
  });

  it("ends a connection that never says a word when the cloud stops", async () => {
    const socket = connectSocket(cloud.port, "127.0.0.1");
    socket.on("error", () => undefined); // the reset is what is expected
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    cloud = await bench.restart(cloud);
    await ended;
  });

  it("closes on garbage instead of MQTT and goes on serving", async () => {
    const socket = connectSocket(cloud.port, "127.0.0.1");
    socket.on("error", () => undefined); // the reset is what is expected
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await ended;
    expect((await gateway()).connected).toBe(true);
  });
});

describe("the topics of a gateway", () => {
  it.each([
    `spBv1.0/${SITE}/DDATA/gw-2/ahu-1`,
    `spBv1.0/other/NDATA/gw-1`,
    `spBv1.0/${SITE}/NCMD/gw-1`,
    "spBv1.0/STATE/hub",
    hubTopic(SITE, "gw-2", "events"),
    hubTopic(SITE, "gw-1", "ack"),
    hubTopic(SITE, "gw-1", "config"),
    "anything/else",
    "$SYS/broker",
  ])("publishing on %s ends the connection and reaches nobody", async (topic) => {
    const client = await gateway();
    const gone = closed(client);
    client.publish(topic, JSON.stringify(eventBatch("0".repeat(32), [eventItem(1)])), { qos: 1 }, () => undefined);
    await gone;
    expect(cloud.violations.get("foreignPublish")).toBe(1);
    expect(cloud.told.items).toEqual([]);
  });

  it.each([
    "#",
    "+/+/+/+/+",
    `spBv1.0/${SITE}/#`,
    `$share/g/${hubTopic(SITE, "gw-1", "commands")}`,
    hubTopic(SITE, "gw-2", "commands"),
    `parkhub/v1/${SITE}/+/commands`,
    "$SYS/#",
    `spBv1.0/${SITE}/DDATA/gw-1/ahu-1`,
  ])("subscribing to %s is refused with 128", async (filter) => {
    const client = await gateway();
    const codes = await new Promise<number[]>((resolve) => {
      client.on("packetreceive", (packet) => {
        if (packet.cmd === "suback") resolve(packet.granted as number[]);
      });
      client.subscribe(filter, () => undefined);
    });
    expect(codes).toEqual([128]);
    expect(cloud.violations.get("foreignSubscribe")).toBe(1);
  });

  it("are its own commands, acks, configuration, births requests and the host's state", async () => {
    const client = await gateway();
    const own = [
      ...(["ack", "commands", "config"] as const).map((kind) => hubTopic(SITE, "gw-1", kind)),
      `spBv1.0/${SITE}/NCMD/gw-1`,
      `spBv1.0/${SITE}/DCMD/gw-1/#`,
      "spBv1.0/STATE/#",
    ];
    const states: string[] = [];
    client.on("message", (topic, payload) => topic.startsWith("spBv1.0/STATE") && states.push(payload.toString()));
    const granted = await client.subscribeAsync(own);
    expect(granted.map(({ qos }) => qos)).toEqual(own.map(() => 0));
    await expect.poll(() => states.map((text) => (JSON.parse(text) as { online: boolean }).online)).toEqual([true]);
    expect(cloud.violations.size).toBe(0);
  });

  it("keep nothing retained from a gateway", async () => {
    const client = await gateway();
    await client.publishAsync(hubTopic(SITE, "gw-1", "events"), "{}", { qos: 1, retain: true });
    expect(cloud.violations.get("retainedPublish")).toBe(1);
  });

  it("stay open to one connection only: the second one takes over, and that is noticed", async () => {
    const first = await gateway();
    const gone = closed(first);
    await gateway();
    await gone;
    expect(cloud.violations.get("takeover")).toBe(1);
  });
});
