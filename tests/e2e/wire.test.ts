import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandView } from "#core/contracts/commands.ts";
import type { PointView } from "#core/contracts/points.ts";
import { tshark } from "#tests/pcap.ts";
import { peer } from "#tests/peers.ts";
import type { ApiClient } from "./api-client.ts";
import { alarmWhen, dealWith } from "./guard.ts";
import { Park, until } from "./park.ts";

/** Fewest frames of each protocol that a run of the demo must have shown. */
const AT_LEAST = { bacnet: 300, modbus: 100, modbusRtu: 20, mqtt: 100, opcua: 30, rtsp: 20, rtp: 30 } as const;
/** Servers of the simulated field by how they speak on TCP, as their ports are named. */
const SERVERS = {
  modbus: /^(perimeter-panel|street-lighting|power-meters)$/,
  modbusRtu: /^water-meters$/,
  opcua: /^(fire-panel|building-services)$/,
  rtsp: /^cam-\d-video$/,
} as const;
/** How the analyser calls what is spoken on TCP. */
const DISSECTORS = { modbus: "mbtcp", modbusRtu: "mbrtu", opcua: "opcua", rtsp: "rtsp", mqtt: "mqtt" } as const;
type TcpProtocol = keyof typeof DISSECTORS;
/** Options that have it check what it otherwise believes. */
const CHECKS = ["-o", "mbrtu.crc_verification:TRUE"] as const;
const SERVERS_ON_OPCUA = 2;
/** Services of which a connection without security may make use, by their encodings: OpenSecureChannel, GetEndpoints, CloseSecureChannel. */
const DISCOVERY: ReadonlySet<string> = new Set(["446", "449", "428", "431", "452"]);
/** Security policies that the gateway may open a channel with. [OPC 10000-7 6.6] */
const POLICIES = /#(Basic256Sha256|Aes256_Sha256_RsaPss)$/;

/** Name of the loopback interface to capture on. */
const LOOPBACK = process.platform === "darwin" ? "lo0" : "lo";

/** May this user capture on loopback? Says so in a line where not. */
function mayCapture(program: string | undefined): program is string {
  if (program === undefined) return false;
  const trial = spawnSync(program, ["-i", LOOPBACK, "-a", "duration:1", "-f", "udp port 9", "-w", os.devNull]);
  if (trial.status === 0) return true;
  if (process.env["CI"] === "true") throw new Error(`tshark cannot capture on loopback: ${String(trial.stderr)}`);
  process.stderr.write("this user may not capture on loopback: the tests of the park's wires are skipped\n");
  return false;
}

const program = peer("tshark");

