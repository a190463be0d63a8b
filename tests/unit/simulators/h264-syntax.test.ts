import { describe, expect, it } from "vitest";
import { BitWriter } from "#simulators/video/bit-writer.ts";
import {
  CHROMA_DC_TOTAL_ZEROS,
  COEFF_TOKEN,
  type CodeTable,
  RUN_BEFORE,
  TOTAL_ZEROS,
} from "#simulators/video/cavlc-tables.ts";
import { nalUnit } from "#simulators/video/nal-unit.ts";

/** Codes of some cells of a table as bit strings. */
function codes(table: CodeTable, from = 0, to = table.bits.length): string[] {
  return [...table.bits.slice(from, to)]
    .map((bits, at) => (table.code[from + at] ?? 0).toString(2).padStart(bits, "0").slice(0, bits))
    .filter((code) => code !== "");
}

function prefixFree(list: readonly string[]): boolean {
  return list.every((code, at) => list.every((other, of) => of === at || !other.startsWith(code)));
}

function bitsOf(write: (bits: BitWriter) => void): string {
  const bits = new BitWriter();
  write(bits);
  const length = bits.bitLength;
  return [...bits.finish()]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("")
    .slice(0, length);
}

describe("codes of the simulated cameras' video", () => {
  it("can be told from each other", () => {
    expect(COEFF_TOKEN.map((table) => codes(table).length)).toEqual([62, 62, 62, 62, 14]);
    for (const table of COEFF_TOKEN) expect(prefixFree(codes(table))).toBe(true);
    for (const table of [TOTAL_ZEROS, CHROMA_DC_TOTAL_ZEROS, RUN_BEFORE]) {
      for (let row = 0; row < table.bits.length; row += table.columns) {
        expect(prefixFree(codes(table, row, row + table.columns))).toBe(true);
      }
    }
  });

  it("writes Exp-Golomb codes as table 9-2 of the Recommendation prints them", () => {
    expect([0, 1, 2, 3, 7, 8].map((value) => bitsOf((bits) => bits.unsigned(value)))).toEqual([
      "1",
      "010",
      "011",
      "00100",
      "0001000",
      "0001001",
    ]);
    expect([0, 1, -1, 2, -2].map((value) => bitsOf((bits) => bits.signed(value)))).toEqual([
      "1",
      "010",
      "011",
      "00100",
      "00101",
    ]);
  });

  it("takes back what is not to stand, also within a byte that was never full", () => {
    const written = bitsOf((bits) => {
      bits.put(0b101, 3);
      const short = bits.bitLength;
      bits.put(0b11, 2);
      bits.rewind(short);
      bits.put(0b0110, 4);
      const long = bits.bitLength;
      for (let i = 0; i < 40_000; i++) bits.put(1, 1);
      bits.rewind(long);
      bits.put(0, 1);
    });
    expect(written).toBe("10101100");
  });

  it("lets no start code stand inside a NAL unit", () => {
    const unit = nalUnit(1, 3, new Uint8Array([0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4]));
    expect([...unit]).toEqual([0x61, 0, 0, 3, 0, 0, 3, 0, 1, 0, 0, 3, 2, 0, 0, 3, 3, 0, 0, 4]);
  });
});
