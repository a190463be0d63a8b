import { createSocket, type Socket } from "node:dgram";
import { silentLogger } from "#core/logger.ts";
import type { Signal, SignalValue, SimulatedDevice } from "#simulators/device.ts";
import {
  type BacnetServer,
  type BacnetServerOptions,
  bacnetObjectsOf,
  serveBacnet,
} from "#simulators/servers/bacnet.ts";

const SIGNALS: readonly Signal[] = [
  {
    name: "supply-temperature",
    label: "送风温度",
    labelEn: "Supply air temperature",
    kind: "number",
    unit: "degC",
    writable: false,
    covIncrement: 0.5,
  },
  {
    name: "supply-setpoint",
    label: "送风温度设定",
    labelEn: "Supply air setpoint",
    kind: "number",
    unit: "degC",
    writable: true,
    covIncrement: 0.1,
    min: 5,
    max: 40,
  },
  {
    name: "fan-run",
    label: "风机运行",
    labelEn: "Fan running",
    kind: "boolean",
    writable: false,
    states: [
      ["停止", "Off"],
      ["运行", "On"],
    ],
  },
  {
    name: "fan-command",
    label: "风机启停",
    labelEn: "Fan command",
    kind: "boolean",
    writable: true,
    states: [
      ["停", "Stop"],
      ["启", "Start"],
    ],
  },
  {
    name: "mode",
    label: "模式",
    labelEn: "Mode",
    kind: "enum",
    writable: true,
    states: [
      ["关", "Off"],
      ["制冷", "Cooling"],
      ["制热", "Heating"],
    ],
  },
  { name: "serial", label: "序列号", labelEn: "Serial number", kind: "string", writable: false },
];

/** An air handling unit with every kind of signal and no physics. */
export function airHandler(id = "ahu-1", extra: readonly Signal[] = []): SimulatedDevice {
  const values = new Map<string, SignalValue>([
    ["supply-temperature", 18.5],
    ["supply-setpoint", 20],
    ["fan-run", false],
    ["fan-command", false],
    ["mode", 1],
    ["serial", "序-001"],
    ...extra.map((signal): [string, SignalValue] => [signal.name, 0]),
  ]);
  return {
    id,
    name: `空调机组 ${id}`,
    nameEn: `Air handling unit ${id}`,
    signals: [...SIGNALS, ...extra],
    read: (signal) => values.get(signal) ?? 0,
    write: (signal, value) => values.set(signal, value),
    step() {},
  };
}

/** `count` more analog inputs, to make answers large. */
export function manyInputs(count: number): readonly Signal[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `input-${i}`,
    label: `模拟量 ${i}`,
    labelEn: `Analog input ${i}`,
    kind: "number" as const,
    writable: false,
    covIncrement: 1,
  }));
}

/** The air handler on a free loopback port. */
export async function serveAirHandler(
  instance: number,
  options: Partial<BacnetServerOptions> = {},
  device: SimulatedDevice = airHandler(),
): Promise<BacnetServer> {
  return serveBacnet(device, { instance, objects: bacnetObjectsOf(device), covScanMs: 20, ...options }, silentLogger);
}

/** A bare UDP socket on loopback. */
export async function loopbackSocket(): Promise<{ socket: Socket; port: number; close(): Promise<void> }> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    socket,
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** A datagram seen on its way. */
export interface TappedDatagram {
  readonly fromClient: boolean;
  readonly clientPort: number;
  readonly payload: Uint8Array;
}

/** A relay before a device that sees every datagram and can do to them what a network does. */
export interface Tap {
  readonly port: number;
  readonly seen: TappedDatagram[];
  /** Returns what is sent on instead of a datagram of the device; the datagram itself when not set. */
  answer: ((payload: Uint8Array) => readonly Uint8Array[]) | undefined;
  /** Sends bytes to the client as if the device had sent them. */
  inject(payload: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Opens a relay to the device at `devicePort`; it serves one client. */
export async function tap(devicePort: number): Promise<Tap> {
  const front = await loopbackSocket();
  const back = await loopbackSocket();
  let clientPort = 0;
  const seen: TappedDatagram[] = [];
  const inject = (payload: Uint8Array): Promise<void> =>
    new Promise((resolve) => front.socket.send(payload, clientPort, "127.0.0.1", () => resolve()));
  const self: Tap = {
    port: front.port,
    seen,
    answer: undefined,
    inject,
    async close() {
      await Promise.all([front.close(), back.close()]);
    },
  };
  front.socket.on("message", (payload, from) => {
    clientPort = from.port;
    seen.push({ fromClient: true, clientPort, payload });
    back.socket.send(payload, devicePort, "127.0.0.1");
  });
  back.socket.on("message", (payload) => {
    for (const datagram of self.answer?.(payload) ?? [payload]) {
      seen.push({ fromClient: false, clientPort, payload: datagram });
      front.socket.send(datagram, clientPort, "127.0.0.1");
    }
  });
  return self;
}
