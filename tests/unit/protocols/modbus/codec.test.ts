import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AduDecoder, encodeAdu } from "#protocols/modbus/codec/mbap.ts";
import {
  decodeAnswer,
  encodeAnswer,
  encodeException,
  encodeRequest,
  functionCode,
  packBits,
  parseRequest,
  type Request,
} from "#protocols/modbus/codec/pdu.ts";
import {
  decodeNumber,
  encodeNumber,
  NUMBER_TYPES,
  type NumberType,
  rangeOf,
  registerCount,
  WORD_ORDERS,
} from "#protocols/modbus/codec/registers.ts";

const fixtures = path.resolve(import.meta.dirname, "../../../fixtures/modbus");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

function golden(name: string) {
  return JSON.parse(readFileSync(path.join(fixtures, name, "frame.json"), "utf8"));
}
const cases = readdirSync(fixtures, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "adu")
  .map((entry) => ({ name: entry.name, ...golden(entry.name) }));

describe("the specification's examples", () => {
  it("are all there", () => expect(cases).toHaveLength(11));

  it.each(cases)("$name: $source", (example) => {
    const request: Request = example.request.registers
      ? { ...example.request, registers: bytes(example.request.registers) }
      : example.request;
    expect(hex(encodeRequest(request))).toBe(example.requestPdu);
    expect(parseRequest(bytes(example.requestPdu))).toEqual(request);
    const answer = decodeAnswer(request, bytes(example.answerPdu));
    const expected = example.answer.data ? { ...example.answer, data: bytes(example.answer.data) } : example.answer;
    expect(answer).toEqual(expected);
    if (answer.kind === "exception") {
      expect(hex(encodeException(functionCode(request), answer.code))).toBe(example.answerPdu);
    } else {
      expect(hex(encodeAnswer(request, answer.kind === "data" ? answer.data : undefined))).toBe(example.answerPdu);
    }
  });

  it("adu: the messaging guide's read of one register", () => {
    const example = golden("adu");
    const adu = { transactionId: example.transactionId, unitId: example.unitId, pdu: bytes(example.pdu) };
    expect(hex(encodeAdu(adu))).toBe(example.adu);
    expect(new AduDecoder().push(bytes(example.adu))).toEqual([adu]);
  });
});

describe("the frame decoder", () => {
  const adu = fc.record({
    transactionId: fc.integer({ min: 0, max: 0xffff }),
    unitId: fc.integer({ min: 0, max: 255 }),
    pdu: fc.uint8Array({ minLength: 1, maxLength: 253 }),
  });

  it("finds the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(adu, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(encodeAdu));
        const decoder = new AduDecoder();
        const found = [];
        let at = 0;
        for (const cut of cuts) {
          found.push(...decoder.push(stream.subarray(at, at + cut)));
          at += cut;
        }
        found.push(...decoder.push(stream.subarray(at)));
        expect(found).toEqual(frames);
      }),
    );
  });

  it.each([
    ["another protocol", "0001000100060103000000"],
    ["a length of 0", "00010000000001"],
    ["a length of 1", "00010000000101"],
    ["a length beyond 254", "00010000010001"],
  ])("refuses %s", (_, stream) => {
    expect(() => new AduDecoder().push(bytes(stream))).toThrow(
      expect.objectContaining({ code: "MODBUS_FRAME_INVALID" }),
    );
  });

  it("throws nothing but its own error on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
        try {
          new AduDecoder().push(garbage);
        } catch (error) {
          expect(error).toMatchObject({ code: "MODBUS_FRAME_INVALID" });
        }
      }),
    );
  });
});

describe("an answer", () => {
  const read: Request = { kind: "read", table: "holdingRegister", address: 0, quantity: 2 };
  const write: Request = { kind: "writeRegister", address: 7, registers: bytes("0001") };

  it.each<[string, Request, string]>([
    ["another function code", read, "040400010002"],
    ["a byte count short of the data", read, "030200010002"],
    ["a byte count beyond the data", read, "030600010002"],
    ["fewer registers than asked for", read, "03020001"],
    ["more registers than asked for", read, "0306000100020003"],
    ["nothing but a function code", read, "03"],
    ["an exception with more than a code", read, "83020909"],
    ["exception code 0", read, "8300"],
    ["the exception of another function", read, "8402"],
    ["the echo of another address", write, "0600090001"],
    ["the echo of another value", write, "0600070005"],
    ["a short echo", write, "060007"],
    ["a long echo", write, "060007000100"],
    ["another mask than was sent", { kind: "maskWrite", address: 4, and: 0xf2, or: 0x25 }, "16000400f20024"],
    [
      "fewer registers than FC23 asked for",
      { kind: "readWrite", address: 3, quantity: 2, writeAddress: 3, registers: bytes("0001") },
      "17020001",
    ],
  ])("with %s is refused", (_, request, pdu) => {
    expect(() => decodeAnswer(request, bytes(pdu))).toThrow(expect.objectContaining({ code: "MODBUS_ANSWER_INVALID" }));
  });
});

