import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SimulatedDevice } from "#simulators/device.ts";
import { type BacnetServer, bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, loopbackSocket, manyInputs, serveAirHandler } from "./bacnet-fixture.ts";
import { type BacnetJs, openBacnetJs } from "./bacnet-js.ts";

const AI = 0;
const AV = 2;
const BI = 3;
const BV = 5;
const DEVICE = 8;
const MSV = 19;
const PRESENT_VALUE = 85;
const REAL = 4;
const NULL = 0;
const POLL = { timeout: 5000, interval: 10 };

describe("the simulated BACnet device, seen by an independent client", () => {
  let device: SimulatedDevice;
  let server: BacnetServer;
  let client: BacnetJs;
  let address: { address: string };

  beforeEach(async () => {
    device = airHandler();
    server = await serveAirHandler(1001, { vendorId: 260 }, device);
    ({ client } = await openBacnetJs());
    address = { address: `127.0.0.1:${server.address.port}` };
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  async function read(type: number, instance: number, property: number, arrayIndex?: number): Promise<unknown> {
    const options = arrayIndex === undefined ? {} : { arrayIndex };
    const answer = await client.readProperty(address, { type, instance }, property, options);
    return answer.values.length === 1 ? answer.values[0]?.value : answer.values.map(({ value }) => value);
  }
  async function write(type: number, instance: number, tag: number, value: unknown, priority?: number): Promise<void> {
    const options = priority === undefined ? {} : { priority };
    await client.writeProperty(address, { type, instance }, PRESENT_VALUE, [{ type: tag, value } as never], options);
  }

  it("answers Who-Is with its instance, maximum APDU and vendor", async () => {
    const seen: unknown[] = [];
    client.on("iAm", (message) => seen.push(message.payload));
    client.whoIs(address, { lowLimit: 1000, highLimit: 1002 });
    await expect.poll(() => seen, POLL).toHaveLength(1);
    expect(seen[0]).toMatchObject({ deviceId: 1001, maxApdu: 1476, vendorId: 260 });
  });

  it("does not answer a Who-Is for other instances", async () => {
    const seen: number[] = [];
    client.on("iAm", (message) => seen.push(message.payload.deviceId));
    client.whoIs(address, { lowLimit: 1, highLimit: 1000 });
    client.whoIs(address, { lowLimit: 1001, highLimit: 1001 });
    await expect.poll(() => seen, POLL).toEqual([1001]);
  });

  it("gives present values, Chinese names, units and state texts", async () => {
    expect(await read(AI, 1, PRESENT_VALUE)).toBe(18.5);
    expect(await read(AI, 1, 77)).toBe("送风温度");
    expect(await read(AI, 1, 28)).toBe("Supply air temperature");
    expect(await read(AI, 1, 117)).toBe(62);
    expect(await read(MSV, 1, 110)).toEqual(["关", "制冷", "制热"]);
    expect(await read(BV, 1, 4)).toBe("启");
  });

  it("gives the object list whole, its length at index 0 and its elements", async () => {
    expect(await read(DEVICE, 1001, 76)).toHaveLength(7);
    expect(await read(DEVICE, 1001, 76, 0)).toBe(7);
    expect(await read(DEVICE, 1001, 76, 2)).toEqual({ type: AI, instance: 1 });
    await expect(read(DEVICE, 1001, 76, 8)).rejects.toThrow(/Class:2.*Code:42/);
    await expect(read(AI, 1, PRESENT_VALUE, 1)).rejects.toThrow(/Class:2.*Code:50/);
  });

  it("answers an unknown object and an unknown property with their own errors", async () => {
    await expect(read(AI, 99, PRESENT_VALUE)).rejects.toThrow(/Class:1.*Code:31/);
    await expect(read(AI, 1, 9999)).rejects.toThrow(/Class:2.*Code:32/);
  });

  it("reads several objects at once and keeps an error to its own property", async () => {
    const answer = await client.readPropertyMultiple(address, [
      { objectId: { type: AI, instance: 1 }, properties: [{ id: PRESENT_VALUE }, { id: 9999 }] },
      { objectId: { type: AI, instance: 99 }, properties: [{ id: PRESENT_VALUE }] },
      { objectId: { type: AV, instance: 1 }, properties: [{ id: 8 }] },
    ] as never);
    expect(answer.values[0]?.values[0]?.value[0]?.value).toBe(18.5);
    expect(JSON.stringify(answer.values[0]?.values[1]?.value)).toContain('"errorCode":32');
    expect(JSON.stringify(answer.values[1]?.values[0]?.value)).toContain('"errorCode":31');
    expect(answer.values[2]?.values.map(({ id }) => id)).toEqual(
      expect.arrayContaining([77, 85, 87, 104, 111, 117, 22]),
    );
  });

  it("commands by priority, shows the priority array and falls back when relinquished", async () => {
    await write(AV, 1, REAL, 24, 8);
    await write(AV, 1, REAL, 26, 16);
    expect(device.read("supply-setpoint")).toBe(24);
    expect(server.priorityArrayOf("supply-setpoint")?.[7]).toBe(24);
    expect(await read(AV, 1, 87, 16)).toBe(26);
    await write(AV, 1, NULL, null, 8);
    expect(await read(AV, 1, PRESENT_VALUE)).toBe(26);
    await write(AV, 1, NULL, null, 16);
    expect(await read(AV, 1, PRESENT_VALUE)).toBe(20);
    expect(server.priorityArrayOf("supply-setpoint")).toEqual(Array.from({ length: 16 }, () => null));
  });

  it("refuses writes as the standard says", async () => {
    await expect(write(AI, 1, REAL, 1)).rejects.toThrow(/Class:2.*Code:40/);
    await expect(write(AV, 1, REAL, 99)).rejects.toThrow(/Class:2.*Code:37/);
    await expect(write(AV, 1, 9, 1)).rejects.toThrow(/Class:2.*Code:9\b/);
    await expect(write(AV, 1, REAL, 21, 6)).rejects.toThrow(/Class:2.*Code:40/);
    await expect(write(MSV, 1, 2, 4)).rejects.toThrow(/Class:2.*Code:37/);
  });

  it("notifies a subscriber of the value at once and of each change beyond the increment", async () => {
    const seen: unknown[] = [];
    client.on("covNotifyUnconfirmed", ({ payload }) => seen.push(payload.values[0]?.value[0]?.value));
    await client.subscribeCov(address, { type: AI, instance: 1 }, 7, false, false, 60);
    await expect.poll(() => seen, POLL).toEqual([18.5]);
    await client.subscribeCov(address, { type: BI, instance: 1 }, 7, false, false, 60);
    await expect.poll(() => seen, POLL).toEqual([18.5, 0]);
    device.write("supply-temperature", 18.75);
    device.write("fan-run", true);
    // one scan looks at both objects: the temperature stayed below its increment
    await expect.poll(() => seen, POLL).toEqual([18.5, 0, 1]);
    device.write("supply-temperature", 19.25);
    await expect.poll(() => seen, POLL).toEqual([18.5, 0, 1, 19.25]);
    await client.subscribeCov(address, { type: AI, instance: 1 }, 7, true, false, 0);
    expect(server.subscriptions).toBe(1);
  });

  it("refuses a subscription when its table is full", async () => {
    const full = await serveAirHandler(1002, { covSlots: 0 });
    const to = { address: `127.0.0.1:${full.address.port}` };
    await expect(client.subscribeCov(to, { type: AI, instance: 1 }, 7, false, false, 60)).rejects.toThrow(
      /Class:3.*Code:19/,
    );
    await full.close();
  });

  it("segments an answer that is too large for one APDU", async () => {
    const large = await serveAirHandler(1003, { maxApdu: 480 }, airHandler("ahu-3", manyInputs(300)));
    const to = { address: `127.0.0.1:${large.address.port}` };
    const answer = await client.readProperty(to, { type: DEVICE, instance: 1003 }, 76);
    expect(answer.values).toHaveLength(307);
    await large.close();
  });

  it("aborts an answer that is too large when it cannot segment", async () => {
    const small = await serveAirHandler(1004, { maxApdu: 206, segments: false }, airHandler("ahu-4", manyInputs(60)));
    const to = { address: `127.0.0.1:${small.address.port}` };
    await expect(client.readProperty(to, { type: DEVICE, instance: 1004 }, 76)).rejects.toThrow(/Abort.*Reason:4/);
    await small.close();
  });

  it("forgets subscriptions and commands with a power cycle and announces itself to those it knows", async () => {
    const seen: number[] = [];
    client.on("iAm", (message) => seen.push(message.payload.deviceId));
    await client.subscribeCov(address, { type: AI, instance: 1 }, 7, false, false, 60);
    await write(AV, 1, REAL, 30, 8);
    await server.reboot(50);
    expect(server.subscriptions).toBe(0);
    await expect.poll(() => seen, POLL).toEqual([1001]);
    expect(await read(AV, 1, PRESENT_VALUE)).toBe(20);
  });

  it("is silent when cut off and answers again when restored", async () => {
    server.silence();
    await expect(read(AI, 1, PRESENT_VALUE)).rejects.toThrow(/TIMEOUT/i);
    server.restore();
    expect(await read(AI, 1, PRESENT_VALUE)).toBe(18.5);
  });

  it("keeps what is out of service apart from the device behind it", async () => {
    await client.writeProperty(address, { type: AI, instance: 1 }, 81, [{ type: 1, value: true }], {});
    await write(AI, 1, REAL, 44);
    device.write("supply-temperature", 10);
    expect(await read(AI, 1, PRESENT_VALUE)).toBe(44);
    expect(await read(AI, 1, 111)).toMatchObject({ bitsUsed: 4, value: [0x08] });
    await client.writeProperty(address, { type: AI, instance: 1 }, 81, [{ type: 1, value: false }], {});
    expect(await read(AI, 1, PRESENT_VALUE)).toBe(10);
  });

  it("shows a sensor without a value as a fault", async () => {
    device.write("supply-temperature", Number.NaN);
    expect(await read(AI, 1, 111)).toMatchObject({ value: [0x02] });
    expect(await read(AI, 1, 103)).toBe(1);
  });

  it("rejects a service it does not know and a request that does not parse", async () => {
    await expect(client.getEnrollmentSummary(address, 0)).rejects.toThrow(/Reason:9/);
    const raw = await loopbackSocket();
    const replies: string[] = [];
    raw.socket.on("message", (payload) => replies.push(payload.toString("hex")));
    raw.socket.send(Buffer.from("810a000c010402750d0c0c00", "hex"), server.address.port, "127.0.0.1");
    await expect.poll(() => replies, POLL).toEqual(["810a0009010060" + "0d04"]);
    await raw.close();
  });
});

describe("COV subscriptions of the simulated BACnet device", () => {
  it("end with their lifetime, and a renewal starts it anew", async () => {
    const clock = new ManualClock(0);
    const server = await serveAirHandler(1001, { clock });
    const { client } = await openBacnetJs();
    const address = { address: `127.0.0.1:${server.address.port}` };
    const subscribe = () => client.subscribeCov(address, { type: AI, instance: 1 }, 7, false, false, 60);
    await subscribe();
    clock.advance(50_000);
    await subscribe();
    clock.advance(50_000);
    expect(server.subscriptions).toBe(1);
    clock.advance(20_000);
    expect(server.subscriptions).toBe(0);
    client.close();
    await server.close();
  });

  it("send a confirmed notification again until it is answered", async () => {
    const clock = new ManualClock(0);
    const server = await serveAirHandler(1001, { clock });
    const raw = await loopbackSocket();
    const services: string[] = [];
    raw.socket.on("message", (payload) => services.push(payload.subarray(6, 7).toString("hex")));
    raw.socket.send(
      Buffer.from("810a0016010402750a0509121c0000000129013a012c", "hex"),
      server.address.port,
      "127.0.0.1",
    );
    // the acknowledgement of the subscription, then the notification
    await expect.poll(() => services, POLL).toEqual(["20", "02"]);
    clock.advance(3000);
    await expect.poll(() => services, POLL).toEqual(["20", "02", "02"]);
    raw.socket.send(Buffer.from("810a0009010020" + "0001", "hex"), server.address.port, "127.0.0.1");
    raw.socket.send(Buffer.from("810a0011010402750b0c0c000000011955", "hex"), server.address.port, "127.0.0.1");
    await expect.poll(() => services, POLL).toEqual(["20", "02", "02", "30"]);
    clock.advance(30_000);
    raw.socket.send(Buffer.from("810a0011010402750c0c0c000000011955", "hex"), server.address.port, "127.0.0.1");
    await expect.poll(() => services, POLL).toEqual(["20", "02", "02", "30", "30"]);
    await raw.close();
    await server.close();
  });
});

it("gives each signal a predictable BACnet object", () => {
  expect(bacnetObjectsOf(airHandler("ahu-1", manyInputs(2)))).toEqual({
    "supply-temperature": { objectType: "analog-input", instance: 1 },
    "supply-setpoint": { objectType: "analog-value", instance: 1 },
    "fan-run": { objectType: "binary-input", instance: 1 },
    "fan-command": { objectType: "binary-value", instance: 1 },
    mode: { objectType: "multi-state-value", instance: 1 },
    serial: { objectType: "characterstring-value", instance: 1 },
    "input-0": { objectType: "analog-input", instance: 2 },
    "input-1": { objectType: "analog-input", instance: 3 },
  });
});

it("refuses a mapping of a signal that the device does not have", async () => {
  const objects = { nonsense: { objectType: "analog-input", instance: 1 } } as const;
  await expect(serveAirHandler(1, { objects })).rejects.toMatchObject({ code: "SIM_SIGNAL_UNKNOWN" });
});
