import { describe, expect, it } from "vitest";
import { treeOf } from "#protocols/bacnet/codec/raw-tree.ts";
import { characterBytes, readCharacters, showCharacters } from "#protocols/bacnet/codec/text.ts";
import { type BacnetValue, decodeValues, encodeValues } from "#protocols/bacnet/codec/values.ts";
import { hex } from "./golden.ts";

// [BACnet 20.2.9] character set 1, code page 936, then 冷冻水 in GBK
const GBK = Uint8Array.of(1, 3, 0xa8, 0xc0, 0xe4, 0xb6, 0xb3, 0xcb, 0xae);

describe("BACnet character strings", () => {
  it("are read from GBK, as older Chinese controllers send it", () => {
    expect(readCharacters(GBK)).toEqual({ value: "冷冻水", charset: "gbk" });
    expect(decodeValues(encodeValues([{ type: "characterString", value: "冷冻水A€1", charset: "gbk" }]))).toEqual([
      { type: "characterString", value: "冷冻水A€1", charset: "gbk" },
    ]);
    expect(hex(characterBytes("冷冻水", "gbk"))).toBe(hex(GBK));
  });

  it("stay raw, byte for byte, in another code page, in JIS and where they break their own set", () => {
    for (const content of [
      [1, 3, 0xb6, 0xa4, 0xa4],
      [2, 0x30, 0x21, 0x30, 0x22],
      [1, 3, 0xa8, 0xff, 0xff],
      [4, 0x98, 0xce, 0x67, 0x3a, 0x0a],
      [3, 0x98, 0xce, 0x67, 0x3a, 0x0a],
      [1, 3, 0xa8, 0x81, 0x30, 0x81, 0x30],
    ]) {
      const bytes = Uint8Array.of(0x75, content.length, ...content);
      const values = decodeValues(bytes);
      expect(values).toEqual([
        { type: "raw", tag: 7, context: false, constructed: false, value: Uint8Array.from(content) },
      ]);
      expect(hex(encodeValues(values))).toBe(hex(bytes));
    }
  });

  it("are read from UCS-4", () => {
    const value: BacnetValue = { type: "characterString", value: "风机𠮷", charset: "ucs-4" };
    expect(hex(characterBytes("风", "ucs-4"))).toBe("03000098ce");
    expect(decodeValues(encodeValues([value]))).toEqual([value]);
  });

  it("show something in a message, whatever the character set", () => {
    expect(showCharacters(GBK)).toBe("冷冻水");
    expect(showCharacters(new Uint8Array())).toBe("");
    expect(showCharacters(Uint8Array.of(2, 0x41, 0x31, 0x90))).toBe("A1\ufffd");
  });

  it("refuse what the character set has not", () => {
    expect(() => characterBytes("风", "iso-8859-1")).toThrow(expect.objectContaining({ code: "BACNET_MALFORMED" }));
    expect(() => characterBytes("\u{1f525}", "gbk")).toThrow(expect.objectContaining({ code: "BACNET_MALFORMED" }));
  });
});

describe("the tree of a raw value", () => {
  it("shows nested tags and leaves context content as it is", () => {
    const inner = encodeValues([
      { type: "raw", tag: 1, context: true, constructed: false, value: Uint8Array.of(7) },
      {
        type: "raw",
        tag: 2,
        context: true,
        constructed: true,
        value: encodeValues([{ type: "unsigned", value: 5 }]),
      },
    ]);
    expect(treeOf({ type: "raw", tag: 0, context: true, constructed: true, value: inner })).toEqual({
      kind: "constructed",
      tag: 0,
      children: [
        { kind: "context", tag: 1, bytes: Uint8Array.of(7) },
        { kind: "constructed", tag: 2, children: [{ kind: "value", value: { type: "unsigned", value: 5 } }] },
      ],
    });
  });

  it("ends at 10,000 nodes", () => {
    const wide = { type: "raw", tag: 0, context: true, constructed: true, value: new Uint8Array(10_001) } as const;
    expect(() => treeOf(wide)).toThrow(expect.objectContaining({ code: "BACNET_MALFORMED" }));
  });
});
