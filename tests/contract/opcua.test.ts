import { createServer } from "node:net";
import { afterAll, beforeAll } from "vitest";
import { deviceId, pointId } from "#core/ids.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import type { OpcuaAddress, OpcuaDevice } from "#protocols/opcua/config.ts";
import { opcua } from "#protocols/opcua/index.ts";
import { node, ServerProcess } from "#tests/fixtures/opcua/server-process.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";
import { CONFIG } from "./opcua-field.ts";

function binding(
  name: string,
  server: ServerProcess,
  addresses: Readonly<Record<string, OpcuaAddress>>,
): DeviceBinding {
  const config: OpcuaDevice = { endpointUrl: server.url, trustOnFirstUse: true };
  return {
    device: deviceId(`park/gw-1/${name}`),
    config,
    points: Object.entries(addresses).map(([id, address]) => ({
      point: pointId(`park/gw-1/${name}/${id}`),
      address,
      writable: true,
    })),
  };
}

// A start takes seconds: all cases share two servers, and none leaves one that is silent.
let first: ServerProcess;
let second: ServerProcess;
beforeAll(async () => {
  [first, second] = await Promise.all([ServerProcess.start(), ServerProcess.start()]);
});
afterAll(() => Promise.all([first?.close(), second?.close()]));

async function field(): Promise<ContractField> {
  return {
    config: CONFIG,
    devices: [
      binding("panel", first, {
        setpoint: { nodeId: node("Float") },
        mode: { nodeId: node("Mode"), samplingMs: 100 },
        second: { nodeId: node("Numbers"), index: "1", publishingMs: 100 },
        online: { signal: "online" },
        days: { signal: "certificateDaysLeft" },
        state: { signal: "serverState" },
      }),
      binding("lifts", second, { text: { nodeId: node("Text") } }),
    ],
    writable: { point: pointId("park/gw-1/panel/setpoint"), value: 3.25, expectedReadBack: 3.25 },
    silence: () => first.freeze(),
    restore: () => first.thaw(),
    async garbage() {
      // the panel is gone, and something else answers on its port
      await first.kill();
      const nonsense = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.resume();
        socket.write(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
        socket.write(Buffer.alloc(4000, 0xff));
      });
      const heard = new Promise<void>((resolve) => {
        let connections = 0;
        nonsense.on("connection", () => {
          connections++;
          if (connections === 3) resolve();
        });
      });
      nonsense.listen(first.port, "127.0.0.1");
      await heard;
      await new Promise((resolve) => nonsense.close(resolve));
      await first.restart();
    },
    async close() {
      first.thaw();
    },
  };
}

driverContract(opcua, field, { writes: true, garbage: true, startFailure: false });
