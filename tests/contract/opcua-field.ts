import { rm } from "node:fs/promises";
import { deviceId, pointId } from "#core/ids.ts";
import type { DeviceBinding, PointBinding, ProtocolDriver } from "#protocols/driver.ts";
import type { OpcuaAddress, OpcuaConfig, OpcuaDevice } from "#protocols/opcua/config.ts";
import { opcua } from "#protocols/opcua/index.ts";
import type { ServerOptions } from "#tests/fixtures/opcua/messages.ts";
import { node, ServerProcess } from "#tests/fixtures/opcua/server-process.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

/** Short times, so that a loss is told within a second or two. */
export const CONFIG: OpcuaConfig = {
  publishingMs: 50,
  keepAliveMs: 300,
  connectTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  reconnectMinMs: 100,
  reconnectMaxMs: 500,
};
export const never = new AbortController().signal;
export const POLL = { timeout: 15_000, interval: 20 } as const;
export const PANEL = deviceId("park/gw-1/panel");

/** The point of a node of the test server. */
export const point = (name: string): PointBinding<OpcuaAddress>["point"] => pointId(`park/gw-1/panel/${name}`);

/** Bindings of nodes of the test server, all writable. */
export function nodePoints(
  names: readonly string[],
  more: Omit<Extract<OpcuaAddress, { nodeId: string }>, "nodeId"> = {},
): readonly PointBinding<OpcuaAddress>[] {
  return names.map((name) => ({ point: point(name), address: { nodeId: node(name), ...more }, writable: true }));
}

/** A server in a process of its own, and a driver that observes it. */
export interface PanelField {
  readonly server: ServerProcess;
  readonly driver: ProtocolDriver;
  readonly recording: Recording;
  bind(points: readonly PointBinding<OpcuaAddress>[], section?: Partial<OpcuaDevice>): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server and a driver without devices. `running`: a server to use instead, which stays when the field is closed. */
export async function panelField(
  options: {
    readonly server?: Partial<ServerOptions>;
    readonly running?: ServerProcess;
    readonly config?: OpcuaConfig;
    readonly folder?: string;
  } = {},
): Promise<PanelField> {
  const server = options.running ?? (await ServerProcess.start(options.server ?? {}));
  const recording = recordDriver(options.folder === undefined ? {} : { folder: options.folder });
  const driver = await opcua.create({ ...CONFIG, ...options.config }, recording.deps);
  await driver.start(never);
  return {
    server,
    driver,
    recording,
    async bind(points, section = {}) {
      const config: OpcuaDevice = { endpointUrl: server.url, trustOnFirstUse: true, ...section };
      await driver.bind([{ device: PANEL, config, points } satisfies DeviceBinding]);
    },
    async close() {
      await driver.stop();
      if (options.running === undefined) await server.close();
      await rm(recording.deps.folder, { recursive: true, force: true });
    },
  };
}