describe("a server's view of a request", () => {
  it.each([
    ["an unknown function code", "2b0e0100", 1],
    ["no function code", "", 1],
    ["a quantity of 0", "0300000000", 3],
    ["126 registers", "030000007e", 3],
    ["2001 bits", "01000007d1", 3],
    ["a coil that is neither on nor off", "0500000001", 3],
    ["124 registers to write", `10000000007cf8${"00".repeat(248)}`, 3],
    ["a byte count that does not fit the quantity", "100000000203000102", 3],
    ["122 registers to write with FC23", `1700000001000000 7af4${"00".repeat(244)}`.replace(" ", ""), 3],
    ["a mask cut short", "16000400f200", 3],
    ["a request cut short", "030000", 3],
    ["a request with bytes to spare", "030000000100", 3],
  ])("answers %s with its exception", (_, pdu, code) => {
    expect(parseRequest(bytes(pdu))).toMatchObject({ kind: "refused", code });
  });

  it("packs the first bit into the least significant place", () => {
    expect(hex(packBits([true, false, false, false, false, false, false, false, true]))).toBe("0101");
  });
});

describe("numbers in registers", () => {
  it.each([
    ["ABCD", "41424344", "4142434445464748"],
    ["CDAB", "43444142", "4748454643444142"],
    ["BADC", "42414443", "4241444346454847"],
    ["DCBA", "44434241", "4847464544434241"],
  ] as const)("in order %s lie as pymodbus lays them", (order, wide, wider) => {
    expect(hex(encodeNumber(0x4142_4344, "uint32", order))).toBe(wide);
    expect(decodeNumber(bytes(wide), 0, "uint32", order)).toBe(0x4142_4344);
    expect(decodeNumber(bytes(wider), 0, "uint64", order)).toBe(Number(0x4142_4344_4546_4748n));
  });

  it.each(NUMBER_TYPES)("of type %s come back as they went, in every order and at every offset", (type) => {
    const [min, max] = rangeOf(type);
    const single = fc.float({ noNaN: true, noDefaultInfinity: true });
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const value =
      type === "float32"
        ? single
        : type === "float64"
          ? double
          : fc.maxSafeInteger().filter((n) => n >= min && n <= max);
    const integer = fc.integer({ min: Math.max(min, -0x8000_0000), max: Math.min(max, 0x7fff_ffff) });
    const any = type.startsWith("float") || type.endsWith("64") ? value : integer;
    fc.assert(
      fc.property(any, fc.constantFrom(...WORD_ORDERS), fc.integer({ min: 0, max: 6 }), (number, order, offset) => {
        const data = new Uint8Array(20);
        const encoded = encodeNumber(number, type, order);
        expect(encoded).toHaveLength(registerCount(type) * 2);
        data.set(encoded, offset);
        expect(decodeNumber(data, offset, type, order)).toBe(
          Object.is(number, -0) && !type.startsWith("float") ? 0 : number,
        );
      }),
    );
  });

  it.each<[NumberType, string, number]>([
    ["bcd16", "1234", 1234],
    ["bcd16", "9999", 9999],
    ["bcd32", "01234567", 1_234_567],
    ["bcd32", "99999999", 99_999_999],
  ])("of type %s are decimal digits: %s is %d", (type, digits, value) => {
    expect(decodeNumber(bytes(digits), 0, type, "ABCD")).toBe(value);
    expect(hex(encodeNumber(value, type, "ABCD"))).toBe(digits);
  });

  it("with a digit above 9 are none", () => {
    for (const digits of ["000a0000", "0000f000", "ffffffff"]) {
      expect(decodeNumber(bytes(digits), 0, "bcd32", "ABCD")).toBeNaN();
    }
  });

  it("of whole types are rounded and held inside their range", () => {
    expect(hex(encodeNumber(1.6, "uint16", "ABCD"))).toBe("0002");
    expect(hex(encodeNumber(-5, "uint16", "ABCD"))).toBe("0000");
    expect(hex(encodeNumber(99_999, "int16", "ABCD"))).toBe("7fff");
    expect(hex(encodeNumber(Number.NaN, "uint32", "ABCD"))).toBe("00000000");
  });
});
