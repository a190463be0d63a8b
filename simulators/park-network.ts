import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldServer, SignalValue, SimulatedDevice } from "./device.ts";
import { CameraView, DeviceView } from "./device-view.ts";
import { CAMERA_USER, type PortsFile } from "./kept-files.ts";
import type { ParkDevices } from "./park-devices.ts";
import type { Recorder } from "./recorder.ts";
import { bacnetObjectsOf, serveBacnet } from "./servers/bacnet.ts";
import { type ModbusMapping, type ModbusUnit, modbusMapOf, serveModbus } from "./servers/modbus.ts";
import { serveCamera } from "./servers/onvif.ts";

/** One device of the park on its network. Devices behind one gateway share a server. */
export interface NetworkDevice {
  readonly view: DeviceView;
  readonly protocol: "bacnet" | "modbus" | "onvif";
  readonly server: FieldServer;
  /** BACnet device instance. */
  readonly instance?: number;
  /** Modbus unit id. */
  readonly unitId?: number;
  /** Priority arrays of the commandable signals. [BACnet 19.2] */
  priorityArrays?(): Readonly<Record<string, readonly (SignalValue | null)[]>>;
}

/** What a network is built with. */
export interface NetworkDeps {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ports: PortsFile;
  readonly cameraPassword: string;
}

/** BACnet device instance of each BACnet device. */
export const BACNET_INSTANCES: Readonly<Record<string, number>> = {
  "ahu-1": 1001,
  "ahu-2": 1002,
  "vav-controller-1": 1101,
  "vav-controller-2": 1102,
  "chiller-plant": 1201,
  "electricity-meter-1": 1301,
  "electricity-meter-2": 1302,
};

/** Signals that a power meter shows as 32-bit counters of tenths, low register first, as many meters do. */
const COUNTERS = ["energy-import", "energy-export", "reactive-energy", "run-hours"];
const FIRST_COUNTER_REGISTER = 100;

/** Register map of a power meter: measured values as float32 from input register 0, counters as uint32 from input register 100. */
export function powerMeterMapOf(device: SimulatedDevice): readonly ModbusMapping[] {
  // The default map asks a device for its signals only.
  const measured = modbusMapOf({
    ...device,
    signals: device.signals.filter(({ name }) => !COUNTERS.includes(name)),
  } as SimulatedDevice);
  const counters = COUNTERS.map(
    (signal, index): ModbusMapping => ({
      signal,
      table: "inputRegister",
      register: FIRST_COUNTER_REGISTER + 2 * index,
      type: "uint32",
      wordOrder: "CDAB",
      scale: 0.1,
    }),
  );
  return [...measured, ...counters];
}

/** Puts every device of the park on its wire, each on a port of its own or together behind one as in the field. */
export async function openNetwork(devices: ParkDevices, deps: NetworkDeps): Promise<readonly NetworkDevice[]> {
  const opened: NetworkDevice[] = [];
  try {
    for (const device of devices.bacnet) opened.push(await openBacnet(device, deps));
    opened.push(...(await openModbus("perimeter-panel", [devices.panel], modbusMapOf, deps)));
    opened.push(...(await openModbus("street-lighting", [devices.lighting], modbusMapOf, deps)));
    opened.push(...(await openModbus("power-meters", devices.powerMeters, powerMeterMapOf, deps)));
    for (const camera of devices.cameras) {
      const view = new CameraView(camera, deps.recorder, () => deps.clock.now());
      const server = await deps.ports.open(
        camera.id,
        (port) =>
          serveCamera(
            view,
            { port, username: CAMERA_USER, password: deps.cameraPassword, clock: deps.clock },
            deps.logger,
          ),
        ({ address }) => address.port,
      );
      opened.push({ view, protocol: "onvif", server });
    }
  } catch (error) {
    await closeNetwork(opened);
    throw error;
  }
  return opened;
}

/** Closes every server once. */
export async function closeNetwork(network: readonly NetworkDevice[]): Promise<void> {
  await Promise.all([...new Set(network.map(({ server }) => server))].map((server) => server.close()));
}

async function openBacnet(device: SimulatedDevice, deps: NetworkDeps): Promise<NetworkDevice> {
  const view = new DeviceView(device, deps.recorder, () => deps.clock.now());
  const instance = BACNET_INSTANCES[device.id] ?? 0;
  const objects = bacnetObjectsOf(view);
  const server = await deps.ports.open(
    device.id,
    (port) => serveBacnet(view, { instance, objects, port, clock: deps.clock }, deps.logger),
    ({ address }) => address.port,
  );
  view.relinquishedWhen((signal) => server.priorityArrayOf(signal)?.every((slot) => slot === null) ?? false);
  const priorityArrays = (): Readonly<Record<string, readonly (SignalValue | null)[]>> =>
    Object.fromEntries(
      view.signals.flatMap(({ name }) => {
        const slots = server.priorityArrayOf(name);
        return slots === undefined ? [] : [[name, slots]];
      }),
    );
  return { view, protocol: "bacnet", server, instance, priorityArrays };
}

async function openModbus(
  name: string,
  devices: readonly SimulatedDevice[],
  mapOf: (device: SimulatedDevice) => readonly ModbusMapping[],
  deps: NetworkDeps,
): Promise<readonly NetworkDevice[]> {
  const views = devices.map((device) => new DeviceView(device, deps.recorder, () => deps.clock.now()));
  const units = views.map((view, index): ModbusUnit => ({ unitId: index + 1, device: view, map: mapOf(view) }));
  const server = await deps.ports.open(
    name,
    (port) => serveModbus(units, { port, clock: deps.clock }, deps.logger),
    ({ address }) => address.port,
  );
  return views.map((view, index) => ({ view, protocol: "modbus", server, unitId: index + 1 }));
}
