import { type Static, Type } from "typebox";
import { MAX_READ_REGISTERS, TABLES } from "./codec/pdu.ts";
import { NUMBER_TYPES, WORD_ORDERS } from "./codec/registers.ts";
import {
  DEVICE_DEFAULTS,
  MODBUS_DEFAULTS,
  PARITIES,
  POLL_CLASSES,
  RTU_OVER_TCP_SILENCE_MS,
  TEXT_ENCODINGS,
  TRANSPORTS,
} from "./vocabulary.ts";

const closed = { additionalProperties: false } as const;
const pollMs = { minimum: 50, maximum: 50_000 } as const;
const gapTolerance = { minimum: 0, maximum: 100 } as const;
const maxRegisters = { minimum: 4, maximum: MAX_READ_REGISTERS } as const;

function whole(name: keyof typeof MODBUS_DEFAULTS, bounds: { minimum: number; maximum: number }, description: string) {
  return Type.Optional(Type.Integer({ ...bounds, default: MODBUS_DEFAULTS[name], description }));
}

/** A Modbus channel: a set of end points with the same patience. */
export const ModbusConfig = Type.Object(
  {
    timeoutMs: whole(
      "timeoutMs",
      { minimum: 50, maximum: 30_000 },
      "Time to connect, and time to wait for each answer, ms.",
    ),
    pollMs: whole("pollMs", pollMs, "Every point of poll class normal is read once in this time, ms."),
    alarmPollMs: whole("alarmPollMs", pollMs, "The same for poll class alarm, ms; never slower than `pollMs`."),
    slowPollMs: whole("slowPollMs", pollMs, "The same for poll class slow, ms; never faster than `pollMs`."),
    repeatMs: whole(
      "repeatMs",
      { minimum: 0, maximum: 50_000 },
      "A value that does not change is told again after this time, ms; 0: at every poll.",
    ),
    retries: whole(
      "retries",
      { minimum: 0, maximum: 5 },
      "Further attempts of a read before the device counts as lost. Writes are never sent twice.",
    ),
    reconnectMinMs: whole(
      "reconnectMinMs",
      { minimum: 50, maximum: 60_000 },
      "Shortest delay before a lost end point or device is asked again, ms; doubles each time, jittered.",
    ),
    reconnectMaxMs: whole("reconnectMaxMs", { minimum: 50, maximum: 300_000 }, "Longest such delay, ms."),
    gapTolerance: whole(
      "gapTolerance",
      gapTolerance,
      "Unused registers that may be read along to save a request; 16 times as many bits.",
    ),
    maxRegisters: whole(
      "maxRegisters",
      maxRegisters,
      "Most registers of one read, for devices that allow fewer than the specification; 16 times as many bits.",
    ),
    maxInFlight: whole(
      "maxInFlight",
      { minimum: 1, maximum: 8 },
      "Requests on their way at once on one Modbus TCP connection; an RTU line has one always.",
    ),
  },
  closed,
);
export type ModbusConfig = Static<typeof ModbusConfig>;
/** The channel's section with its defaults. */
export type ModbusSettings = Required<ModbusConfig>;

/**
 * Where one device is and what it can do. Devices on the same end point (host and port, or serial line) share one connection.
 * An RTU line knows units 1 to 247 only: 0 is a broadcast, which nobody answers. [Modbus over serial line V1.02 2.2]
 */
