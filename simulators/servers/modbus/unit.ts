import {
  type Answer,
  bitAt,
  EXCEPTION,
  isBitTable,
  packBits,
  type Request,
  type Table,
} from "#protocols/modbus/codec/pdu.ts";
import { decodeNumber, encodeNumber, isIntegerType, rangeOf } from "#protocols/modbus/codec/registers.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../../device.ts";
import { checkModbusMap, type ModbusMapping, mappingLength } from "./map.ts";

/** One simulated device under one unit id. */
export interface ModbusUnit {
  /** 0-247 (255 for the server itself). */
  readonly unitId: number;
  readonly device: SimulatedDevice;
  readonly map: readonly ModbusMapping[];
  /**
   * What lies between the mapped addresses: `zero` (default) reads 0 up to the last mapped address of the table;
   * `illegal` answers exception 2, as devices do that check every address of a block.
   */
  readonly holes?: "zero" | "illegal";
}

/** A change of one signal that a write asks for. */
interface Change {
  readonly signal: string;
  readonly value: SignalValue;
}

const REFUSED = (code: number): Answer => ({ kind: "exception", code });

/** The four tables of one unit over a simulated device. */
export class UnitTables {
  readonly #device: SimulatedDevice;
  readonly #holes: "zero" | "illegal";
  readonly #signals: ReadonlyMap<string, Signal>;
  /** Mappings by table and element; more than one where bits share a register. */
  readonly #places: Readonly<Record<Table, Map<number, ModbusMapping[]>>> = {
    coil: new Map(),
    discreteInput: new Map(),
    holdingRegister: new Map(),
    inputRegister: new Map(),
  };
  readonly #end: Record<Table, number> = { coil: 0, discreteInput: 0, holdingRegister: 0, inputRegister: 0 };

  /** @throws SIM_MODBUS_MAP_INVALID */
  constructor(unit: ModbusUnit) {
    checkModbusMap(unit.device, unit.map);
    this.#device = unit.device;
    this.#holes = unit.holes ?? "zero";
    this.#signals = new Map(unit.device.signals.map((signal) => [signal.name, signal]));
    for (const mapping of unit.map) {
      const end = mapping.register + mappingLength(mapping);
      const places = this.#places[mapping.table];
      for (let at = mapping.register; at < end; at++) places.set(at, [...(places.get(at) ?? []), mapping]);
      this.#end[mapping.table] = Math.max(this.#end[mapping.table], end);
    }
  }

  /** Serves one request. A write is taken as a whole or not at all. */
  serve(request: Request): Answer {
    switch (request.kind) {
      case "read":
        return this.#read(request.table, request.address, request.quantity);
      case "writeCoil":
        return this.#writeCoils(request.address, [request.value]);
      case "writeCoils":
        return this.#writeCoils(request.address, request.values);
      case "writeRegister":
      case "writeRegisters":
        return this.#writeRegisters(request.address, request.registers);
      default:
        return request satisfies never;
    }
  }

  #read(table: Table, address: number, quantity: number): Answer {
    const places = this.#places[table];
    for (let at = address; at < address + quantity; at++) {
      const legal = at < this.#end[table] && (this.#holes === "zero" || places.has(at));
      if (!legal) return REFUSED(EXCEPTION.illegalDataAddress);
    }
    if (isBitTable(table)) {
      const bits = Array.from({ length: quantity }, (_, index) => {
        const mapping = places.get(address + index)?.[0];
        return mapping !== undefined && this.#device.read(mapping.signal) === true;
      });
      return { kind: "data", data: packBits(bits) };
    }
    return { kind: "data", data: this.#registers(table, address, quantity) };
  }

  #registers(table: Table, address: number, quantity: number): Uint8Array {
    const data = new Uint8Array(quantity * 2);
    const done = new Set<ModbusMapping>();
    for (let index = 0; index < quantity; index++) {
      for (const mapping of this.#places[table].get(address + index) ?? []) {
        if (done.has(mapping)) continue;
        done.add(mapping);
        this.#put(data, mapping, mapping.register - address);
      }
    }
    return data;
  }

  /** Puts a signal's value into register bytes; registers outside them are left out. */
  #put(data: Uint8Array, mapping: ModbusMapping, firstRegister: number): void {
    const value = this.#device.read(mapping.signal);
    if (mapping.bit !== undefined) {
      const at = firstRegister * 2 + (mapping.bit < 8 ? 1 : 0);
      if (value === true) data[at] = (data[at] ?? 0) | (1 << (mapping.bit & 7));
      return;
    }
    const type = mapping.type === "bool" ? "uint16" : mapping.type;
    const bytes = encodeNumber(Number(value) / (mapping.scale ?? 1), type, mapping.wordOrder ?? "ABCD");
    bytes.forEach((byte, offset) => {
      const at = firstRegister * 2 + offset;
      if (at >= 0 && at < data.length) data[at] = byte;
    });
  }

  #writeCoils(address: number, values: readonly boolean[]): Answer {
    const changes: Change[] = [];
    for (const [index, value] of values.entries()) {
      const mapping = this.#places.coil.get(address + index)?.[0];
      if (mapping === undefined || !this.#writable(mapping)) return REFUSED(EXCEPTION.illegalDataAddress);
      changes.push({ signal: mapping.signal, value });
    }
    return this.#apply(changes);
  }

  #writeRegisters(address: number, registers: Uint8Array): Answer {
    const touched = new Set<ModbusMapping>();
    for (let index = 0; index < registers.length >> 1; index++) {
      const mappings = this.#places.holdingRegister.get(address + index);
      if (mappings === undefined || !mappings.every((mapping) => this.#writable(mapping))) {
        return REFUSED(EXCEPTION.illegalDataAddress);
      }
      for (const mapping of mappings) touched.add(mapping);
    }
    const changes: Change[] = [];
    for (const mapping of touched) {
      const value = this.#valueAfter(mapping, address, registers);
      if (value === undefined) return REFUSED(EXCEPTION.illegalDataValue);
      changes.push({ signal: mapping.signal, value });
    }
    return this.#apply(changes);
  }

  /** The signal's value once `registers` are written at `address`; undefined where the signal cannot hold it. */
  #valueAfter(mapping: ModbusMapping, address: number, registers: Uint8Array): SignalValue | undefined {
    const count = mappingLength(mapping);
    const bytes = this.#registers("holdingRegister", mapping.register, count);
    for (let register = 0; register < count; register++) {
      const from = (mapping.register + register - address) * 2;
      if (from < 0 || from >= registers.length) continue;
      bytes.set(registers.subarray(from, from + 2), register * 2);
    }
    if (mapping.bit !== undefined) {
      return bitAt(Uint8Array.of(bytes[1] ?? 0, bytes[0] ?? 0), mapping.bit);
    }
    const type = mapping.type === "bool" ? "uint16" : mapping.type;
    const raw = decodeNumber(bytes, 0, type, mapping.wordOrder ?? "ABCD");
    const signal = this.#signals.get(mapping.signal);
    if (signal?.kind === "boolean") return raw === 0 || raw === 1 ? raw === 1 : undefined;
    const value = raw * (mapping.scale ?? 1);
    const [min, max] = isIntegerType(type) ? [-Infinity, Infinity] : rangeOf(type);
    const valid = value >= Math.max(signal?.min ?? min, min) && value <= Math.min(signal?.max ?? max, max);
    return valid ? value : undefined;
  }

  #writable(mapping: ModbusMapping): boolean {
    return this.#signals.get(mapping.signal)?.writable === true;
  }

  #apply(changes: readonly Change[]): Answer {
    for (const change of changes) this.#device.write(change.signal, change.value);
    return { kind: "written" };
  }
}
