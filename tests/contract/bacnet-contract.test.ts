import { deviceId, pointId } from "#core/ids.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import { airHandler, loopbackSocket, serveAirHandler, tap } from "./bacnet-fixture.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";

const TIMING = { apduTimeoutMs: 150, retries: 1, pollMs: 200, backoffMinMs: 50, backoffMaxMs: 200 };

function binding(slot: string, instance: number, port: number): DeviceBinding {
  const point = (name: string, objectType: string, writable = false) => ({
    point: pointId(`park/gw-1/${slot}/${name}`),
    address: { objectType, instance: 1 },
    writable,
  });
  return {
    device: deviceId(`park/gw-1/${slot}`),
    config: { instance, address: { host: "127.0.0.1", port } },
    points: [
      point("supply-temperature", "analog-input"),
      point("supply-setpoint", "analog-value", true),
      point("fan-run", "binary-input"),
      point("mode", "multi-state-value", true),
      { ...point("serial", "characterstring-value"), address: { objectType: 40, instance: 1, cov: false } },
    ],
  };
}

async function setup(): Promise<ContractField> {
  const first = await serveAirHandler(1001, {}, airHandler("ahu-1"));
  const second = await serveAirHandler(1002, {}, airHandler("ahu-2"));
  const relay = await tap(first.address.port);
  const blocker = await loopbackSocket();
  let blocked = true;
  const unblock = async (): Promise<void> => {
    if (blocked) await blocker.close();
    blocked = false;
  };
  return {
    config: { bind: { host: "127.0.0.1" }, ...TIMING },
    devices: [binding("ahu-1", 1001, relay.port), binding("ahu-2", 1002, second.address.port)],
    writable: { point: pointId("park/gw-1/ahu-1/supply-setpoint"), value: 23.5, expectedReadBack: 23.5 },
    silence: () => first.silence(),
    restore: () => first.restore(),
    async garbage() {
      // the last one is a truncated Error-PDU that ends a process using the common npm stack
      const frames = ["", "81", "810a0004", "810a000801040000", "ffffffff", "810a000a01005074ecaa"];
      for (const hex of frames) await relay.inject(Buffer.from(hex, "hex"));
      for (let length = 1; length < 200; length++) await relay.inject(new Uint8Array(length).fill(length));
    },
    startFailure: { config: { bind: { host: "127.0.0.1", port: blocker.port }, ...TIMING }, heal: unblock },
    async close() {
      await Promise.all([first.close(), second.close(), relay.close(), unblock()]);
    },
  };
}

driverContract(bacnet, setup, { writes: true, garbage: true, startFailure: true });
