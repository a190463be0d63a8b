import type { ObjectId } from "../content.ts";
import { bits, objectId, unsigned } from "../context.ts";
import { application, choice, decodeBody, encodeBody, type Field, optional, sequence, wrapped } from "../fields.ts";
import { atOpening, expectOpening, takeConstructed, writeClosing, writeOpening } from "../tags.ts";
import { type BacnetDateTime, dateTime } from "../timestamp.ts";

/** Which items; `count` positive counts onwards from the reference, negative backwards. [BACnet 15.8] */
export type Range =
  /** Positions count from 1. */
  | { readonly type: "byPosition"; readonly value: { readonly referenceIndex: number; readonly count: number } }
  | {
      readonly type: "bySequenceNumber";
      readonly value: { readonly referenceSequenceNumber: number; readonly count: number };
    }
  /** From the first item after the time, or back from the last one before it. */
  | { readonly type: "byTime"; readonly value: { readonly referenceTime: BacnetDateTime; readonly count: number } };

/** ReadRange (26). [BACnet 15.8] */
export interface ReadRange {
  readonly object: ObjectId;
  readonly property: number;
  readonly index?: number;
  /** All items where absent. */
  readonly range?: Range;
}

/** ReadRange acknowledgement. */
export interface ReadRangeAck {
  readonly object: ObjectId;
  readonly property: number;
  readonly index?: number;
  readonly resultFlags: { readonly firstItem: boolean; readonly lastItem: boolean; readonly moreItems: boolean };
  readonly itemCount: number;
  /** The items' bytes in a row: decodeLogRecords, or decodeValues for a list of primitives. */
  readonly itemData: Uint8Array;
  /** Of the first item; there unless the range was by position or nothing was found. */
  readonly firstSequenceNumber?: number;
}

const range: Field<Range> = choice<Range>("ReadRange range", {
  byPosition: wrapped(
    3,
    sequence<{ referenceIndex: number; count: number }>({
      referenceIndex: application("unsigned"),
      count: application("signed"),
    }),
  ),
  bySequenceNumber: wrapped(
    6,
    sequence<{ referenceSequenceNumber: number; count: number }>({
      referenceSequenceNumber: application("unsigned"),
      count: application("signed"),
    }),
  ),
  byTime: wrapped(
    7,
    sequence<{ referenceTime: BacnetDateTime; count: number }>({
      referenceTime: dateTime,
      count: application("signed"),
    }),
  ),
});

const readRange: Field<ReadRange> = sequence<ReadRange>({
  object: objectId(0),
  property: unsigned(1),
  index: optional(unsigned(2)),
  range: optional(range),
});

const flags = bits(3);
const resultFlags: Field<ReadRangeAck["resultFlags"]> = {
  at: (reader) => flags.at(reader),
  read(reader) {
    const [firstItem = false, lastItem = false, moreItems = false] = flags.read(reader);
    return { firstItem, lastItem, moreItems };
  },
  write: (writer, { firstItem, lastItem, moreItems }) => flags.write(writer, [firstItem, lastItem, moreItems]),
};

const itemData: Field<Uint8Array> = {
  at: (reader) => atOpening(reader, 5),
  read(reader) {
    expectOpening(reader, 5);
    return takeConstructed(reader, 5);
  },
  write(writer, items) {
    writeOpening(writer, 5);
    writer.raw(items);
    writeClosing(writer, 5);
  },
};

const readRangeAck: Field<ReadRangeAck> = sequence<ReadRangeAck>({
  object: objectId(0),
  property: unsigned(1),
  index: optional(unsigned(2)),
  resultFlags,
  itemCount: unsigned(4),
  itemData,
  firstSequenceNumber: optional(unsigned(6)),
});

/** Body of a ReadRange request. @throws BACNET_MALFORMED */
export function encodeReadRange(request: ReadRange): Uint8Array {
  return encodeBody(readRange, request);
}

/** @throws BACNET_MALFORMED */
export function decodeReadRange(body: Uint8Array): ReadRange {
  return decodeBody(readRange, body);
}

/** Body of a ReadRange acknowledgement. @throws BACNET_MALFORMED */
export function encodeReadRangeAck(ack: ReadRangeAck): Uint8Array {
  return encodeBody(readRangeAck, ack);
}

/** `itemCount` is what the device says: count the items of `itemData`. @throws BACNET_MALFORMED */
export function decodeReadRangeAck(body: Uint8Array): ReadRangeAck {
  return decodeBody(readRangeAck, body);
}
