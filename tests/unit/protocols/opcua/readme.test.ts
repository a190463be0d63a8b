import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { TSchema } from "typebox";
import { Value as Schema } from "typebox/value";
import { expect, it } from "vitest";
import { deviceId, pointId } from "#core/ids.ts";
import { OpcuaAddress, OpcuaConfig, OpcuaDevice } from "#protocols/opcua/config.ts";
import { newCounters } from "#protocols/opcua/counters.ts";
import { opcua } from "#protocols/opcua/index.ts";
import { OPCUA_ACTIONS } from "#protocols/opcua/vocabulary.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";
import { ServerProcess } from "#tests/fixtures/opcua/server-process.ts";

const readme = readFileSync(new URL("../../../../protocols/opcua/README.md", import.meta.url), "utf8");
const squeezed = readme.replaceAll(/ {2,}/g, " ");

type Section = { readonly properties: Readonly<Record<string, TSchema>> };

function rows(section: Section): readonly string[] {
  return Object.entries(section.properties).map(([name, schema]) => {
    const { default: unless, description }: { default?: unknown; description?: unknown } = { ...schema };
    return `| \`${name}\` | ${unless ?? ""} | ${description} |`.replaceAll(/ {2,}/g, " ");
  });
}

const [nodeAddress, signalAddress] = OpcuaAddress.anyOf;

it.each([
  ["channel", OpcuaConfig],
  ["device", OpcuaDevice],
  ["address of a node", nodeAddress],
  ["address of a signal", signalAddress],
] as const)("the README's table of the %s is the schema's", (_, schema) => {
  expect(squeezed).toContain(rows(schema).join("\n"));
});

it("the README names every counter and every action", () => {
  for (const name of [...Object.keys(newCounters()), ...OPCUA_ACTIONS]) expect(readme).toContain(`\`${name}\``);
});

it("the README's sample is valid and runs", async () => {
  const sample = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "null");
  expect(Schema.Check(OpcuaConfig, sample.config)).toBe(true);
  expect(Schema.Check(OpcuaDevice, sample.device)).toBe(true);
  expect(Schema.Check(OpcuaAddress, sample.address)).toBe(true);
  const server = await ServerProcess.start();
  const recording = recordDriver();
  const driver = await opcua.create(sample.config, recording.deps);
  const point = pointId("park/gw-1/panel/temperature");
  await driver.start(new AbortController().signal);
  const config = { ...sample.device, endpointUrl: server.url };
  await driver.bind([
    { device: deviceId("park/gw-1/panel"), config, points: [{ point, address: sample.address, writable: false }] },
  ]);
  await expect.poll(() => recording.latest(point)).toMatchObject({ value: 21.5, quality: "good" });
  await driver.stop();
  await server.close();
  await rm(recording.deps.folder, { recursive: true, force: true });
});
