import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadSite } from "#config/load-site.ts";
import { resolveReferences } from "#config/references.ts";
import { schemaProblems } from "#config/yaml-file.ts";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { DriverDescriptor, ProtocolDriver } from "#protocols/driver.ts";
import { modbus } from "#protocols/modbus/index.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { type Recording, recordDriver } from "#tests/contract/driver-contract.ts";
import { type DeskPark, dataFolder, parkOnADesk } from "#tests/unit/simulators/park-on-a-desk.ts";

const root = path.resolve(import.meta.dirname, "../..");
const never = new AbortController().signal;

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const body = (await response.json()) as Readonly<Record<string, unknown>>;
  return { status: response.status, type: response.headers.get("content-type"), body };
}

const json = (file: string): Record<string, never> => JSON.parse(readFileSync(file, "utf8"));

describe("the demo park's own gateway drivers", () => {
  const descriptors: readonly DriverDescriptor[] = [bacnet, modbus, onvif];
  const protocols = new Map(descriptors.map((descriptor) => [descriptor.kind, descriptor]));
  const site = loadSite(path.join(root, "config/sites/demo-park"), path.join(root, "config/profiles"), protocols);
  const channels = new Map<string, { readonly driver: ProtocolDriver; readonly recording: Recording }>();
  let park: DeskPark;

  function channel(id: string): { readonly driver: ProtocolDriver; readonly recording: Recording } {
    const found = channels.get(id);
    if (found === undefined) throw new Error(`no channel ${id}`);
    return found;
  }

  beforeAll(async () => {
    park = await parkOnADesk(systemClock);
    const ports = json(path.join(park.dataDir, "sim-ports.json"));
    const secrets = json(path.join(park.dataDir, "sim-secrets.json"));
    const filled = (section: unknown, schema: DriverDescriptor["config"]): unknown => {
      const value = resolveReferences(section, { secret: (name) => secrets[name], simPort: (name) => ports[name] });
      expect(schemaProblems(schema, value)).toEqual([]);
      return value;
    };
    for (const { id, protocol, config } of site.gateways[0]?.channels ?? []) {
      const descriptor = protocols.get(protocol);
      if (descriptor === undefined) throw new Error(`no driver ${protocol}`);
      const recording = recordDriver();
      const driver = await descriptor.create(filled(config, descriptor.config) as never, recording.deps);
      channels.set(id, { driver, recording });
      await driver.start(never);
      await driver.bind(
        site.devices
          .filter((device) => device.channel === id)
          .map((device) => ({
            device: deviceId(device.id),
            config: filled(device.config, descriptor.device),
            points: site.points
              .filter((point) => point.id.startsWith(`${device.id}/`))
              .map((point) => ({
                point: pointId(point.id),
                address: filled(point.address, descriptor.address),
                writable: point.writable,
              })),
          })),
      );
    }
  });

  afterAll(async () => {
    for (const { driver } of channels.values()) await driver.stop();
    await park.close();
  });

  it("read every point of the site good", async () => {
    const recordings = [...channels.values()].map(({ recording }) => recording);
    const notGood = () =>
      site.points
        .map(({ id }) => id)
        .filter((id) => !recordings.some((recording) => recording.latest(pointId(id))?.quality === "good"));
    await expect.poll(notGood, { timeout: 20_000 }).toEqual([]);
  });

  it("hear of an intrusion at the panel and at the camera", async () => {
    const alarm = pointId("demo-park/gw-1/perimeter-panel/zone-3-alarm");
    const motion = pointId("demo-park/gw-1/cam-3/motion");
    park.scenario("intrusion-zone-3", { seconds: 60 });
    await expect.poll(() => channel("modbus-1").recording.latest(alarm)?.value).toBe(true);
    await expect.poll(() => channel("onvif-1").recording.latest(motion)?.value).toBe(true);
    park.field.scenarios.stop("intrusion-zone-3");
    await expect.poll(() => channel("modbus-1").recording.latest(alarm)?.value).toBe(false);
    await expect.poll(() => channel("onvif-1").recording.latest(motion)?.value).toBe(false);
  });

  it("command a valve with a priority that the field shows, and give it back to the unit's own control", async () => {
    const point = pointId("demo-park/gw-1/ahu-1/cooling-valve-command");
    const { driver } = channel("bacnet-1");
    const result = await driver.write({ point, value: 100, priority: 8 }, never);
    expect(result).toMatchObject({ status: "done", readBack: 100 });
    const commanded = park.field.deviceState("ahu-1");
    expect(commanded.priorityArrays?.["cooling-valve-command"]?.[7]).toBe(100);
    expect(commanded.written["cooling-valve-command"]).toMatchObject({ value: 100, count: 1 });
    await expect.poll(() => park.value("ahu-1", "cooling-valve-position")).toBeGreaterThan(60);

    expect((await driver.write({ point, value: null, priority: 8 }, never)).status).toBe("done");
    expect(park.field.deviceState("ahu-1").written["cooling-valve-command"]).toMatchObject({ value: null, count: 2 });
    expect(park.value("ahu-1", "cooling-valve-command")).toBeLessThan(100);
    // The unit's own control moves the valve again, away from the relinquish default.
    await expect.poll(() => park.value("ahu-1", "cooling-valve-command")).not.toBe(45);
  });

  it("turn cam-3 to zone 3 and switch the zone's light on", async () => {
    const light = pointId("demo-park/gw-1/street-lighting/zone-3-light");
    const camera = deviceId("demo-park/gw-1/cam-3");
    const turned = await channel("onvif-1").driver.act(
      { device: camera, action: "ptzPreset", params: { preset: "zone-3" } },
      never,
    );
    expect(turned).toMatchObject({ status: "done" });
    await expect.poll(() => park.field.deviceState("cam-3").ptz?.preset).toBe("zone-3");
    const lit = await channel("modbus-1").driver.write({ point: light, value: true, priority: 8 }, never);
    expect(lit).toMatchObject({ status: "done" });
    expect(park.value("street-lighting", "zone-3-light-status")).toBe(true);
    await expect.poll(() => park.value("cam-3", "light")).toBe(true);
    const shot = await channel("onvif-1").driver.act({ device: camera, action: "snapshot", params: {} }, never);
    expect(shot.status === "done" && shot.blob?.contentType).toBe("image/jpeg");
  });

  it("lose a silent device and find it again", async () => {
    const device = deviceId("demo-park/gw-1/power-meter-2");
    const { recording } = channel("modbus-1");
    park.scenario("field-cut", { device: "power-meter-2", seconds: 600 });
    await expect.poll(() => recording.reachability(device).at(-1), { timeout: 15_000 }).toBe(false);
    park.field.scenarios.stop("field-cut");
    await expect.poll(() => recording.reachability(device).at(-1), { timeout: 15_000 }).toBe(true);
  });

  it("find a rebooted device again", async () => {
    const device = deviceId("demo-park/gw-1/perimeter-panel");
    const { recording } = channel("modbus-1");
    const before = recording.reachability(device).length;
    park.scenario("device-reboot", { device: "perimeter-panel", seconds: 3 });
    await expect.poll(() => recording.reachability(device).slice(before), { timeout: 15_000 }).toEqual([false, true]);
    const up = park.field.recorder.after(0, 100_000).items.find(({ detail }) => detail === "is up again");
    expect(up?.device).toBe("perimeter-panel");
  });
});

