import { HubError } from "#core/errors.ts";
import { isBitTable, type Table } from "#protocols/modbus/codec/pdu.ts";
import { type NumberType, registerCount, type WordOrder } from "#protocols/modbus/codec/registers.ts";
import type { SimulatedDevice } from "../../device.ts";

/** Where one signal of a simulated device lies in a unit's tables. */
export interface ModbusMapping {
  readonly signal: string;
  readonly table: Table;
  /** 0-based address in the table, as on the wire. */
  readonly register: number;
  /** `bool` in the bit tables; in a register table a bool is one bit of it (`bit`), or the whole register as 0 or 1. */
  readonly type: "bool" | "string" | NumberType;
  /** Registers of a string (ASCII, filled up with NUL); 1 where absent. */
  readonly length?: number;
  /** The raw value starts again at 0 when it reaches this. */
  readonly rollover?: number;
  /** Default ABCD. */
  readonly wordOrder?: WordOrder;
  /** signal = raw * scale; default 1. */
  readonly scale?: number;
  /** Bit of the register, 0 = least significant; several signals may share one register. */
  readonly bit?: number;
}

/** Elements of its table (bits or registers) that a mapping takes. */
export function mappingLength(mapping: ModbusMapping): number {
  if (mapping.type === "string") return mapping.length ?? 1;
  return mapping.type === "bool" ? 1 : registerCount(mapping.type);
}

/**
 * The default map of a device, in signal order: booleans from 0 in discrete inputs, or coils where writable; numbers as
 * float32 from 0 step 2 in input registers, or holding registers where writable; enums as uint16 after them in the same
 * tables and the same numbering (step 1). Texts have no place.
 */
export function modbusMapOf(device: SimulatedDevice): readonly ModbusMapping[] {
  const next: Record<Table, number> = { coil: 0, discreteInput: 0, holdingRegister: 0, inputRegister: 0 };
  const map: ModbusMapping[] = [];
  const place = (kind: "boolean" | "number" | "enum"): void => {
    for (const signal of device.signals) {
      if (signal.kind !== kind) continue;
      const table = tableOf(kind, signal.writable);
      const type = kind === "boolean" ? "bool" : kind === "number" ? "float32" : "uint16";
      const mapping: ModbusMapping = { signal: signal.name, table, register: next[table], type };
      next[table] += mappingLength(mapping);
      map.push(mapping);
    }
  };
  place("boolean");
  place("number");
  place("enum");
  return map;
}

/** Refuses a map that no server could serve. @throws SIM_MODBUS_MAP_INVALID naming every fault */
export function checkModbusMap(device: SimulatedDevice, map: readonly ModbusMapping[]): void {
  const problems = [...map.flatMap((mapping) => faultsOf(device, mapping)), ...overlaps(map)];
  if (problems.length > 0) {
    throw new HubError("SIM_MODBUS_MAP_INVALID", `Modbus map of ${device.id}: ${problems.join("; ")}`);
  }
}

function faultsOf(device: SimulatedDevice, mapping: ModbusMapping): readonly string[] {
  const faults: string[] = [];
  if (!device.signals.some((signal) => signal.name === mapping.signal)) faults.push(`no signal ${mapping.signal}`);
  if (isBitTable(mapping.table) && (mapping.type !== "bool" || mapping.bit !== undefined)) {
    faults.push(`${mapping.signal} in ${mapping.table} ${mapping.register}: a bit table holds bool without bit`);
  }
  if (mapping.bit !== undefined && mapping.type !== "bool") faults.push(`${mapping.signal}: bit needs type bool`);
  return faults;
}

/** Only bits may share a register, and no two of them one bit. */
function overlaps(map: readonly ModbusMapping[]): readonly string[] {
  const problems: string[] = [];
  const taken = new Map<string, Set<number | "whole">>();
  for (const mapping of map) {
    const use = mapping.bit ?? "whole";
    for (let offset = 0; offset < mappingLength(mapping); offset++) {
      const place = `${mapping.table} ${mapping.register + offset}`;
      const uses = taken.get(place) ?? new Set();
      if (uses.has(use) || uses.has("whole") || (use === "whole" && uses.size > 0)) {
        problems.push(`${mapping.signal}: ${place} is taken`);
      }
      taken.set(place, uses.add(use));
    }
  }
  return problems;
}

function tableOf(kind: "boolean" | "number" | "enum", writable: boolean): Table {
  if (kind === "boolean") return writable ? "coil" : "discreteInput";
  return writable ? "holdingRegister" : "inputRegister";
}
