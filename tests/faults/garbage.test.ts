import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import process from "node:process";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { alarmsOf, alarmWhen, dealWith } from "../e2e/guard.ts";
import { LiveClient } from "../e2e/live-client.ts";
import { Park } from "../e2e/park.ts";

const SEED = Number(process.env["PARKHUB_TEST_SEED"] ?? Date.now() % 1_000_000);
const ROUNDS = process.env["PARKHUB_TEST_LONG"] === "1" ? 2000 : 40;
/** Points of the demo park, and how many of them must be good at the end. */
const POINTS = 750;
const GOOD_SHARE = 0.99;
/** How long a peer may keep silent about garbage before the next comes, ms. */
const PATIENCE_MS = 20;
/**
 * Beginnings that get past the first look of a parser: BVLC, MBAP, HTTP, MQTT CONNECT and PUBLISH, Modbus RTU requests of units 1 and
 * 2, OPC UA hello, open and message with absurd lengths, RTSP, interleaved RTP, and a DC-09 frame. [OPC 10000-6 7.1.2, RFC 2326 10.12]
 */
const BEGINNINGS: readonly string[] = [
  "",
  "810a0019",
  "810b000c0120ffff00ff1008",
  "000100000006ff03",
  "00000000ffff",
  "POST / HTTP/1.1\r\ncontent-length: 9999999999\r\n\r\n",
  "GET /\r\n\r\n",
  "10ffffff7f",
  "30ffffff7f",
  "01030000007d",
  "0203",
  "48454c46ffffffff",
  "4f504e4600000008",
  "4d53474308000000",
  "DESCRIBE rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\ncontent-length: 9999999999\r\n\r\n",
  "2400ffff",
  "0af4d2ffff22",
];

/** Numbers from 0 to below 1 that follow from the seed alone. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let park: Park;
let client: ApiClient;
const random = randomNumbers(SEED);

function garbage(): Buffer {
  const beginning = BEGINNINGS[Math.floor(random() * BEGINNINGS.length)] ?? "";
  const head = /^[0-9a-f]*$/.test(beginning) ? Buffer.from(beginning, "hex") : Buffer.from(beginning);
  const tail = Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)));
  return Buffer.concat([head, tail]);
}

beforeAll(async () => {
  process.stderr.write(`garbage seed ${SEED} (PARKHUB_TEST_SEED repeats it)\n`);
  park = await Park.start();
  client = await park.signIn();
}, 120_000);
afterAll(() => park?.close());

/** Sends one datagram of garbage after the other. */
async function floodUdp(port: number, rounds: number): Promise<void> {
  const socket = createSocket("udp4");
  try {
    for (let round = 0; round < rounds; round++) {
      const bytes = garbage();
      await new Promise<void>((resolve, reject) => {
        socket.send(bytes, port, "127.0.0.1", (error) => (error === null ? resolve() : reject(error)));
      });
    }
  } finally {
    socket.close();
  }
}

/** Connects again and again, each time with other garbage. Whether the peer answers or closes is its own affair. */
async function floodTcp(port: number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const socket = connect({ port, host: "127.0.0.1", timeout: PATIENCE_MS });
    socket.on("error", () => socket.destroy());
    socket.on("timeout", () => socket.destroy());
    const closed = once(socket, "close");
    socket.on("data", () => socket.destroy());
    socket.end(garbage());
    await closed;
  }
}

/** UDP ports that a process has open. [proc(5): /proc/net/udp] */
function udpPortsOf(pid: number): readonly number[] {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set(
    readdirSync(folder).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1];
      } catch {
        // Closed meanwhile.
        return undefined;
      }
    }),
  );
  const rows = readFileSync(`/proc/${pid}/net/udp`, "utf8").trim().split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => inodes.has(row[9]))
    .map((row) => Number.parseInt(row[1]?.split(":")[1] ?? "", 16));
}

const gateway = async (): Promise<GatewayView | undefined> =>
  (await client.get<{ items: GatewayView[] }>("/gateways")).items[0];
const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${client.base}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
};
/** Ports of all servers of the simulated field and of the gateway's receiver, as the simulators wrote them down. */
function fieldPorts(): readonly number[] {
  const ports: Record<string, unknown> = JSON.parse(readFileSync(path.join(park.data, "sim-ports.json"), "utf8"));
  return Object.entries(ports).flatMap(([name, port]) =>
    typeof port === "number" && name !== "relay" && name !== "control" ? [port] : [],
  );
}
const pidsOfParts = () => [park.pid("cloud"), park.pid("gw-1"), park.pid("simulators")];