describe("control port", () => {
  let park: DeskPark;
  let url: string;
  beforeAll(async () => {
    park = await parkOnADesk(systemClock);
    url = park.controlUrl;
  });
  afterAll(() => park.close());

  it("lists scenarios with their parameters, starts one and tells when it ends", async () => {
    const list = (await call(`${url}/scenarios`)).body["items"] as { id: string; parameters: object }[];
    expect(list.map(({ id }) => id)).toEqual([
      "alarm-storm",
      "camera-offline-1",
      "chiller-trip",
      "device-reboot",
      "field-cut",
      "gateway-cut",
      "intrusion-zone-3",
      "panic-button",
      "tamper-zone-5",
    ]);
    const started = await call(`${url}/scenarios/tamper-zone-5`, { method: "POST", body: '{"seconds": 30}' });
    expect(started.status).toBe(200);
    const { name, startedAt, endsAt } = started.body as { name: string; startedAt: string; endsAt: string };
    expect(name).toBe("tamper-zone-5");
    expect(Date.parse(endsAt) - Date.parse(startedAt)).toBe(30_000);
    expect(park.value("perimeter-panel", "zone-5-tamper")).toBe(true);
    const stopped = await call(`${url}/scenarios/tamper-zone-5`, { method: "DELETE" });
    expect(stopped.body).toEqual({ name: "tamper-zone-5", stopped: true });
    expect(park.value("perimeter-panel", "zone-5-tamper")).toBe(false);
  });

  it("sets a signal, shows it with the time of its change and records it", async () => {
    const before = (await call(`${url}/log`)).body["newest"] as number;
    const set = await call(`${url}/devices/perimeter-panel/signals/zone-7-open`, {
      method: "PUT",
      body: '{"value": true}',
    });
    expect(set).toMatchObject({ status: 200, body: { value: true, held: false } });
    const state = (await call(`${url}/state/perimeter-panel`)).body as unknown as ReturnType<
      typeof park.field.deviceState
    >;
    expect(state.signals["zone-7-open"]).toEqual({ value: true, since: set.body["since"] });
    const log = (await call(`${url}/log?since=${before}`)).body["items"] as object[];
    expect(log).toMatchObject([
      { seq: before + 1, type: "set", device: "perimeter-panel", signal: "zone-7-open", value: true },
      { seq: before + 2, type: "change", device: "perimeter-panel", signal: "zone-7-open", value: true },
    ]);
    const changes = await call(`${url}/devices/perimeter-panel/signals/zone-7-open/changes`);
    expect((changes.body["items"] as { value: boolean }[]).map(({ value }) => value)).toEqual([false, true]);
  });

  it("holds a measured value that the physics would move, until it is released", async () => {
    const signal = `${url}/devices/ahu-2/signals/supply-air-temperature`;
    const held = await call(signal, { method: "PUT", body: '{"value": 40, "holdSeconds": 600}' });
    expect(held.body).toMatchObject({ value: 40, held: true });
    const released = await call(`${signal}/hold`, { method: "DELETE" });
    expect(released.body).toMatchObject({ held: false });
    expect(released.body["value"]).toBeLessThan(30);
  });

  it("shows the whole field", async () => {
    const { body } = await call(`${url}/state`);
    const devices = body["devices"] as ReturnType<typeof park.state>["devices"];
    expect(Object.keys(devices).length).toBe(17);
    expect(devices["ahu-1"]).toMatchObject({ protocol: "bacnet", instance: 1001, silent: false });
    expect(devices["power-meter-3"]).toMatchObject({ protocol: "modbus", unitId: 3, port: park.ports["power-meters"] });
    expect(devices["cam-1"]?.ptz).toMatchObject({ preset: "home", moving: false });
    expect(body["relay"]).toMatchObject({ cut: null, open: 0 });
  });

  const refusals: readonly [string, string, RequestInit, number, string][] = [
    ["an unknown path", "/nothing", {}, 404, "SIM_NOT_FOUND"],
    ["a wrong method", "/state", { method: "POST" }, 405, "SIM_METHOD_NOT_ALLOWED"],
    ["an unknown scenario", "/scenarios/flood", { method: "POST" }, 404, "SIM_SCENARIO_UNKNOWN"],
    ["a wrong parameter", "/scenarios/gateway-cut", { method: "POST", body: '{"mode":"x"}' }, 400, "SIM_PARAM_INVALID"],
    ["a body that is no JSON", "/scenarios/gateway-cut", { method: "POST", body: "{" }, 400, "SIM_BODY_INVALID"],
    ["a body too large", "/scenarios/x", { method: "POST", body: "x".repeat(70_000) }, 413, "SIM_BODY_TOO_LARGE"],
    ["an unknown device", "/state/ahu-9", {}, 404, "SIM_DEVICE_UNKNOWN"],
    [
      "an unknown signal",
      "/devices/ahu-1/signals/x",
      { method: "PUT", body: '{"value":1}' },
      404,
      "SIM_SIGNAL_UNKNOWN",
    ],
    [
      "a value the signal cannot hold",
      "/devices/ahu-1/signals/co2-setpoint",
      { method: "PUT", body: '{"value":9000}' },
      400,
      "SIM_VALUE_INVALID",
    ],
    ["a bad cursor", "/log?since=yesterday", {}, 400, "SIM_PARAM_INVALID"],
    ["a page of another origin", "/state", { headers: { origin: "http://evil.example" } }, 403, "SIM_ORIGIN_REFUSED"],
  ];
  it.each(refusals)("refuses %s as a problem with a code", async (_, target, init, status, code) => {
    const answer = await call(`${url}${target}`, init);
    expect(answer).toMatchObject({ status, type: "application/problem+json", body: { status, code } });
    expect(String(answer.body["detail"]).length).toBeGreaterThan(10);
  });

  it("listens on loopback only", async () => {
    const { dataDir, remove } = dataFolder();
    const refused = parkOnADesk(systemClock, { dataDir, controlHost: "0.0.0.0" });
    await expect(refused).rejects.toMatchObject({ code: "SIM_CONTROL_NOT_LOOPBACK" });
    remove();
  });
});

