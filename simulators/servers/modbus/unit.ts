import { type Answer, EXCEPTION, isBitTable, packBits, type Request, type Table } from "#protocols/modbus/codec/pdu.ts";
import { decodeNumber, encodeNumber, isIntegerType, rangeOf, swapsBytes } from "#protocols/modbus/codec/registers.ts";
import { decodeText, encodeText } from "#protocols/modbus/codec/text.ts";
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
  /** What a frozen unit shows. */
  #frozen: ReadonlyMap<string, SignalValue> | undefined;
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

  /** From now on it shows what it holds now, and takes writes without any effect; `false` ends that. */
  freeze(frozen: boolean): void {
    this.#frozen = frozen
      ? new Map([...this.#signals.keys()].map((name) => [name, this.#device.read(name)]))
      : undefined;
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
      case "maskWrite":
        return this.#maskWrite(request);
      case "readWrite": {
        // [Modbus Application Protocol V1.1b3 6.17] The write is performed before the read.
        const written = this.#writeRegisters(request.writeAddress, request.registers);
        return written.kind === "written" ? this.#read("holdingRegister", request.address, request.quantity) : written;
      }
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
        return mapping !== undefined && this.#value(mapping) === true;
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
    const value = this.#value(mapping);
    if (mapping.bit !== undefined) {
      const at = firstRegister * 2 + (mapping.bit < 8 !== swapsBytes(mapping.wordOrder ?? "ABCD") ? 1 : 0);
      if (value === true) data[at] = (data[at] ?? 0) | (1 << (mapping.bit & 7));
      return;
    }
    this.#encoded(mapping, value).forEach((byte, offset) => {
      const at = firstRegister * 2 + offset;
      if (at >= 0 && at < data.length) data[at] = byte;
    });
  }

  #encoded(mapping: ModbusMapping, value: SignalValue): Uint8Array {
    const { type, length = 1, wordOrder = "ABCD", scale = 1, rollover = Number.POSITIVE_INFINITY } = mapping;
    if (type === "string") {
      const form = { length, encoding: "ascii", swapped: swapsBytes(wordOrder) } as const;
      return encodeText(String(value), form) ?? new Uint8Array(length * 2);
    }
    const raw = Number(value) / scale;
    const counted = Number.isFinite(rollover) ? Math.floor(raw) % rollover : raw;
    return encodeNumber(counted, type === "bool" ? "uint16" : type, wordOrder);
  }

  #value(mapping: ModbusMapping): SignalValue {
    return this.#frozen?.get(mapping.signal) ?? this.#device.read(mapping.signal);
  }

  // [Modbus Application Protocol V1.1b3 6.16]
  #maskWrite({ address, and, or }: Request & { readonly kind: "maskWrite" }): Answer {
    if (!this.#places.holdingRegister.has(address)) return REFUSED(EXCEPTION.illegalDataAddress);
    const before = this.#registers("holdingRegister", address, 1);
    const word = ((before[0] ?? 0) << 8) | (before[1] ?? 0);
    const after = (word & and) | (or & ~and & 0xffff);
    return this.#writeRegisters(address, Uint8Array.of(after >> 8, after & 0xff));
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
      return ((decodeNumber(bytes, 0, "uint16", mapping.wordOrder ?? "ABCD") >> mapping.bit) & 1) === 1;
    }
    if (mapping.type === "string") {
      const { length = 1, wordOrder = "ABCD" } = mapping;
      return decodeText(bytes, 0, { length, encoding: "ascii", swapped: swapsBytes(wordOrder) });
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
    if (this.#frozen !== undefined) return { kind: "written" };
    for (const change of changes) this.#device.write(change.signal, change.value);
    return { kind: "written" };
  }
}
