/** What holds where the channel's section says nothing. */
export const OPCUA_DEFAULTS = {
  publishingMs: 500,
  keepAliveMs: 2500,
  queueSize: 10,
  lifetimeMs: 60_000,
  sessionTimeoutMs: 60_000,
  connectTimeoutMs: 4000,
  requestTimeoutMs: 5000,
  reconnectMinMs: 250,
  reconnectMaxMs: 2500,
  rereadMs: 40_000,
  historyValues: 10_000,
} as const;

/** How messages are secured. `None` only where the device's section allows it. [OPC 10000-4 §7.20] */
export const SECURITY_MODES = ["SignAndEncrypt", "Sign", "None"] as const;
export type SecurityModeName = (typeof SECURITY_MODES)[number];

/** Security policies that are still held for secure; Basic128Rsa15 and Basic256 are not among them. [OPC 10000-7] */
export const SECURITY_POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] as const;
export type SecurityPolicyName = (typeof SECURITY_POLICIES)[number];

/** What a point can follow besides a node. */
export const SIGNALS = ["online", "certificateDaysLeft", "serverState"] as const;
export type Signal = (typeof SIGNALS)[number];

/** Types that an argument of an allowed method may have; each takes its text, number or boolean. [OPC 10000-6 §5.1.2] */
export const ARGUMENT_TYPES = [
  "Boolean",
  "SByte",
  "Byte",
  "Int16",
  "UInt16",
  "Int32",
  "UInt32",
  "Int64",
  "UInt64",
  "Float",
  "Double",
  "String",
  "DateTime",
  "LocalizedText",
] as const;
export type ArgumentType = (typeof ARGUMENT_TYPES)[number];

/** Actions of one server. */
export const DEVICE_ACTIONS = [
  "acknowledgeCondition",
  "confirmCondition",
  "shelveCondition",
  "unshelveCondition",
  "callMethod",
] as const;

/** Actions of the channel as a whole; `discover` is also one of a server. */
export const CHANNEL_ACTIONS = ["discover", "trustCertificate", "rejectCertificate"] as const;

export const OPCUA_ACTIONS = [...DEVICE_ACTIONS, ...CHANNEL_ACTIONS] as const;
export type OpcuaAction = (typeof OPCUA_ACTIONS)[number];
