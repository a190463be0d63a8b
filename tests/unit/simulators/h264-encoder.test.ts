import { describe, expect, it } from "vitest";
import type { Planes } from "#simulators/video/yuv-picture.ts";
import { decode, Film, ffmpegFile, visible } from "./h264-film.ts";

const KEY = { key: true } as const;
const NEXT = { key: false } as const;
const bytesOf = (units: readonly Uint8Array[]): number => units.reduce((sum, unit) => sum + unit.length, 0);
const typesOf = (units: readonly Uint8Array[]): number[] => units.map((unit) => (unit[0] ?? 0) & 31);

/** Grey steps with a diagonal edge: neither flat nor noise. */
const slope = (x: number, y: number): number => {
  const grey = ((x >> 3) * 5 + (x + y > 200 ? 90 : 0)) & 255;
  return (grey << 16) | ((255 - grey) << 8) | (y & 255);
};

/** Worst absolute difference of what decoders show from what was drawn. */
function worstError(film: Film): number {
  const source = visible(film.picture as Planes, film.width, film.height);
  const shown = film.shown.at(-1) ?? Buffer.alloc(0);
  return source.reduce((worst, value, at) => Math.max(worst, Math.abs(value - (shown[at] ?? 0))), 0);
}

describe("the encoder of the simulated cameras", () => {
  it("begins with a key picture that carries both parameter sets, whether asked for one or not", () => {
    const film = new Film(64, 48);
    expect(typesOf(film.draw(film.whole, slope).code(NEXT).units)).toEqual([7, 8, 5]);
    expect(typesOf(film.code(NEXT).units)).toEqual([1]);
    expect(typesOf(film.code(KEY).units)).toEqual([7, 8, 5]);
  });

  it("says Constrained Baseline at a level that holds the picture", () => {
    expect(new Film(640, 360).encoder.parameters.profileLevelId).toBe("42c01e");
    expect(new Film(320, 180).encoder.parameters.profileLevelId).toBe("42c014");
    expect(new Film(1920, 1080).encoder.parameters.profileLevelId).toBe("42c028");
  });

  it("takes a few bytes for a picture in which nothing changed", () => {
    const film = new Film(640, 360);
    film.noise(film.whole, 100).code(KEY);
    expect(bytesOf(film.code(NEXT).units)).toBeLessThan(12);
    expect(film.shown[1]?.equals(film.shown[0] ?? Buffer.alloc(0))).toBe(true);
  });

  it("takes about a byte and a half for a macroblock of one colour", () => {
    const film = new Film(640, 360);
    film.draw(film.whole, () => 0x00_30_60_90);
    expect(bytesOf(film.code(KEY).units)).toBeLessThan(1.5 * 40 * 23);
    expect(worstError(film)).toBe(0);
  });

  it("shows samples as they are where it is told to", () => {
    const film = new Film(64, 48);
    film.noise(film.whole, 127).code({ key: true, raw: true });
    expect(worstError(film)).toBe(0);
  });

  it("codes a macroblock sample by sample rather than beyond the bits that the standard allows", () => {
    // Clause A.3.1 j: 3200 bits a macroblock. The strongest noise takes more at the finest QP, so that its samples stay as they are.
    const film = new Film(64, 48, 0);
    const { units } = film.noise(film.whole, 127).code(KEY);
    expect(worstError(film)).toBe(0);
    expect(bytesOf(units)).toBeLessThan(12 * 390 + 100);
    film.draw({ left: 0, top: 0, width: 40, height: 20 }, slope).code(NEXT);
    expect(worstError(film)).toBeGreaterThan(0);
  });

  it("stays near to what was drawn", () => {
    const film = new Film(640, 360);
    film.draw(film.whole, slope).code(KEY);
    expect(worstError(film)).toBeLessThanOrEqual(24);
  });
});

describe.skipIf(ffmpegFile === undefined)("an independent decoder", () => {
  const agrees = (film: Film): void => {
    const { pictures, complaints } = decode(film.stream);
    expect(complaints).toBe("");
    expect(pictures.length).toBe(film.shown.length * film.width * film.height * 1.5);
    const size = film.width * film.height * 1.5;
    const differing = film.shown.findIndex((shown, at) => !shown.equals(pictures.subarray(at * size, (at + 1) * size)));
    expect(differing).toBe(-1);
  };

  it("shows flat pictures bit by bit as the encoder says", () => {
    const film = new Film(640, 360);
    film.draw(film.whole, () => 0x80_80_80).code(KEY);
    film.draw(film.whole, () => 0x10_f0_10).code(NEXT);
    film.draw({ left: 100, top: 90, width: 77, height: 55 }, () => 0xff_ff_ff).code(NEXT);
    agrees(film);
  });

  it("shows samples coded as they are", () => {
    const film = new Film(96, 80);
    film.noise(film.whole, 127).code({ key: true, raw: true });
    film.noise({ left: 32, top: 16, width: 32, height: 32 }, 127).code({ key: false, raw: true });
    film.draw({ left: 0, top: 0, width: 48, height: 48 }, slope).code(NEXT);
    agrees(film);
  });

  it("shows macroblocks beside others that had to be coded sample by sample", () => {
    for (const qp of [0, 3, 7, 10, 12, 17, 35, 51]) {
      const film = new Film(96, 80, qp);
      film.noise(film.whole, 127).code(KEY);
      film.draw({ left: 20, top: 20, width: 50, height: 30 }, slope).code(NEXT);
      film.noise({ left: 0, top: 0, width: 40, height: 40 }, 60).code(NEXT);
      film.draw(film.whole, slope).code(KEY);
      agrees(film);
    }
  });

  it("shows noise of every strength, also in sizes that are no whole macroblocks", () => {
    for (const [width, height] of [
      [640, 360],
      [320, 180],
      [70, 50],
    ] as const) {
      const film = new Film(width, height);
      for (const range of [1, 3, 8, 20, 60, 127]) film.noise(film.whole, range).code({ key: range % 2 === 0 });
      agrees(film);
    }
  });

  it("shows a thing that moves through a long run without key picture", () => {
    const film = new Film(320, 180);
    film.draw(film.whole, slope).code(KEY);
    for (let i = 0; i < 600; i++) {
      const left = (i * 3) % 280;
      film.draw({ left, top: 40, width: 40, height: 60 }, i % 2 === 0 ? () => 0x20_20_c0 : slope).code(NEXT);
    }
    agrees(film);
  });

  it("shows a change of the whole scene, within a run and at a key picture", () => {
    const film = new Film(640, 360);
    film.draw(film.whole, slope).code(KEY);
    film.draw(film.whole, (x, y) => slope(y, x) ^ 0xff_ff_ff).code(NEXT);
    film.noise({ left: 200, top: 100, width: 60, height: 60 }, 90).code(NEXT);
    film.draw(film.whole, () => 0).code(KEY);
    film.code(KEY);
    agrees(film);
  });
});
