import { readdirSync } from "node:fs";
import path from "node:path";
import { Value as Schema } from "typebox/value";
import { describe, expect, it } from "vitest";
import { loadSite } from "#config/load-site.ts";
import { Bootstrap } from "#config/schema/bootstrap.ts";
import type { ProtocolSchemas } from "#config/site-files.ts";
import { YamlFile } from "#config/yaml-file.ts";
import { actionByKind } from "#core/linkage/actions/index.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import { unitById } from "#core/units.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import { type ModbusAddress, modbus } from "#protocols/modbus/index.ts";
import { onvif } from "#protocols/onvif/index.ts";
import type { Signal, SimulatedDevice } from "#simulators/device.ts";
import { buildDevices } from "#simulators/park-devices.ts";
import { BACNET_INSTANCES, powerMeterMapOf } from "#simulators/park-network.ts";
import { loadScenarios } from "#simulators/scenario.ts";
import { bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { modbusMapOf } from "#simulators/servers/modbus.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const folder = path.join(root, "config/sites/demo-park");
const protocols = new Map<string, ProtocolSchemas>([bacnet, modbus, onvif].map((d) => [d.kind, d]));
const site = loadSite(folder, path.join(root, "config/profiles"), protocols);
const START = Date.UTC(2026, 4, 12, 0, 0, 0);
const park = buildDevices(1, () => START);
const devices: readonly SimulatedDevice[] = [
  ...park.bacnet,
  park.panel,
  park.lighting,
  ...park.powerMeters,
  ...park.cameras,
];
const slot = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** What only the hub knows of a camera: no signal of the device. */
const FOUND_BY_THE_HUB = ["online", "clock-offset"];

function deviceOf(id: string): SimulatedDevice {
  const found = devices.find((device) => device.id === slot(id));
  if (found === undefined) throw new Error(`no simulated device for ${id}`);
  return found;
}

const pointsOf = (device: string) => site.points.filter(({ id }) => id.startsWith(`${device}/`));

/** Where the simulator serves each signal of a device, in the words of the driver's address. */
function served(device: SimulatedDevice, protocol: string): ReadonlyMap<string, unknown> {
  if (protocol === "bacnet") return new Map(Object.entries(bacnetObjectsOf(device)));
  if (protocol === "onvif") {
    const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const names = [...device.signals.map(({ name }) => name).filter((name) => name !== "light"), ...FOUND_BY_THE_HUB];
    return new Map(names.map((name) => [name, { signal: camel(name) }]));
  }
  const map = device.id.startsWith("power-meter-") ? powerMeterMapOf(device) : modbusMapOf(device);
  return new Map(
    map.map(({ signal, table, register, type, wordOrder, bit }) => [
      signal,
      {
        table,
        register,
        type,
        ...(wordOrder === undefined ? {} : { wordOrder }),
        ...(bit === undefined ? {} : { bit }),
      } satisfies ModbusAddress,
    ]),
  );
}

/** Looks at one alarm's condition in the simulated device itself. */
class Watch {
  readonly id: string;
  readonly device: string;
  raised = false;
  readonly #alarm: AlarmDefinition;
  readonly #signal: string;
  #since: number | undefined;

  constructor(alarm: AlarmDefinition) {
    const { condition } = alarm;
    const [, , device = "", signal = ""] = ("point" in condition ? condition.point : condition.device).split("/");
    this.id = alarm.id;
    this.device = device;
    this.#alarm = alarm;
    this.#signal = signal;
  }

  look(device: SimulatedDevice, now: number): void {
    if (this.#holds(device)) this.#since ??= now;
    else this.#since = undefined;
    if (this.#since !== undefined && now - this.#since >= (this.#alarm.onDelayMs ?? 0)) this.raised = true;
  }

  #holds(device: SimulatedDevice): boolean {
    const { condition } = this.#alarm;
    const value = device.read(this.#signal);
    switch (condition.type) {
      case "equals":
        return value === condition.value;
      case "above":
        return Number(value) > condition.limit;
      case "below":
        return Number(value) < condition.limit;
      default:
        return false;
    }
  }
}

describe.each(site.devices.map((device) => [slot(device.id), device] as const))("%s of the demo park", (_, device) => {
  const simulated = deviceOf(device.id);
  const addresses = served(simulated, device.protocol);
  const points = pointsOf(device.id);

  it("has every point at the address at which the simulator serves that signal", () => {
    const configured = Object.fromEntries(points.map((point) => [slot(point.id), point.address]));
    expect(configured).toEqual(Object.fromEntries(addresses));
  });

  it("has points of the signal's kind, unit, states and range", () => {
    const signals = new Map(simulated.signals.map((signal): [string, Signal] => [signal.name, signal]));
    for (const point of points) {
      const signal = signals.get(slot(point.id));
      if (signal === undefined) {
        expect(FOUND_BY_THE_HUB).toContain(slot(point.id));
        continue;
      }
      const { kind, unit, writable } = signal;
      expect({ id: point.id, kind: point.kind, unit: point.unit, writable: point.writable }).toEqual({
        id: point.id,
        kind,
        unit,
        writable,
      });
      if (unit !== undefined) expect(unitById(unit), unit).toBeDefined();
      if (signal.states !== undefined) {
        expect(point.states?.map(({ name, nameEn }) => [name, nameEn])).toEqual(signal.states);
      }
      if (writable && kind === "number") expect([point.min, point.max]).toEqual([signal.min, signal.max]);
    }
  });

  it("shows no two objects of one name", () => {
    const labels = simulated.signals.map(({ label }) => label);
    expect(new Set(labels).size).toBe(labels.length);
  });
});

describe("demo park", () => {
  it("has more than 380 points on three protocols", () => {
    expect(site.points.length).toBeGreaterThan(380);
    expect(new Set(site.devices.map(({ protocol }) => protocol))).toEqual(new Set(["bacnet", "modbus", "onvif"]));
  });

  it("asks BACnet devices under the instance and cameras under the serial number they have", () => {
    for (const device of site.devices) {
      const config = device.config as Readonly<Record<string, unknown>>;
      if (device.protocol === "bacnet") expect(config["instance"]).toBe(BACNET_INSTANCES[slot(device.id)]);
      if (device.protocol === "onvif") expect(config["serialNumber"]).toBe(`SIM-${slot(device.id)}`);
    }
  });

  it("looks at each perimeter zone with a camera that has the zone's preset, and lights it", () => {
    const zones = site.zones.filter(({ kind }) => kind === "perimeter");
    expect(zones.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `zone-${n}`));
    for (const zone of zones) {
      const camera = park.cameras.find(({ id }) => id === slot(zone.camera ?? ""));
      expect(camera?.presets.map(({ token }) => token)).toContain(zone.preset);
      expect(site.points.find(({ id }) => id === zone.light)?.writable).toBe(true);
    }
    expect(zones.find(({ id }) => id === "zone-3")?.camera).toBe("demo-park/gw-1/cam-3");
  });

  it("has for each perimeter zone an urgent intrusion alarm and alarms of tamper, open and short loops", () => {
    for (let n = 1; n <= 8; n++) {
      const alarms = site.alarms.filter(({ zone }) => zone === `zone-${n}`);
      expect(alarms.map(({ id, category }) => [id, category])).toEqual([
        [`zone-${n}-intrusion`, "intrusion"],
        [`zone-${n}-tamper`, "tamper"],
        [`zone-${n}-open`, "tamper"],
        [`zone-${n}-short`, "tamper"],
      ]);
      expect(alarms[0]?.priority).toBe("urgent");
      expect(alarms[0]?.condition).toMatchObject({ point: `demo-park/gw-1/perimeter-panel/zone-${n}-alarm` });
    }
  });

  it("fills every step of its rules from every zone the rule is for", () => {
    for (const rule of site.rules) {
      const { when } = rule;
      const zones = site.zones.filter(({ kind }) => "zoneKind" in when && kind === when.zoneKind);
      expect(zones.length).toBeGreaterThan(0);
      for (const zone of zones) {
        for (const step of rule.then) {
          const from = { "zone.camera": zone.camera, "zone.preset": zone.preset, "zone.light": zone.light };
          const params = Object.fromEntries(
            Object.entries(step.params).map(([key, value]) => [
              key,
              value !== null && typeof value === "object" ? from[value.from] : value,
            ]),
          );
          const action = actionByKind.get(step.action);
          expect(action && Schema.Check(action.params, params), `${rule.id} ${step.action} ${zone.id}`).toBe(true);
        }
      }
    }
  });

  it("has a bootstrap file for its gateway that names only variables and the relay", () => {
    const problems: string[] = [];
    const file = YamlFile.read(path.join(folder, "bootstrap/gw-1.yaml"), "gw-1.yaml", problems);
    const bootstrap = file?.check(Bootstrap, problems);
    expect(problems).toEqual([]);
    expect(bootstrap).toMatchObject({ site: site.site, gateway: "gw-1", broker: "mqtt://127.0.0.1:${sim:relay}" });
  });

  it("uses every profile it has", () => {
    const profiles = readdirSync(path.join(root, "config/profiles")).map((name) => name.replace(".yaml", ""));
    const text = readdirSync(path.join(folder, "devices")).map(
      (name) =>
        YamlFile.read(path.join(folder, "devices", name), name, [])?.value as { devices: { profile: string }[] },
    );
    const used = new Set(text.flatMap((file) => file.devices.map(({ profile }) => profile)));
    expect([...used].sort()).toEqual(profiles.sort());
  });

  it("has an alarm for every condition that the alarm storm raises", () => {
    const storm = loadScenarios().get("alarm-storm")?.steps[0];
    const patterns = (storm?.do === "storm" ? storm.signals : []).map((pattern) => new RegExp(pattern));
    const conditions = devices
      .flatMap(({ id, signals }) => signals.map(({ name }) => `${id}/${name}`))
      .filter((condition) => patterns.some((pattern) => pattern.test(condition)));
    const alarmed = new Set(site.alarms.map(({ condition }) => "point" in condition && condition.point));
    expect(conditions.length).toBeGreaterThan(60);
    expect(conditions.filter((condition) => !alarmed.has(`demo-park/gw-1/${condition}`))).toEqual([]);
  });

  // A working day in May, the hottest weekend of July and a cold day in January, each begun at another hour.
  it.each([Date.UTC(2026, 4, 12, 0, 0, 0), Date.UTC(2026, 6, 18, 7, 0, 0), Date.UTC(2026, 0, 15, 18, 0, 0)])(
    "has no alarm on a day on which nothing happens, begun at %d",
    (start) => {
      const quiet = buildDevices(1, () => start);
      const devices = [...quiet.bacnet, quiet.panel, quiet.lighting, ...quiet.powerMeters];
      const byId = new Map(devices.map((device) => [device.id, device]));
      const watches = site.alarms.flatMap((alarm) => {
        const watch = new Watch(alarm);
        const device = byId.get(watch.device);
        return device === undefined ? [] : [{ watch, device }];
      });
      for (let now = start; now < start + 24 * 3_600_000; now += 20_000) {
        for (const device of devices) device.step(20, now);
        for (const { watch, device } of watches) watch.look(device, now);
      }
      expect(watches.length).toBeGreaterThan(90);
      expect(watches.filter(({ watch }) => watch.raised).map(({ watch }) => watch.id)).toEqual([]);
    },
  );
});
