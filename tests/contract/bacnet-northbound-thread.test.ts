import { afterEach, describe, expect, it } from "vitest";
import type { BacnetNorthbound } from "#config/schema/northbound.ts";
import { systemClock } from "#core/clock.ts";
import { type Logger, silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { Northbound, type NorthboundTimes } from "#edge/northbound.ts";
import { OBJECT_TYPES, PROPERTIES, RELIABILITY } from "#protocols/bacnet/codec/enums.ts";
import { loopbackSocket } from "./bacnet-fixture.ts";
import { openBacnetJs } from "./bacnet-js.ts";
import { METER_POINTS, sampleOf } from "./bacnet-northbound-fixture.ts";
import { closeAfter, only, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 30_000, interval: 20 };
const POWER = { type: OBJECT_TYPES["analog-input"], instance: 1 };
const GATEWAY = { type: OBJECT_TYPES.device, instance: 9001 };
const QUICK: Partial<NorthboundTimes> = { tellMs: 20, beatMs: 50, firstPauseMs: 50, longestPauseMs: 200 };

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Shown {
  readonly northbound: Northbound;
  readonly values: Map<string, Sample>;
}

/** The gateway's points, their values in a map. */
function northboundOf(
  settings: Partial<BacnetNorthbound> = {},
  times: Partial<NorthboundTimes> = {},
  logger: Logger = silentLogger,
): Shown {
  const values = new Map([sampleOf("power", 42.5), sampleOf("online", true)].map((sample) => [sample.point, sample]));
  const northbound = new Northbound({
    settings: { instance: 9001, host: "127.0.0.1", port: 0, ...settings },
    gateway: "park/gw-1",
    latest: (point) => values.get(point as Sample["point"]),
    numberOf: (id) => 1 + METER_POINTS.findIndex((point) => point.id === id),
    clock: systemClock,
    logger,
    times: { ...QUICK, ...times },
  });
  stops.push(() => northbound.stop());
  return { northbound, values };
}

/** Where it is reached. */
async function reached({ northbound }: Shown): Promise<{ readonly host: string; readonly port: number }> {
  await expect.poll(() => northbound.address, POLL).toBeDefined();
  const { address } = northbound;
  if (address === undefined) throw new Error("not reached");
  return address;
}

describe("a gateway that shows its points on BACnet", { timeout: 60_000 }, () => {
  it("shows them to an independent client, and each value as it comes", async () => {
    const shown = northboundOf();
    shown.northbound.configure(METER_POINTS);
    const { host, port } = await reached(shown);
    const { client } = await openBacnetJs();
    closeAfter(client);
    const power = async (): Promise<unknown> => {
      const { values } = await client.readProperty({ address: `${host}:${port}` }, POWER, PROPERTIES.presentValue);
      return values[0]?.value;
    };
    await expect.poll(power, POLL).toBe(42.5);
    shown.values.set(sampleOf("power", 0).point, sampleOf("power", 43.5));
    await expect.poll(power, POLL).toBe(43.5);
    await expect.poll(() => shown.northbound.counters["points"], POLL).toBe(4);
  });

  it("shows others when the configuration is another, and only the devices that are named", async () => {
    const shown = northboundOf({ devices: ["meter-1"], name: "楼宇网关" });
    shown.northbound.configure(METER_POINTS.slice(1));
    const client = await workstation({ address: await reached(shown) });
    const objects = async (): Promise<number> => (await client.read(GATEWAY, PROPERTIES.objectList)).length;
    await expect.poll(objects, POLL).toBe(4);
    expect(only(await client.read(GATEWAY, PROPERTIES.objectName))).toBe("楼宇网关");
    const stranger = METER_POINTS.map((point) => ({ ...point, id: point.id.replace("meter-1", "meter-2") }));
    shown.northbound.configure([...METER_POINTS, ...stranger]);
    await expect.poll(objects, POLL).toBe(5);
    expect(shown.northbound.counters["starts"]).toBe(1);
  });

  it("shows every point of many that all change all the time", async () => {
    const many = METER_POINTS.slice(0, 1).flatMap((point) =>
      Array.from({ length: 5_000 }, (_, at) => ({ ...point, id: `park/gw-1/meter-1/power-${at}` })),
    );
    let reads = 0;
    const northbound = new Northbound({
      settings: { instance: 9001, host: "127.0.0.1", port: 0 },
      gateway: "park/gw-1",
      // another sample at each look
      latest: () => sampleOf("power", ++reads % 500),
      numberOf: (id) => Number(id.split("-").at(-1)),
      clock: systemClock,
      logger: silentLogger,
      times: QUICK,
    });
    stops.push(() => northbound.stop());
    northbound.configure(many);
    const client = await workstation({ address: await reached({ northbound, values: new Map() }) });
    const last = { type: OBJECT_TYPES["analog-input"], instance: 4_999 };
    const value = async (): Promise<unknown> => only(await client.read(last, PROPERTIES.presentValue));
    await expect.poll(value, POLL).not.toBeNaN();
  });

  it("takes a value back whose scale is another now", async () => {
    const shown = northboundOf();
    shown.northbound.configure(METER_POINTS);
    const client = await workstation({ address: await reached(shown) });
    const reliability = async (): Promise<unknown> => only(await client.read(POWER, PROPERTIES.reliability));
    await expect.poll(reliability, POLL).toBe(RELIABILITY.noFaultDetected);
    shown.values.delete(sampleOf("power", 0).point);
    shown.northbound.configure(METER_POINTS.map((point) => ({ ...point, scale: 0.1 })));
    await expect.poll(reliability, POLL).toBe(RELIABILITY.communicationFailure);
  });

  it("says which of the devices that it is to show no point has", async () => {
    const said: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void said.push(fields) };
    const shown = northboundOf({ devices: ["meter-1", "metre-2"] }, {}, logger);
    shown.northbound.configure(METER_POINTS);
    shown.northbound.configure(METER_POINTS);
    expect(said).toEqual([{ devices: ["metre-2"] }]);
  });

  it("tries again until the port is free, and says why it is not there", async () => {
    const other = await loopbackSocket();
    const said: object[] = [];
    const logger = { ...silentLogger, error: (fields: object) => void said.push(fields) };
    const shown = northboundOf({ port: other.port }, {}, logger);
    shown.northbound.configure(METER_POINTS);
    await expect.poll(() => shown.northbound.counters["starts"], POLL).toBeGreaterThan(2);
    expect(shown.northbound.address).toBeUndefined();
    // once while it lasts
    expect(said).toEqual([expect.objectContaining({ code: "BACNET_BIND_FAILED" })]);
    await other.close();
    expect(await reached(shown)).toEqual({ host: "127.0.0.1", port: other.port });
  });

  it("begins another thread when one says nothing any more", async () => {
    const shown = northboundOf({}, { beatMs: 60_000, silenceMs: 300 });
    shown.northbound.configure(METER_POINTS);
    await expect.poll(() => shown.northbound.counters["starts"], POLL).toBeGreaterThan(1);
  });

  it("leaves the network when it stops", async () => {
    const shown = northboundOf();
    shown.northbound.configure(METER_POINTS);
    const address = await reached(shown);
    await shown.northbound.stop();
    const client = await workstation({ address }, { apduTimeoutMs: 100, retries: 0 });
    await expect(client.read(GATEWAY, PROPERTIES.objectName)).rejects.toThrow("timeout");
  });
});