/** The whole way still works: from a contact in the field to a closed alarm. */
async function expectService(definition: string, signal: string): Promise<void> {
  const before = (await alarmsOf(client, definition)).length;
  await park.set("perimeter-panel", signal, true);
  await alarmWhen(client, definition, ({ live }) => live);
  await park.set("perimeter-panel", signal, false);
  await dealWith(client, definition);
  expect(await alarmsOf(client, definition)).toHaveLength(before + 1);
}

describe("garbage in the field", () => {
  it("at every port of every simulated device harms no point", { timeout: 60_000 }, async () => {
    const pids = pidsOfParts();
    const page = await LiveClient.open<PointView>(client, "points");
    await expect.poll(() => page.items.size).toBeGreaterThanOrEqual(POINTS);
    const told = page.told.length;
    const { devices } = await park.simulatorState();
    const protocols = new Map(Object.values(devices).map(({ port, protocol }) => [port, protocol]));
    expect(new Set(protocols.values())).toEqual(new Set(["bacnet", "modbus", "onvif", "opcua", "sia-dc09"]));
    // Every server of the field, those of the cameras' video too; the burglar panel has none: its port is the gateway's receiver.
    for (const port of new Set([...fieldPorts(), ...protocols.keys()]))
      await (protocols.get(port) === "bacnet" ? floodUdp(port, ROUNDS) : floodTcp(port, ROUNDS));
    // Every device is heard again after the flood.
    const { at } = await park.simulatorState();
    await park.hold("ahu-2", "return-air-co2", 1717);
    await park.hold("power-meter-4", "active-power", 71.5);
    await park.hold("water-meter-2", "flow", 31.5);
    await park.hold("pump-station", "discharge-pressure", 111.5);
    await park.set("burglar-panel", "zone-6-tamper", true);
    await park.set("cam-4", "motion", true);
    for (const [point, value] of [
      ["ahu-2/return-air-co2", 1717],
      ["power-meter-4/active-power", 71.5],
      ["water-meter-2/flow", 31.5],
      ["pump-station/discharge-pressure", 111.5],
      ["burglar-panel/zone-6-tamper", true],
      ["cam-4/motion", true],
    ] as const) {
      await expect
        .poll(() => page.items.get(`demo-park/gw-1/${point}`)?.current)
        .toMatchObject({ value, quality: "good" });
    }
    expect(Date.parse(page.items.get("demo-park/gw-1/ahu-2/return-air-co2")?.current.observedAt ?? "")).toBeGreaterThan(
      at,
    );
    const bad = page.told.slice(told).filter(({ current }) => current.quality === "bad");
    expect(bad.map(({ id, current }) => [id, current.reason])).toEqual([]);
    page.close();
    expect(pidsOfParts()).toEqual(pids);
    await expectService("zone-1-intrusion", "zone-1-alarm");
  });

  it.runIf(process.platform === "linux")("at the gateway's own BACnet socket harms no point", async () => {
    const pids = pidsOfParts();
    const ports = udpPortsOf(park.pid("gw-1"));
    expect(ports.length).toBeGreaterThanOrEqual(1);
    for (const port of ports) await floodUdp(port, ROUNDS * 5);
    await park.hold("ahu-2", "return-air-co2", 2727);
    const url = `/points/${encodeURIComponent("demo-park/gw-1/ahu-2/return-air-co2")}`;
    await expect
      .poll(async () => (await client.get<PointView>(url)).current)
      .toMatchObject({ value: 2727, quality: "good" });
    const notGood = (await client.all<PointView>("/points")).filter(
      ({ device, current }) => device.includes("ahu") && current.quality !== "good",
    );
    expect(notGood.map(({ id }) => id)).toEqual([]);
    expect(pidsOfParts()).toEqual(pids);
  });
});

