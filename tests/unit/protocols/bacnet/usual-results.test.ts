import { describe, expect, it } from "vitest";
import { errorCode } from "#core/errors.ts";
import { Writer } from "#protocols/bacnet/codec/bytes.ts";
import { PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import {
  decodeAnyResults,
  decodeReadPropertyMultipleAck,
  encodeReadPropertyMultipleAck,
  type PropertyResult,
} from "#protocols/bacnet/codec/services/property.ts";
import { decodeUsualResults } from "#protocols/bacnet/codec/services/usual-results.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";

const MUTATIONS = 20_000;
const VALUES: readonly BacnetValue[] = [
  { type: "real", value: 21.5 },
  { type: "bitString", value: [false, true, false, true] },
  { type: "enumerated", value: 3 },
  { type: "unsigned", value: 255 },
];

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function answerOf(results: readonly PropertyResult[]): Uint8Array {
  return encodeReadPropertyMultipleAck([
    { object: { type: 0, instance: 1 }, results },
    { object: { type: 1023, instance: 4_194_303 }, results },
  ]);
}

const USUAL = answerOf(VALUES.map((value) => ({ property: PROPERTIES.presentValue, values: [value] })));

describe("the short way through the answer of a poll", () => {
  it("takes what is usual, and nothing else", () => {
    expect(decodeUsualResults(USUAL)).toHaveLength(2);
    const unusual: readonly PropertyResult[] = [
      { property: 85, values: [] },
      { property: 85, index: 3, values: [{ type: "real", value: 1 }] },
      { property: 87, values: [{ type: "null" }, { type: "real", value: 1 }] },
      { property: 512, values: [{ type: "real", value: 1 }] },
      { property: 85, values: [{ type: "unsigned", value: 70_000 }] },
      { property: 28, values: [{ type: "characterString", value: "送风" }] },
      { property: 103, error: { errorClass: 2, errorCode: 32 } },
    ];
    for (const result of unusual) {
      expect(decodeUsualResults(answerOf([result]))).toBeUndefined();
      expect(decodeReadPropertyMultipleAck(answerOf([result]))[1]?.results).toEqual([result]);
    }
  });

  it("gives what the long way gives, whatever the bytes", () => {
    const below = seeded(7);
    let taken = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = USUAL.slice(0, below(4) === 0 ? below(USUAL.length) : USUAL.length);
      if (bytes.length > 0) bytes[below(bytes.length)] = below(256);
      const short = decodeUsualResults(bytes);
      if (short === undefined) continue;
      taken += 1;
      expect(decodeAnyResults(bytes)).toEqual(short);
    }
    expect(taken).toBeGreaterThan(MUTATIONS / 20);
  });

  it("refuses what is malformed as the long way does", () => {
    let code: unknown;
    try {
      decodeReadPropertyMultipleAck(USUAL.slice(0, -1));
    } catch (error) {
      code = errorCode(error);
    }
    expect(code).toBe("BACNET_MALFORMED");
  });
});

describe("a writer", () => {
  it("gives copies that later writing does not change, by itself or by others", () => {
    const writer = new Writer().u16(0x1234).u32(0xfedc_ba98);
    const first = writer.done();
    const other = new Writer().raw(new Uint8Array(100).fill(7));
    expect([...first]).toEqual([0x12, 0x34, 0xfe, 0xdc, 0xba, 0x98]);
    expect([...writer.u8(1).done()]).toEqual([...first, 1]);
    expect([...writer.f32(1.5).done()].slice(-4)).toEqual([0x3f, 0xc0, 0, 0]);
    expect(other.done()).toEqual(new Uint8Array(100).fill(7));
    expect([...first]).toEqual([0x12, 0x34, 0xfe, 0xdc, 0xba, 0x98]);
  });

  it.each([2047, 2048, 2049, 5000])("takes %i bytes", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i & 255);
    const writer = new Writer();
    for (const byte of bytes) writer.u8(byte);
    const whole = writer.done();
    expect(whole).toEqual(bytes);
    for (let i = 0; i < 40; i++) new Writer().raw(new Uint8Array(3000)).done();
    expect(writer.u8(9).done()).toEqual(Uint8Array.from([...bytes, 9]));
    expect(whole).toEqual(bytes);
  });
});
