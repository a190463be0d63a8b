import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Apdu } from "#protocols/bacnet/codec/apdu.ts";
import { decodeFrame } from "#protocols/bacnet/codec/frame.ts";

const FIXTURES = path.resolve(import.meta.dirname, "../../../fixtures/bacnet");

/** Names of all golden cases. */
export const GOLDEN_NAMES: readonly string[] = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** Bytes of a golden case. */
export function golden(name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(readFileSync(path.join(FIXTURES, name, "frame.hex"), "utf8").trim(), "hex"));
}

/** The APDU in the frame of a golden case. */
export function apduOf(name: string): Apdu {
  const frame = decodeFrame(golden(name));
  if (frame.kind !== "apdu") throw new Error(`${name} carries no APDU`);
  return frame.apdu;
}

/** The service's own part of the APDU of a golden case. */
export function bodyOf(name: string): Uint8Array {
  const apdu = apduOf(name);
  if (!("body" in apdu)) throw new Error(`${name} has no body`);
  return apdu.body;
}

/** One frame with what it means and the functions for its body. */
export interface GoldenCase<T> {
  readonly name: string;
  readonly decode: (body: Uint8Array) => T;
  readonly encode: (value: T) => Uint8Array;
  readonly value: T;
}

/** A case whose value was checked against its functions, for a table of cases. */
export function golds<T>(one: GoldenCase<T>): GoldenCase<unknown> {
  return one as unknown as GoldenCase<unknown>;
}

/** Bytes as hex, so that a difference can be read. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
