import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  answerLength,
  crc16,
  encodeRtu,
  RtuDecoder,
  type RtuFrame,
  requestLength,
} from "#protocols/modbus/codec/rtu.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const framed = (unitId: number, pdu: string): Uint8Array => encodeRtu({ unitId, pdu: bytes(pdu) });
const told = (frames: readonly RtuFrame[]) => frames.map(({ unitId, pdu }) => `${unitId} ${hex(pdu)}`);

describe("an RTU frame", () => {
  it("carries the CRC of the serial line specification, low byte first", () => {
    // [Modbus over serial line V1.02 6.2.2] 02 07 has the CRC 1241 hex, sent as 41 12
    expect(crc16(bytes("0207"))).toBe(0x1241);
    expect(hex(framed(2, "07"))).toBe("02074112");
  });

  it.each([
    ["FC22", "01160005ff0000128a1f"],
    ["FC23", "01170803fc03fd03fe03ffe56e"],
  ])("of pymodbus with an answer to %s is understood", (_, frame) => {
    const [found] = new RtuDecoder(answerLength).push(bytes(frame));
    expect(hex(found?.pdu ?? bytes(""))).toBe(frame.slice(2, -4));
    expect(hex(encodeRtu({ unitId: 1, pdu: found?.pdu ?? bytes("") }))).toBe(frame);
  });
});

describe("the RTU decoder", () => {
  const answers = [
    "0102ff01",
    "03040001002a",
    "0600010003",
    "1000010002",
    "16000400f20025",
    "170200ff",
    "8302",
    "9701",
  ];
  const requests = [
    "0100000008",
    "030000000a",
    "05000aff00",
    "0f0000000a02cd01",
    "10000100020400010002",
    "16000400f20025",
    "1700030006000e00030600ff00ff00ff",
  ];

  it.each([
    ["answers", answerLength, answers],
    ["requests", requestLength, requests],
  ])("finds the same %s however the line's bytes come", (_, lengthOf, pdus) => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pdus), { maxLength: 8 }), cuts, (chosen, pieces) => {
        const stream = Buffer.concat(chosen.map((pdu) => framed(7, pdu)));
        const decoder = new RtuDecoder(lengthOf);
        const found: RtuFrame[] = [];
        let at = 0;
        for (const piece of pieces) {
          found.push(...decoder.push(stream.subarray(at, at + piece)));
          at += piece;
        }
        found.push(...decoder.push(stream.subarray(at)));
        expect(told(found)).toEqual(chosen.map((pdu) => `7 ${pdu}`));
        expect(decoder.dropped).toBe(0);
      }),
    );
  });

  it("passes over noise before a frame, and a frame whose CRC is wrong", () => {
    const decoder = new RtuDecoder(answerLength);
    const broken = framed(7, "03040001002a");
    broken[4] = 0x55;
    const stream = Buffer.concat([bytes("ff00"), framed(7, "0302002a"), broken, framed(7, "0302002b")]);
    const found = [...decoder.push(stream), ...decoder.silence()];
    expect(told(found)).toEqual(["7 0302002a", "7 0302002b"]);
    expect(decoder.dropped).toBe(2 + broken.length);
  });

  it("gives up the beginning of a frame when the line is silent, and finds what came behind it", () => {
    const decoder = new RtuDecoder(answerLength);
    expect(decoder.push(bytes("07037c"))).toEqual([]);
    expect(decoder.push(framed(7, "0302002a"))).toEqual([]);
    expect(decoder.waiting).toBeGreaterThan(0);
    expect(told(decoder.silence())).toEqual(["7 0302002a"]);
    expect(decoder.waiting).toBe(0);
  });

  it("makes no frame of what happens to lie inside another one", () => {
    const inner = hex(framed(7, "0302dead"));
    const outer = `0310${inner}${"00".repeat(16 - inner.length / 2)}`;
    expect(told(new RtuDecoder(answerLength).push(framed(7, outer)))).toEqual([`7 ${outer}`]);
  });

  it("throws nothing and keeps at most one frame, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), (pieces) => {
        const decoder = new RtuDecoder(answerLength);
        for (const piece of pieces) {
          decoder.push(piece);
          expect(decoder.waiting).toBeLessThanOrEqual(256);
        }
        decoder.silence();
        expect(decoder.waiting).toBe(0);
      }),
    );
  });
});
