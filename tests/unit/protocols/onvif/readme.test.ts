import { readFileSync } from "node:fs";
import type { TSchema } from "typebox";
import { Value as Schema } from "typebox/value";
import { expect, it } from "vitest";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { OnvifAddress, OnvifConfig, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { createCamera } from "#simulators/devices/camera.ts";
import { serveCamera } from "#simulators/servers/onvif.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";

const readme = readFileSync(new URL("../../../../protocols/onvif/README.md", import.meta.url), "utf8");
const squeezed = readme.replaceAll(/ {2,}/g, " ");

function rows(section: { readonly properties: Readonly<Record<string, TSchema>> }): readonly string[] {
  return Object.entries(section.properties).map(([name, schema]) => {
    const { default: unless, description }: { default?: unknown; description?: unknown } = { ...schema };
    return `| \`${name}\` | ${unless ?? ""} | ${description} |`.replaceAll(/ {2,}/g, " ");
  });
}

it.each([
  ["channel", OnvifConfig],
  ["device", OnvifDevice],
  ["address", OnvifAddress],
])("the README's table of the %s section is the schema's", (_, schema) => {
  expect(squeezed).toContain(rows(schema).join("\n"));
});

it("the README's sample is valid and runs", async () => {
  const sample = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? "null");
  expect(Schema.Check(OnvifConfig, sample.config)).toBe(true);
  expect(Schema.Check(OnvifDevice, sample.device)).toBe(true);
  expect(Schema.Check(OnvifAddress, sample.address)).toBe(true);
  const camera = createCamera({ id: "camera-1", name: "枪机", nameEn: "Fixed", ptz: false });
  const { username, password } = sample.device;
  const server = await serveCamera(camera, { username, password }, silentLogger);
  const recording = recordDriver();
  const driver = await onvif.create(sample.config, recording.deps);
  const point = pointId("park/gw-1/camera-1/motion");
  await driver.start(new AbortController().signal);
  await driver.bind([
    {
      device: deviceId("park/gw-1/camera-1"),
      config: { ...sample.device, url: server.url },
      points: [{ point, address: sample.address, writable: false }],
    },
  ]);
  await expect.poll(() => recording.latest(point)).toMatchObject({ value: false, quality: "good" });
  await driver.stop();
  await server.close();
});
