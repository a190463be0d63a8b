/** How a device is reached: Modbus TCP, RTU frames over a TCP connection (serial device servers), or a serial line of this machine. */
export const TRANSPORTS = ["tcp", "rtuOverTcp", "serial"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** How urgently a point is read, most urgent first. */
export const POLL_CLASSES = ["alarm", "normal", "slow"] as const;
export type PollClass = (typeof POLL_CLASSES)[number];

/** Parity of a serial line. [Modbus over serial line V1.02 2.5.1] */
export const PARITIES = ["none", "even", "odd"] as const;
export type Parity = (typeof PARITIES)[number];

/** How the characters of a text lie in registers. */
export const TEXT_ENCODINGS = ["ascii", "utf8"] as const;
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];

/** What holds where the channel's section says nothing. */
export const MODBUS_DEFAULTS = {
  timeoutMs: 1000,
  alarmPollMs: 250,
  pollMs: 1000,
  slowPollMs: 10_000,
  repeatMs: 45_000,
  retries: 1,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  gapTolerance: 8,
  maxRegisters: 125,
  maxInFlight: 1,
} as const;

/** What holds where a device's section says nothing. */
export const DEVICE_DEFAULTS = {
  transport: "tcp",
  port: 502,
  unitId: 1,
  baudRate: 9600,
  // [Modbus over serial line V1.02 2.5.1] Even parity is the required default, with one stop bit.
  parity: "even",
  dataBits: 8,
  stopBits: 1,
} as const;

/** Silence kept between frames of an RTU line behind a TCP connection, ms: 3.5 characters at 9600 baud. */
export const RTU_OVER_TCP_SILENCE_MS = 4;
