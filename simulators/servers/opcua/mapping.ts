import type { Signal, SimulatedDevice } from "../../device.ts";

/** An alarm condition that a server keeps for a boolean signal. [OPC 10000-9 §5.8] */
export interface ConditionMapping {
  /** Active while this signal is true. */
  readonly signal: string;
  /** 1 to 1000. [OPC 10000-5 §6.4.2] */
  readonly severity: number;
  /** Which kind of condition it is. [OPC 10000-9 §5.9] */
  readonly conditionClass: "SafetyConditionClassType" | "SystemConditionClassType" | "MaintenanceConditionClassType";
  /** May a client shelve it? */
  readonly shelving?: boolean;
}

/** A method of a device: writes its argument, or true where it takes none, to a signal. */
export interface MethodMapping {
  readonly name: string;
  readonly signal: string;
  readonly argument?: { readonly name: string; readonly dataType: "UInt16" | "Double" };
}

/** How a device is shown by an OPC UA server. */
export interface OpcuaMapping {
  readonly conditions?: readonly ConditionMapping[];
  readonly methods?: readonly MethodMapping[];
  /** Signals whose values the server keeps for HistoryRead. [OPC 10000-11] */
  readonly history?: readonly string[];
}

/** Application URI of a simulated server, which is the URI of its namespace too. */
export function opcuaUri(server: string): string {
  return `urn:parkhub:simulator:${server}`;
}

/** Identifier of a signal's variable in the server's namespace. */
export function variableId(device: string, signal: string): string {
  return `${device}.${signal}`;
}

/** Identifier of the condition of a signal. */
export function conditionId(device: string, signal: string): string {
  return `${device}.${signal}.condition`;
}

/** Name by which the hub knows the condition of a signal: its source and its own name. */
export function conditionNameOf(server: string, device: string, signal: string): string {
  return `nsu=${opcuaUri(server)};s=${objectId(device)}/${signal}`;
}

/** Identifier of a device's object. */
export function objectId(device: string): string {
  return device;
}

/** Identifier of a method of a device. */
export function methodId(device: string, method: string): string {
  return `${device}.${method}`;
}

/** NodeId of every signal with the namespace by its URI, by signal. */
export function opcuaNodesOf(server: string, device: SimulatedDevice): Readonly<Record<string, string>> {
  return Object.fromEntries(
    device.signals.map(({ name }) => [name, `nsu=${opcuaUri(server)};s=${variableId(device.id, name)}`]),
  );
}

/** Value of an enum on the wire: MultiStateDiscrete counts its states from 0, signals from 1. [OPC 10000-8 §5.3.3.4] */
export function enumIndex(state: number): number {
  return state - 1;
}

/** Range that a numeric signal's EURange tells; a signal that has none of its own could have any value. */
export function rangeOf({ min, max }: Signal): { readonly low: number; readonly high: number } {
  return { low: min ?? -1e9, high: max ?? 1e9 };
}
