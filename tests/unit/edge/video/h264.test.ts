import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codecString, decoderConfiguration, readSequenceParameters } from "#edge/video/h264.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

/** Made by x264; sizes as ffprobe tells them. */
const GOLDEN: readonly (readonly [string, number, number, string])[] = [
  ["67640028acd940780227e5c044000003000400000300c83c60c658", 1920, 1080, "avc1.640028"],
  ["6764001facd9405005bb011000000300100000030320f1831960", 1280, 720, "avc1.64001F"],
  ["6764001eacd940b0126c0440000003004000000c83c58b6580", 704, 576, "avc1.64001E"],
  ["6764001eacd940a03db011000003000100000300320f162d96", 640, 480, "avc1.64001E"],
  // interlaced, 4:2:2
  ["677a001ebcd940b424d8088000000300800000190f8a14cb", 720, 576, "avc1.7A001E"],
];

describe("a sequence parameter set", () => {
  it.each(GOLDEN)("%s shows %i x %i", (nal, width, height, codec) => {
    const parameters = readSequenceParameters(hex(nal));
    expect(parameters).toMatchObject({ width, height });
    if (parameters !== undefined) expect(codecString(parameters)).toBe(codec);
  });

  it("that is cut off, or no parameter set, is none", () => {
    const [whole = ""] = GOLDEN[0] ?? [];
    expect(readSequenceParameters(hex(whole.slice(0, 12)))).toBeUndefined();
    expect(readSequenceParameters(hex(`68${whole.slice(2)}`))).toBeUndefined();
    expect(readSequenceParameters(hex("67"))).toBeUndefined();
  });

  it("of any bytes gives a possible size or none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const parameters = readSequenceParameters(Buffer.concat([Buffer.from([0x67]), bytes]));
        if (parameters === undefined) return;
        for (const side of [parameters.width, parameters.height]) {
          expect(side).toBeGreaterThan(0);
          expect(side).toBeLessThanOrEqual(16_384);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a decoder configuration", () => {
  it("holds the parameter sets, and the chroma format for the high profiles", () => {
    const sequence = hex("6764001facd9405005bb011000000300100000030320f1831960");
    const parameters = readSequenceParameters(sequence);
    if (parameters === undefined) throw new Error("golden parameters");
    const picture = hex("68ebe3cb22c0");
    expect(decoderConfiguration(parameters, sequence, [picture]).toString("hex")).toBe(
      `0164001fffe1001a${sequence.toString("hex")}010006${picture.toString("hex")}fdf8f800`,
    );
  });
});
