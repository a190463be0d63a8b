import { malformed, type Reader, type Writer } from "./bytes.ts";

/** One tag header. [BACnet 20.2.1] */
export interface Tag {
  readonly number: number;
  readonly context: boolean;
  readonly opening: boolean;
  readonly closing: boolean;
  /** Content length in bytes; 0 for opening and closing tags; for an application Boolean the value itself (0 or 1). */
  readonly length: number;
}

/** Tag number of an application Boolean, whose value sits in the length field. [BACnet 20.2.3] */
export const TAG_BOOLEAN = 1;

// deeper nesting than any production of the standard; bounds the work on a hostile frame
const MAX_DEPTH = 16;

/** Reads a tag header and makes sure that its content is there. @throws BACNET_MALFORMED */
export function readTag(reader: Reader): Tag {
  const first = reader.u8();
  const context = (first & 0x08) !== 0;
  // [BACnet 20.2.1.2] extended tag number
  const number = first >> 4 === 15 ? reader.u8() : first >> 4;
  const lvt = first & 0x07;
  const opening = context && lvt === 6;
  const closing = context && lvt === 7;
  if (opening || closing) return { number, context, opening, closing, length: 0 };
  const length = lvt < 5 ? lvt : extendedLength(reader, lvt);
  const valueInTag = !context && number === TAG_BOOLEAN;
  if (!valueInTag && length > reader.remaining) throw malformed(`tag ${number} claims ${length} bytes`);
  return { number, context, opening, closing, length };
}

// [BACnet 20.2.1.3.1] extended length
function extendedLength(reader: Reader, lvt: number): number {
  if (lvt !== 5) throw malformed("an application tag has length code 6 or 7");
  const byte = reader.u8();
  if (byte < 254) return byte;
  return byte === 254 ? reader.u16() : reader.u32();
}

/** Writes a tag header for content of `length` bytes. */
export function writeTag(writer: Writer, number: number, context: boolean, length: number): void {
  const head = (context ? 0x08 : 0) | Math.min(length, 5) | (Math.min(number, 15) << 4);
  writer.u8(head);
  if (number >= 15) writer.u8(number);
  if (length < 5) return;
  if (length < 254) writer.u8(length);
  else if (length < 0x1_0000) writer.u8(254).u16(length);
  else writer.u8(255).u32(length);
}

/** Writes an opening tag. [BACnet 20.2.1.3.2] */
export function writeOpening(writer: Writer, number: number): void {
  if (number < 15) writer.u8((number << 4) | 0x0e);
  else writer.u8(0xfe).u8(number);
}

/** Writes a closing tag. [BACnet 20.2.1.3.2] */
export function writeClosing(writer: Writer, number: number): void {
  if (number < 15) writer.u8((number << 4) | 0x0f);
  else writer.u8(0xff).u8(number);
}

/** Is the next tag this opening tag? Consumes nothing. */
export function atOpening(reader: Reader, number: number): boolean {
  return atHead(reader, number, 0x0e);
}

/** Is the next tag this closing tag? Consumes nothing. */
export function atClosing(reader: Reader, number: number): boolean {
  return atHead(reader, number, 0x0f);
}

// low bits of opening and closing tags are fixed; from number 15 on it stands in a byte of its own [BACnet 20.2.1.2]
function atHead(reader: Reader, number: number, low: number): boolean {
  if (reader.remaining === 0) return false;
  if (number < 15) return reader.peek() === ((number << 4) | low);
  return reader.peek() === (0xf0 | low) && reader.peekSecond() === number;
}

/** Is the next tag the primitive context tag `number`? Consumes nothing. */
export function atContext(reader: Reader, number: number): boolean {
  if (reader.remaining === 0) return false;
  const head = reader.peek();
  if ((head & 0x08) === 0 || (head & 0x07) >= 6) return false;
  return number < 15 ? head >> 4 === number : head >> 4 === 15 && reader.peekSecond() === number;
}

/** Is the next tag an application tag? Consumes nothing. */
export function atApplication(reader: Reader): boolean {
  return reader.remaining > 0 && (reader.peek() & 0x08) === 0;
}

/** Is the next tag the application tag `number`, 0-12? Consumes nothing. */
export function atApplicationTag(reader: Reader, number: number): boolean {
  return reader.remaining > 0 && (reader.peek() & 0xf8) === number << 4;
}

/** Consumes the opening tag `number`. @throws BACNET_MALFORMED when something else comes */
export function expectOpening(reader: Reader, number: number): void {
  if (number < 15 && atHead(reader, number, 0x0e)) {
    reader.u8();
    return;
  }
  const tag = readTag(reader);
  if (!tag.opening || tag.number !== number) throw malformed(`opening tag ${number} expected`);
}

/** Consumes the closing tag `number`. @throws BACNET_MALFORMED when something else comes */
export function expectClosing(reader: Reader, number: number): void {
  if (number < 15 && atHead(reader, number, 0x0f)) {
    reader.u8();
    return;
  }
  const tag = readTag(reader);
  if (!tag.closing || tag.number !== number) throw malformed(`closing tag ${number} expected`);
}

/** Consumes the header of primitive context tag `number` and gives its content length. @throws BACNET_MALFORMED */
export function expectContext(reader: Reader, number: number): number {
  // nearly every tag is so short that its length stands in its first byte: no header object for those
  const short = number < 15 && reader.remaining > 0 ? reader.peek() ^ ((number << 4) | 0x08) : 5;
  if (short < 5 && short < reader.remaining) {
    reader.u8();
    return short;
  }
  const tag = readTag(reader);
  if (!tag.context || tag.opening || tag.closing || tag.number !== number) {
    throw malformed(`context tag ${number} expected`);
  }
  return tag.length;
}

/** Consumes all up to and including the closing tag that matches an opening tag `number` just read; gives what lies between. */
export function takeConstructed(reader: Reader, number: number): Uint8Array {
  const start = reader.offset;
  const open = [number];
  let end = start;
  while (open.length > 0) {
    end = reader.offset;
    const tag = readTag(reader);
    if (tag.opening) open.push(tag.number);
    else if (tag.closing) {
      if (open.pop() !== tag.number) throw malformed(`closing tag ${tag.number} has no opening tag`);
    } else if (tag.context || tag.number !== TAG_BOOLEAN) reader.take(tag.length);
    if (open.length > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH}`);
  }
  const after = reader.offset;
  reader.rewind(start);
  const inner = reader.take(end - start);
  reader.take(after - end);
  return inner;
}
