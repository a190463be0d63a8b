import { readFileSync } from "node:fs";
import type { TSchema } from "typebox";
import { Value as Schema } from "typebox/value";
import { expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { SiaAccount, SiaAddress, SiaConfig } from "#protocols/sia-dc09/config.ts";
import { SiaDriver } from "#protocols/sia-dc09/driver.ts";
import { createBurglarPanel } from "#simulators/devices/burglar-panel.ts";
import { servePanel } from "#simulators/servers/sia-dc09.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";
import { panelBinding, temporaryFolder } from "#tests/contract/sia-dc09-field.ts";

const readme = readFileSync(new URL("../../../../protocols/sia-dc09/README.md", import.meta.url), "utf8");
const squeezed = readme.replaceAll(/ {2,}/g, " ");

function rows(section: { readonly properties: Readonly<Record<string, TSchema>> }): readonly string[] {
  return Object.entries(section.properties).map(([name, schema]) => {
    const { default: unless, description }: { default?: unknown; description?: unknown } = { ...schema };
    return `| \`${name}\` | ${unless ?? ""} | ${description} |`.replaceAll(/ {2,}/g, " ");
  });
}

it.each([
  ["channel", SiaConfig],
  ["device", SiaAccount],
  ["address", SiaAddress],
])("the README's table of the %s section is the schema's", (_, schema) => {
  expect(squeezed).toContain(rows(schema).join("\n"));
});

it("the README's sample is valid and runs", async () => {
  const sample = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "null");
  expect(Schema.Check(SiaConfig, sample.config)).toBe(true);
  expect(Schema.Check(SiaAccount, sample.device)).toBe(true);
  expect(Schema.Check(SiaAddress, sample.address)).toBe(true);
  const folder = temporaryFolder();
  const recording = recordDriver({ folder: folder.path });
  const driver = new SiaDriver(sample.config, recording.deps);
  const binding = panelBinding("panel", sample.device, { "zone-3": sample.address });
  await driver.start(new AbortController().signal);
  await driver.bind([binding]);
  const device = createBurglarPanel({ id: "panel", name: "防盗主机", nameEn: "Burglar panel" });
  const receiver = { host: "127.0.0.1", port: () => driver.port };
  const panel = servePanel(device, { receiver, account: sample.device.account }, silentLogger);
  const point = binding.points[0]?.point;
  if (point === undefined) throw new Error("the sample has no point");
  device.write("zone-3-alarm", true);
  await expect.poll(() => recording.latest(point), { timeout: 5_000 }).toMatchObject({ value: true, quality: "good" });
  await panel.close();
  await driver.stop();
  folder.remove();
});
