import type { SignalValue, SimulatedDevice } from "./device.ts";
import { DeviceView } from "./device-view.ts";
import { type NetworkDeps, type NetworkDevice, serversOf } from "./network-device.ts";
import { extrasOf, PARK_UTC_OFFSET_MIN } from "./park-bacnet.ts";
import type { ParkDevices } from "./park-devices.ts";
import { openOnvif } from "./park-onvif.ts";
import { openOpcua } from "./park-opcua.ts";
import { bacnetObjectsOf, serveBacnet } from "./servers/bacnet.ts";
import {
  type ModbusMapping,
  type ModbusServerOptions,
  type ModbusUnit,
  modbusMapOf,
  serveModbus,
  waterMeterMapOf,
} from "./servers/modbus.ts";
import { servePanel } from "./servers/sia-dc09.ts";

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

/** Account under which the burglar panel reports. [SIA DC-09 §5.5.1.6] */
export const BURGLAR_ACCOUNT = "4711";

/** The water meters hang on a serial line behind a device server. */
const RTU = { framing: "rtuOverTcp" } as const;

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
    opened.push(...(await openModbus("water-meters", devices.waterMeters, waterMeterMapOf, deps, RTU)));
    await openOnvif(devices, deps, opened);
    await openOpcua(devices, deps, opened);
    opened.push(await openBurglarPanel(devices.burglarPanel, deps));
  } catch (error) {
    await closeNetwork(opened);
    throw error;
  }
  return opened;
}

/** Closes every server once. */
export async function closeNetwork(network: readonly NetworkDevice[]): Promise<void> {
  await Promise.all([...new Set(network.flatMap(serversOf))].map((server) => server.close()));
}

async function openBacnet(device: SimulatedDevice, deps: NetworkDeps): Promise<NetworkDevice> {
  const view = new DeviceView(device, deps.recorder, () => deps.clock.now());
  const instance = BACNET_INSTANCES[device.id] ?? 0;
  const objects = bacnetObjectsOf(view);
  const server = await deps.ports.open(
    device.id,
    (port) =>
      serveBacnet(
        view,
        {
          ...extrasOf(view),
          instance,
          objects,
          port,
          utcOffsetMin: PARK_UTC_OFFSET_MIN,
          clock: deps.clock,
        },
        deps.logger,
      ),
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
  options: Pick<ModbusServerOptions, "framing"> = {},
): Promise<readonly NetworkDevice[]> {
  const views = devices.map((device) => new DeviceView(device, deps.recorder, () => deps.clock.now()));
  const units = views.map((view, index): ModbusUnit => ({ unitId: index + 1, device: view, map: mapOf(view) }));
  const server = await deps.ports.open(
    name,
    (port) => serveModbus(units, { ...options, port, clock: deps.clock }, deps.logger),
    ({ address }) => address.port,
  );
  return views.map((view, index) => ({ view, protocol: "modbus", server, unitId: index + 1 }));
}

/** The panel dials: its receiver is the gateway, on a port that is chosen here so that both know it. */
async function openBurglarPanel(device: SimulatedDevice, deps: NetworkDeps): Promise<NetworkDevice> {
  const port = await deps.ports.choose("sia-receiver");
  const view = new DeviceView(device, deps.recorder, () => deps.clock.now());
  const server = servePanel(
    view,
    {
      receiver: { host: "127.0.0.1", port: () => port },
      account: BURGLAR_ACCOUNT,
      key: deps.secrets["demo-burglar-key"],
      clock: deps.clock,
    },
    deps.logger,
  );
  return { view, protocol: "sia-dc09", server };
}
