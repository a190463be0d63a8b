import { DbError } from "../errors.ts";
import type { Parameter, Row } from "./messages.ts";

// Type ids of PostgreSQL's catalogue, pg_type.dat
const BOOL = 16;
const BYTEA = 17;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** A column of a result. */
export interface Column {
  readonly name: string;
  readonly typeId: number;
}

/** @throws DB_VALUE_INVALID when a whole number is beyond what a double holds exactly */
function numberOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new DbError("DB_VALUE_INVALID", `${text} is no safe integer`);
  return value;
}

function decoded(text: string, typeId: number): string | number | Uint8Array {
  if (NUMBERS.has(typeId)) return numberOf(text);
  if (typeId === BOOL) return text === "t" ? 1 : 0;
  // bytea_output is hex: \x0102
  if (typeId === BYTEA) return new Uint8Array(Buffer.from(text.slice(2), "hex"));
  return text;
}

/** A row in text format. @throws DB_VALUE_INVALID */
export function rowOf(columns: readonly Column[], texts: readonly (string | null)[]): Row {
  const row: Record<string, string | number | Uint8Array | null> = {};
  for (const [i, { name, typeId }] of columns.entries()) {
    const text = texts[i] ?? null;
    row[name] = text === null ? null : decoded(text, typeId);
  }
  return row;
}

/** A parameter as the wire takes it: text, or bytes for bytea. */
export function wireValue(value: Parameter): string | Buffer | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
