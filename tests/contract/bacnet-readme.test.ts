import { readFileSync } from "node:fs";
import path from "node:path";
import { Value as Schema } from "typebox/value";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { Bootstrap } from "#config/schema/bootstrap.ts";
import { BacnetNorthbound } from "#config/schema/northbound.ts";
import { BacnetAddress, BacnetConfig, BacnetDevice } from "#protocols/bacnet/config.ts";
import { drive, POLL, serve, TEMPERATURE } from "./bacnet-harness.ts";

const readme = readFileSync(path.resolve(import.meta.dirname, "../../protocols/bacnet/README.md"), "utf8");

interface Section {
  readonly properties?: Readonly<Record<string, Section>>;
  readonly default?: unknown;
  readonly description?: string;
}

function rows({ properties = {} }: Section, prefix = ""): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    schema.properties === undefined
      ? [`| \`${prefix}${name}\` | ${schema.default ?? ""} | ${schema.description} |`]
      : rows(schema, `${prefix}${name}.`),
  );
}

it.each([
  ["channel", BacnetConfig],
  ["device", BacnetDevice],
  ["address", BacnetAddress],
])("the README's table of the %s section is the schema's", (_, schema) => {
  const table = rows(schema as Section);
  expect(table.length).toBeGreaterThan(2);
  expect(readme.replaceAll(/ {2,}/g, " ")).toContain(table.join("\n").replaceAll(/ {2,}/g, " "));
});

it("the README's sample is valid and runs", async () => {
  const sample = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "null");
  expect(Schema.Check(BacnetConfig, sample.config)).toBe(true);
  expect(Schema.Check(BacnetDevice, sample.device)).toBe(true);
  expect(Schema.Check(BacnetAddress, sample.address)).toBe(true);
  const server = await serve();
  const points = [{ point: TEMPERATURE, address: sample.address, writable: false }];
  const [, recording] = await drive(server.address.port, sample.config, points);
  await expect.poll(() => recording.latest(TEMPERATURE), POLL).toMatchObject({ value: 18.5, quality: "good" });
});

it("the README's table of what is shown northbound is the schema's, and its sample is valid", () => {
  const fields = rows(BacnetNorthbound as Section).map((row) => row.replace(/ \| {2}\| /, " | "));
  expect(readme).toContain(fields.join("\n"));
  const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const { northbound } = parse(yaml) as { northbound: unknown };
  expect(Schema.Check(Bootstrap.properties.northbound, northbound)).toBe(true);
  expect(northbound).toMatchObject({ bacnet: { instance: 9001 } });
});
