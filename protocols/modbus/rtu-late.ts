import { dataLength, functionCode, isBitTable, MAX_READ_BITS, MAX_READ_REGISTERS, type Request } from "./codec/pdu.ts";

/** What cannot come back any more: a unit that answers so late is not waited for, ms. */
const FORGET_MS = 120_000;

type Read = Extract<Request, { kind: "read" }>;

/**
 * Answers that units of an RTU line still owe after a time-out. RTU has no transaction ids: a late answer looks like that of the
 * next request of the same kind and length. A unit answers in order, so an answer of another length proves that whatever came
 * before it will not come any more: a read of that length is sent before anything else is asked of the unit.
 */
export class OwedAnswers {
  /** By unit: what an answer that is owed looks like, and until when it is minded (monotonic ms). */
  readonly #byUnit = new Map<number, Map<number, number>>();

  /** The unit did not answer this in time. */
  add(unitId: number, request: Request, now: number): void {
    const owed = this.#byUnit.get(unitId) ?? new Map<number, number>();
    this.#byUnit.set(unitId, owed);
    owed.set(shapeOf(request), now + FORGET_MS);
  }

  /** The unit has answered in its turn. */
  clear(unitId: number): void {
    this.#byUnit.delete(unitId);
  }

  /** What to ask before `request`: a read whose answer can be none of those owed; undefined where none is. */
  probeBefore(unitId: number, request: Request, now: number): Request | undefined {
    const owed = this.#byUnit.get(unitId);
    if (owed === undefined) return undefined;
    for (const [shape, until] of owed) if (until <= now) owed.delete(shape);
    if (owed.size === 0) {
      this.#byUnit.delete(unitId);
      return undefined;
    }
    return distinct(placeOf(request), new Set([...owed.keys(), shapeOf(request)]));
  }
}

/** Function code and data length: all that an RTU answer tells of its request. */
function shapeOf(request: Request): number {
  const bytes =
    request.kind === "read"
      ? dataLength(request.table, request.quantity)
      : request.kind === "readWrite"
        ? request.quantity * 2
        : 0;
  return functionCode(request) * 0x100 + bytes;
}

/** Where a request reads, or could read what it writes. */
function placeOf(request: Request): Read {
  switch (request.kind) {
    case "read":
      return request;
    case "writeCoil":
    case "writeCoils":
      return { kind: "read", table: "coil", address: request.address, quantity: 1 };
    default:
      return { kind: "read", table: "holdingRegister", address: request.address, quantity: 1 };
  }
}

/** The read at this place, rather shorter than longer, whose answer has none of the shapes. */
function distinct(place: Read, shapes: ReadonlySet<number>): Read {
  const max = isBitTable(place.table) ? MAX_READ_BITS : MAX_READ_REGISTERS;
  const step = isBitTable(place.table) ? 8 : 1;
  const sizes: number[] = [];
  for (let quantity = place.quantity - step; quantity >= 1; quantity -= step) sizes.push(quantity);
  for (let quantity = place.quantity + step; quantity <= max; quantity += step) sizes.push(quantity);
  const reads = sizes.map((quantity): Read => {
    return { ...place, quantity, address: Math.min(place.address, 0x1_0000 - quantity) };
  });
  return reads.find((read) => !shapes.has(shapeOf(read))) ?? place;
}
