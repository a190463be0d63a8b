import type { DoorSignal } from "#protocols/onvif/vocabulary.ts";
import type { Signal, SignalValue, SimulatedDevice } from "#simulators/device.ts";
import type { ParkDevices } from "#simulators/park-devices.ts";
import { powerMeterMapOf } from "#simulators/park-network.ts";
import { OPCUA_SERVERS } from "#simulators/park-opcua.ts";
import { bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { modbusMapOf, waterMeterMapOf } from "#simulators/servers/modbus.ts";
import { RELAY_OUTPUT } from "#simulators/servers/onvif/service.ts";
import { enumIndex, opcuaNodesOf } from "#simulators/servers/opcua.ts";

/*
 * What the simulated devices of the demo park serve, in the words of the drivers' addresses.
 */

/** Every simulated device of the park. */
export function allDevices(park: ParkDevices): readonly SimulatedDevice[] {
  return [...unpictured(park), ...park.cameras];
}

/** Every simulated device but the cameras. */
export function unpictured(park: ParkDevices): readonly SimulatedDevice[] {
  const { bacnet, panel, lighting, powerMeters, waterMeters, firePanel, lifts, pumpStation, burglarPanel, doors } =
    park;
  return [
    ...bacnet,
    panel,
    lighting,
    ...powerMeters,
    ...waterMeters,
    firePanel,
    ...lifts,
    pumpStation,
    burglarPanel,
    doors,
  ];
}

/** Points whose value no signal of the device holds: the hub finds it, with the address that asks for it. */
const FOUND_BY_THE_HUB: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  camera: {
    online: { signal: "online" },
    "clock-offset": { signal: "clockOffset" },
    "hardware-failure": { signal: "hardwareFailure" },
    "object-detected": { signal: "objectDetected" },
  },
  "door-controller": { online: { signal: "online" }, "clock-offset": { signal: "clockOffset" } },
  "fire-panel": { online: { signal: "online" }, "certificate-days-left": { signal: "certificateDaysLeft" } },
  lift: { online: { signal: "online" } },
  "pump-station": { online: { signal: "online" }, "certificate-days-left": { signal: "certificateDaysLeft" } },
  "burglar-panel": {
    duress: { signal: "duress" },
    "last-report": { signal: "lastReport" },
    "last-test-at": { signal: "lastTestAt" },
  },
};

/** Signals for which the profiles have no point: what a person does in a scenario, and what the protocol does not tell. */
const WITHOUT_POINT: Readonly<Record<string, RegExp>> = {
  camera:
    /^(light|cell-motion|object-class|licence-plate|fan-failure|storage-failure|temperature-critical|relay-(mode|delay)|contrast|color-saturation|sharpness|auto-focus)$/,
  "door-controller": /-(reader|card)$/,
  "burglar-panel": /^battery-voltage$/,
};

const DOOR_PARTS: Readonly<Record<string, DoorSignal>> = {
  mode: "doorMode",
  open: "doorPhysicalState",
  lock: "lockPhysicalState",
  alarm: "doorAlarm",
  tamper: "doorTamper",
  fault: "doorFault",
};

const camel = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
const model = (device: string): string =>
  device.startsWith("cam-") ? "camera" : device.startsWith("lift-") ? "lift" : device;

/** Names of the points that no signal of the device stands behind. */
export function foundByTheHub(device: string): readonly string[] {
  return Object.keys(FOUND_BY_THE_HUB[model(device)] ?? {});
}

/** Address at which each point of the device is to be asked for, by its slot. */
export function served(device: SimulatedDevice, protocol: string): ReadonlyMap<string, unknown> {
  const left = WITHOUT_POINT[model(device.id)];
  const signals = device.signals.map(({ name }) => name).filter((name) => left?.test(name) !== true);
  const found = Object.entries(FOUND_BY_THE_HUB[model(device.id)] ?? {});
  const told = (addressOf: (name: string) => unknown): ReadonlyMap<string, unknown> =>
    new Map([...signals.map((name): [string, unknown] => [name, addressOf(name)]), ...found]);
  switch (protocol) {
    case "bacnet":
      return new Map(Object.entries(bacnetObjectsOf(device)));
    case "modbus":
      return modbusAddresses(device);
    case "opcua": {
      const nodes = opcuaNodesOf(opcuaServerOf(device.id), device);
      return told((name) => ({ nodeId: nodes[name] }));
    }
    case "onvif":
      return told(model(device.id) === "camera" ? cameraAddress : doorAddress);
    case "sia-dc09":
      return told(siaAddress);
    default:
      throw new Error(`no simulated device speaks ${protocol}`);
  }
}

/** The OPC UA server that has the device. */
export function opcuaServerOf(device: string): string {
  const found = Object.entries(OPCUA_SERVERS).find(([, devices]) => (devices as readonly string[]).includes(device));
  if (found === undefined) throw new Error(`no OPC UA server has ${device}`);
  return found[0];
}

function cameraAddress(name: string): unknown {
  return { signal: camel(name), ...(name === "relay" ? { token: RELAY_OUTPUT } : {}) };
}

function doorAddress(name: string): unknown {
  const [, door, part = ""] = /^(door-\d)-(.+)$/.exec(name) ?? [];
  return { door, signal: DOOR_PARTS[part] };
}

function siaAddress(name: string): unknown {
  const [, zone, part = ""] = /^zone-(\d)-(.+)$/.exec(name) ?? [];
  if (name === "armed") return { signal: "armed", partition: "1" };
  return zone === undefined ? { signal: camel(name) } : { signal: camel(`zone-${part}`), zone };
}

function modbusAddresses(device: SimulatedDevice): ReadonlyMap<string, unknown> {
  const meter = device.id.startsWith("power-meter-") ? powerMeterMapOf(device) : modbusMapOf(device);
  const map = device.id.startsWith("water-meter-") ? waterMeterMapOf() : meter;
  return new Map(
    map.map(({ signal, table, register, type, wordOrder, bit, length, rollover }) => {
      const more = Object.entries({ wordOrder, bit, length, rollover }).filter(([, value]) => value !== undefined);
      return [signal, { table, register, type, ...Object.fromEntries(more) }];
    }),
  );
}

/** The value of a signal as the hub's point shows it: state numbers are counted differently on the wires. */
export function hubValue(device: SimulatedDevice, protocol: string, { name, kind }: Signal): SignalValue {
  const value = device.read(name);
  if (protocol === "opcua") return kind === "enum" ? enumIndex(Number(value)) : value;
  if (model(device.id) !== "door-controller") return value;
  // [ONVIF Door Control 5.3] the index in the standard's own list
  if (kind === "enum") return Number(value) - 1;
  if (name.endsWith("-open")) return value === true ? 1 : 2;
  return value === true ? 2 : 1;
}
