import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { ModbusAddress } from "#protocols/modbus/index.ts";
import { addressFault, addressLength, type PlannedPoint, planReads, splitBlock } from "#protocols/modbus/planning.ts";

const limits = { gapTolerance: 8, maxRegisters: 125 };
const at = (
  register: number,
  type: ModbusAddress["type"] = "uint16",
  table: ModbusAddress["table"] = "holdingRegister",
) => ({
  point: pointId(`s/g/d/${table}-${register}-${type}`),
  address: { table, register, type },
});
const spans = (points: readonly PlannedPoint[], use = limits) =>
  planReads(points, use).map(({ table, address, quantity }) => `${table} ${address}+${quantity}`);

describe("reads", () => {
  it("are joined over gaps up to the tolerance and no further", () => {
    expect(spans([at(0), at(9)])).toEqual(["holdingRegister 0+10"]);
    expect(spans([at(0), at(10)])).toEqual(["holdingRegister 0+1", "holdingRegister 10+1"]);
  });

  it("keep the four tables apart", () => {
    expect(
      spans([at(0), at(0, "uint16", "inputRegister"), at(0, "bool", "coil"), at(0, "bool", "discreteInput")]),
    ).toEqual(["holdingRegister 0+1", "inputRegister 0+1", "coil 0+1", "discreteInput 0+1"]);
  });

  it("hold the limits of 125 registers and 2000 bits", () => {
    expect(spans(Array.from({ length: 126 }, (_, i) => at(i)))).toEqual([
      "holdingRegister 0+125",
      "holdingRegister 125+1",
    ]);
    expect(spans(Array.from({ length: 2001 }, (_, i) => at(i, "bool", "coil")))).toEqual([
      "coil 0+2000",
      "coil 2000+1",
    ]);
  });

  it("take a text as a whole, also where it is longer than the limit", () => {
    const text = { point: pointId("s/g/d/text"), address: { ...at(2, "string").address, length: 20 } };
    expect(spans([at(0), text], { gapTolerance: 8, maxRegisters: 5 })).toEqual([
      "holdingRegister 0+1",
      "holdingRegister 2+20",
    ]);
  });

  it("never divide a value of several registers", () => {
    expect(spans([at(0), at(3, "float64")], { gapTolerance: 8, maxRegisters: 5 })).toEqual([
      "holdingRegister 0+1",
      "holdingRegister 3+4",
    ]);
  });

  it("cover every point exactly once, whole, within the limits, whatever the points", () => {
    const type = fc.constantFrom("int16", "float32", "uint64", "bool" as const);
    const point = fc.tuple(fc.integer({ min: 0, max: 400 }), type);
    const use = fc.record({
      gapTolerance: fc.integer({ min: 0, max: 50 }),
      maxRegisters: fc.integer({ min: 4, max: 125 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(point, { selector: String }), use, (chosen, some) => {
        const points = chosen.map(([register, kind]) => at(register, kind));
        const blocks = planReads(points, some);
        expect(blocks.flatMap((block) => block.points).toSorted((a, b) => a.point.localeCompare(b.point))).toEqual(
          points.toSorted((a, b) => a.point.localeCompare(b.point)),
        );
        for (const block of blocks) {
          expect(block.quantity).toBeLessThanOrEqual(some.maxRegisters);
          for (const { address } of block.points) {
            expect(address.register).toBeGreaterThanOrEqual(block.address);
            expect(address.register + addressLength(address)).toBeLessThanOrEqual(block.address + block.quantity);
          }
        }
      }),
    );
  });

  it("are split into two that together hold the same points", () => {
    const [block] = planReads([at(0), at(4), at(6, "float32")], limits);
    if (block === undefined) expect.unreachable();
    const [first, second] = splitBlock(block);
    expect(first).toMatchObject({ address: 0, quantity: 1 });
    expect(second).toMatchObject({ address: 4, quantity: 4 });
    expect([...first.points, ...second.points]).toEqual(block.points);
    expect(() => splitBlock(first)).toThrow(RangeError);
  });
});

describe("an address", () => {
  it.each<[string, ModbusAddress]>([
    ["a number in a bit table", { table: "coil", register: 0, type: "uint16" }],
    ["a bit of a coil", { table: "coil", register: 0, type: "bool", bit: 1 }],
    ["a bit of a number", { table: "holdingRegister", register: 0, type: "uint16", bit: 1 }],
    ["a text without length", { table: "holdingRegister", register: 0, type: "string" }],
    ["a text beyond the last register", { table: "holdingRegister", register: 65_530, type: "string", length: 8 }],
    ["a bit field of a float", { table: "holdingRegister", register: 0, type: "float32", mask: 1 }],
    ["a bit field wider than its register", { table: "holdingRegister", register: 0, type: "uint16", mask: 0x1_0000 }],
    ["a bit field shifted away", { table: "holdingRegister", register: 0, type: "uint16", mask: 3, shift: 2 }],
    ["a shift without bit field", { table: "holdingRegister", register: 0, type: "uint16", shift: 2 }],
    [
      "bands that do not ascend",
      {
        table: "inputRegister",
        register: 0,
        type: "uint16",
        bands: [{ below: 9, value: 1 }, { below: 5, value: 2 }, { value: 3 }],
      },
    ],
    [
      "bands without a last one for the rest",
      {
        table: "inputRegister",
        register: 0,
        type: "uint16",
        bands: [
          { below: 5, value: 1 },
          { below: 9, value: 2 },
        ],
      },
    ],
    ["a roll-over of a float", { table: "inputRegister", register: 0, type: "float32", rollover: 1000 }],
    ["a value beyond the last register", { table: "holdingRegister", register: 65_535, type: "float32" }],
  ])("of %s is faulty", (_, address) => expect(addressFault(address)).toBeTypeOf("string"));

  it("of the last register is not", () => {
    expect(addressFault({ table: "holdingRegister", register: 65_535, type: "uint16" })).toBeUndefined();
  });
});
