import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeptPicture } from "#edge/video/picture.ts";
import { Ring } from "#edge/video/ring.ts";

const format = { mode: "h264", quality: "main" } as const;
function picture(at: number, key: boolean, bytes = 10): KeptPicture {
  return { at, key, gap: false, kind: "h264", timeBase: "arrival", data: new Uint8Array(bytes), format };
}

/** `groups` groups of 10 pictures, one in 100 ms. */
function filled(ring: Ring, groups: number): Ring {
  for (let index = 0; index < groups * 10; index++) ring.push(picture(index * 100, index % 10 === 0));
  return ring;
}

describe("a ring of pictures", () => {
  it("holds at least the wanted time, from a key picture on, and not a group more", () => {
    const ring = filled(new Ring({ keepMs: 3_000, bytes: 1e6 }), 20);
    expect(ring.heldMs).toBe(3_900);
    expect(ring.since(0)[0]).toMatchObject({ at: 16_000, key: true });
  });

  it("gives the pictures from the last key picture before a moment on", () => {
    const ring = filled(new Ring({ keepMs: 10_000, bytes: 1e6 }), 20);
    expect(ring.since(15_500)[0]?.at).toBe(15_000);
    expect(ring.since(15_000)[0]?.at).toBe(15_000);
    expect(ring.since(15_500)).toHaveLength(50);
    expect(ring.lastGroup()[0]?.at).toBe(19_000);
  });

  it("gives nothing of what ended long before a moment", () => {
    const ring = filled(new Ring({ keepMs: 100_000, bytes: 1e6 }), 2);
    expect(ring.since(60_000)).toEqual([]);
    ring.push(picture(50_000, true));
    ring.push(picture(50_100, false));
    expect(ring.since(45_000).map(({ at }) => at)).toEqual([50_000, 50_100]);
    expect(ring.since(1_500)[0]?.at).toBe(1_000);
  });

  it("takes no picture that nothing before it explains", () => {
    const ring = new Ring({ keepMs: 1_000, bytes: 1e6 });
    ring.push(picture(0, false));
    expect(ring.length).toBe(0);
    expect(ring.lastGroup()).toEqual([]);
    expect(ring.since(0)).toEqual([]);
  });

  it("gives the memory of what it drops back at once, unless others keep its pictures", () => {
    const ring = new Ring({ keepMs: 1_000, bytes: 1e6 });
    const first = picture(0, true);
    ring.push(first);
    filled(ring, 4);
    expect(first.data.buffer.detached).toBe(true);
    ring.shared = true;
    const held = ring.since(0);
    filled(ring, 4);
    ring.clear();
    expect(held.some(({ data }) => data.buffer.detached)).toBe(false);
  });

  it("never holds more bytes than it may, and always begins with a key picture", () => {
    const pictures = fc.array(
      fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 900 })),
      {
        maxLength: 1_500,
      },
    );
    fc.assert(
      fc.property(pictures, fc.integer({ min: 0, max: 5_000 }), (all, keepMs) => {
        const ring = new Ring({ keepMs, bytes: 1_000 });
        let at = 0;
        for (const [key, bytes, ms] of all) {
          at += ms;
          ring.push(picture(at, key, bytes));
          expect(ring.bytes).toBeLessThanOrEqual(1_000);
        }
        const held = ring.since(Number.NEGATIVE_INFINITY);
        expect(held).toHaveLength(ring.length);
        expect(held.reduce((sum, { data }) => sum + data.length, 0)).toBe(ring.bytes);
        if (held.length > 0) expect(held[0]?.key).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