export const ModbusDevice = Type.Object(
  {
    transport: Type.Optional(
      Type.Enum([...TRANSPORTS], {
        default: DEVICE_DEFAULTS.transport,
        description:
          "tcp: Modbus TCP. rtuOverTcp: RTU frames through a serial device server. serial: a serial line of the gateway.",
      }),
    ),
    host: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Host name or address of the device or of its gateway; needed unless serial.",
      }),
    ),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, default: DEVICE_DEFAULTS.port, description: "TCP port." }),
    ),
    path: Type.Optional(
      Type.String({ minLength: 1, description: "Serial line, e.g. /dev/ttyUSB0 or COM3; needed for serial." }),
    ),
    baudRate: Type.Optional(
      Type.Integer({
        minimum: 300,
        maximum: 1_000_000,
        default: DEVICE_DEFAULTS.baudRate,
        description: "Speed of the serial line, bit/s; the same for all its devices, as are the next three.",
      }),
    ),
    parity: Type.Optional(
      Type.Enum([...PARITIES], { default: DEVICE_DEFAULTS.parity, description: "Parity of the serial line." }),
    ),
    dataBits: Type.Optional(
      Type.Enum([7, 8], { default: DEVICE_DEFAULTS.dataBits, description: "Data bits; RTU needs 8." }),
    ),
    stopBits: Type.Optional(
      Type.Enum([1, 2], {
        default: DEVICE_DEFAULTS.stopBits,
        description: "Stop bits; the specification wants 2 without parity.",
      }),
    ),
    silenceMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description: `Silence between frames of an RTU line, ms; 3.5 characters where absent (rtuOverTcp: ${RTU_OVER_TCP_SILENCE_MS}).`,
      }),
    ),
    unitId: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 255,
        default: DEVICE_DEFAULTS.unitId,
        description:
          "Unit behind a gateway or on a line (1-247 there); devices with an address of their own often ignore it or want 255.",
      }),
    ),
    pollMs: Type.Optional(Type.Integer({ ...pollMs, description: "Instead of the channel's pollMs, ms." })),
    maxRegisters: Type.Optional(Type.Integer({ ...maxRegisters, description: "Instead of the channel's." })),
    gapTolerance: Type.Optional(Type.Integer({ ...gapTolerance, description: "Instead of the channel's." })),
    maskWrite: Type.Optional(
      Type.Boolean({
        default: false,
        description: "It has FC22: bits of a register are written without reading them before.",
      }),
    ),
    writeRead: Type.Optional(
      Type.Boolean({ default: false, description: "It has FC23: registers are written and read back in one request." }),
    ),
    multipleOnly: Type.Optional(
      Type.Boolean({ default: false, description: "It lacks FC5 and FC6: single values go by FC15 and FC16." }),
    ),
  },
  {
    ...closed,
    allOf: [
      {
        if: { properties: { transport: { const: "serial" } }, required: ["transport"] },
        then: { required: ["path"] },
        else: { required: ["host"] },
      },
      {
        if: { properties: { transport: { enum: ["serial", "rtuOverTcp"] } }, required: ["transport"] },
        then: { properties: { unitId: { minimum: 1, maximum: 247 } } },
      },
    ],
  },
);
export type ModbusDevice = Static<typeof ModbusDevice>;

const Band = Type.Object(
  {
    below: Type.Optional(
      Type.Number({ description: "The band holds what is below this; absent in the last, which holds the rest." }),
    ),
    value: Type.Integer({ description: "State that the band stands for." }),
  },
  closed,
);

/** Where one value is. */
export const ModbusAddress = Type.Object(
  {
    table: Type.Enum([...TABLES], { description: "Table of the data model." }),
    register: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description: "Address in the table as on the wire, from 0: 40001 in a data sheet is holdingRegister 0.",
    }),
    type: Type.Enum(["bool", "string", ...NUMBER_TYPES], {
      description:
        "bool for the bit tables; in a register a bool is the bit named by `bit`, or the whole register (0 is false). bcd16, bcd32: decimal digits.",
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
    mask: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 0xffff_ffff,
        description: "Bit field: only these bits of a uint16 or uint32 are the value.",
      }),
    ),
    shift: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 31,
        description: "How far the masked bits are moved right; to the lowest bit of `mask` where absent.",
      }),
    ),
    length: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_READ_REGISTERS, description: "Registers of a string." }),
    ),
    encoding: Type.Optional(
      Type.Enum([...TEXT_ENCODINGS], {
        default: "ascii",
        description: "Characters of a string, two a register; it ends at a NUL, blanks behind it are left out.",
      }),
    ),
    bands: Type.Optional(
      Type.Array(Band, {
        minItems: 2,
        maxItems: 16,
        description:
          "Turns a measured number into one of several states, e.g. the loop of a detector with end-of-line resistors; ascending.",
      }),
    ),
    hysteresis: Type.Optional(
      Type.Number({
        minimum: 0,
        default: 0,
        description: "How far the number must pass the edge of its band before the state changes.",
      }),
    ),
    rollover: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 2 ** 48,
        description:
          "Counter that starts again at 0 when it reaches this (4294967296 for a full uint32): the point shows the continuous total.",
      }),
    ),
    poll: Type.Optional(
      Type.Enum([...POLL_CLASSES], {
        default: "normal",
        description:
          "How urgently it is read: every alarmPollMs, pollMs or slowPollMs, alarm before normal before slow.",
      }),
    ),
  },
  closed,
);
export type ModbusAddress = Static<typeof ModbusAddress>;
