import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeVideoFrame, encodeVideoFrame, VIDEO_HEADER_BYTES } from "#core/contracts/video.ts";

const frame = fc.record({
  stream: fc.nat({ max: 0xffff_ffff }),
  key: fc.boolean(),
  gap: fc.boolean(),
  kind: fc.constantFrom("h264" as const, "jpeg" as const),
  capturedAt: fc.double({ noNaN: true, min: 0, max: 4e12 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 64 }),
});

it("gives back every picture as it was, also out of the middle of a larger buffer", () => {
  fc.assert(
    fc.property(frame, (picture) => {
      const message = encodeVideoFrame(picture);
      const inside = new Uint8Array(message.length + 7);
      inside.set(message, 3);
      expect(decodeVideoFrame(message)).toEqual(picture);
      expect(decodeVideoFrame(inside.subarray(3, 3 + message.length))).toEqual(picture);
    }),
  );
});

it("has the bytes that both sides agreed on", () => {
  const message = encodeVideoFrame({
    stream: 258,
    key: true,
    gap: true,
    kind: "jpeg",
    capturedAt: 1,
    payload: new Uint8Array([0xff, 0xd8]),
  });
  expect(Buffer.from(message).toString("hex")).toBe("00000102030100003ff0000000000000ffd8");
  expect(VIDEO_HEADER_BYTES).toBe(16);
});

it("refuses a message without a picture and one of a kind it does not know", () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(16), new Uint8Array(17).fill(9)])
    expect(() => decodeVideoFrame(bytes)).toThrow(expect.objectContaining({ code: "VIDEO_FRAME_MALFORMED" }));
});
