import { type Static, Type } from "typebox";
import { defineDriver } from "../driver.ts";
import { MAX_READ_REGISTERS, TABLES } from "./codec/pdu.ts";
import { NUMBER_TYPES, WORD_ORDERS } from "./codec/registers.ts";

const closed = { additionalProperties: false } as const;
const pollMs = { minimum: 50, maximum: 50_000 } as const;

/** A Modbus channel: a set of TCP end points with the same patience. */
export const ModbusConfig = Type.Object(
  {
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 30_000,
        default: 1000,
        description: "Time to connect, and time to wait for each answer, ms.",
      }),
    ),
    pollMs: Type.Optional(
      Type.Integer({ ...pollMs, default: 1000, description: "Every point is read once in this time, ms." }),
    ),
    retries: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 5,
        default: 1,
        description: "Further attempts of a read before the device counts as lost. Writes are never sent twice.",
      }),
    ),
    reconnectMinMs: Type.Optional(
      Type.Integer({
        minimum: 50,
        maximum: 60_000,
        default: 500,
        description:
          "Shortest delay before a lost end point or device is asked again, ms; doubles each time, jittered.",
      }),
    ),
    reconnectMaxMs: Type.Optional(
      Type.Integer({ minimum: 50, maximum: 300_000, default: 30_000, description: "Longest such delay, ms." }),
    ),
    gapTolerance: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        default: 8,
        description: "Unused registers that may be read along to save a request; 16 times as many bits.",
      }),
    ),
    maxRegisters: Type.Optional(
      Type.Integer({
        minimum: 4,
        maximum: MAX_READ_REGISTERS,
        default: MAX_READ_REGISTERS,
        description:
          "Most registers of one read, for devices that allow fewer than the specification; 16 times as many bits.",
      }),
    ),
  },
  closed,
);
export type ModbusConfig = Static<typeof ModbusConfig>;

/** Where one device is. Devices on the same host and port share one connection. */
export const ModbusDevice = Type.Object(
  {
    host: Type.String({ minLength: 1, description: "Host name or address of the device or of its gateway." }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, default: 502, description: "TCP port." })),
    unitId: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 255,
        default: 1,
        description: "Unit behind a gateway; devices with an address of their own often ignore it or want 255.",
      }),
    ),
    pollMs: Type.Optional(Type.Integer({ ...pollMs, description: "Instead of the channel's pollMs, ms." })),
  },
  closed,
);
export type ModbusDevice = Static<typeof ModbusDevice>;

/** Where one value is. */
export const ModbusAddress = Type.Object(
  {
    table: Type.Enum([...TABLES], { description: "Table of the data model." }),
    register: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: "Address in the table as on the wire, from 0: 40001 in a data sheet is holdingRegister 0.",
    }),
    type: Type.Enum(["bool", ...NUMBER_TYPES], {
      description:
        "bool for the bit tables; in a register a bool is the bit named by `bit`, or the whole register (0 is false).",
    }),
    wordOrder: Type.Optional(
      Type.Enum([...WORD_ORDERS], {
        default: "ABCD",
        description: "Byte order, A most significant; CDAB registers swapped, BADC bytes swapped, DCBA both.",
      }),
    ),
    bit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 15,
        description: "Bit of the register, 0 least significant; type bool only.",
      }),
    ),
  },
  closed,
);
export type ModbusAddress = Static<typeof ModbusAddress>;

/** Modbus TCP. @see Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP V1.0b */
export const modbus = defineDriver({
  kind: "modbus",
  config: ModbusConfig,
  device: ModbusDevice,
  address: ModbusAddress,
  actions: [],
  module: new URL("./driver.ts", import.meta.url).href,
  async create(config, deps) {
    const { create } = await import("./driver.ts");
    return create(config, deps);
  },
});
