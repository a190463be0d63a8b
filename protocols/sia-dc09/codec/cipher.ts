import { createCipheriv, createDecipheriv, randomInt } from "node:crypto";
import { InvalidInputError } from "#core/errors.ts";

const BLOCK_BYTES = 16;
const IV = new Uint8Array(BLOCK_BYTES);
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [16, "aes-128-cbc"],
  [24, "aes-192-cbc"],
  [32, "aes-256-cbc"],
]);
/** Pads may be anything but what has a meaning in a frame. [SIA DC-09 §5.4.3] */
const PAD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

function algorithmOf(key: Uint8Array): string {
  const algorithm = ALGORITHMS.get(key.length);
  if (algorithm === undefined)
    throw new InvalidInputError("SIA_KEY_INVALID", `an AES key has 16, 24 or 32 bytes, this one ${key.length}`);
  return algorithm;
}

/** The text after `[` of an encrypted frame: pad, `|`, content, AES-CBC with an IV of zeros, upper-case hexadecimal. [SIA DC-09 §5.4] */
export function encrypt(content: string, key: Uint8Array): string {
  return seal(`|${content}`, key);
}

/** As `encrypt`, for a reply: it has no data, and so no bar before it. [SIA DC-09 §5.5.2] */
export function encryptReply(content: string, key: Uint8Array): string {
  return seal(content, key);
}

function seal(content: string, key: Uint8Array): string {
  const length = Buffer.byteLength(content, "latin1");
  const pad = Array.from({ length: BLOCK_BYTES - (length % BLOCK_BYTES) }, () => PAD[randomInt(PAD.length)]).join("");
  const cipher = createCipheriv(algorithmOf(key), key, IV).setAutoPadding(false);
  const text = Buffer.from(`${pad}${content}`, "latin1");
  return Buffer.concat([cipher.update(text), cipher.final()])
    .toString("hex")
    .toUpperCase();
}

/** The content of an encrypted frame without its pad; undefined when the key does not fit or it is no whole number of blocks. */
export function decrypt(hex: string, key: Uint8Array): string | undefined {
  if (hex.length === 0 || hex.length % (2 * BLOCK_BYTES) !== 0 || !/^[0-9A-Fa-f]+$/.test(hex)) return undefined;
  const decipher = createDecipheriv(algorithmOf(key), key, IV).setAutoPadding(false);
  const text = Buffer.concat([decipher.update(Buffer.from(hex, "hex")), decipher.final()]).toString("latin1");
  // what another key makes of it has no pad of printable characters before the first bar, or bracket where there are no data
  const [whole, bar] = /^[^[\]|]{0,16}([|\]])[\x20-\x7e\xa0-\xff]*$/.exec(text) ?? [];
  if (whole === undefined || bar === undefined) return undefined;
  return text.slice(text.indexOf(bar) + (bar === "|" ? 1 : 0));
}
