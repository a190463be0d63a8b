import { malformed, Reader, Writer } from "../bytes.ts";
import { expectContext } from "../tags.ts";
import { type ObjectId, readUnsigned, readValue, writeContextUnsigned, writeValue } from "../values.ts";

/** Device instances asked for, both ends included. */
export interface InstanceRange {
  readonly low: number;
  readonly high: number;
}

/** Who-Is; undefined asks every device. [BACnet 16.10] */
export function encodeWhoIs(range?: InstanceRange): Uint8Array {
  const writer = new Writer();
  if (range === undefined) return writer.done();
  writeContextUnsigned(writer, 0, range.low);
  writeContextUnsigned(writer, 1, range.high);
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeWhoIs(body: Uint8Array): InstanceRange | undefined {
  const reader = new Reader(body);
  if (reader.remaining === 0) return undefined;
  const low = readUnsigned(reader, expectContext(reader, 0));
  return { low, high: readUnsigned(reader, expectContext(reader, 1)) };
}

/** What a device says of itself. [BACnet 16.10.3] */
export interface IAm {
  readonly device: ObjectId;
  readonly maxApdu: number;
  /** BACnetSegmentation. */
  readonly segmentation: number;
  readonly vendorId: number;
}

/** Body of an I-Am. */
export function encodeIAm(iAm: IAm): Uint8Array {
  const writer = new Writer();
  writeValue(writer, { type: "objectId", value: iAm.device });
  writeValue(writer, { type: "unsigned", value: iAm.maxApdu });
  writeValue(writer, { type: "enumerated", value: iAm.segmentation });
  writeValue(writer, { type: "unsigned", value: iAm.vendorId });
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeIAm(body: Uint8Array): IAm {
  const reader = new Reader(body);
  const [device, maxApdu, segmentation, vendorId] = [1, 2, 3, 4].map(() => readValue(reader));
  if (device?.type !== "objectId" || maxApdu?.type !== "unsigned") throw malformed("I-Am without device or max-APDU");
  if (segmentation?.type !== "enumerated" || vendorId?.type !== "unsigned") throw malformed("I-Am is incomplete");
  return {
    device: device.value,
    maxApdu: maxApdu.value,
    segmentation: segmentation.value,
    vendorId: vendorId.value,
  };
}
