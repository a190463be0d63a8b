import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Type } from "typebox";
import { afterAll, describe, expect, it } from "vitest";
import { compileBundle } from "#config/compile-bundle.ts";
import { brokerAddress, readEnvironment } from "#config/environment.ts";
import { loadSite } from "#config/load-site.ts";
import { fillParameters, resolveReferences } from "#config/references.ts";
import type { ProtocolSchemas } from "#config/site-files.ts";
import { YamlFile } from "#config/yaml-file.ts";
import { Bundle } from "#core/contracts/bundle.ts";
import { ConfigError } from "#core/errors.ts";
import { driverByKind } from "#protocols/registry.ts";

const closed = { additionalProperties: false };
const echo: ProtocolSchemas = {
  config: Type.Object({ pollMs: Type.Integer({ minimum: 10 }) }, closed),
  device: Type.Object({ host: Type.String(), port: Type.Integer() }, closed),
  address: Type.Object({ register: Type.Integer({ minimum: 0 }) }, closed),
};
const fixtures = path.join(import.meta.dirname, "../../fixtures/config");
const root = path.join(import.meta.dirname, "../../..");

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.slice(text.indexOf("broken-site")));
    throw error;
  }
  return [];
}

describe("a wrong site", () => {
  const problems = problemsOf(() =>
    loadSite(path.join(fixtures, "broken-site"), path.join(fixtures, "no-profiles"), new Map([["echo", echo]])),
  );
  const expected = [
    'broken-site/site.yaml:8:25 /spaces/1/parent expected the id of a space, got "nowhere"',
    "broken-site/gateways/gw-1.yaml:6:46 /channels/0/config/pollMs expected at least 10, got 5",
    'broken-site/gateways/gw-1.yaml:7:28 /channels/1/protocol expected one of echo, got "profibus"',
    "broken-site/devices/all.yaml:9:34 /devices/0/config/prot expected one of host, port, got this name",
    "broken-site/devices/all.yaml:9:13 /devices/0/config/port expected a value, got nothing",
    "broken-site/devices/all.yaml:11:85 /devices/0/points/0/address/register expected at least 0, got -1",
    'broken-site/devices/all.yaml:12:15 /devices/0/points/1/id expected a point id used once in its device, got "t"',
    'broken-site/devices/all.yaml:13:16 /devices/1/gateway expected the id of a gateway file, got "gw-2"',
    'broken-site/alarms/all.yaml:5:38 /alarms/0/condition/point expected a point, got "gw-1/ahu/nothing"',
    'broken-site/site.yaml:12:51 /zones/0/partition expected the id of a partition, got "inner"',
    'broken-site/site.yaml:12:99 /zones/0/camera expected a device, got "gw-1/cam-9"',
    "broken-site/devices/twin.yaml:11:84 /devices/0/alarms/0/condition/device expected one of type, condition, got this name",
    'broken-site/alarms/all.yaml:11:31 /alarms/1/condition/device expected a device, got "gw-1/panel"',
    'broken-site/site.yaml:14:42 /doors/0/space expected the id of a space, got "porch"',
    'broken-site/site.yaml:14:86 /doors/0/mode expected a point of the door\'s controller, got "gw-1/pair/heat"',
    'broken-site/site.yaml:14:121 /doors/0/physicalState expected a point, got "gw-1/ahu/leaf"',
    'broken-site/site.yaml:14:121 /doors/0/camera expected a device, got "gw-1/cam-9"',
    'broken-site/rules/all.yaml:6:44 /rules/0/when/definition expected the id of a definition, got "nothing"',
    'broken-site/rules/all.yaml:6:64 /rules/0/when/partition expected the id of a partition, got "attic"',
    'broken-site/rules/all.yaml:6:77 /rules/0/when/zone expected the id of a zone, got "gate-9"',
    'broken-site/rules/all.yaml:14:5 /rules/1 step 1 (releaseEscapeDoors): space expected a space with escape doors, got "attic"',
    'broken-site/rules/all.yaml:14:5 /rules/1 step 2 (controlDoor): door expected the id of a door, got "back"',
  ];
  it.each(expected)("tells %s", (line) => {
    expect(problems.map((text) => text.replace(/:\d+ /, ": "))).toContain(line.replace(/:\d+ /, ": "));
  });
  it("names the known actions when a rule uses an unknown one", () => {
    expect(problems.join("\n")).toMatch(
      /rules\/all\.yaml:8:\d+ \/rules\/0\/then\/0\/action expected one of .*snapshot.*, got "openSesame"/,
    );
  });
  it("tells every fault at once and nothing else", () => {
    expect(problems).toHaveLength(expected.length + 1);
  });
});