describe("a restart", () => {
  const { dataDir, remove } = dataFolder();
  afterAll(remove);

  it("keeps every port and the cameras' password, and takes another port where one is taken", async () => {
    const first = await parkOnADesk(systemClock, { dataDir });
    await first.close();
    const secrets = path.join(dataDir, "sim-secrets.json");
    expect(statSync(secrets).mode & 0o777).toBe(0o600);
    const password = readFileSync(secrets, "utf8");
    expect(json(path.join(dataDir, "sim-ports.json"))).toEqual(first.ports);

    const other = createServer();
    other.listen(first.ports["street-lighting"], "127.0.0.1");
    await once(other, "listening");
    const second = await parkOnADesk(systemClock, { dataDir });
    const { control: _a, "street-lighting": moved, ...kept } = second.ports;
    const { control: _b, "street-lighting": former, ...expected } = first.ports;
    other.close();
    await second.close();
    expect(kept).toEqual(expected);
    expect(moved).not.toBe(former);
    expect(readFileSync(secrets, "utf8")).toBe(password);
  });
});

/** A simulator process, what it told, and its exit code. */
interface Started {
  readonly child: ChildProcess;
  readonly told: { out: string; err: string };
  readonly gone: Promise<number | null>;
}

describe("a meter", () => {
  const { dataDir, remove } = dataFolder();
  afterAll(remove);

  it("does not turn its counter back when the process ends and starts again", async () => {
    const first = await parkOnADesk(systemClock, { dataDir });
    first.field.set("power-meter-1", "energy-import", 50_000);
    await first.close();
    const second = await parkOnADesk(systemClock, { dataDir });
    expect(second.value("power-meter-1", "energy-import")).toBeGreaterThanOrEqual(50_000);
    await second.close();
  });
});

