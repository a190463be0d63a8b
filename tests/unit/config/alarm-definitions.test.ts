import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Type } from "typebox";
import { afterAll, describe, expect, it } from "vitest";
import { compileBundle } from "#config/compile-bundle.ts";
import { loadSite } from "#config/load-site.ts";
import type { Site } from "#config/schema/site.ts";
import { ConfigError } from "#core/errors.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "parkhub-alarms-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const any = { config: Type.Object({}), device: Type.Object({}), address: Type.Object({}) };
const FILES = {
  "site.yaml": `site: park
name: 园区
nameEn: Park
timeZone: Asia/Shanghai
languages: [zh-CN]
spaces: [{ id: park, name: 园区, nameEn: Park, kind: site }]
partitions: []
zones: []
`,
  "gateways/gw-1.yaml":
    "{ gateway: gw-1, name: 网关, nameEn: Gateway, space: park, channels: [{ id: bus, protocol: echo, config: {} }] }",
  "gateways/gw-2.yaml":
    "{ gateway: gw-2, name: 网关, nameEn: Gateway, space: park, channels: [{ id: bus, protocol: echo, config: {} }] }",
  "profiles/pump.yaml": `profile: pump
protocol: echo
kind: pump
points:
  - { id: flow, name: 流量, nameEn: Flow, kind: number, address: {} }
  - { id: running, name: 运行, nameEn: Running, kind: boolean, address: {} }
  - { id: mode, name: 模式, nameEn: Mode, kind: enum, address: {} }
alarms:
  - { id: trip, category: equipment, priority: high, firstOut: stop, latching: true,
      condition: { type: oneOf, point: mode, values: [3, 4] }, message: 跳停, messageEn: trip }
  - { id: no-flow, category: equipment, priority: low, firstOut: stop, autoAcknowledge: true,
      condition: { type: expression, expression: "on && q < 5", points: { q: flow, on: running } },
      suppressedBy: [{ rule: tripped, definition: trip }, { rule: stopped, point: running, equals: false }],
      message: 无流量, messageEn: no flow }
`,
};
const devices = (more = "") => `devices:
  - { gateway: gw-1, id: pump-1, channel: bus, name: 一号泵, nameEn: Pump 1, space: park, profile: pump, config: {} }
  - { gateway: gw-2, id: pump-2, channel: bus, name: 二号泵, nameEn: Pump 2, space: park, profile: pump, config: {} }
${more}`;

function load(alarms: string): Site {
  const files = { ...FILES, "devices/all.yaml": devices(), "alarms/all.yaml": alarms };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return loadSite(folder, path.join(folder, "profiles"), new Map([["echo", any]]));
}

function problems(alarms: string): readonly string[] {
  try {
    load(alarms);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((text) => text.slice(text.indexOf("alarms/")));
    throw error;
  }
}

describe("the alarms of a site", () => {
  it("name what belongs to their device by its full id", () => {
    const { alarms } = load("alarms: []");
    expect(alarms.find(({ id }) => id === "pump-2.no-flow")).toMatchObject({
      condition: { points: { q: "park/gw-2/pump-2/flow", on: "park/gw-2/pump-2/running" } },
      firstOut: "pump-2.stop",
      autoAcknowledge: true,
      suppressedBy: [
        { rule: "tripped", definition: "pump-2.trip" },
        { rule: "stopped", point: "park/gw-2/pump-2/running", equals: false },
      ],
    });
  });

  it("go to the gateway of their points", () => {
    const bundle = compileBundle(load("alarms: []"), "gw-2", 1, new Set());
    expect(bundle.alarms.map(({ id }) => id)).toEqual(["pump-2.trip", "pump-2.no-flow"]);
  });

  it("are not suppressed by one that is switched off", () => {
    const site = load("alarms: []");
    const alarms = site.alarms.map((alarm) => (alarm.id === "pump-1.trip" ? { ...alarm, enabled: false } : alarm));
    const [noFlow, ...others] = compileBundle({ ...site, alarms }, "gw-1", 1, new Set()).alarms;
    expect(others).toEqual([]);
    expect(noFlow?.suppressedBy).toEqual([{ rule: "stopped", point: "park/gw-1/pump-1/running", equals: false }]);
  });

  it.each([
    [
      '{ type: expression, expression: "q + 1", points: { q: gw-1/pump-1/flow } }',
      'alarms/all.yaml:3:48 /alarms/0/condition/expression expected an expression that is true or false (gives double, not bool), got "q + 1"',
    ],
    [
      '{ type: expression, expression: "q > 1", points: { q: gw-1/pump-1/none } }',
      'alarms/all.yaml:3:70 /alarms/0/condition/points/q expected a point, got "gw-1/pump-1/none"',
    ],
    [
      "{ type: deviation, point: gw-1/pump-1/flow, reference: gw-2/pump-2/flow, over: 1, deadband: 0 }",
      'alarms/all.yaml:3:71 /alarms/0/condition/reference expected a point of park/gw-1, as the others, got "gw-2/pump-2/flow"',
    ],
    [
      "{ type: rate, point: gw-1/pump-1/flow, per: minute, windowMs: 10, deadband: 0 }",
      "alarms/all.yaml:3:78 /alarms/0/condition/windowMs expected at least 1000, got 10",
    ],
    [
      "{ type: outside, point: gw-1/pump-1/running, low: 1, high: 2, deadband: 0 }",
      'alarms/all.yaml:3:16 /alarms/0/condition expected points that are numbers, got "gw-1/pump-1/running"',
    ],
  ])("tell what is wrong with file, line and column: %s", (condition, line) => {
    const text = `alarms:
  - { id: a, category: equipment, priority: low, message: 报警, messageEn: Alarm,
    condition: ${condition} }
`;
    const told = problems(text);
    expect(told.map((one) => one.replace(/:\d+ /, " "))).toEqual([line.replace(/:\d+ /, " ")]);
  });

  it("tell what their law forbids", () => {
    const text = `alarms:
  - { id: a, category: intrusion, priority: urgent, message: 报警, messageEn: Alarm,
      condition: { type: equals, point: gw-1/pump-1/running, value: true },
      suppressedBy: [{ rule: night, point: gw-1/pump-1/mode, equals: 1 }] }
`;
    expect(problems(text)).toEqual([
      expect.stringMatching(/^alarms\/all\.yaml:4:\d+ \/alarms\/0\/suppressedBy expected /),
    ]);
  });
});