describe("a YAML file", () => {
  it("tells where its syntax is broken", () => {
    const problems: string[] = [];
    expect(YamlFile.parse("a: 1\nb: [1, 2\nc: 3\n", "x.yaml", problems)).toBeUndefined();
    expect(problems[0]).toMatch(/^x\.yaml:\d+:\d+ \/ expected valid YAML, got: /);
  });
  it("reports only the branch of a union that was meant", () => {
    const problems: string[] = [];
    const schema = Type.Object({
      when: Type.Union([
        Type.Object({ type: Type.Literal("time"), from: Type.String() }, closed),
        Type.Object({ type: Type.Literal("point"), point: Type.String() }, closed),
      ]),
    });
    YamlFile.parse("when:\n  type: point\n  piont: x\n", "x.yaml", problems)?.check(schema, problems);
    expect(problems).toEqual([
      "x.yaml:1:1 /when/point expected a value, got nothing",
      "x.yaml:3:3 /when/piont expected one of type, point, got this name",
    ]);
  });
  it("that is missing is told as a problem, not thrown", () => {
    const problems: string[] = [];
    expect(YamlFile.read("/nonexistent/x.yaml", "x.yaml", problems)).toBeUndefined();
    expect(problems).toEqual(["x.yaml:1:1 / expected a readable file, got ENOENT"]);
  });
});

describe("references", () => {
  const sources = {
    secret: (name: string) => (name === "cam" ? "pw" : undefined),
    simPort: (name: string) => (name === "ahu-1" ? 47808 : undefined),
  };
  it("become secrets, ports as numbers, and ports inside a text", () => {
    const section = {
      password: "secret:cam",
      port: "${sim:ahu-1}",
      url: "http://127.0.0.1:${sim:ahu-1}/x",
      list: ["${sim:ahu-1}"],
      n: null,
    };
    expect(resolveReferences(section, sources)).toEqual({
      password: "pw",
      port: 47808,
      url: "http://127.0.0.1:47808/x",
      list: [47808],
      n: null,
    });
  });
  it("of a server's certificate become its thumbprint", () => {
    const told = { ...sources, simPort: (name: string) => (name === "panel-thumbprint" ? "ab".repeat(20) : undefined) };
    expect(resolveReferences({ pin: "${sim:panel-thumbprint}" }, told)).toEqual({ pin: "ab".repeat(20) });
  });
  it("that are unknown are refused by name", () => {
    expect(() => resolveReferences({ a: "secret:door" }, sources)).toThrow('secret "door" is not known here');
    expect(() => resolveReferences(["${sim:ahu-9}"], sources)).toThrow('simulated device "ahu-9" is not known here');
  });
});

describe("parameters of a profile", () => {
  it("are filled into every text of a section, and a missing one is told by name", () => {
    const section = { nodeId: "ns=2;s=${root}.floor", list: ["${root}", 1], port: "${sim:ahu-1}" };
    expect(fillParameters(section, { root: "lift-2" })).toEqual({
      nodeId: "ns=2;s=lift-2.floor",
      list: ["lift-2", 1],
      port: "${sim:ahu-1}",
    });
    expect(() => fillParameters(section, {})).toThrow('parameter "root" is not known here');
  });
});

