import { describe, expect, it } from "vitest";
import { MAX_PACKET, MAX_PACKET_BEFORE_SIGN_IN, PacketMeter } from "#cloud/broker/packet-meter.ts";
import { mqttPacket } from "#tests/fixtures/cloud/mqtt-bytes.ts";

const zeros = (first: number, length: number): Buffer => mqttPacket(first, Buffer.alloc(length));

const all = (meter: PacketMeter, chunk: Buffer) =>
  meter.scan(chunk, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);

describe("the meter of MQTT packets", () => {
  it("takes a packet up to the limit and none above it", () => {
    expect(all(new PacketMeter(), zeros(0x10, MAX_PACKET_BEFORE_SIGN_IN))).toMatchObject({ packets: 1 });
    expect(all(new PacketMeter(), zeros(0x10, MAX_PACKET_BEFORE_SIGN_IN + 1))).toBeUndefined();
    const signedIn = new PacketMeter();
    signedIn.limit = MAX_PACKET;
    expect(all(signedIn, zeros(0x30, MAX_PACKET))).toMatchObject({ packets: 1 });
    expect(all(signedIn, zeros(0x30, MAX_PACKET + 1))).toBeUndefined();
  });

  it("follows packets over any cut of the stream", () => {
    const stream = Buffer.concat([
      zeros(0x10, 200),
      zeros(0xc0, 0),
      zeros(0x30, 5000),
      zeros(0x30, 1),
      zeros(0x30, 9000),
    ]);
    for (const size of [1, 2, 3, 7, 100, 5000, stream.length]) {
      const meter = new PacketMeter();
      let taken = 0;
      while (taken < stream.length && all(meter, stream.subarray(taken, taken + size)) !== undefined) taken += size;
      // Only the last packet is too large, and its announcement is where it ends.
      expect(taken).toBeLessThanOrEqual(stream.length - 9000);
      expect(taken + size).toBeGreaterThan(stream.length - 9000 - 3);
    }
  });

  it("stops before one packet more than may begin, and after so many bytes", () => {
    const stream = Buffer.concat([zeros(0x30, 10), zeros(0x30, 10), zeros(0x30, 10)]);
    const meter = new PacketMeter();
    expect(meter.scan(stream, 0, 1000, 2)).toEqual({ end: 24, packets: 2 });
    expect(meter.scan(stream, 24, 1000, 0)).toEqual({ end: 24, packets: 0 });
    expect(meter.scan(stream, 24, 5, 1)).toEqual({ end: 29, packets: 1 });
    expect(meter.scan(stream, 29, 1000, 0)).toEqual({ end: 36, packets: 0 });
  });

  it("refuses a length of more than four bytes", () => {
    expect(all(new PacketMeter(), Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBeUndefined();
  });
});
