import { DataType } from "./datatype.ts";
import { BATCH } from "./message.ts";

/** How a value of a data message is read by its alias; `none`: no birth declared the alias, or not with a scalar type. */
export const READ = {
  none: 0,
  batch: 1,
  double: 2,
  float: 3,
  boolean: 4,
  text: 5,
  int8: 6,
  int16: 7,
  int32: 8,
  unsigned: 9,
  long: 10,
} as const;

const READ_AS: Partial<Record<DataType, number>> = {
  [DataType.Double]: READ.double,
  [DataType.Float]: READ.float,
  [DataType.Boolean]: READ.boolean,
  [DataType.String]: READ.text,
  [DataType.Text]: READ.text,
  [DataType.UUID]: READ.text,
  [DataType.Int8]: READ.int8,
  [DataType.Int16]: READ.int16,
  [DataType.Int32]: READ.int32,
  [DataType.UInt8]: READ.unsigned,
  [DataType.UInt16]: READ.unsigned,
  [DataType.UInt32]: READ.long,
  [DataType.Int64]: READ.long,
  [DataType.UInt64]: READ.long,
  [DataType.DateTime]: READ.long,
};

interface Aliased {
  readonly name: string;
  readonly alias: number | undefined;
  readonly datatype: DataType | undefined;
}

/** Most numbers between the lowest and the highest alias of one birth. */
const WIDEST = 65_536;
const NOT_ASKED = 0xffff_ffff;

/** The aliases of one birth as arrays: per alias how to read its value and the number of its point. */
export class AliasIndex {
  readonly #lowest: number;
  readonly #reads: Uint8Array;
  readonly #points: Uint32Array;
  readonly #names: (string | undefined)[];
  readonly #numberOf: (metric: string) => number;

  private constructor(
    lowest: number,
    highest: number,
    metrics: readonly Aliased[],
    numberOf: (name: string) => number,
  ) {
    const size = highest - lowest + 1;
    this.#lowest = lowest;
    this.#reads = new Uint8Array(size);
    this.#points = new Uint32Array(size).fill(NOT_ASKED);
    this.#names = new Array<string | undefined>(size).fill(undefined);
    this.#numberOf = numberOf;
    for (const { name, alias, datatype } of metrics) {
      if (alias === undefined || datatype === undefined) continue;
      this.#reads[alias - lowest] = name === BATCH ? READ.batch : (READ_AS[datatype] ?? READ.none);
      this.#names[alias - lowest] = name;
    }
  }

  /** `numberOf` is asked once for each metric that comes. Undefined where the aliases lie too far apart for arrays. */
  static of(metrics: Iterable<Aliased>, numberOf: (metric: string) => number): AliasIndex | undefined {
    const aliased = [...metrics].filter(({ alias }) => alias !== undefined);
    let lowest = Number.POSITIVE_INFINITY;
    let highest = -1;
    for (const { alias = 0 } of aliased) {
      lowest = Math.min(lowest, alias);
      highest = Math.max(highest, alias);
    }
    if (highest < 0 || highest - lowest >= WIDEST) return undefined;
    return new AliasIndex(lowest, highest, aliased, numberOf);
  }

  /** One of READ. */
  readOf(alias: number): number {
    return this.#reads[alias - this.#lowest] ?? READ.none;
  }

  /** Number of the point of an alias whose `readOf` is not `none`. */
  pointOf(alias: number): number {
    const at = alias - this.#lowest;
    const known = this.#points[at];
    if (known !== undefined && known !== NOT_ASKED) return known;
    const number = this.#numberOf(this.#names[at] ?? "");
    this.#points[at] = number;
    return number;
  }
}
