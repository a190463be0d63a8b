/** nal_unit_type of the NAL units made here. [H.264 table 7-1] */
export const NAL_TYPE = { slice: 1, idrSlice: 5, sequenceParameters: 7, pictureParameters: 8, filler: 12 } as const;

/** A NAL unit without start code: header byte and the payload with emulation prevention. `refIdc` 0-3. [H.264 7.3.1, 7.4.1.1] */
export function nalUnit(type: number, refIdc: number, payload: Uint8Array): Uint8Array {
  // Each third byte at most is doubled.
  const unit = new Uint8Array(1 + payload.length + Math.ceil(payload.length / 2));
  unit[0] = (refIdc << 5) | type;
  let length = 1;
  let zeros = 0;
  for (const byte of payload) {
    if (zeros === 2 && byte <= 3) {
      unit[length++] = 3;
      zeros = 0;
    }
    unit[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return unit.slice(0, length);
}

/** NAL units as a byte stream with start codes. [H.264 annex B] */
export function byteStream(units: readonly Uint8Array[]): Uint8Array {
  const stream = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.length, 0));
  let at = 0;
  for (const unit of units) {
    stream[at + 3] = 1;
    stream.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return stream;
}
