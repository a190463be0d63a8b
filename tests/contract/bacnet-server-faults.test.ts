import { beforeEach, describe, expect, it } from "vitest";
import { type Apdu, decodeApdu } from "#protocols/bacnet/codec/apdu.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { encodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import { decodeIAm, encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { encodeReadProperty } from "#protocols/bacnet/codec/services/property.ts";
import { unixMsOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import { openUdpPort } from "#protocols/bacnet/station/datagrams.ts";
import { openStation } from "#protocols/bacnet/station/station.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import type { BacnetServer } from "#simulators/servers/bacnet.ts";
import { airHandler, loopbackSocket, manyInputs, serveAirHandler } from "./bacnet-fixture.ts";
import { closeAfter, only, type Workstation, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 10_000, interval: 10 };
const DEVICE: ObjectId = { type: OBJECT_TYPES.device, instance: 1001 };
const TEMPERATURE: ObjectId = { type: OBJECT_TYPES["analog-input"], instance: 1 };

describe("the fault menu of a simulated BACnet device", () => {
  let device: SimulatedDevice;
  let server: BacnetServer;
  let client: Workstation;

  beforeEach(async () => {
    device = airHandler("ahu-1", manyInputs(100));
    server = closeAfter(await serveAirHandler(1001, {}, device));
    client = await workstation(server, { apduTimeoutMs: 1000, retries: 0 });
  });

  const readTemperature = () =>
    client.ask(CONFIRMED.readProperty, encodeReadProperty({ object: TEMPERATURE, property: PROPERTIES.presentValue }));
  const subscribe = () =>
    client.ask(
      CONFIRMED.subscribeCov,
      encodeSubscribeCov({ processId: 1, object: TEMPERATURE, subscription: { confirmed: false, lifetimeS: 60 } }),
    );
  const notified = () =>
    client.announced.filter(({ service }) => service === UNCONFIRMED.unconfirmedCovNotification).length;
  const iAms = () =>
    client.announced.filter(({ service }) => service === UNCONFIRMED.iAm).map(({ body }) => decodeIAm(body));
  const objectList = () => client.read(DEVICE, PROPERTIES.objectList);

  it("lists what it has and what is on, and refuses what it does not know", () => {
    server.faults.set("late", { ms: 5 });
    expect(server.faults.active).toEqual(["late"]);
    expect(server.faults.kinds).toEqual(expect.arrayContaining(["silent", "loss", "slow", "charset", "nan"]));
    expect(() => server.faults.set("sleepy")).toThrow(expect.objectContaining({ code: "SIM_FAULT_UNKNOWN" }));
    for (const options of [{ seconds: 1 }, { ms: "long" }, { ms: -1 }]) {
      expect(() => server.faults.set("late", options)).toThrow(
        expect.objectContaining({ code: "SIM_FAULT_OPTION_INVALID" }),
      );
    }
    server.faults.clear();
    expect(server.faults.active).toEqual([]);
  });

  it("silent: nothing is answered until it ends", async () => {
    server.faults.set("silent");
    expect(await readTemperature()).toEqual({ kind: "timeout" });
    server.faults.clear("silent");
    expect((await readTemperature()).kind).toBe("ack");
  });

  it("loss: a part of the datagrams is lost", async () => {
    server.faults.set("loss", { percent: 50 });
    const outcomes = await Promise.all(Array.from({ length: 30 }, readTemperature));
    const kinds = new Set(outcomes.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(["ack", "timeout"]));
  });

  it("late: the answer comes after its time", async () => {
    server.faults.set("late", { ms: 1500 });
    expect(await readTemperature()).toEqual({ kind: "timeout" });
    const patient = await workstation(server, { apduTimeoutMs: 10_000, retries: 0 });
    expect(only(await patient.read(TEMPERATURE, PROPERTIES.presentValue))).toBe(18.5);
  });

  it("reordered-segments: segments of one answer overtake each other, and the answer is whole", async () => {
    server.faults.set("small-apdu", { bytes: 128 });
    server.faults.set("reordered-segments");
    const order: number[] = [];
    const station = closeAfter(
      await openStation(
        { interfaces: [{ host: "127.0.0.1", port: 0 }], apduTimeoutMs: 5000 },
        {
          logger: { debug() {}, info() {}, warn() {}, error() {}, child: () => ({}) } as never,
          handlers: { announced() {}, asked: () => ({ kind: "silence" }) },
          open: (at, listener, logger) =>
            openUdpPort(
              at,
              {
                ...listener,
                notSent: (error, to) => listener.notSent(error, to),
                received(datagram, from) {
                  const apdu = apduOf(datagram);
                  if (apdu.type === "complexAck" && apdu.segment !== undefined) order.push(apdu.segment.sequenceNumber);
                  listener.received(datagram, from);
                },
              },
              logger,
            ),
        },
      ),
    );
    const outcome = await station.request({
      peer: server.address,
      service: CONFIRMED.readProperty,
      body: encodeReadProperty({ object: DEVICE, property: PROPERTIES.objectList }),
      signal: new AbortController().signal,
    });
    expect(outcome.kind).toBe("ack");
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
  });

  it("restart: subscriptions are lost, and the device says that it is there again", async () => {
    await subscribe();
    server.faults.set("restart", { downMs: 1500 });
    expect(await readTemperature()).toEqual({ kind: "timeout" });
    await expect.poll(() => iAms().length, POLL).toBe(1);
    expect(server.subscriptions).toBe(0);
    await expect.poll(() => server.faults.active, POLL).toEqual([]);
    expect(only(await client.read(DEVICE, PROPERTIES.lastRestartReason))).toBe(2);
  });

  it("small-apdu: answers come in small segments, and the device says so", async () => {
    server.faults.set("small-apdu", { bytes: 206 });
    expect(only(await client.read(DEVICE, PROPERTIES.maxApduLengthAccepted))).toBe(206);
    const raw = await loopbackSocket();
    const sizes: number[] = [];
    raw.socket.on("message", (datagram) => sizes.push(datagram.length));
    // ReadProperty of the object list by a client that takes 1476 bytes and segments
    raw.socket.send(Buffer.from("810a001101040275050c0c020003e9194c", "hex"), server.address.port, "127.0.0.1");
    await expect.poll(() => sizes, POLL).toEqual([4 + 2 + 206]);
    await raw.close();
  });

  it("no-segmentation: what does not fit is aborted", async () => {
    server.faults.set("small-apdu", { bytes: 206 });
    server.faults.set("no-segmentation");
    expect(only(await client.read(DEVICE, PROPERTIES.segmentationSupported))).toBe(3);
    await expect(objectList()).rejects.toThrow('"abort","reason":4');
    server.faults.clear();
    expect(await objectList()).toHaveLength(107);
  });

  it("no-rpm: ReadPropertyMultiple is rejected and not among the services", async () => {
    server.faults.set("no-rpm");
    await expect(client.readMultiple(TEMPERATURE, PROPERTIES.presentValue)).rejects.toThrow('"reject","reason":9');
    const services = only(await client.read(DEVICE, PROPERTIES.protocolServicesSupported));
    expect(services).toMatchObject({ 12: true, 14: false });
  });

  it("rpm-abort: a request for more properties is aborted, a smaller one answered", async () => {
    server.faults.set("rpm-abort", { above: 2 });
    const [value, units, name] = [PROPERTIES.presentValue, PROPERTIES.units, PROPERTIES.objectName];
    await expect(client.readMultiple(TEMPERATURE, value, units, name)).rejects.toThrow('"abort","reason":1');
    expect(await client.readMultiple(TEMPERATURE, value, units)).toHaveLength(2);
  });

  it("cov-refused: there is no room for a subscription", async () => {
    server.faults.set("cov-refused");
    expect(await subscribe()).toMatchObject({ kind: "error", error: { errorClass: 3, errorCode: 19 } });
    expect(server.subscriptions).toBe(0);
  });

  it("cov-death: subscriptions are acknowledged and nothing is told", async () => {
    await subscribe();
    await expect.poll(notified, POLL).toBe(1);
    server.faults.set("cov-death");
    device.write("supply-temperature", 30);
    expect((await subscribe()).kind).toBe("ack");
    expect(only(await client.read(TEMPERATURE, PROPERTIES.presentValue))).toBe(30);
    expect([notified(), server.subscriptions]).toEqual([1, 1]);
    server.faults.clear("cov-death");
    await expect.poll(notified, POLL).toBe(2);
  });

  it("wrong-units: analog objects have other units", async () => {
    server.faults.set("wrong-units", { units: 64 });
    expect(only(await client.read(TEMPERATURE, PROPERTIES.units))).toBe(64);
    server.faults.clear();
    expect(only(await client.read(TEMPERATURE, PROPERTIES.units))).toBe(62);
  });

  it("duplicate-instance: it says that it is another device, and answers as that one", async () => {
    await readTemperature();
    server.faults.set("duplicate-instance", { instance: 1002 });
    client.announce(UNCONFIRMED.whoIs, encodeWhoIs({ low: 1002, high: 1002 }));
    await expect.poll(() => iAms().map(({ device: { instance } }) => instance), POLL).toEqual([1002, 1002]);
    await expect(client.read(DEVICE, PROPERTIES.objectName)).rejects.toThrow('"errorCode":31');
    const identifier = await client.read({ ...DEVICE, instance: 1002 }, PROPERTIES.objectIdentifier);
    expect(only(identifier)).toEqual({ ...DEVICE, instance: 1002 });
  });

  it("slow: one request at a time, so many in a second", async () => {
    const patient = await workstation(server, { apduTimeoutMs: 5000, retries: 0 });
    server.faults.set("slow", { perSecond: 20 });
    const began = performance.now();
    const done: number[] = [];
    const ask = async (): Promise<void> => {
      await patient.read(TEMPERATURE, PROPERTIES.presentValue);
      done.push(performance.now() - began);
    };
    await Promise.all(Array.from({ length: 4 }, ask));
    // the device's own pace bounds it from below, however busy the machine is
    expect(done.at(-1)).toBeGreaterThan(150);
  });

  it("clock-skew: the device's clock is off", async () => {
    server.faults.set("clock-skew", { seconds: 86_400 });
    const [date] = await client.read(DEVICE, PROPERTIES.localDate);
    const [time] = await client.read(DEVICE, PROPERTIES.localTime);
    if (date?.type !== "date" || time?.type !== "time") throw new Error("no date or time");
    const shown = unixMsOf({ date: date.value, time: time.value }, 0) ?? 0;
    expect(Math.round((shown - Date.now()) / 3_600_000)).toBe(24);
  });

  it.each([
    ["gbk", [1, 0x03, 0xa8, 0xcb, 0xcd]],
    ["gbk-as-utf-8", [0, 0xcb, 0xcd]],
    ["gbk-as-iso-8859-1", [5, 0xcb, 0xcd]],
    ["ucs-2", [4, 0x90, 0x01]],
  ])("charset %s: names come in it", async (as, begins) => {
    server.faults.set("charset", { as });
    const body = encodeReadProperty({ object: TEMPERATURE, property: PROPERTIES.objectName });
    const ack = await client.acked(CONFIRMED.readProperty, body);
    // the text begins after object, property and opening tag, behind its own tag of two bytes
    expect([...ack.subarray(10, 10 + begins.length)]).toEqual(begins);
  });

  it("nan: analog values are no numbers, flagged or not", async () => {
    server.faults.set("nan", { flagged: true });
    expect(only(await client.read(TEMPERATURE, PROPERTIES.presentValue))).toBeNaN();
    expect(only(await client.read(TEMPERATURE, PROPERTIES.statusFlags))).toEqual([false, true, false, false]);
    expect(only(await client.read(TEMPERATURE, PROPERTIES.reliability))).toBe(1);
    server.faults.set("nan", { flagged: false });
    expect(only(await client.read(TEMPERATURE, PROPERTIES.presentValue))).toBeNaN();
    expect(only(await client.read(TEMPERATURE, PROPERTIES.statusFlags))).toEqual([false, false, false, false]);
  });
});

function apduOf(datagram: Uint8Array): Apdu {
  const frame = decodeFrame(datagram);
  return frame.kind === "apdu" ? frame.apdu : decodeApdu(Uint8Array.of(0x70, 0, 0));
}
