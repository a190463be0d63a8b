import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphHasInk } from "#simulators/devices/camera-font.ts";

const CHARACTERS = "0123456789-:. ";
/** Place of the time in the full picture of 640 x 360 pixels. */
const LEFT = 12;
const TOP = 36;
const SCALE = 2;
const LENGTH = "2026-01-01 00:00:00.0".length;

/** Reads the time that stands in a picture of a simulated camera: `luma` of 640 x 360, or of half its sides. */
export function timeInPicture(luma: Uint8Array, width: number): string {
  const scale = (SCALE * width) / 640;
  const left = (LEFT * width) / 640;
  const top = (TOP * width) / 640;
  const inked = (cell: number, column: number, row: number): boolean => {
    const x = left + (cell * GLYPH_WIDTH + column) * scale;
    return (luma[(top + row * scale) * width + x] ?? 0) > 128;
  };
  const misses = (character: string, cell: number): number => {
    let count = 0;
    for (let column = 0; column < GLYPH_WIDTH; column++) {
      for (let row = 0; row < GLYPH_HEIGHT; row++) {
        if (inked(cell, column, row) !== glyphHasInk(character, column, row)) count++;
      }
    }
    return count;
  };
  return Array.from(
    { length: LENGTH },
    (_, cell) => [...CHARACTERS].find((one) => misses(one, cell) === 0) ?? "?",
  ).join("");
}
