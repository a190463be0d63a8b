import type { PointId } from "#core/ids.ts";
import { isBitTable, MAX_READ_BITS, type Table } from "./codec/pdu.ts";
import { isIntegerType, registerCount } from "./codec/registers.ts";
import type { ModbusAddress } from "./config.ts";
import { fieldShift } from "./map.ts";

/** A point with where it is. */
export interface PlannedPoint {
  readonly point: PointId;
  readonly address: ModbusAddress;
}

/** One read request and the points it answers. */
export interface Block {
  readonly table: Table;
  readonly address: number;
  /** Bits or registers. */
  readonly quantity: number;
  readonly points: readonly PlannedPoint[];
}

/** How far reads are joined. */
export interface PlanLimits {
  /** Unused registers read along; 16 times as many bits. */
  readonly gapTolerance: number;
  /** Registers of one read, except of a longer value; 16 times as many bits, at most 2000. */
  readonly maxRegisters: number;
}

/** Bits of a bit table or registers of a register table that an address takes. */
export function addressLength({ type, length }: ModbusAddress): number {
  if (type === "bool") return 1;
  return type === "string" ? (length ?? 1) : registerCount(type);
}

/** Why an address can exist in no device, or contradicts itself; undefined for a possible one. */
export function addressFault(address: ModbusAddress): string | undefined {
  const { table, register, type, bit } = address;
  if (isBitTable(table) && (type !== "bool" || bit !== undefined)) return `${table} holds bool without bit`;
  if (bit !== undefined && type !== "bool") return `bit ${bit} needs type bool, not ${type}`;
  if (type === "string" && address.length === undefined) return "a string needs its length";
  if (register + addressLength(address) > 0x1_0000) return `${type} at ${register} reaches beyond address 65535`;
  return fieldFault(address) ?? bandsFault(address) ?? rolloverFault(address);
}

/**
 * The reads that cover all points of one unit: grouped by table, joined over small gaps, inside the limits of one request.
 * A value is never divided between two reads, since the device may change it in between.
 */
export function planReads(points: readonly PlannedPoint[], limits: PlanLimits): readonly Block[] {
  const byTable = Map.groupBy(points, ({ address }) => address.table);
  return [...byTable.values()].flatMap((ofTable) => joinReads(ofTable, limits));
}

/** Two reads in place of one that the device refused. @throws RangeError for a block of one point */
export function splitBlock(block: Block): readonly [Block, Block] {
  if (block.points.length < 2) throw new RangeError("a block of one point cannot be split");
  const half = block.points.length >> 1;
  return [blockOf(block.points.slice(0, half)), blockOf(block.points.slice(half))];
}

function fieldFault(address: ModbusAddress): string | undefined {
  const { mask, shift, type } = address;
  if (mask === undefined) return shift === undefined ? undefined : "shift needs a mask";
  const widest = type === "uint16" ? 0xffff : 0xffff_ffff;
  if (type !== "uint16" && type !== "uint32") return `mask needs type uint16 or uint32, not ${type}`;
  if (mask > widest) return `mask ${mask} is wider than ${type}`;
  return mask >>> fieldShift(address) === 0 ? `shift ${shift} leaves nothing of mask ${mask}` : undefined;
}

function bandsFault({ bands, hysteresis, type, rollover }: ModbusAddress): string | undefined {
  if (bands === undefined) return (hysteresis ?? 0) === 0 ? undefined : "hysteresis needs bands";
  if (type === "bool" || type === "string" || rollover !== undefined) return "bands need a number that is no counter";
  const edges = bands.map(({ below }) => below ?? Number.POSITIVE_INFINITY);
  const ascending = edges.every((edge, index) => index === 0 || edge > (edges[index - 1] ?? edge));
  const open = bands.at(-1)?.below === undefined;
  return ascending && open ? undefined : "bands expected below ascending, and absent in the last alone";
}

function rolloverFault({ rollover, type }: ModbusAddress): string | undefined {
  if (rollover === undefined) return undefined;
  const counts = type !== "bool" && type !== "string" && isIntegerType(type) && type !== "int64" && type !== "uint64";
  return counts ? undefined : `rollover needs an integer of at most 32 bits, not ${type}`;
}

function joinReads(points: readonly PlannedPoint[], limits: PlanLimits): readonly Block[] {
  const sorted = points.toSorted((a, b) => a.address.register - b.address.register);
  const bits = sorted[0] !== undefined && isBitTable(sorted[0].address.table);
  const gap = bits ? limits.gapTolerance * 16 : limits.gapTolerance;
  const max = bits ? Math.min(limits.maxRegisters * 16, MAX_READ_BITS) : limits.maxRegisters;
  const groups: PlannedPoint[][] = [];
  let group: PlannedPoint[] = [];
  let start = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const planned of sorted) {
    const { register } = planned.address;
    const newEnd = Math.max(end, register + addressLength(planned.address));
    if (register - end > gap || newEnd - start > max) {
      group = [];
      groups.push(group);
      start = register;
      end = register + addressLength(planned.address);
    } else {
      end = newEnd;
    }
    group.push(planned);
  }
  return groups.map(blockOf);
}

function blockOf(points: readonly PlannedPoint[]): Block {
  const starts = points.map(({ address }) => address.register);
  const ends = points.map(({ address }) => address.register + addressLength(address));
  const address = Math.min(...starts);
  return { table: points[0]?.address.table ?? "coil", address, quantity: Math.max(...ends) - address, points };
}
