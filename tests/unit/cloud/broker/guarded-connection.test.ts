import { describe, expect, it } from "vitest";
import { MAX_PACKET, MAX_PACKET_BEFORE_SIGN_IN, PacketMeter } from "#cloud/broker/guarded-connection.ts";

/** Remaining length as MQTT writes it. [MQTT 3.1.1 §2.2.3] */
function packet(type: number, length: number): Buffer {
  const head = [type];
  let rest = length;
  do {
    head.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length)]);
}

describe("the meter of MQTT packets", () => {
  it("takes a packet up to the limit and none above it", () => {
    expect(new PacketMeter().accepts(packet(0x10, MAX_PACKET_BEFORE_SIGN_IN))).toBe(true);
    expect(new PacketMeter().accepts(packet(0x10, MAX_PACKET_BEFORE_SIGN_IN + 1))).toBe(false);
    const signedIn = new PacketMeter();
    signedIn.limit = MAX_PACKET;
    expect(signedIn.accepts(packet(0x30, MAX_PACKET))).toBe(true);
    expect(signedIn.accepts(packet(0x30, MAX_PACKET + 1))).toBe(false);
  });

  it("follows packets over any cut of the stream", () => {
    const stream = Buffer.concat([
      packet(0x10, 200),
      packet(0xc0, 0),
      packet(0x30, 5000),
      packet(0x30, 1),
      packet(0x30, 9000),
    ]);
    for (const size of [1, 2, 3, 7, 100, 5000, stream.length]) {
      const meter = new PacketMeter();
      let taken = 0;
      while (taken < stream.length && meter.accepts(stream.subarray(taken, taken + size))) taken += size;
      // Only the last packet is too large, and its announcement is where it ends.
      expect(taken).toBeLessThanOrEqual(stream.length - 9000);
      expect(taken + size).toBeGreaterThan(stream.length - 9000 - 3);
    }
  });

  it("refuses a length of more than four bytes", () => {
    expect(new PacketMeter().accepts(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });
});
