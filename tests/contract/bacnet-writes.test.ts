import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { PointId } from "#core/ids.ts";
import { CONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";
import type { ProtocolDriver } from "#protocols/driver.ts";
import { tshark, writePcap } from "#tests/pcap.ts";
import { peer } from "#tests/peers.ts";
import { airHandler, manyInputs } from "./bacnet-fixture.ts";
import {
  DEVICE,
  drive,
  id,
  MODE,
  never,
  POINTS,
  POLL,
  SETPOINT,
  serve,
  settled,
  TEMPERATURE,
  tapped,
} from "./bacnet-harness.ts";

const FAN = id("fan-command");

describe("the BACnet driver writes", () => {
  const write = (driver: ProtocolDriver, point: PointId, value: number | null | string, priority: number) =>
    driver.write({ point, value, priority }, never);

  it("commands at a priority, reports who overrides it, and relinquishes", async () => {
    const server = await serve();
    const [driver, recording] = await drive(server.address.port);
    await settled(recording);
    expect(await write(driver, SETPOINT, 25, 8)).toEqual({ status: "done", readBack: 25 });
    expect(server.priorityArrayOf("supply-setpoint")?.[7]).toBe(25);
    expect(await write(driver, SETPOINT, 22, 16)).toMatchObject({
      status: "failed",
      code: "BACNET_OVERRIDDEN",
      message: expect.stringContaining("priority 8"),
    });
    expect(await write(driver, SETPOINT, 25, 16)).toEqual({ status: "done", readBack: 25 });
    expect(await write(driver, SETPOINT, null, 8)).toEqual({ status: "done", readBack: 25 });
    expect(await write(driver, SETPOINT, null, 16)).toEqual({ status: "done", readBack: 20 });
    await expect.poll(() => recording.latest(SETPOINT)?.value, POLL).toBe(20);
  });

  it("sends what waits for one device together, each with its own result", async () => {
    const server = await serve();
    const relay = await tapped(server);
    const points = [
      ...POINTS,
      { point: FAN, address: { objectType: "binary-value", instance: 1 }, writable: true },
    ] as const;
    const [driver, recording] = await drive(relay.port, {}, points);
    await settled(recording, points);
    const results = await Promise.all([
      write(driver, SETPOINT, 25, 8),
      write(driver, MODE, 9, 8),
      driver.write({ point: FAN, value: true, priority: 8 }, never),
    ]);
    expect(results).toEqual([
      { status: "done", readBack: 25 },
      expect.objectContaining({ status: "failed", code: "BACNET_ERROR_2_37" }),
      { status: "done", readBack: true },
    ]);
    const services = relay.seen.flatMap(({ fromClient, payload }) => {
      const frame = fromClient ? decodeFrame(payload) : undefined;
      return frame?.kind === "apdu" && frame.apdu.type === "confirmedRequest" ? [frame.apdu.service] : [];
    });
    expect(services.filter((service) => service === CONFIRMED.writePropertyMultiple)).toHaveLength(1);
  });

  it("gives the device's own words when it refuses", async () => {
    const [driver, recording] = await drive((await serve()).address.port);
    await settled(recording);
    expect(await write(driver, SETPOINT, 99, 8)).toMatchObject({ status: "failed", code: "BACNET_ERROR_2_37" });
    expect(await write(driver, MODE, 9, 8)).toMatchObject({ status: "failed", code: "BACNET_ERROR_2_37" });
    expect(await write(driver, SETPOINT, 21, 6)).toMatchObject({ status: "failed", code: "BACNET_ERROR_2_40" });
  });

  it("sends nothing that cannot be meant", async () => {
    const server = await serve();
    const [driver, recording] = await drive(server.address.port);
    await settled(recording);
    expect(await write(driver, SETPOINT, "warm", 8)).toMatchObject({
      status: "rejected",
      code: "BACNET_VALUE_INVALID",
    });
    expect(await write(driver, SETPOINT, 21, 0)).toMatchObject({ status: "rejected", code: "BACNET_PRIORITY_INVALID" });
    expect(await write(driver, TEMPERATURE, 21, 8)).toMatchObject({
      status: "rejected",
      code: "BACNET_POINT_READ_ONLY",
    });
    expect(server.priorityArrayOf("supply-setpoint")?.every((slot) => slot === null)).toBe(true);
    server.silence();
    await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(false);
    expect(await write(driver, SETPOINT, 21, 8)).toMatchObject({ status: "rejected", code: "BACNET_OFFLINE" });
  });
});

const program = peer("tshark");
describe.skipIf(program === undefined)("the BACnet driver's bytes", () => {
  it("are well formed to tshark in both directions, from Who-Is to COV and segments", async () => {
    const device = airHandler("ahu-1", manyInputs(60));
    const server = await serve({ maxApdu: 480 }, device);
    const relay = await tapped(server);
    const names = manyInputs(60).map(({ name }, i) => ({
      point: id(name),
      address: { objectType: "analog-input" as const, instance: i + 2, property: "objectName" as const },
      writable: false,
    }));
    const points = [...POINTS, ...names];
    const [driver, recording] = await drive(relay.port, { covConfirmed: true }, points);
    await settled(recording, points);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    await driver.write({ point: SETPOINT, value: 25, priority: 8 }, never);
    await driver.write({ point: SETPOINT, value: 99, priority: 8 }, never);
    device.write("supply-temperature", 25);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(25);
    const directory = mkdtempSync(path.join(tmpdir(), "bacnet-driver-"));
    try {
      const file = path.join(directory, "driver.pcap");
      const port = relay.port;
      writePcap(
        file,
        relay.seen.map(({ fromClient, clientPort, payload }) => ({
          protocol: "udp",
          srcPort: fromClient ? clientPort : port,
          dstPort: fromClient ? port : clientPort,
          payload,
        })),
      );
      const decode = ["-d", `udp.port==${port},bvlc`];
      expect(
        tshark(program ?? "", file, [...decode, "-Y", "_ws.malformed || _ws.expert.severity >= 0x800000"]),
      ).toEqual([]);
      const services = tshark(program ?? "", file, [
        ...decode,
        "-T",
        "fields",
        "-e",
        "bacapp.type",
        "-e",
        "bacapp.confirmed_service",
        "-e",
        "bacapp.unconfirmed_service",
      ]);
      expect(services).toHaveLength(relay.seen.length);
      // Who-Is, I-Am; requests RPM, WriteProperty, SubscribeCOV, COV notification; an Error
      expect(services).toEqual(
        expect.arrayContaining(["1\t\t8", "1\t\t0", "0\t14\t", "0\t15\t", "0\t5\t", "0\t1\t", "5\t15\t"]),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
