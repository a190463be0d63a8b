/** A text in registers: two characters a register, the first in the high byte, or in the low byte where `swapped`. */
export interface TextForm {
  /** Registers it takes. */
  readonly length: number;
  readonly encoding: "ascii" | "utf8";
  readonly swapped: boolean;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * The text that begins at byte `at`: up to the first NUL, without the blanks behind it. Undefined where the bytes are no text of
 * this encoding (ASCII: printable characters only).
 */
export function decodeText(bytes: Uint8Array, at: number, { length, encoding, swapped }: TextForm): string | undefined {
  const raw = Uint8Array.from({ length: length * 2 }, (_, index) => bytes[at + (swapped ? index ^ 1 : index)] ?? 0);
  const nul = raw.indexOf(0);
  const used = nul < 0 ? raw : raw.subarray(0, nul);
  if (encoding === "ascii" && used.some((byte) => byte < 0x20 || byte > 0x7e)) return undefined;
  try {
    return utf8.decode(used).trimEnd();
  } catch {
    return undefined;
  }
}

/** The register bytes of a text, filled up with NUL; undefined where it does not fit or is not of this encoding. */
export function encodeText(text: string, { length, encoding, swapped }: TextForm): Uint8Array | undefined {
  const used = encoder.encode(text);
  if (used.length > length * 2 || used.includes(0)) return undefined;
  if (encoding === "ascii" && used.some((byte) => byte < 0x20 || byte > 0x7e)) return undefined;
  return Uint8Array.from({ length: length * 2 }, (_, index) => used[swapped ? index ^ 1 : index] ?? 0);
}
