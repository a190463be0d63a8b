import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandView } from "#core/contracts/http.ts";
import { tshark } from "#tests/pcap.ts";
import { peer } from "#tests/peers.ts";
import type { ApiClient } from "./api-client.ts";
import { alarmWhen, dealWith } from "./guard.ts";
import { Park, until } from "./park.ts";

/** Fewest frames of each protocol that a run of the demo must have shown. */
const AT_LEAST = { bacnet: 300, modbus: 100, mqtt: 100 } as const;

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
  let ports: {
    readonly bacnet: readonly number[];
    readonly modbus: readonly number[];
    readonly mqtt: readonly number[];
  };

  const capture = (): string => path.join(folder, "run.pcapng");
  /** Options that name each port's protocol: nothing is guessed from port numbers or contents. */
  const decodeAs = (): readonly string[] =>
    [
      ...ports.bacnet.map((port) => `udp.port==${port},bvlc`),
      ...ports.modbus.map((port) => `tcp.port==${port},mbtcp`),
      ...ports.mqtt.map((port) => `tcp.port==${port},mqtt`),
    ].flatMap((rule) => ["-d", rule]);
  const frames = (filter: string, ...fields: readonly string[]): readonly string[] =>
    tshark(analyser, capture(), [
      ...decodeAs(),
      "-Y",
      filter,
      "-T",
      "fields",
      ...["frame.number", ...fields].flatMap((field) => ["-e", field]),
    ]);

  function startCapture(): ChildProcess {
    const filter = [
      ...ports.bacnet.map((port) => `udp port ${port}`),
      ...[...ports.modbus, ...ports.mqtt].map((port) => `tcp port ${port}`),
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
    const portsOf = (protocol: string) => [
      ...new Set(Object.values(devices).flatMap((device) => (device.protocol === protocol ? [device.port] : []))),
    ];
    const simPorts: { relay: number } = JSON.parse(readFileSync(path.join(park.data, "sim-ports.json"), "utf8"));
    const broker = Number(park.mqtt.slice(park.mqtt.lastIndexOf(":") + 1));
    ports = { bacnet: portsOf("bacnet"), modbus: portsOf("modbus"), mqtt: [simPorts.relay, broker] };
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
  }, 120_000);
  afterAll(async () => {
    await park?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** An intrusion with its linkage, a set point written and relinquished, a cut uplink, and polling all the while. */
  async function demoRun(): Promise<void> {
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

  it("are BACnet/IP, Modbus TCP and MQTT in number", () => {
    const [bacnet, modbus, mqtt] = [frames("bacapp").length, frames("mbtcp && modbus").length, frames("mqtt").length];
    process.stderr.write(`frames of the demo run: ${bacnet} BACnet, ${modbus} Modbus, ${mqtt} MQTT\n`);
    expect(bacnet).toBeGreaterThanOrEqual(AT_LEAST.bacnet);
    expect(modbus).toBeGreaterThanOrEqual(AT_LEAST.modbus);
    expect(mqtt).toBeGreaterThanOrEqual(AT_LEAST.mqtt);
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
    expect(frames("_ws.malformed", "_ws.col.Protocol", "_ws.col.Info")).toEqual([]);
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
