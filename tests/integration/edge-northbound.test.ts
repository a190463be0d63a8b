import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { BacnetNorthbound } from "#config/schema/northbound.ts";
import type { Agent } from "#edge/agent.ts";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { freePort } from "#tests/free-port.ts";
import { openBacnetJs } from "../contract/bacnet-js.ts";
import { closeAfter } from "../contract/bacnet-server-fixture.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, GATEWAY, numberPoint, runGateway, SITE } from "./edge-cloud.ts";

const folder = temporaryFolders();
const POLL = { timeout: 30_000, interval: 20 };
const POINTS = [numberPoint("ahu", "temp", { unit: "degC" }), numberPoint("meter", "power")];
const DEVICE = { type: OBJECT_TYPES.device, instance: 9001 };

let cloud: EdgeCloud;
let field: EdgeField;
let data: string;
let agent: Agent | undefined;

beforeEach(async () => {
  const root = folder();
  data = join(root, "data");
  mkdirSync(join(root, "field"));
  field = new EdgeField(join(root, "field"));
  cloud = new EdgeCloud();
  await cloud.start();
});
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
  await cloud.stop();
});

/** A gateway with two points that have values, and an independent client that asks at this port. */
async function shown(northbound: BacnetNorthbound) {
  await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
  field.set("temp", 21.5);
  field.set("power", 7);
  const { broker, http } = cloud;
  const bootstrap = { site: SITE, gateway: GATEWAY, data, broker, cloud: http, credential: "given" };
  agent = await runGateway(cloud, data, { bootstrap: { ...bootstrap, northbound: { bacnet: northbound } } });
  const { client } = await openBacnetJs();
  closeAfter(client);
  const address = { address: `127.0.0.1:${northbound.port}` };
  const read = async (object: { type: number; instance: number }, property: number): Promise<unknown> => {
    const answer = await client.readProperty(address, object, property).catch(() => undefined);
    return answer?.values.length === 1 ? answer.values[0]?.value : answer?.values.map(({ value }) => value);
  };
  return { read, gateway: agent };
}

it("a gateway shows its points to another workstation as its bootstrap says, and keeps their objects over a restart", async () => {
  const settings = { instance: 9001, host: "127.0.0.1", port: await freePort(), devices: ["ahu"] };
  const { read, gateway } = await shown(settings);
  const objects = (): Promise<unknown> => read(DEVICE, PROPERTIES.objectList);
  await expect.poll(objects, POLL).toMatchObject([DEVICE, { type: OBJECT_TYPES["analog-input"] }]);
  const [, temperature] = (await objects()) as { type: number; instance: number }[];
  if (temperature === undefined) throw new Error("the temperature is not shown");
  await expect.poll(() => read(temperature, PROPERTIES.presentValue), POLL).toBe(21.5);
  expect(await read(temperature, PROPERTIES.objectName)).toBe("ahu/temp");
  expect(await read(DEVICE, PROPERTIES.objectName)).toBe("park/gw");
  field.set("temp", 22.5);
  await expect.poll(() => read(temperature, PROPERTIES.presentValue), POLL).toBe(22.5);
  expect(gateway.status().counters["northbound"]).toMatchObject({ starts: 1 });
  await gateway.stop();
  const again = await shown(settings);
  await expect.poll(() => again.read(temperature, PROPERTIES.objectName), POLL).toBe("ahu/temp");
}, 60_000);

it("a gateway whose bootstrap says nothing of it opens no port for others", async () => {
  await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
  agent = await runGateway(cloud, data);
  expect(agent.status().counters).not.toHaveProperty("northbound");
});
