import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attachment, byteRange } from "#cloud/api/byte-range.ts";

describe("the range that a request asks for", () => {
  it.each([
    ["bytes=0-99", { from: 0, to: 99 }],
    ["bytes=100-", { from: 100, to: 999 }],
    ["bytes=-200", { from: 800, to: 999 }],
    ["bytes=-5000", { from: 0, to: 999 }],
    ["bytes=990-2000", { from: 990, to: 999 }],
    [" bytes=5-5 ", { from: 5, to: 5 }],
  ])("%s of 1000 bytes is found", (header, range) => {
    expect(byteRange(header, 1000)).toEqual(range);
  });

  it.each([undefined, "", "bytes=-", "bytes=9-2", "bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes=0x1-2"])(
    "%s is none: the whole is sent",
    (header) => expect(byteRange(header, 1000)).toBeUndefined(),
  );

  it.each(["bytes=1000-", "bytes=5000-6000", "bytes=-0"])("%s of 1000 bytes cannot be satisfied", (header) => {
    expect(() => byteRange(header, 1000)).toThrow(expect.objectContaining({ code: "RANGE_NOT_SATISFIABLE" }));
  });

  it("never leaves the file, whatever was sent", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 10_000 }), (junk, a, b, size) => {
        for (const header of [junk, `bytes=${a}-${b}`, `bytes=${a}-`, `bytes=-${b}`, `bytes=${junk}`])
          try {
            const range = byteRange(header, size);
            if (range !== undefined) expect(0 <= range.from && range.from <= range.to && range.to < size).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
          }
      }),
    );
  });
});

describe("the name of a download", () => {
  it.each([
    ["fence.mp4", `attachment; filename="fence.mp4"; filename*=UTF-8''fence.mp4`],
    ["fence", `attachment; filename="fence.mp4"; filename*=UTF-8''fence.mp4`],
    ["围界 1", `attachment; filename="__ 1.mp4"; filename*=UTF-8''%E5%9B%B4%E7%95%8C%201.mp4`],
    ["../../etc/passwd", `attachment; filename="_.._etc_passwd.mp4"; filename*=UTF-8''_.._etc_passwd.mp4`],
    [
      'a"b\r\nSet-Cookie: x',
      `attachment; filename="a_b__Set-Cookie_ x.mp4"; filename*=UTF-8''a_b__Set-Cookie_%20x.mp4`,
    ],
    ["50%'(1)*", `attachment; filename="50_'(1)_.mp4"; filename*=UTF-8''50%25%27%281%29_.mp4`],
    ["...", `attachment; filename="parkhub.mp4"; filename*=UTF-8''parkhub.mp4`],
    ["evil\u202e4pm.exe", `attachment; filename="evil_4pm.exe.mp4"; filename*=UTF-8''evil_4pm.exe.mp4`],
  ])("%j breaks no header and leaves no folder", (name, header) => {
    expect(attachment(name, "mp4")).toBe(header);
  });

  it("is one header line of ASCII with one quoted name, whatever was sent", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (name) => {
        expect(attachment(name, "mp4")).toMatch(
          /^attachment; filename="[^"\\\r\n]+\.mp4"; filename\*=UTF-8''[\w.%!~-]+\.mp4$/,
        );
      }),
    );
  });
});
