import { Value as Schema } from "typebox/value";
import { describe, expect, it } from "vitest";
import { Discovery } from "#core/contracts/discovery.ts";
import { deviceId } from "#core/ids.ts";
import { PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { BacnetAddress, BacnetDevice } from "#protocols/bacnet/config.ts";
import type { ActionRequest, ProtocolDriver } from "#protocols/driver.ts";
import { airHandler, manyInputs, serveAirHandler } from "#tests/contract/bacnet-fixture.ts";
import { closing, DEVICE, drive, never, POINTS, serve, settled, TEMPERATURE } from "#tests/contract/bacnet-harness.ts";
import { openBacnetJs } from "#tests/contract/bacnet-js.ts";

const CHANNEL = deviceId("park/gw-1/bacnet");

async function discovered(
  driver: Pick<ProtocolDriver, "act">,
  device: ActionRequest["device"],
  params: ActionRequest["params"] = {},
): Promise<Discovery> {
  const result = await driver.act({ device, action: "discover", params }, never);
  if (result.status !== "done") throw new Error(`${result.code} ${result.message}`);
  expect(result.blob?.contentType).toBe("application/json");
  const found: unknown = JSON.parse(new TextDecoder().decode(result.blob?.bytes));
  expect([...Schema.Errors(Discovery, found)]).toEqual([]);
  return found as Discovery;
}

describe("the action discover of a BACnet driver", () => {
  it("gives the points of a device in the shape of the site's files, and compares with the last time", async () => {
    const server = await serve();
    const [driver] = await drive(server.address.port, {}, POINTS);
    const first = await discovered(driver, DEVICE);
    expect(first.devices).toHaveLength(1);
    expect(first.problems).toEqual([]);
    expect(first).not.toHaveProperty("changes");
    expect(first.points).toHaveLength(6);
    expect(first.points[0]).toMatchObject({
      id: "supply-air-temperature",
      name: "送风温度",
      nameEn: "Supply air temperature",
      kind: "number",
      unit: "degC",
      writable: false,
      address: { objectType: "analog-input", instance: 1 },
      tags: expect.arrayContaining([{ tag: "discharge", confidence: 0.9 }]),
    });
    for (const { address } of first.points) expect(Schema.Check(BacnetAddress, address)).toBe(true);
    for (const { config } of first.devices) expect(Schema.Check(BacnetDevice, config)).toBe(true);
    const again = await discovered(driver, DEVICE, { fresh: true });
    expect(again.points).toEqual(first.points);
    expect(again.changes).toMatchObject({ added: [], missing: [], renamed: [], changed: [] });
  });

  it("tells what came and went since the last time", async () => {
    const server = await serve({}, airHandler("ahu-1", manyInputs(2)));
    const { port } = server.address;
    const [driver] = await drive(port, {}, POINTS);
    await discovered(driver, DEVICE);
    await server.close();
    const other = await serveAirHandler(1001, { port }, airHandler("ahu-1", manyInputs(1)));
    closing.push(() => other.close());
    const { changes, points } = await discovered(driver, DEVICE, { fresh: true });
    expect(changes).toMatchObject({ added: [], missing: ["analog-input:3"] });
    expect(points).toHaveLength(7);
  });

  it("gives the devices of a network with their names, and the points of one that is not configured", async () => {
    const server = await serve();
    const stranger = await serveAirHandler(2002, { vendorId: 9 }, airHandler("ahu-2"));
    closing.push(() => stranger.close());
    const [driver] = await drive(server.address.port, { apduTimeoutMs: 300 }, POINTS);
    const known = await discovered(driver, CHANNEL);
    expect(known.devices.map(({ identity, name }) => [identity, name])).toEqual([["1001", "空调机组 ahu-1"]]);
    const to = `127.0.0.1:${stranger.address.port}`;
    const found = await discovered(driver, CHANNEL, { to, low: 2000, high: 2999 });
    expect(found.devices).toEqual([
      {
        identity: "2002",
        name: "空调机组 ahu-2",
        model: "Parkhub simulator",
        manufacturer: "Parkhub",
        config: { instance: 2002, address: { host: "127.0.0.1", port: stranger.address.port } },
      },
    ]);
    const { points } = await discovered(driver, CHANNEL, { to, instance: 2002 });
    expect(points).toHaveLength(6);
  });

  it("takes no answer to its own search for a restart, also of a device that does not tell its restarts", async () => {
    const { client, port } = await openBacnetJs();
    closing.push(async () => client.close());
    const unknown = { type: 105, value: { type: "BacnetError", errorClass: 2, errorCode: 32 } };
    client.on("whoIs", ({ header }) => client.iAmResponse(header?.sender ?? {}, 1001, 3, 260));
    client.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
      const answer = payload.properties.map(({ objectId, properties }) => ({
        objectId,
        values: properties.map(({ id, index }) => ({
          property: { id, index },
          value: [id === PROPERTIES.presentValue ? { type: 4, value: 18.5 } : unknown],
        })),
      }));
      client.readPropertyMultipleResponse(header?.sender ?? {}, invokeId ?? 0, answer as never);
    });
    const points = [
      { point: TEMPERATURE, address: { objectType: "analog-input", instance: 1, cov: false }, writable: false },
    ] as const;
    const config = { apduTimeoutMs: 200, pollMs: 60_000, safetyPollMs: 3_600_000 };
    const [driver, recording] = await drive(port, config, points);
    await settled(recording, points);
    // each search takes longer than a restart would take to be seen
    for (const _ of [1, 2]) expect((await discovered(driver, CHANNEL)).devices).toHaveLength(1);
    expect(driver.counters()["resyncs"]).toBe(0);
  });

  it("fails where the device does not answer, and refuses parameters that are none", async () => {
    const server = await serve();
    const [driver] = await drive(server.address.port, { apduTimeoutMs: 100 }, POINTS);
    const of = (params: ActionRequest["params"]) => driver.act({ device: CHANNEL, action: "discover", params }, never);
    expect(await of({ instance: 77, to: `127.0.0.1:${server.address.port}` })).toMatchObject({
      status: "failed",
      code: "BACNET_OFFLINE",
    });
    expect(await of({ to: "nowhere" })).toMatchObject({ status: "rejected", code: "BACNET_ADDRESS_INVALID" });
    for (const network of [0, 65_535, 70_000]) {
      expect(await of({ network })).toMatchObject({ status: "rejected", code: "BACNET_PARAMETER_INVALID" });
    }
    expect(await of({ low: 9, high: 2 })).toMatchObject({ status: "rejected", code: "BACNET_RANGE_INVALID" });
    expect(await of({ low: "x" })).toMatchObject({ status: "rejected", code: "BACNET_PARAMETER_INVALID" });
  });
});
