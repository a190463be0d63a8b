import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { Sample } from "#core/model/sample.ts";
import type { ActionResult, DeviceBinding, ProtocolDriver } from "#protocols/driver.ts";
import type { OnvifAddress, OnvifConfig, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { createCamera, type SimulatedCamera } from "#simulators/devices/camera.ts";
import { type CameraServer, type CameraServerOptions, serveCamera } from "#simulators/servers/onvif.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

/** Short times, so that a loss is told within a second or two. */
export const CONFIG: OnvifConfig = {
  timeoutMs: 400,
  pollMs: 500,
  pullMs: 1000,
  subscriptionMs: 10_000,
  moveTimeoutMs: 3000,
};
export const CREDENTIALS = { username: "hub", password: "p&w<1>" };
export const CAMERA = deviceId("park/gw-1/camera-1");
export const POLL = { timeout: 15_000, interval: 20 } as const;
export const never = new AbortController().signal;

export const SIGNALS = [
  "online",
  "motion",
  "tamper",
  "lineCrossed",
  "fieldIntrusion",
  "digitalInput",
  "pan",
  "tilt",
  "zoom",
  "moving",
  "preset",
  "clockOffset",
] as const satisfies readonly OnvifAddress["signal"][];

/** A dome with two presets, stepped in real time by the test's own rhythm. */
export function dome(): SimulatedCamera {
  return createCamera({
    id: "camera-1",
    name: "3号门球机",
    nameEn: "Gate 3 dome",
    ptz: true,
    presets: [
      { token: "007", name: "Home", pan: 0, tilt: 0, zoom: 1 },
      { token: "gate-3", name: "Gate 3", pan: 60, tilt: -10, zoom: 3 },
    ],
  });
}

/** One camera on the wire and a driver that observes it. */
export interface CameraField {
  readonly camera: SimulatedCamera;
  readonly server: CameraServer;
  readonly driver: ProtocolDriver;
  readonly recording: Recording;
  latest(signal: OnvifAddress["signal"]): Sample | undefined;
  events(kind: string): readonly DeviceEvent[];
  act(action: string, params?: Readonly<Record<string, string>>): Promise<ActionResult>;
  close(): Promise<void>;
}

/** Binding of the camera with every signal of the tests. */
export function bindingTo(url: string, device: Partial<OnvifDevice> = {}): DeviceBinding {
  return {
    device: CAMERA,
    config: { url, ...CREDENTIALS, ...device } satisfies OnvifDevice,
    points: SIGNALS.map((signal) => ({
      point: pointId(`${CAMERA}/${signal}`),
      address: { signal } satisfies OnvifAddress,
      writable: false,
    })),
  };
}

/** Starts a driver on one device. */
export async function observe(
  url: string,
  options: {
    readonly device?: Partial<OnvifDevice>;
    readonly config?: Partial<OnvifConfig>;
    readonly clock?: Clock;
  } = {},
): Promise<Pick<CameraField, "driver" | "recording" | "latest" | "events" | "act">> {
  const recording = recordDriver(options.clock === undefined ? {} : { clock: options.clock });
  const driver = await onvif.create({ ...CONFIG, ...options.config }, recording.deps);
  await driver.start(never);
  await driver.bind([bindingTo(url, options.device)] as Parameters<typeof driver.bind>[0]);
  return {
    driver: driver as ProtocolDriver,
    recording,
    latest: (signal) => recording.latest(pointId(`${CAMERA}/${signal}`)),
    events: (kind) => recording.events.filter((event) => event.kind === kind),
    act: (action, params = {}) => driver.act({ device: CAMERA, action, params }, never),
  };
}

/** Noon where the camera stands: in the dark all its pictures look alike. */
const NOON = Date.UTC(2026, 10, 21, 4);

/** Puts a dome on the wire and observes it. The camera's physics run ten times a second until `close`. */
export async function cameraField(
  options: {
    readonly server?: Partial<CameraServerOptions>;
    readonly clock?: Clock;
    readonly device?: Partial<OnvifDevice>;
    readonly config?: Partial<OnvifConfig>;
  } = {},
): Promise<CameraField> {
  const camera = dome();
  const server = await serveCamera(camera, { ...CREDENTIALS, ...options.server }, silentLogger);
  const stopPhysics = systemClock.every(100, () => camera.step(0.1, NOON + systemClock.monotonic()));
  const observed = await observe(server.url, options);
  return {
    camera,
    server,
    ...observed,
    async close() {
      stopPhysics();
      await observed.driver.stop();
      await server.close();
    },
  };
}

/** A plain HTTP server for devices that misbehave in ways the simulator does not. */
export interface PlainServer {
  readonly url: string;
  readonly port: number;
  readonly paths: readonly string[];
  close(): Promise<void>;
}

/** Serves every request with `answer`. */
export async function plainServer(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<PlainServer> {
  const paths: string[] = [];
  const server: Server = createServer((request, response) => {
    paths.push(request.url ?? "");
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => answer(request, body, response));
    response.on("error", () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/onvif/device_service`,
    port,
    paths,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
