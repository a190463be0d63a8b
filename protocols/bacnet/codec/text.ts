import { malformed, Writer } from "./bytes.ts";

/** Character sets this codec reads and writes: 0, 4, 3, 5 of the standard, and 1 with code page 936. [BACnet 20.2.9] */
export type Charset = "utf-8" | "ucs-2" | "ucs-4" | "iso-8859-1" | "gbk";

const CODES = { "utf-8": 0, gbk: 1, "ucs-4": 3, "ucs-2": 4, "iso-8859-1": 5 } as const satisfies Record<
  Charset,
  number
>;
const GBK_CODE_PAGE = 936;
const REPLACEMENT = "\ufffd";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const utf8Encoder = new TextEncoder();
const gbk = new TextDecoder("gbk", { fatal: true });

/** A text and the character set it came in. */
export interface CharacterString {
  readonly value: string;
  readonly charset: Charset;
}

/** Reads the content of a character string; undefined for a character set or code page that is not read, and for content that is none of its set. */
export function readCharacters(bytes: Uint8Array): CharacterString | undefined {
  const code = bytes[0];
  const text = bytes.subarray(1);
  switch (code) {
    case CODES["utf-8"]:
      return { value: utf8.decode(text), charset: "utf-8" };
    case CODES["ucs-2"]:
      if (text.length % 2 !== 0) return undefined;
      return { value: fromUnits(text, 2), charset: "ucs-2" };
    case CODES["ucs-4"]:
      if (text.length % 4 !== 0) return undefined;
      return { value: fromCodePoints(text), charset: "ucs-4" };
    case CODES["iso-8859-1"]:
      return { value: fromUnits(text, 1), charset: "iso-8859-1" };
    case CODES.gbk:
      return readDoubleByte(text);
    default:
      return undefined;
  }
}

/**
 * Text of a character string that must show something: what cannot be read is replaced by U+FFFD, its ASCII stays.
 * For messages and names, where the text is not worth losing its notification.
 */
export function showCharacters(bytes: Uint8Array): string {
  const read = readCharacters(bytes);
  if (read !== undefined) return read.value;
  let text = "";
  for (const byte of bytes.subarray(1)) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : REPLACEMENT;
  return text;
}

function fromUnits(bytes: Uint8Array, width: 1 | 2): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += width) {
    const unit = width === 1 ? (bytes[i] ?? 0) : (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    text += String.fromCharCode(unit);
  }
  return text;
}

function fromCodePoints(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4) {
    const point = view.getUint32(i);
    text += point <= 0x10_ffff ? String.fromCodePoint(point) : REPLACEMENT;
  }
  return text;
}

// the platform's decoder takes GB 18030, whose forms of four bytes code page 936 has not: they could not be written again
function hasFourByteForm(text: Uint8Array): boolean {
  for (let i = 2; i < text.length; i++) {
    if ((text[i] ?? 0) <= 0x80) continue;
    const trail = text[i + 1] ?? 0;
    if (trail >= 0x30 && trail <= 0x39) return true;
    i++;
  }
  return false;
}

// [BACnet 20.2.9] the code page follows the character set
function readDoubleByte(text: Uint8Array): CharacterString | undefined {
  const page = (text[0] ?? 0) * 256 + (text[1] ?? 0);
  if (text.length < 2 || page !== GBK_CODE_PAGE || hasFourByteForm(text)) return undefined;
  try {
    return { value: gbk.decode(text.subarray(2)), charset: "gbk" };
  } catch (cause) {
    // the fatal decoder's own error: bytes that are no GBK stay raw
    if (cause instanceof TypeError) return undefined;
    throw cause;
  }
}

/** Content of a character string: the character set, then the text. @throws BACNET_MALFORMED for a character that the set has not */
export function characterBytes(text: string, charset: Charset = "utf-8"): Uint8Array {
  const writer = new Writer().u8(CODES[charset]);
  switch (charset) {
    case "utf-8":
      return writer.raw(utf8Encoder.encode(text)).done();
    case "ucs-2":
      for (let i = 0; i < text.length; i++) writer.u16(text.charCodeAt(i));
      return writer.done();
    case "ucs-4":
      for (const character of text) writer.u32(character.codePointAt(0) ?? 0);
      return writer.done();
    case "iso-8859-1":
      for (const character of text) writer.u8(latinByte(character));
      return writer.done();
    case "gbk":
      writer.u16(GBK_CODE_PAGE);
      for (const character of text) writeGbk(writer, character);
      return writer.done();
    default:
      charset satisfies never;
      throw malformed("unknown character set");
  }
}

function latinByte(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xff) throw malformed(`"${character}" is no character of ISO 8859-1`);
  return code;
}

let gbkTable: ReadonlyMap<string, number> | undefined;

// the platform only decodes GBK: the way back is the decoder's own table turned round, made when first needed
function gbkCodes(): ReadonlyMap<string, number> {
  if (gbkTable !== undefined) return gbkTable;
  const table = new Map<string, number>();
  const lenient = new TextDecoder("gbk");
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const character = lenient.decode(Uint8Array.of(lead, trail));
      if (trail !== 0x7f && [...character].length === 1 && character !== REPLACEMENT)
        table.set(character, lead * 256 + trail);
    }
  }
  table.set("€", 0x80);
  gbkTable = table;
  return table;
}

function writeGbk(writer: Writer, character: string): void {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) {
    writer.u8(code);
    return;
  }
  const found = gbkCodes().get(character);
  if (found === undefined) throw malformed(`"${character}" is no character of GBK`);
  if (found < 0x100) writer.u8(found);
  else writer.u16(found);
}
