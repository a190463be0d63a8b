import { readdirSync } from "node:fs";
import path from "node:path";
import { Value as Schema } from "typebox/value";
import { describe, expect, it } from "vitest";
import { loadSite } from "#config/load-site.ts";
import { Bootstrap } from "#config/schema/bootstrap.ts";
import { YamlFile } from "#config/yaml-file.ts";
import { type Judge, judgeOf } from "#core/alarm/judge.ts";
import { pointsOf, sourceOf } from "#core/alarm/operands.ts";
import { pointId } from "#core/ids.ts";
import { actionByKind } from "#core/linkage/actions/index.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { Sample } from "#core/model/sample.ts";
import { unitById } from "#core/units.ts";
import { DOOR_STATES, type DoorSignal } from "#protocols/onvif/vocabulary.ts";
import { driverByKind } from "#protocols/registry.ts";
import type { Signal, SimulatedDevice } from "#simulators/device.ts";
import { buildDevices } from "#simulators/park-devices.ts";
import { BACNET_INSTANCES, BURGLAR_ACCOUNT } from "#simulators/park-network.ts";
import { OPCUA_MAPPINGS } from "#simulators/park-opcua.ts";
import { loadScenarios } from "#simulators/scenario.ts";
import { bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { conditionNameOf, opcuaUri } from "#simulators/servers/opcua.ts";
import { allDevices, foundByTheHub, hubValue, opcuaServerOf, served, unpictured } from "./park-served.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const folder = path.join(root, "config/sites/demo-park");
const site = loadSite(folder, path.join(root, "config/profiles"), driverByKind);
const START = Date.UTC(2026, 4, 12, 0, 0, 0);
const park = buildDevices(1, () => START);
const devices = allDevices(park);
const slot = (id: string): string => id.slice(id.lastIndexOf("/") + 1);

/** Profiles of devices that the demo park does not have; tests/contract/modbus-profiles.test.ts runs them. */
const FOR_OTHER_SITES = ["io-module-eol", "pulse-fence"];

function deviceOf(id: string): SimulatedDevice {
  const found = devices.find((device) => device.id === slot(id));
  if (found === undefined) throw new Error(`no simulated device for ${id}`);
  return found;
}

const pointsOfDevice = (device: string) => site.points.filter(({ id }) => id.startsWith(`${device}/`));

/** An address without how it is read: the simulator knows nothing of that. */
function wireAddress(address: unknown): unknown {
  const { poll: _, ...wire } = { poll: undefined, ...Object(address) };
  return wire;
}

/** The signal behind a condition that a device keeps itself: of a BACnet one its object, of an OPC UA one the end of its name. */
function conditionSignal({ device, condition }: { readonly device: string; readonly condition: string }): string {
  const owner = site.devices.find(({ id }) => id === device);
  if (owner?.protocol !== "bacnet") return slot(condition);
  const objects = Object.entries(bacnetObjectsOf(deviceOf(device)));
  const found = objects.find(([, { objectType, instance }]) => `${objectType}:${instance}` === condition);
  if (found === undefined) throw new Error(`${device} has no object ${condition}`);
  return found[0];
}

/** Looks at one alarm's condition in the simulated device itself. */
class Watch {
  readonly id: string;
  readonly device: string;
  raised = false;
  readonly #alarm: AlarmDefinition;
  readonly #protocol: string;
  readonly #judge: Judge | undefined;
  #holding = false;
  #since: number | undefined;

  constructor(alarm: AlarmDefinition) {
    const [name, gateway, device = ""] = sourceOf(alarm.condition).split("/");
    this.id = alarm.id;
    this.device = device;
    this.#alarm = alarm;
    this.#protocol = site.devices.find(({ id }) => id === `${name}/${gateway}/${device}`)?.protocol ?? "";
    this.#judge = judgeOf(alarm.condition, (id) => site.points.find((point) => point.id === id)?.kind);
  }

  look(device: SimulatedDevice, now: number): void {
    this.#holding = this.#holds(device, now);
    if (this.#holding && !this.#suppressed(device)) this.#since ??= now;
    else this.#since = undefined;
    if (this.#since !== undefined && now - this.#since >= (this.#alarm.onDelayMs ?? 0)) this.raised = true;
  }

  #value(device: SimulatedDevice, name: string): Sample["value"] | undefined {
    const signal = device.signals.find((one) => one.name === name);
    // what only the hub knows
    return signal === undefined ? undefined : hubValue(device, this.#protocol, signal);
  }

  #suppressed(device: SimulatedDevice): boolean {
    return (this.#alarm.suppressedBy ?? []).some(
      (by) => "point" in by && this.#value(device, slot(by.point)) === by.equals,
    );
  }

  #holds(device: SimulatedDevice, now: number): boolean {
    const { condition } = this.#alarm;
    if (condition.type === "field") return this.#value(device, conditionSignal(condition)) === true;
    const verdicts = pointsOf(condition).map((point) => {
      const value = this.#value(device, slot(point));
      if (value === undefined) return "unknown";
      return this.#judge?.take({ point: pointId(point), value, quality: "good", observedAt: now }, this.#holding, now);
    });
    return verdicts.at(-1) === true;
  }
}

describe.each(site.devices.map((device) => [slot(device.id), device] as const))("%s of the demo park", (_, device) => {
  const simulated = deviceOf(device.id);
  const addresses = served(simulated, device.protocol);
  const points = pointsOfDevice(device.id);

  it("has every point at the address at which the simulator serves that signal", () => {
    const configured = Object.fromEntries(points.map((point) => [slot(point.id), wireAddress(point.address)]));
    expect(configured).toEqual(Object.fromEntries(addresses));
  });

  it("has points of the signal's kind, unit, states and range", () => {
    const signals = new Map(simulated.signals.map((signal): [string, Signal] => [signal.name, signal]));
    for (const point of points) {
      const signal = signals.get(slot(point.id));
      if (signal === undefined) {
        expect(foundByTheHub(simulated.id)).toContain(slot(point.id));
        continue;
      }
      if (simulated.id === "door-controller") {
        // every state of a door is one of the standard's own list
        const { signal: state } = point.address as { signal: DoorSignal };
        expect([point.kind, point.states?.length]).toEqual(["enum", DOOR_STATES[state].length]);
        continue;
      }
      const { kind, unit } = signal;
      // a panel only reports
      const writable = signal.writable && device.protocol !== "sia-dc09";
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
  it("has 500 to 750 points on five protocols", () => {
    expect(site.points.length).toBeGreaterThan(500);
    expect(site.points.length).toBeLessThanOrEqual(750);
    expect(new Set(site.devices.map(({ protocol }) => protocol))).toEqual(
      new Set(["bacnet", "modbus", "onvif", "opcua", "sia-dc09"]),
    );
  });

  it("asks devices under the instance, serial number, account or certificate they have", () => {
    for (const device of site.devices) {
      const config = device.config as Readonly<Record<string, unknown>>;
      if (device.protocol === "bacnet") expect(config["instance"]).toBe(BACNET_INSTANCES[slot(device.id)]);
      if (device.protocol === "onvif") expect(config["serialNumber"]).toBe(`SIM-${slot(device.id)}`);
      if (device.protocol === "sia-dc09") expect(config["account"]).toBe(BURGLAR_ACCOUNT);
      if (device.protocol === "opcua") {
        const server = opcuaServerOf(slot(device.id));
        expect(config).toMatchObject({
          endpointUrl: `opc.tcp://127.0.0.1:\${sim:${server}}`,
          applicationUri: opcuaUri(server),
          serverThumbprint: `\${sim:${server}-thumbprint}`,
        });
      }
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

  it("takes over every condition of its fire panel, and each fire as an urgent alarm of its zone", () => {
    const conditions = (OPCUA_MAPPINGS["fire-panel"]?.conditions ?? []).map(({ signal }) =>
      conditionNameOf("fire-panel", "fire-panel", signal),
    );
    const alarms = site.alarms.flatMap((alarm) =>
      alarm.condition.type === "field" && alarm.condition.device === "demo-park/gw-1/fire-panel"
        ? [{ ...alarm, condition: alarm.condition }]
        : [],
    );
    expect(alarms.map(({ condition }) => condition.condition).sort()).toEqual(conditions.sort());
    const fires = alarms.filter(({ category }) => category === "fire");
    const zones = site.zones.filter(({ kind }) => kind === "fire").map(({ id }) => id);
    expect(fires.map(({ zone, priority }) => [zone, priority])).toEqual(zones.map((zone) => [zone, "urgent"]));
  });

  it("allows only methods that the OPC UA servers have, with their arguments", () => {
    for (const device of site.devices.filter(({ protocol }) => protocol === "opcua")) {
      const id = slot(device.id);
      const root = `nsu=${opcuaUri(opcuaServerOf(id))};s=${id}`;
      const methods = OPCUA_MAPPINGS[id]?.methods ?? [];
      const { methods: allowed = [] } = device.config as { methods?: { object: string; method: string }[] };
      expect(allowed.map(({ object, method }) => [object, method])).toEqual(
        methods.map(({ name }) => [root, `${root}.${name}`]),
      );
    }
  });

  it("has doors that its controller has, two or more escape doors in building B, and a camera on each", () => {
    const doors = site.doors ?? [];
    expect(doors.map(({ token }) => token)).toEqual(park.doors.doors.map(({ token }) => token));
    for (const door of doors) {
      expect(door).toMatchObject({
        device: "demo-park/gw-1/door-controller",
        camera: expect.stringMatching(/cam-[13]$/),
      });
      expect(site.points.find(({ id }) => id === door.mode)?.address).toEqual({ door: door.token, signal: "doorMode" });
      const camera = park.cameras.find(({ id }) => id === slot(door.camera ?? ""));
      expect(camera?.presets.map(({ token }) => token)).toContain(door.preset);
      const { capabilities } = park.doors.doors.find(({ token }) => token === door.token) ?? {};
      if (door.escape === true) expect(capabilities?.lockOpen).toBe(true);
    }
    expect(planSite(doors, site.spaces).escapeDoors("building-b").length).toBeGreaterThanOrEqual(2);
  });

  it("watches the clock of every device that tells it, for both directions", () => {
    const clocks = site.points.filter(({ address }) => (address as { signal?: string }).signal === "clockOffset");
    expect(clocks.length).toBe(park.cameras.length + 1);
    for (const { id } of clocks) {
      const limits = site.alarms.flatMap(({ condition }) =>
        "limit" in condition && condition.point === id ? [[condition.type, condition.limit]] : [],
      );
      expect(limits).toEqual([
        ["above", 5],
        ["below", -5],
      ]);
    }
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
      const zones = site.zones.filter(
        ({ kind, partition }) =>
          ("zoneKind" in when && kind === when.zoneKind) || ("partition" in when && partition === when.partition),
      );
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
    expect([...used, ...FOR_OTHER_SITES].sort()).toEqual(profiles.sort());
  });

  it("has an alarm for every condition that the alarm storm raises", () => {
    const storm = loadScenarios().get("alarm-storm")?.steps[0];
    const patterns = (storm?.do === "storm" ? storm.signals : []).map((pattern) => new RegExp(pattern));
    const conditions = devices
      .flatMap(({ id, signals }) => signals.map(({ name }) => `${id}/${name}`))
      .filter((condition) => patterns.some((pattern) => pattern.test(condition)));
    const alarmed = new Set(
      site.alarms.map(({ condition }) =>
        condition.type === "field"
          ? `${condition.device}/${conditionSignal(condition)}`
          : "point" in condition && condition.point,
      ),
    );
    expect(conditions.length).toBeGreaterThan(60);
    expect(conditions.filter((condition) => !alarmed.has(`demo-park/gw-1/${condition}`))).toEqual([]);
  });

  // A working day in May, the hottest weekend of July and a cold day in January, each begun at another hour.
  it.each([Date.UTC(2026, 4, 12, 0, 0, 0), Date.UTC(2026, 6, 18, 7, 0, 0), Date.UTC(2026, 0, 15, 18, 0, 0)])(
    "has no alarm on a day on which nothing happens, begun at %d",
    (start) => {
      const quiet = buildDevices(1, () => start);
      const devices = unpictured(quiet);
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
      expect(watches.length).toBeGreaterThan(150);
      expect(watches.filter(({ watch }) => watch.raised).map(({ watch }) => watch.id)).toEqual([]);
    },
    // a whole day of all devices: seconds of pure work, and many of them where others work beside it
    120_000,
  );
});