describe("the environment", () => {
  it("has defaults", () => {
    expect(readEnvironment({})).toMatchObject({ PARKHUB_HTTP: "127.0.0.1:8080", PARKHUB_MQTT: "127.0.0.1:1884" });
  });
  it("tells every wrong variable and every unknown name of ours at once", () => {
    const read = () =>
      readEnvironment({ PARKHUB_HTTP: "8080", PARKHUB_ADMIN_PASSWORD: "short", PARKHUB_HTPP: "x", PATH: "/bin" });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/PARKHUB_HTTP expected text like/);
    expect(read).toThrow(/PARKHUB_ADMIN_PASSWORD expected at least 12/);
    expect(read).toThrow(/PARKHUB_HTPP expected one of/);
  });
  it("tells which server URL is wrong, and never the password in it", () => {
    const read = () =>
      readEnvironment({ PARKHUB_POSTGRES_URL: "mysql://hub:hush-hush@h/x", PARKHUB_REDIS_URL: "here" });
    expect(read).toThrow(/PARKHUB_POSTGRES_URL expected postgres:/);
    expect(read).toThrow(/PARKHUB_REDIS_URL expected redis:/);
    expect(read).not.toThrow(/hush-hush/);
  });
  it("sends gateways to the external broker where there is one", () => {
    expect(brokerAddress(readEnvironment({}))).toEqual({ host: "127.0.0.1", port: 1884 });
    const external = readEnvironment({ PARKHUB_BROKER_URL: "mqtts://hub:x@broker.example" });
    expect(brokerAddress(external)).toEqual({ host: "broker.example", port: 8883 });
  });
});

describe("the demo park", () => {
  const load = () =>
    loadSite(path.join(root, "config/sites/demo-park"), path.join(root, "config/profiles"), driverByKind);
  const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-site-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it("loads without a problem and has at least 500 points of five protocols", () => {
    const site = load();
    expect(site.points.length).toBeGreaterThanOrEqual(500);
    expect(new Set(site.devices.map((device) => device.protocol)).size).toBe(5);
  });
  it("fills a profile's parameters in, for each device its own", () => {
    const floors = load().points.filter(({ id }) => id.endsWith("/floor"));
    expect(floors.map(({ address }) => address)).toEqual([
      { nodeId: "nsu=urn:parkhub:simulator:building-services;s=lift-1.floor" },
      { nodeId: "nsu=urn:parkhub:simulator:building-services;s=lift-2.floor" },
    ]);
  });
  it("gives doors and field conditions the full ids of what they name", () => {
    const site = load();
    expect(site.doors?.find(({ id }) => id === "door-2")).toMatchObject({
      device: "demo-park/gw-1/door-controller",
      mode: "demo-park/gw-1/door-controller/door-2-mode",
      camera: "demo-park/gw-1/cam-3",
    });
    expect(site.alarms.find(({ id }) => id === "fire-panel.mains-fault")?.condition).toEqual({
      type: "field",
      device: "demo-park/gw-1/fire-panel",
      condition: "nsu=urn:parkhub:simulator:fire-panel;s=fire-panel/mains-fault",
    });
  });
  it("gives a gateway its spaces, and only the doors of its own controllers", () => {
    const site = load();
    const [door] = site.doors ?? [];
    if (door === undefined) throw new Error("no door");
    const far = { ...door, id: "door-9", device: "demo-park/gw-2/door-controller" };
    const bundle = compileBundle({ ...site, doors: [...(site.doors ?? []), far] }, "gw-1", 1, new Set());
    expect(bundle.doors?.map(({ id }) => id)).toEqual(["door-1", "door-2", "door-3"]);
    expect(bundle.spaces).toEqual(site.spaces);
  });
  it("compiles to a bundle that fits its contract and holds no secret", () => {
    const site = load();
    const bundle = compileBundle(site, "gw-1", 1, new Set(site.rules.map((rule) => rule.id)));
    const problems: string[] = [];
    const file = path.join(folder, "bundle.yaml");
    writeFileSync(file, JSON.stringify(bundle));
    YamlFile.read(file, "bundle.yaml", problems)?.check(Bundle, problems);
    expect(problems).toEqual([]);
    expect(bundle.points).toHaveLength(site.points.length);
    const passwords = bundle.devices.flatMap(({ config }) => {
      const { password } = config as { password?: unknown };
      return password === undefined ? [] : [password];
    });
    expect(passwords.length).toBeGreaterThan(0);
    expect(passwords.every((password) => String(password).startsWith("secret:"))).toBe(true);
  });
});