describe("npm run sim", () => {
  const folder = dataFolder();
  const running: Started[] = [];
  afterEach(async () => {
    for (const { child, gone } of running.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await gone;
    }
  });
  afterAll(() => folder.remove());

  function start(address: string, args: readonly string[]): Started {
    const env: NodeJS.ProcessEnv = { ...process.env, PARKHUB_DATA: folder.dataDir, PARKHUB_SIM: address };
    const child = spawn(process.execPath, ["simulators/main.ts", ...args], { cwd: root, env });
    const told = { out: "", err: "" };
    child.stdout.on("data", (bytes: Buffer) => {
      told.out += bytes.toString();
    });
    child.stderr.on("data", (bytes: Buffer) => {
      told.err += bytes.toString();
    });
    const gone = once(child, "close").then(([code]) => code as number | null);
    const one = { child, told, gone };
    running.push(one);
    return one;
  }

  it("says when it is ready, plays a scenario on request, names a taken port, and ends on SIGTERM", async () => {
    const sim = start("127.0.0.1:0", ["demo-park"]);
    await expect.poll(() => sim.told.out, { timeout: 15_000 }).toContain("\n");
    const ready = JSON.parse(sim.told.out) as { ready: boolean; control: string; points: number };
    expect(ready.ready).toBe(true);
    expect(ready.points).toBeGreaterThan(380);
    const address = ready.control.replace("http://", "");

    const story = start(address, ["intrusion-zone-3", "seconds=60"]);
    expect(await story.gone).toBe(0);
    expect(JSON.parse(story.told.out)).toMatchObject({ name: "intrusion-zone-3", params: { seconds: 60 } });
    const state = await call(`${ready.control}/state/perimeter-panel`);
    expect(state.body["signals"]).toMatchObject({ "zone-3-alarm": { value: true } });

    const second = start(address, []);
    expect(await second.gone).toBe(2);
    expect(second.told.err).toContain(`${address} is in use; set PARKHUB_SIM`);

    const unknown = start(address, ["flood"]);
    expect(await unknown.gone).toBe(2);
    expect(unknown.told.err).toContain("expected demo-park or a scenario (alarm-storm");

    sim.child.kill("SIGTERM");
    expect(await sim.gone).toBe(0);
  }, 60_000);
});
