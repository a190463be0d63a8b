import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { deviceOf, gatewayOf, newEpoch, newId, pointId, pointParts } from "#core/ids.ts";
import { sha256Hex } from "#core/sha256.ts";

it("hashes like every other SHA-256, whatever the length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
      expect(sha256Hex(text)).toBe(createHash("sha256").update(text, "utf8").digest("hex"));
    }),
  );
  for (let length = 50; length < 70; length++)
    expect(sha256Hex("x".repeat(length))).toBe(createHash("sha256").update("x".repeat(length)).digest("hex"));
});

it("takes a point id apart", () => {
  const id = pointId("park/gw-1/ahu-1/supply-air");
  expect(pointParts(id)).toEqual({ site: "park", gateway: "gw-1", device: "ahu-1", point: "supply-air" });
  expect(deviceOf(id)).toBe("park/gw-1/ahu-1");
  expect(gatewayOf(id)).toBe("park/gw-1");
});

it.each(["a/b/c", "a/b/c/d/e", "a//c/d", "a/b/c/d+", "a/b/c/#", `a/b/c/${"x".repeat(65)}`, "园/b/c/d"])(
  "refuses %s as a point id",
  (text) => {
    expect(() => pointId(text)).toThrow(expect.objectContaining({ code: "ID_INVALID" }));
  },
);

it("makes ids that sort by time and never repeat", () => {
  const ids = Array.from({ length: 1000 }, (_, i) => newId(1_763_700_000_000 + i));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

it("makes epochs of 128 bits", () => {
  expect(newEpoch()).toMatch(/^[0-9a-f]{32}$/);
  expect(newEpoch()).not.toBe(newEpoch());
});
