import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadSite } from "#config/load-site.ts";
import { resolveReferences } from "#config/references.ts";
import { schemaProblems } from "#config/yaml-file.ts";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { DOOR_MODES } from "#core/model/door.ts";
import type { DriverDescriptor, ProtocolDriver } from "#protocols/driver.ts";
import { driverByKind } from "#protocols/registry.ts";
import { conditionNameOf } from "#simulators/servers/opcua.ts";
import { type Recording, recordDriver } from "#tests/contract/driver-contract.ts";
import { Program } from "#tests/program.ts";
import { type DeskPark, dataFolder, parkOnADesk } from "#tests/unit/simulators/park-on-a-desk.ts";
import { call, json } from "./simulators-call.ts";

const root = path.resolve(import.meta.dirname, "../..");
const never = new AbortController().signal;

describe("the demo park's own gateway drivers", () => {
  const site = loadSite(path.join(root, "config/sites/demo-park"), path.join(root, "config/profiles"), driverByKind);
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
      const descriptor = driverByKind.get(protocol);
      if (descriptor === undefined) throw new Error(`no driver ${protocol}`);
      const recording = recordDriver({ folder: path.join(park.dataDir, "drivers", id) });
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
    await expect.poll(notGood, { timeout: 30_000 }).toEqual([]);
  }, 40_000);

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

  it("hear of a fire as a condition of its panel, let people out, and give the panel its acknowledgement", async () => {
    const panel = deviceId("demo-park/gw-1/fire-panel");
    const condition = conditionNameOf("fire-panel", "fire-panel", "zone-b1-fire");
    const { driver, recording } = channel("opcua-1");
    const told = () =>
      recording.conditions.flatMap(({ conditions }) => conditions).findLast((one) => one.condition === condition);
    park.scenario("fire-building-b", { seconds: 60 });
    await expect.poll(told, { timeout: 10_000 }).toMatchObject({ device: panel, active: true, acknowledged: false });
    await expect.poll(() => park.value("lift-2", "mode"), { timeout: 5000 }).toBe(3);
    expect(park.value("lift-1", "mode")).toBe(1);

    const controller = deviceId("demo-park/gw-1/door-controller");
    for (const door of ["door-2", "door-3"]) {
      const released = await channel("onvif-1").driver.act(
        { device: controller, action: "doorControl", params: { door, operation: "lockOpen" } },
        never,
      );
      expect(released).toMatchObject({ status: "done" });
      expect(park.value("door-controller", `${door}-mode`)).toBe(DOOR_MODES.indexOf("LockedOpen") + 1);
    }
    expect(park.value("door-controller", "door-1-mode")).toBe(DOOR_MODES.indexOf("Locked") + 1);
    const fan = pointId("demo-park/gw-1/ahu-2/supply-fan-command");
    expect(await channel("bacnet-1").driver.write({ point: fan, value: false, priority: 2 }, never)).toMatchObject({
      status: "done",
    });
    await expect.poll(() => park.value("ahu-2", "supply-fan-status")).toBe(false);

    const acknowledged = await driver.act(
      { device: panel, action: "acknowledgeCondition", params: { condition, comment: "seen" } },
      never,
    );
    expect(acknowledged).toMatchObject({ status: "done" });
    await expect.poll(told).toMatchObject({ active: true, acknowledged: true });
    const acts = park.field.recorder.after(0, 100_000).items.filter(({ type }) => type === "action");
    expect(acts.map(({ detail }) => detail)).toContain("zone-b1-fire acknowledged: seen");

    park.field.scenarios.stop("fire-building-b");
    await expect.poll(() => park.value("fire-panel", "fire")).toBe(false);
    await expect.poll(told, { timeout: 10_000 }).toMatchObject({ active: false });
    await expect.poll(() => park.value("lift-2", "mode")).toBe(1);
    await channel("bacnet-1").driver.write({ point: fan, value: null, priority: 2 }, never);
    for (const door of ["door-2", "door-3"]) {
      for (const operation of ["lockOpenRelease", "lock"]) {
        const request = { device: controller, action: "doorControl", params: { door, operation } };
        expect(await channel("onvif-1").driver.act(request, never)).toMatchObject({ status: "done" });
      }
    }
  }, 60_000);

  it("hear of a forced door and of a report of the burglar panel", async () => {
    const alarm = pointId("demo-park/gw-1/door-controller/door-2-alarm");
    park.scenario("door-forced-2", { seconds: 60 });
    await expect.poll(() => channel("onvif-1").recording.latest(alarm)?.value, { timeout: 10_000 }).toBe(1);
    park.field.scenarios.stop("door-forced-2");
    await expect.poll(() => channel("onvif-1").recording.latest(alarm)?.value, { timeout: 10_000 }).toBe(0);
    const tamper = pointId("demo-park/gw-1/burglar-panel/zone-1-tamper");
    park.field.set("burglar-panel", "zone-1-tamper", true);
    await expect.poll(() => channel("sia-1").recording.latest(tamper)?.value, { timeout: 10_000 }).toBe(true);
    park.field.set("burglar-panel", "zone-1-tamper", false);
    await expect.poll(() => channel("sia-1").recording.latest(tamper)?.value, { timeout: 10_000 }).toBe(false);
  }, 60_000);

  it("call a lift by a method of its server, and read back a set point of the pumps", async () => {
    const root = "nsu=urn:parkhub:simulator:building-services;s=lift-1";
    const { driver } = channel("opcua-1");
    const called = await driver.act(
      {
        device: deviceId("demo-park/gw-1/lift-1"),
        action: "callMethod",
        params: { object: root, method: `${root}.CallToFloor`, floor: 3 },
      },
      never,
    );
    expect(called).toMatchObject({ status: "done" });
    await expect.poll(() => park.value("lift-1", "call-floor")).toBe(3);
    const point = pointId("demo-park/gw-1/pump-station/pressure-setpoint");
    expect(await driver.write({ point, value: 420, priority: 8 }, never)).toMatchObject({
      status: "done",
      readBack: 420,
    });
    expect(park.value("pump-station", "pressure-setpoint")).toBe(420);
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

describe("npm run sim", () => {
  const folder = dataFolder();
  const running: Program[] = [];
  afterEach(async () => {
    for (const one of running.splice(0)) await one.kill();
  });
  afterAll(() => folder.remove());

  function start(address: string, args: readonly string[]): Program {
    const env = { PARKHUB_DATA: folder.dataDir, PARKHUB_SIM: address };
    const one = Program.start(["simulators/main.ts", ...args], { env });
    running.push(one);
    return one;
  }

  it("says when it is ready, plays a scenario on request, names a taken port, and ends on SIGTERM", async () => {
    const sim = start("127.0.0.1:0", ["demo-park"]);
    const [told] = await sim.line(/^\{.*\}$/, 120_000);
    const ready = JSON.parse(told) as { ready: boolean; control: string; points: number };
    expect(ready.ready).toBe(true);
    expect(ready.points).toBeGreaterThan(380);
    const address = ready.control.replace("http://", "");

    const story = start(address, ["intrusion-zone-3", "seconds=60"]);
    expect(await story.ended, story.err).toBe(0);
    expect(JSON.parse(story.out)).toMatchObject({ name: "intrusion-zone-3", params: { seconds: 60 } });
    const state = await call(`${ready.control}/state/perimeter-panel`);
    expect(state.body["signals"]).toMatchObject({ "zone-3-alarm": { value: true } });

    const second = start(address, []);
    expect(await second.ended).toBe(2);
    expect(second.err).toContain(`${address} is in use; set PARKHUB_SIM`);

    const unknown = start(address, ["flood"]);
    expect(await unknown.ended).toBe(2);
    expect(unknown.err).toContain("expected demo-park or a scenario (alarm-storm");

    sim.signal("SIGTERM");
    expect(await sim.ended, sim.err).toBe(0);
  }, 300_000);
});
