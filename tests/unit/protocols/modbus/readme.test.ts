import { readFileSync } from "node:fs";
import path from "node:path";
import type { TSchema } from "typebox";
import { Value as Schema } from "typebox/value";
import { expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { ModbusAddress, ModbusConfig, ModbusDevice } from "#protocols/modbus/index.ts";
import { modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing } from "../../../fixtures/modbus/field.ts";
import { signalDevice } from "../../../fixtures/modbus/signal-device.ts";

const readme = readFileSync(path.resolve(import.meta.dirname, "../../../../protocols/modbus/README.md"), "utf8");

function rows(section: { readonly properties: Readonly<Record<string, TSchema>> }): readonly string[] {
  return Object.entries(section.properties).map(([name, schema]) => {
    const { default: unless, description }: { default?: unknown; description?: unknown } = { ...schema };
    return `| \`${name}\` | ${unless ?? ""} | ${description} |`;
  });
}

it.each([
  ["channel", ModbusConfig],
  ["device", ModbusDevice],
  ["address", ModbusAddress],
])("the README's table of the %s section is the schema's", (_, schema) => {
  expect(readme.replaceAll(/ {2,}/g, " ")).toContain(rows(schema).join("\n").replaceAll(/ {2,}/g, " "));
});

it("the README's sample is valid and runs", async () => {
  const sample = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "null");
  expect(Schema.Check(ModbusConfig, sample.config)).toBe(true);
  expect(Schema.Check(ModbusDevice, sample.device)).toBe(true);
  expect(Schema.Check(ModbusAddress, sample.address)).toBe(true);
  const device = signalDevice("meter", { power: { kind: "number", writable: false, value: 21.5 } });
  const server = await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], {}, silentLogger);
  const bound = boundDevice("meter", { ...sample.device, port: server.address.port }, { power: sample.address });
  const { driver, told } = await observing([bound], sample.config);
  await expect.poll(() => told.samples[0]).toMatchObject({ value: 21.5, quality: "good" });
  await driver.stop();
  await server.close();
});
