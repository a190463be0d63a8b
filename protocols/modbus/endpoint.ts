import type { ModbusDevice } from "./config.ts";
import { DEVICE_DEFAULTS, type Parity, RTU_OVER_TCP_SILENCE_MS } from "./vocabulary.ts";

/** Where a line leads. `silenceMs`: kept between two frames of an RTU line. */
export type Endpoint =
  | { readonly transport: "tcp"; readonly host: string; readonly port: number }
  | { readonly transport: "rtuOverTcp"; readonly host: string; readonly port: number; readonly silenceMs: number }
  | {
      readonly transport: "serial";
      readonly path: string;
      readonly baudRate: number;
      readonly parity: Parity;
      readonly dataBits: 7 | 8;
      readonly stopBits: 1 | 2;
      readonly silenceMs: number;
    };

/** Above this speed the silence no longer shrinks. [Modbus over serial line V1.02 2.5.1.1] */
const FIXED_SILENCE_ABOVE = 19_200;
const FIXED_SILENCE_MS = 1.75;

/** The end point in a device's section. */
export function endpointOf(device: ModbusDevice): Endpoint {
  const { transport = DEVICE_DEFAULTS.transport, host = "", port = DEVICE_DEFAULTS.port } = device;
  if (transport === "tcp") return { transport, host, port };
  if (transport === "rtuOverTcp") {
    return { transport, host, port, silenceMs: device.silenceMs ?? RTU_OVER_TCP_SILENCE_MS };
  }
  const { path = "", baudRate = DEVICE_DEFAULTS.baudRate, parity = DEVICE_DEFAULTS.parity } = device;
  const { dataBits = DEVICE_DEFAULTS.dataBits, stopBits = DEVICE_DEFAULTS.stopBits } = device;
  const characterBits = 1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
  const silenceMs = device.silenceMs ?? silenceOf(baudRate, characterBits);
  return { transport, path, baudRate, parity, dataBits, stopBits, silenceMs };
}

/** What devices share: the same name means the same connection. */
export function endpointName(endpoint: Endpoint): string {
  return endpoint.transport === "serial" ? endpoint.path : `${endpoint.transport} ${endpoint.host}:${endpoint.port}`;
}

/** 3.5 characters, ms. [Modbus over serial line V1.02 2.5.1.1] */
function silenceOf(baudRate: number, characterBits: number): number {
  return baudRate > FIXED_SILENCE_ABOVE ? FIXED_SILENCE_MS : (3.5 * characterBits * 1000) / baudRate;
}