describe.skipIf(!mayCapture(program))("the wires of a demo run, seen by an independent decoder", () => {
  const analyser = program ?? "";
  let folder: string;
  let park: Park;
  let client: ApiClient;
  let bacnet: readonly number[];
  let tcp: Readonly<Record<TcpProtocol, readonly number[]>>;

  const capture = (): string => path.join(folder, "run.pcapng");
  /** Options that name each port's protocol: nothing is guessed from port numbers or contents. */
  const decodeAs = (): readonly string[] =>
    [
      ...bacnet.map((port) => `udp.port==${port},bvlc`),
      ...protocols().flatMap((protocol) => tcp[protocol].map((port) => `tcp.port==${port},${DISSECTORS[protocol]}`)),
    ].flatMap((rule) => ["-d", rule]);
  const protocols = () => Object.keys(DISSECTORS) as readonly TcpProtocol[];
  const frames = (filter: string, ...fields: readonly string[]): readonly string[] =>
    tshark(analyser, capture(), [
      ...CHECKS,
      ...decodeAs(),
      "-Y",
      filter,
      "-T",
      "fields",
      ...["frame.number", ...fields].flatMap((field) => ["-e", field]),
    ]);

  /** The values of the one field that was asked for. */
  const values = (lines: readonly string[]): readonly string[] =>
    lines.flatMap((line) => line.split("\t")[1]?.split(",") ?? []);

  function startCapture(): ChildProcess {
    const filter = [
      ...bacnet.map((port) => `udp port ${port}`),
      ...protocols().flatMap((protocol) => tcp[protocol].map((port) => `tcp port ${port}`)),
    ].join(" or ");
    return spawn(analyser, ["-n", "-i", LOOPBACK, "-B", "64", "-s", "0", "-f", filter, "-w", capture()], {
      stdio: "ignore",
    });
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-wire-"));
    // Once to learn the ports, which the simulators keep; then from the first byte of every connection.
    park = await Park.start();
    const { devices } = await park.simulatorState();
    bacnet = [
      ...new Set(Object.values(devices).flatMap(({ protocol, port }) => (protocol === "bacnet" ? [port] : []))),
    ];
    const simPorts: Record<string, unknown> = JSON.parse(readFileSync(path.join(park.data, "sim-ports.json"), "utf8"));
    const named = (names: RegExp): readonly number[] =>
      Object.entries(simPorts).flatMap(([name, port]) => (typeof port === "number" && names.test(name) ? [port] : []));
    const broker = Number(park.mqtt.slice(park.mqtt.lastIndexOf(":") + 1));
    tcp = {
      modbus: named(SERVERS.modbus),
      modbusRtu: named(SERVERS.modbusRtu),
      opcua: named(SERVERS.opcua),
      rtsp: named(SERVERS.rtsp),
      mqtt: [...named(/^relay$/), broker],
    };
    expect(protocols().map((protocol) => tcp[protocol].length)).toEqual([3, 1, 2, 4, 2]);
    await park.interrupt();

    const recording = startCapture();
    await until(
      "the capture to have begun",
      () => (statSync(capture(), { throwIfNoEntry: false })?.size ?? 0) > 0 || undefined,
    );
    await park.launch();
    client = await park.signIn();
    await demoRun();
    await park.interrupt();
    recording.kill("SIGINT");
    await once(recording, "exit");
  }, 240_000);
  afterAll(async () => {
    await park?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** An intrusion with its linkage, a set point written and relinquished, a cut uplink, and polling all the while. */
  async function demoRun(): Promise<void> {
    // The park is ready before every device was heard: an OPC UA server is begun with its first client.
    await until(
      "every point to be good",
      async () => {
        const points = await client.all<PointView>("/points");
        return points.every(({ current }) => current.quality === "good") || undefined;
      },
      60_000,
    );
    await park.scenario("intrusion-zone-3", { seconds: 2 });
    await alarmWhen(client, "zone-3-intrusion", ({ runs }) => runs.length > 0);
    await dealWith(client, "zone-3-intrusion");
    for (const value of [19.5, null]) {
      const point = "demo-park/gw-1/ahu-1/supply-air-temperature-setpoint";
      const { id } = await client.post<CommandView>("/commands", { point, value });
      await until(
        "the command",
        async () => (await client.get<CommandView>(`/commands/${id}`)).status === "done" || undefined,
      );
    }
    await park.scenario("gateway-cut", { seconds: 60 });
    await until("the uplink to be lost", async () => (await park.isReady()) !== true || undefined);
    await park.endScenario("gateway-cut");
    await until("the uplink to be back", () => park.isReady());
  }

  it("are BACnet/IP, Modbus TCP and RTU, OPC UA, RTSP with RTP and MQTT in number", () => {
    const counts = {
      bacnet: frames("bacapp").length,
      modbus: frames("mbtcp && modbus").length,
      modbusRtu: frames("mbrtu && modbus").length,
      mqtt: frames("mqtt").length,
      opcua: frames('opcua.transport.type == "MSG"').length,
      rtsp: frames("rtsp.request || rtsp.response").length,
      rtp: frames("rtp").length,
    };
    process.stderr.write(`frames of the demo run: ${JSON.stringify(counts)}\n`);
    for (const [protocol, least] of Object.entries(AT_LEAST))
      expect(counts[protocol as keyof typeof counts], protocol).toBeGreaterThanOrEqual(least);
  });

  it("hold OPC UA that is signed and encrypted only, but for the question which endpoints there are", () => {
    const types = new Set(values(frames("opcua", "opcua.transport.type")));
    expect([...types]).toEqual(expect.arrayContaining(["HEL", "ACK", "OPN", "MSG"]));
    expect([...types]).not.toContain("ERR");
    const policies = new Map<string, string>();
    for (const line of frames("opcua.security.spu", "tcp.stream", "opcua.security.spu")) {
      const [, stream = "", policy = ""] = line.split("\t");
      expect(policies.get(stream) ?? policy, `policies of connection ${stream}`).toBe(policy);
      policies.set(stream, policy);
    }
    const plain = [...policies.keys()].filter((stream) => !POLICIES.test(policies.get(stream) ?? ""));
    expect(policies.size - plain.length).toBeGreaterThanOrEqual(SERVERS_ON_OPCUA);
    const asked = new Set(
      plain.flatMap((stream) => values(frames(`opcua && tcp.stream == ${stream}`, "opcua.servicenodeid.numeric"))),
    );
    expect([...asked].filter((service) => service !== "" && !DISCOVERY.has(service))).toEqual([]);
  });

  it("hold RTSP sessions that play over their own connection, and Modbus RTU of every unit with its right CRC", () => {
    const methods = new Set(values(frames("rtsp.request", "rtsp.method")));
    expect([...methods]).toEqual(expect.arrayContaining(["DESCRIBE", "SETUP", "PLAY"]));
    const transports = values(frames("rtsp.transport", "rtsp.transport"));
    expect(transports.filter((transport) => !transport.startsWith("RTP/AVP/TCP"))).toEqual([]);
    expect(new Set(values(frames("mbrtu && modbus", "mbrtu.unit_id")))).toEqual(new Set(["1", "2", "3"]));
    expect(frames("mbrtu.crc16.status == 0")).toEqual([]);
  });

  it("hold what the run did: COV, a write at priority 8 and its relinquishing, the light's coil, births and events", () => {
    expect(frames("bacapp.confirmed_service == 5").length, "SubscribeCOV").toBeGreaterThan(0);
    expect(frames("bacapp.unconfirmed_service == 2").length, "COV notification").toBeGreaterThan(0);
    expect(frames("bacapp.type == 0 && bacapp.confirmed_service == 15").length, "WriteProperty").toBeGreaterThanOrEqual(
      2,
    );
    expect(frames("modbus.func_code == 5 || modbus.func_code == 6 || modbus.func_code == 16").length).toBeGreaterThan(
      0,
    );
    const topics = new Set(
      frames("mqtt.msgtype == 3", "mqtt.topic").flatMap((line) => line.split("\t")[1]?.split(",") ?? []),
    );
    for (const topic of [
      "spBv1.0/demo-park/NBIRTH/gw-1",
      "spBv1.0/demo-park/DBIRTH/gw-1/ahu-1",
      "spBv1.0/demo-park/DDATA/gw-1/ahu-1",
      "parkhub/v1/demo-park/gw-1/events",
      "parkhub/v1/demo-park/gw-1/ack",
      "parkhub/v1/demo-park/gw-1/commands",
    ])
      expect([...topics]).toContain(topic);
  });

  it("hold nothing malformed, in no frame of any protocol", () => {
    // [Sparkplug tck-id-host-topic-phid-birth-payload] STATE is JSON; this dissector reads it as a Protobuf payload.
    const strange = '_ws.malformed && !(mqtt.topic contains "/STATE/")';
    expect(frames(strange, "_ws.col.Protocol", "_ws.col.Info")).toEqual([]);
    expect(frames("bvlc && !bacapp", "_ws.col.Info")).toEqual([]);
  });

  it("hold no refused request", () => {
    expect(frames("modbus.exception_code", "_ws.col.Info")).toEqual([]);
    expect(frames("bacapp.type == 5 || bacapp.type == 6 || bacapp.type == 7", "_ws.col.Info")).toEqual([]);
    // CONNACK: each connection was accepted. [MQTT 3.1.1 §3.2.2.3]
    const refused = frames("mqtt.msgtype == 2 && mqtt.conack.val != 0", "mqtt.conack.val");
    expect(refused).toEqual([]);
  });
});