describe("garbage at the cloud", () => {
  it("at its HTTP port and its broker's is refused, and the park goes on", { timeout: 60_000 }, async () => {
    const pids = pidsOfParts();
    for (const address of [park.http, park.mqtt, park.sim])
      await floodTcp(Number(address.slice(address.lastIndexOf(":") + 1)), ROUNDS);
    expect(await park.isReady()).toBe(true);
    expect(pidsOfParts()).toEqual(pids);
    await expectService("zone-2-intrusion", "zone-2-alarm");
  });

  it("from a client without the gateway's password is counted and never let in", async () => {
    const before = await metric("parkhub_broker_violations_total");
    const stranger = connectAsync(`mqtt://${park.mqtt}`, {
      clientId: "demo-park:gw-1",
      username: "demo-park:gw-1",
      password: "guessed",
      reconnectPeriod: 0,
    });
    await expect(stranger).rejects.toThrow(/[Nn]ot authori[sz]ed|Bad username|refused/);
    expect(await metric("parkhub_broker_violations_total")).toBeGreaterThan(before);
    expect(await gateway()).toMatchObject({ online: true });
  });

  it("under the gateway's own credential is quarantined and counted, told once, and stops nothing", {
    timeout: 60_000,
  }, async () => {
    const pids = pidsOfParts();
    const before = (await gateway())?.quarantined ?? Number.NaN;
    const seen = park.log("cloud", 100_000).split("\n").length;
    const file = path.join(park.data, "gateways", "gw-1", "credential.json");
    const credential: { username: string; password: string } = JSON.parse(readFileSync(file, "utf8"));
    const epoch = "f".repeat(32);
    const batch = (fields: object) =>
      JSON.stringify({ v: 1, lane: "events", epoch, firstOffset: 1, lastOffset: 1, ...fields });
    const events: readonly (string | Buffer)[] = [
      garbage(),
      "{",
      "null",
      "[]",
      batch({ v: 99 }),
      batch({ firstOffset: -1 }),
      batch({ lastOffset: Number.MAX_SAFE_INTEGER }),
      batch({ epoch: "short" }),
      batch({ items: "none" }),
    ];
    // The gateway stands still, so that the two do not drive each other out.
    park.kill("gw-1", "SIGSTOP");
    const impostor = await connectAsync(`mqtt://${park.mqtt}`, {
      ...credential,
      clientId: credential.username,
      reconnectPeriod: 0,
    });
    for (const payload of events) await impostor.publishAsync("parkhub/v1/demo-park/gw-1/events", payload, { qos: 1 });
    for (const type of ["NBIRTH", "NDATA", "NDEATH"])
      for (let round = 0; round < ROUNDS; round++)
        await impostor.publishAsync(`spBv1.0/demo-park/${type}/gw-1`, garbage(), { qos: 1 });
    for (const type of ["DBIRTH", "DDATA", "DDEATH"])
      for (let round = 0; round < ROUNDS; round++)
        await impostor.publishAsync(`spBv1.0/demo-park/${type}/gw-1/ahu-1`, garbage(), { qos: 1 });
    const unknownKind = batch({ items: [{ offset: 1, at: Date.now(), kind: "kindOfTomorrow", payload: 1 }] });
    await impostor.publishAsync("parkhub/v1/demo-park/gw-1/events", unknownKind, { qos: 1 });
    await impostor.endAsync();
    park.kill("gw-1", "SIGCONT");

    await expect.poll(async () => (await gateway())?.quarantined).toBeGreaterThanOrEqual(before + events.length);
    const after = (await gateway())?.quarantined ?? Number.NaN;
    expect(await metric("parkhub_gateway_quarantined_total")).toBeGreaterThanOrEqual(after);
    const lines = park.log("cloud", 100_000).split("\n").slice(seen);
    expect(lines.filter((line) => line.includes("quarantine")).length).toBeLessThan(events.length + ROUNDS);
    await expect.poll(gateway, { timeout: 20_000 }).toMatchObject({ online: true });
    await expect.poll(() => park.isReady().catch(() => undefined), { timeout: 20_000 }).toBe(true);
    await expectService("zone-3-intrusion", "zone-3-alarm");
    expect(pidsOfParts()).toEqual(pids);
  });

  it("has cost the real gateway nothing: its lanes are complete", async () => {
    const credentialEpoch = (await gateway())?.acked.telemetry?.epoch;
    const { lanes } = await client.get<Completeness>("/gateways/gw-1/completeness");
    const own = lanes.filter(({ epoch }) => epoch === credentialEpoch);
    expect(own.map(({ lane }) => lane).toSorted()).toEqual(["events", "telemetry"]);
    for (const { lane, from, upTo, stored, missing, gaps } of own)
      expect({ lane, stored, missing, gaps }).toEqual({ lane, stored: upTo - from + 1, missing: [], gaps: [] });
    const points = await client.all<PointView>("/points");
    const good = points.filter(({ current }) => current.quality === "good");
    expect(good.length).toBeGreaterThanOrEqual(POINTS * GOOD_SHARE);
  });
});
